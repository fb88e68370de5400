"""Late interest on the canonical example: 1,000,000.00 due on 2026-08-28."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar import Day, DayCount, day_of_date
from ledger.errors import FileError, InputError
from ledger.late_interest import (
    COLUMNS,
    LateRate,
    Receipt,
    committed_rates,
    late_interest,
    late_rate_text,
    parse_late_rate,
    parse_statutory_rates,
    require_lawful,
    statutory_rate,
)
from ledger.money import Fen, Percent, parse_rate, parse_yuan, yuan

FACE = parse_yuan("1,000,000.00")
DUE = day_of_date(date(2026, 8, 28))


def after(days: int) -> Day:
    return Day(DUE + days)


def grown(days: int, *receipts: Receipt, rate: LateRate | None = None) -> str:
    return yuan(late_interest(FACE, DUE, as_of=after(days), receipts=receipts, rate=rate).interest)


# Refusals


@pytest.mark.parametrize(
    "text", ["0.05", "0.05 %", "5.40 act/360", "0.05 a day", "x per day", "0.05  per day", ""]
)
def test_a_rate_without_its_basis_or_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        parse_late_rate(text)


@pytest.mark.parametrize("text", ["1.0001 per day", "18 per day"])
def test_a_daily_rate_that_must_be_a_slip_of_the_decimal_point_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="give 0 to 1 with at most four decimals"):
        parse_late_rate(text)


@pytest.mark.parametrize("percent", ["-0.0001", "0.00005"])
def test_a_rate_below_zero_or_finer_than_four_decimals_is_refused(percent: str) -> None:
    with pytest.raises(InputError, match="% a day"):
        LateRate(Percent(Decimal(percent)))


def test_an_agreed_rate_below_the_prime_rate_is_refused_and_the_prime_rate_itself_is_not() -> None:
    prime = parse_rate("3.00")
    with pytest.raises(InputError, match=r"2\.99 ACT/360 is below the one-year loan prime rate of 3\.00 %"):
        require_lawful(parse_late_rate("2.99 ACT/360"), prime_rate=prime)
    with pytest.raises(InputError, match=r"0\.0082 per day is below"):
        require_lawful(parse_late_rate("0.0082 per day"), prime_rate=prime)
    for text in ("3.00 ACT/365", "0.0083 per day", "0.05 per day"):
        assert late_rate_text(require_lawful(parse_late_rate(text), prime_rate=prime)) == text


def test_a_face_of_nothing_and_receipts_of_nothing_or_above_the_face_are_refused() -> None:
    with pytest.raises(InputError, match="only an amount above 0"):
        late_interest(Fen(0), DUE, as_of=after(1))
    with pytest.raises(InputError, match="above 0"):
        late_interest(FACE, DUE, as_of=after(1), receipts=[Receipt(after(1), Fen(0))])
    with pytest.raises(InputError, match=r"1,000,000\.01 yuan were paid on a face of 1,000,000\.00"):
        late_interest(FACE, DUE, as_of=after(1), receipts=[Receipt(after(1), Fen(FACE + 1))])


HEAD = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("day,rate\n", "expected the columns"),
        (f"{HEAD}\n", "the file has no rate"),
        (f"{HEAD}\n2026-02-30,0.05 per day,rule,parameter\n", "row 2: date '2026-02-30'"),
        (f"{HEAD}\n2026-01-01,0.05,rule,parameter\n", "row 2: late rate '0.05' cannot be read"),
        (f"{HEAD}\n2026-01-01,0.05 per day, ,parameter\n", "row 2: source: the cell is empty"),
        (f"{HEAD}\n2026-01-01,0.05 per day,rule,guessed\n", "'guessed' is none of parameter, verified"),
        (f"{HEAD}\n2026-01-01,0.05 per day,rule\n", "row 2: 3 cells, expected 4"),
        (
            f"{HEAD}\n2026-01-01,0.05 per day,rule,parameter\n2026-01-01,0.06 per day,rule,parameter\n",
            "row 3: 2026-01-01 is not after the row before it",
        ),
    ],
)
def test_a_bad_file_of_statutory_rates_is_refused_with_its_rows(text: str, says: str) -> None:
    with pytest.raises(FileError, match=re.escape(says)):
        parse_statutory_rates(text, "own.csv")


def test_what_fell_due_before_the_first_statute_needs_an_agreed_rate() -> None:
    early = day_of_date(date(2020, 8, 31))
    with pytest.raises(InputError, match="on 2020-08-31, the first is from 2020-09-01: give the agreed rate"):
        late_interest(FACE, early, as_of=Day(early + 1))
    agreed = parse_late_rate("5.40 ACT/360")
    assert late_interest(FACE, early, as_of=Day(early + 1), rate=agreed).interest == 150_00


# The statute's rate


def test_every_committed_rate_names_its_rule_and_its_standing() -> None:
    for row in committed_rates():
        assert "保障中小企业款项支付条例" in row.source
        assert row.standing == "parameter"
    assert [str(row.in_force_from) for row in committed_rates()] == ["2020-09-01", "2025-06-01"]


def test_the_rate_is_that_of_the_row_in_force_on_the_due_day() -> None:
    text = f"{HEAD}\n2025-06-01,0.05 per day,rule,parameter\n2026-09-01,0.06 per day,new,verified\n"
    rates = parse_statutory_rates(text, "own.csv")
    for day, rate in ((date(2025, 6, 1), "0.05"), (date(2026, 8, 31), "0.05"), (date(2026, 9, 1), "0.06")):
        assert statutory_rate(day, rates=rates) == parse_late_rate(f"{rate} per day")
    with pytest.raises(InputError, match="the first is from 2025-06-01"):
        statutory_rate(date(2025, 5, 31), rates=rates)


# What it comes to


def test_thirty_days_on_a_million_are_fifteen_thousand() -> None:
    assert grown(30) == "15,000.00"
    assert parse_late_rate("0.05 per day") == statutory_rate(date(2026, 8, 28))


@pytest.mark.parametrize(("days", "interest"), [(-1, "0.00"), (0, "0.00"), (1, "500.00"), (2, "1,000.00")])
def test_the_due_day_bears_nothing_and_the_day_after_it_is_the_first(days: int, interest: str) -> None:
    assert grown(days) == interest


def test_an_agreed_yearly_rate_counts_on_its_own_basis() -> None:
    assert grown(30, rate=parse_late_rate("5.40 ACT/360")) == "4,500.00"
    assert grown(30, rate=parse_late_rate("5.40 ACT/365")) == "4,438.36"
    assert grown(30, rate=parse_late_rate("5.40 30/360")) == "4,350.00"  # 28 August to 27 September: 29 days
    assert grown(30, rate=parse_late_rate("0 ACT/360")) == "0.00"


def test_the_base_falls_on_the_value_day_of_each_payment_which_still_counts_in_full() -> None:
    late = late_interest(
        FACE,
        DUE,
        as_of=after(30),
        receipts=[Receipt(after(20), parse_yuan("200000.00")), Receipt(after(10), parse_yuan("400000.00"))],
    )
    told = [(each.days, yuan(each.base), yuan(each.interest)) for each in late.stretches]
    assert told == [
        (10, "1,000,000.00", "5,000.00"),
        (10, "600,000.00", "3,000.00"),
        (10, "400,000.00", "2,000.00"),
    ]
    assert (late.stretches[0].first, late.stretches[0].last, late.stretches[1].first) == (
        after(1),
        after(10),
        after(11),
    )
    assert (yuan(late.interest), yuan(late.left)) == ("10,000.00", "400,000.00")


def test_what_was_paid_up_to_the_due_day_never_bears_and_what_comes_after_the_day_asked_for_still_does() -> (
    None
):
    assert grown(30, Receipt(after(0), parse_yuan("400000.00"))) == "9,000.00"
    assert grown(30, Receipt(after(-9), parse_yuan("400000.00"))) == "9,000.00"
    late = late_interest(FACE, DUE, as_of=after(30), receipts=[Receipt(after(31), FACE)])
    assert (yuan(late.interest), late.left) == ("15,000.00", FACE)
    assert grown(90, Receipt(after(30), FACE)) == "15,000.00"


def test_half_a_fen_is_rounded_up_once_and_not_at_every_payment() -> None:
    one_day = late_interest(parse_yuan("10.00"), DUE, as_of=after(1))  # half a fen
    assert one_day.interest == 1
    split = late_interest(
        parse_yuan("20.00"), DUE, as_of=after(2), receipts=[Receipt(after(1), parse_yuan("10.00"))]
    )
    assert [each.interest for each in split.stretches] == [1, 1]
    assert split.interest == 2  # 1.0 + 0.5, half up
    three = late_interest(parse_yuan("9.00"), DUE, as_of=after(3), receipts=[Receipt(after(1), Fen(1))])
    assert three.interest == 1  # 0.45 + 0.8991, and not 0 + 1 + ... of each


@given(
    face=st.integers(1, 10**13),
    paid=st.lists(st.tuples(st.integers(-20, 200), st.integers(1, 10**12)), max_size=6),
    days=st.integers(0, 200),
    basis=st.sampled_from([None, DayCount.ACT_360, DayCount.ACT_365]),
)
def test_the_sum_is_that_of_each_day_s_own_base_to_half_a_fen(
    face: int, paid: list[tuple[int, int]], days: int, basis: DayCount | None
) -> None:
    receipts, left = [], face
    for day, amount in paid:
        if left > 0:
            receipts.append(Receipt(after(day), Fen(min(amount, left))))
            left -= min(amount, left)
    rate = LateRate(parse_rate("0.05" if basis is None else "5.4321"), basis)
    late = late_interest(Fen(face), DUE, as_of=after(days), receipts=receipts, rate=rate)
    year = 1 if basis is None else basis.year_days
    exact = sum(
        (
            (face - sum(each.amount for each in receipts if each.value_day < after(day)))
            * Fraction(rate.percent)
            / 100
            / year
            for day in range(1, days + 1)
        ),
        Fraction(0),
    )
    assert abs(late.interest - exact) <= Fraction(1, 2)
    assert sum(each.interest for each in late.stretches) == late.interest
    assert all(each.interest >= 0 and each.base > 0 for each in late.stretches)
