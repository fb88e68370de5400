"""Days, months and working days.

The contract counts days in China time (UTC+8) and knows nothing else; months, working days and day counts
are worked out here. This module never asks what day it is: every function is given its date. It does not
know the holidays of a year that the State Council's general office has not announced; such a year counts
weekends alone and is called provisional.
"""

from __future__ import annotations

import calendar
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Final, NewType

from ledger.errors import FileError, InputError, RowProblem
from ledger.money import shown

Day = NewType("Day", int)
"""Number of the day in China time since 1970-01-01, which is day 0; on chain a uint24."""

Timestamp = NewType("Timestamp", int)
"""Seconds since 1970-01-01 00:00 UTC, as a block carries them."""

CHINA_OFFSET_SECONDS: Final = 28_800
DAY_SECONDS: Final = 86_400
NORMAL_TENOR_MONTHS: Final = 6
LONGEST_TENOR_MONTHS: Final = 12
LAST_YEAR: Final = 2199
"""A later year in a text is taken for a slip of the keyboard."""
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


# Days


def day_of(timestamp: int) -> Day:
    """The day in China time on which a second falls: floor((t + 28,800) / 86,400), as the contract has it."""
    return Day((timestamp + CHINA_OFFSET_SECONDS) // DAY_SECONDS)


def utc(second: int) -> str:
    """A Unix second as `2026-04-15T01:02:03Z`."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def start_of_day(day: Day) -> Timestamp:
    """The first second of a day: 00:00 in China time."""
    return Timestamp(day * DAY_SECONDS - CHINA_OFFSET_SECONDS)


def day_of_date(when: date) -> Day:
    """The number of a calendar date; InputError before 1970, which the contract cannot hold."""
    number = when.toordinal() - _EPOCH_ORDINAL
    if number < 0:
        raise InputError(f"{when} is before 1970-01-01, the first day that can be recorded")
    return Day(number)


def date_of_day(day: Day) -> date:
    """The calendar date of a day number; InputError where there is none (before 1970, after 9999)."""
    if not 0 <= day <= date.max.toordinal() - _EPOCH_ORDINAL:
        raise InputError(f"day {day} is not a date between 1970-01-01 and {date.max}")
    return date.fromordinal(_EPOCH_ORDINAL + day)


def parse_date(text: str) -> date:
    """Read `YYYY-MM-DD`; InputError for any other form, an impossible date, a year not in 1970 to 2199."""
    try:
        when = date.fromisoformat(text)
    except ValueError:
        when = None
    # fromisoformat also knows 20260415 and week dates: only one way of writing is accepted.
    if when is None or when.isoformat() != text:
        raise InputError(f"date {shown(text)} cannot be read: give an existing date such as 2026-08-31")
    day_of_date(when)
    if when.year > LAST_YEAR:
        raise InputError(f"date {shown(text)} is after {LAST_YEAR}: check the year")
    return when


# Months and tenor


def add_months(when: date, months: int) -> date:
    """The same day of a later month, or the last of that month: 2026-08-31 + 6 = 2027-02-28."""
    year, month0 = divmod(when.year * 12 + when.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise InputError(f"{when} and {months} months is outside the calendar")
    return date(year, month0 + 1, min(when.day, calendar.monthrange(year, month0 + 1)[1]))


class Tenor(Enum):
    """What the time from issue to due day asks for. People's Bank notice No. 77 of 2025, article 11."""

    NORMAL = "normal"
    NEEDS_REASON = "needs reason"
    REFUSED = "refused"


def tenor_class(issue: date, due: date) -> Tenor:
    """Up to 6 calendar months normal, up to 12 with a reason; longer, or not after issue, refused."""
    if issue < due <= add_months(issue, NORMAL_TENOR_MONTHS):
        return Tenor.NORMAL
    if issue < due <= add_months(issue, LONGEST_TENOR_MONTHS):
        return Tenor.NEEDS_REASON
    return Tenor.REFUSED


def check_tenor(issue: date, due: date, *, reason: str | None) -> Tenor:
    """The tenor's class where it may be issued; InputError with the dates and the last one allowed if not."""
    tenor = tenor_class(issue, due)
    if due <= issue:
        raise InputError(f"due day {due} is not after the issue day {issue}")
    if tenor is Tenor.REFUSED:
        last = add_months(issue, LONGEST_TENOR_MONTHS)
        raise InputError(
            f"due day {due} is more than {LONGEST_TENOR_MONTHS} months after the issue day {issue}: "
            f"the last day possible is {last}"
        )
    if tenor is Tenor.NEEDS_REASON and not (reason or "").strip():
        last = add_months(issue, NORMAL_TENOR_MONTHS)
        raise InputError(
            f"due day {due} is more than {NORMAL_TENOR_MONTHS} months after the issue day {issue}: "
            f"record a reason, or choose a day up to {last}"
        )
    return tenor


# Day counts


class DayCount(Enum):
    """How the days of interest are counted, and how many make a year."""

    ACT_360 = "ACT/360"
    ACT_365 = "ACT/365"
    THIRTY_360 = "30/360"

    @property
    def year_days(self) -> int:
        """The days that make a year on this basis."""
        return 365 if self is DayCount.ACT_365 else 360


def days_between(start: Day, end: Day, basis: DayCount) -> int:
    """Days of interest: the first counts, the last does not; InputError where `end` is before `start`.

    ACT/360 and ACT/365 (always 365, leap year or not) count calendar days. 30/360 is the bond basis of the
    ISDA 2006 definitions, 4.16(f): a start on the 31st is the 30th, an end on the 31st is the 30th if the
    start is (now) the 30th; February is not special.
    """
    if end < start:
        raise InputError(f"{date_of_day(end)} is before {date_of_day(start)}: no days of interest")
    if basis is not DayCount.THIRTY_360:
        return end - start
    first, last = date_of_day(start), date_of_day(end)
    first_day = min(first.day, 30)
    last_day = 30 if last.day == 31 and first_day == 30 else last.day
    return 360 * (last.year - first.year) + 30 * (last.month - first.month) + last_day - first_day


# Working days


@dataclass(frozen=True, slots=True)
class OfficialDays:
    """Announced days that differ from the plain week: holidays, and weekends worked to make up for them."""

    holidays: frozenset[date]
    workdays: frozenset[date]

    def announced(self, year: int) -> bool:
        """Whether the year's arrangement is known: 1 January is a holiday in each of them.

        One row is not enough: a year's arrangement may reach into the December before.
        """
        return date(year, 1, 1) in self.holidays


def is_working_day(when: date, *, official: OfficialDays | None = None) -> bool:
    """Whether banks of the mainland work: a make-up weekend yes, a holiday no, else Monday to Friday."""
    table = official or committed_days()
    if when in table.workdays:
        return True
    return when not in table.holidays and when.weekday() < 5


def next_working_day(when: date, *, official: OfficialDays | None = None) -> date:
    """The first working day after the date, never the date itself."""
    return roll_following(when + timedelta(days=1), official=official)


def roll_following(when: date, *, official: OfficialDays | None = None) -> date:
    """The date itself if it is a working day, else the next one ('following' convention)."""
    while not is_working_day(when, official=official):
        when += timedelta(days=1)
    return when


def is_provisional(year: int, *, official: OfficialDays | None = None) -> bool:
    """Whether the year's holidays are not announced, so that its working days are weekdays only."""
    return not (official or committed_days()).announced(year)


@cache
def committed_days() -> OfficialDays:
    """The days in `holidays_cn.csv`, each row naming the notice that it comes from."""
    name = "holidays_cn.csv"
    return parse_official_days(files("ledger").joinpath(name).read_text(encoding="utf-8"), name)


def parse_official_days(text: str, name: str) -> OfficialDays:
    """Read rows of day, kind (holiday, workday), source, published_on; FileError naming every bad row."""
    rows = csv.reader(io.StringIO(text, newline=""))
    columns = ["day", "kind", "source", "published_on"]
    header = next(rows, [])
    if header != columns:
        raise FileError(name, [RowProblem(1, "", f"expected the columns {columns}, found {header}")])
    found: dict[date, str] = {}
    problems: list[RowProblem] = []
    for number, cells in enumerate(rows, start=2):
        if len(cells) != len(columns):
            problems.append(RowProblem(number, "", f"{len(cells)} cells, expected {len(columns)}"))
            continue
        day, kind, source, published = cells
        try:
            when, announced = parse_date(day), parse_date(published)
        except InputError as error:
            problems.append(RowProblem(number, "day or published_on", str(error)))
            continue
        problems += (
            RowProblem(number, column, problem)
            for column, problem in _row_problems(
                when, kind, source, announced=announced, repeated=when in found
            )
        )
        found[when] = kind
    if problems:
        raise FileError(name, problems)
    return OfficialDays(
        holidays=frozenset(when for when, kind in found.items() if kind == "holiday"),
        workdays=frozenset(when for when, kind in found.items() if kind == "workday"),
    )


def _row_problems(
    when: date, kind: str, source: str, *, announced: date, repeated: bool
) -> Iterator[tuple[str, str]]:
    if repeated:
        yield "day", f"{when} is given twice"
    if kind not in ("holiday", "workday"):
        yield "kind", f"{shown(kind)} is neither holiday nor workday"
    if kind == "workday" and when.weekday() < 5:
        yield "kind", f"{when} is a weekday: only a weekend can be a make-up working day"
    if not source.strip():
        yield "source", "name the notice that announced the day"
    if announced > when:
        yield "published_on", f"{announced} is after {when} itself"
