"""Days in China time, months, tenor, day counts and working days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar import (
    Day,
    DayCount,
    Tenor,
    add_months,
    check_tenor,
    committed_days,
    date_of_day,
    day_of,
    day_of_date,
    days_between,
    is_provisional,
    is_working_day,
    next_working_day,
    parse_date,
    parse_official_days,
    roll_following,
    start_of_day,
    tenor_class,
)
from ledger.errors import FileError, InputError

HEADER = "day,kind,source,published_on\n"
DATES = st.dates(min_value=date(1970, 1, 1), max_value=date(2199, 12, 31))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "2026-02-29",
        "2026-13-01",
        "2026-4-15",
        "20260415",
        "2026-W16-3",
        "2026/04/15",
        " 2026-04-15",
        "2026-04-15T00:00",
        "\uff12026-04-15",
        "15.04.2026",
        "0000-01-01",
    ],
)
def test_a_date_that_does_not_exist_or_is_written_otherwise_is_refused(written: str) -> None:
    with pytest.raises(InputError, match="give an existing date such as 2026-08-31"):
        parse_date(written)


def test_a_date_before_1970_or_after_2199_is_refused() -> None:
    with pytest.raises(InputError, match="1969-12-31 is before 1970-01-01"):
        parse_date("1969-12-31")
    with pytest.raises(InputError, match="after 2199: check the year"):
        parse_date("2206-04-15")


@pytest.mark.parametrize("day", [-1, 10**7])
def test_a_day_number_without_a_date_is_refused(day: int) -> None:
    with pytest.raises(InputError, match="is not a date between 1970-01-01 and 9999-12-31"):
        date_of_day(Day(day))


def test_a_day_begins_at_midnight_in_china() -> None:
    day = day_of_date(date(2026, 8, 28))
    assert day == 20_693
    assert start_of_day(day) == 1_787_846_400  # 2026-08-27 16:00 UTC
    assert day_of(1_787_846_400) == day
    assert day_of(1_787_846_399) == day - 1


def test_day_0_is_the_first_of_january_1970_in_china() -> None:
    assert day_of(-28_800) == 0
    assert day_of(-28_801) == -1
    assert date_of_day(Day(0)) == date(1970, 1, 1)


@given(DATES, st.integers(min_value=0, max_value=86_399))
def test_every_second_of_a_day_belongs_to_its_date(when: date, second: int) -> None:
    day = day_of_date(when)
    assert date_of_day(day) == when
    assert day_of(start_of_day(day) + second) == day


def test_months_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(InputError, match="outside the calendar"):
        add_months(date(9999, 12, 1), 1)


@pytest.mark.parametrize(
    ("when", "months", "then"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 4, 15), 6, date(2026, 10, 15)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
    ],
)
def test_months_end_on_the_same_day_or_the_last_of_the_month(when: date, months: int, then: date) -> None:
    assert add_months(when, months) == then


def test_a_due_day_beyond_twelve_months_is_refused_whatever_the_reason() -> None:
    with pytest.raises(InputError, match="the last day possible is 2027-08-31"):
        check_tenor(date(2026, 8, 31), date(2027, 9, 1), reason="seasonal goods")


@pytest.mark.parametrize("due", [date(2026, 8, 31), date(2026, 8, 30)])
def test_a_due_day_that_is_not_after_the_issue_day_is_refused(due: date) -> None:
    assert tenor_class(date(2026, 8, 31), due) is Tenor.REFUSED
    with pytest.raises(InputError, match=f"due day {due} is not after the issue day 2026-08-31"):
        check_tenor(date(2026, 8, 31), due, reason="seasonal goods")


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_more_than_six_months_without_a_reason_is_refused_and_the_last_free_day_is_named(
    reason: str | None,
) -> None:
    with pytest.raises(InputError, match="record a reason, or choose a day up to 2027-02-28"):
        check_tenor(date(2026, 8, 31), date(2027, 3, 1), reason=reason)


def test_tenor_is_counted_in_calendar_months() -> None:
    issue = date(2026, 8, 31)
    assert tenor_class(issue, date(2026, 9, 1)) is Tenor.NORMAL
    assert tenor_class(issue, date(2027, 2, 28)) is Tenor.NORMAL
    assert tenor_class(issue, date(2027, 3, 1)) is Tenor.NEEDS_REASON
    assert tenor_class(issue, date(2027, 8, 31)) is Tenor.NEEDS_REASON
    assert tenor_class(issue, date(2027, 9, 1)) is Tenor.REFUSED
    assert check_tenor(issue, date(2027, 2, 28), reason=None) is Tenor.NORMAL
    assert check_tenor(issue, date(2027, 8, 31), reason="seasonal goods") is Tenor.NEEDS_REASON


@given(DATES.filter(lambda day: day.year < 2198))
def test_the_month_rule_is_never_looser_than_the_contracts_rule_in_days(issue: date) -> None:
    assert (add_months(issue, 6) - issue).days <= 184
    assert (add_months(issue, 12) - issue).days <= 366


@pytest.mark.parametrize("basis", list(DayCount))
def test_no_interest_runs_backwards(basis: DayCount) -> None:
    with pytest.raises(InputError, match="2026-04-14 is before 2026-04-15"):
        days_between(day_of_date(date(2026, 4, 15)), day_of_date(date(2026, 4, 14)), basis)


@pytest.mark.parametrize(
    ("start", "end", "actual", "thirty"),
    [
        (date(2026, 4, 15), date(2026, 8, 28), 135, 133),
        (date(2026, 4, 15), date(2026, 4, 15), 0, 0),
        (date(2026, 1, 31), date(2026, 3, 31), 59, 60),
        (date(2026, 1, 31), date(2026, 2, 28), 28, 28),
        (date(2026, 1, 30), date(2026, 1, 31), 1, 0),
        (date(2026, 2, 28), date(2026, 3, 31), 31, 33),
        (date(2026, 2, 28), date(2026, 3, 1), 1, 3),
        (date(2028, 2, 28), date(2029, 2, 28), 366, 360),
    ],
)
def test_each_basis_counts_its_own_days(start: date, end: date, actual: int, thirty: int) -> None:
    first, last = day_of_date(start), day_of_date(end)
    assert days_between(first, last, DayCount.ACT_360) == actual
    assert days_between(first, last, DayCount.ACT_365) == actual
    assert days_between(first, last, DayCount.THIRTY_360) == thirty
    assert [basis.year_days for basis in DayCount] == [360, 365, 360]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("2026-01-01,holiday,notice,2025-11-04,\n", "row 2: 5 cells, expected 4"),
        ("2026-02-30,holiday,notice,2025-11-04\n", "2026-02-30"),
        ("2026-01-01,Feiertag,notice,2025-11-04\n", "row 2, column kind"),
        ("2026-01-01,holiday, ,2025-11-04\n", "row 2, column source"),
        ("2026-01-05,workday,notice,2025-11-04\n", "2026-01-05 is a weekday"),
        ("2026-01-01,holiday,notice,2026-01-02\n", "row 2, column published_on"),
        ("2026-01-01,holiday,n,2025-11-04\n2026-01-01,holiday,n,2025-11-04\n", "2026-01-01 is given twice"),
    ],
)
def test_a_bad_row_of_official_days_is_named(rows: str, complaint: str) -> None:
    with pytest.raises(FileError, match=complaint):
        parse_official_days(HEADER + rows, "days.csv")


@pytest.mark.parametrize("content", ["", "day,kind\n"])
def test_official_days_without_their_header_are_refused(content: str) -> None:
    with pytest.raises(FileError, match="expected the columns"):
        parse_official_days(content, "days.csv")


def days(month: int, first: int, last: int) -> set[date]:
    return {date(2026, month, day) for day in range(first, last + 1)}


def test_the_committed_days_of_2026_are_those_of_the_notice() -> None:
    official = committed_days()
    assert official.holidays == (
        days(1, 1, 3)  # New Year
        | days(2, 15, 23)  # Spring Festival
        | days(4, 4, 6)  # Qingming
        | days(5, 1, 5)  # Labour Day
        | days(6, 19, 21)  # Dragon Boat
        | days(9, 25, 27)  # Mid-Autumn
        | days(10, 1, 7)  # National Day
    )
    assert sorted(f"{day:%m-%d}" for day in official.workdays) == [
        "01-04",
        "02-14",
        "02-28",
        "05-09",
        "09-20",
        "10-10",
    ]


def test_2026_has_248_working_days() -> None:
    year = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert sum(is_working_day(day) for day in year) == 248


def test_a_make_up_weekend_is_worked_and_a_holiday_on_a_weekday_is_not() -> None:
    assert is_working_day(date(2026, 9, 20))  # Sunday
    assert is_working_day(date(2026, 10, 10))  # Saturday
    assert not is_working_day(date(2026, 10, 1))  # Thursday
    assert not is_working_day(date(2026, 8, 29))  # an ordinary Saturday
    assert is_working_day(date(2026, 8, 28))


def test_a_due_day_in_the_national_holidays_rolls_to_the_first_day_worked() -> None:
    assert roll_following(date(2026, 10, 1)) == date(2026, 10, 8)
    assert roll_following(date(2026, 2, 14)) == date(2026, 2, 14)  # a Saturday, worked
    assert next_working_day(date(2026, 2, 14)) == date(2026, 2, 24)
    assert next_working_day(date(2026, 10, 9)) == date(2026, 10, 10)


def test_a_year_not_announced_counts_weekends_and_says_that_it_is_provisional() -> None:
    assert not is_provisional(2026)
    assert is_provisional(2027)
    assert is_provisional(2025)
    assert is_working_day(date(2027, 1, 1))  # a Friday, surely a holiday: hence provisional
    assert roll_following(date(2027, 1, 2)) == date(2027, 1, 4)


def test_an_operators_own_table_takes_the_place_of_the_committed_one() -> None:
    own = parse_official_days(HEADER + "2027-01-01,holiday,notice for 2027,2026-11-04\n", "days.csv")
    assert not is_provisional(2027, official=own)
    assert is_provisional(2026, official=own)
    assert roll_following(date(2027, 1, 1), official=own) == date(2027, 1, 4)


def test_a_row_in_december_does_not_make_its_year_announced() -> None:
    own = parse_official_days(HEADER + "2027-12-31,holiday,notice for 2028,2027-11-04\n", "days.csv")
    assert is_provisional(2027, official=own)
