"""Interest for late payment: from the day after the due day, on what is still owed.

Where nothing is agreed it is the statute's rate, by the Regulation on Ensuring Payments to Small and Medium-sized
Enterprises 0.05 % of the amount a day. That is a parameter with a date, in `late_interest_cn.csv`: a change of the rule
is a new row, and the rate in force on the due day goes for the whole delay. `standing` says of each row whether it was
compared with the text of the rule (`verified`) or is taken over (`parameter`). An agreed rate may not be below the
one-year loan prime rate of the contract's day, which the caller has to know. Late interest is no part of a voucher:
nothing of it is on chain. This module does not compound, does not fetch rates, and does not roll a due day that is no
working day: give the rolled one where the terms say so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from ledger.calendar import Day, DayCount, date_of_day, days_between, parse_date
from ledger.discount import half_up
from ledger.errors import FileError, InputError, RowProblem
from ledger.money import MAX_RATE, Fen, Percent, parse_rate, rate_text, shown, yuan

FILE: Final = "late_interest_cn.csv"
COLUMNS: Final = ("in_force_from", "rate", "source", "standing")
STANDINGS: Final = ("parameter", "verified")
PER_DAY: Final = "per day"
"""What a daily rate carries in its text, where a yearly one has its day count."""

MAX_DAILY_RATE: Final = Decimal(1)
"""Above 1 % a day a rate is taken for a slip of the decimal point."""

_RATE_UNITS: Final = 10_000  # in one percent, since a rate has four decimals
_STEP: Final = Decimal("0.0001")
_YEAR_DAYS: Final = 365  # for comparing a daily rate with a yearly one
_NOTHING: Final = Fen(0)


@dataclass(frozen=True, slots=True)
class LateRate:
    """Percent with at most four decimals: a year on `basis`, or a calendar day where there is none."""

    percent: Percent
    basis: DayCount | None = None

    def __post_init__(self) -> None:
        most = MAX_DAILY_RATE if self.basis is None else MAX_RATE
        if not 0 <= self.percent <= most or self.percent != self.percent.quantize(_STEP):
            unit = "a day" if self.basis is None else "a year"
            raise InputError(
                f"late interest of {self.percent} % {unit}: give 0 to {most} with at most four decimals, and "
                "check the decimal point"
            )

    @property
    def a_year(self) -> Decimal:
        """Percent a year, a daily rate times 365; for comparing alone."""
        return self.percent * _YEAR_DAYS if self.basis is None else self.percent


def parse_late_rate(text: str) -> LateRate:
    """Read a rate with its basis: `0.05 per day`, `5.40 ACT/360`; InputError for any other form."""
    number, _, basis = text.partition(" ")
    if basis == PER_DAY:
        return LateRate(parse_rate(number))
    for count in DayCount:
        if basis == count.value:
            return LateRate(parse_rate(number), count)
    known = ", ".join(count.value for count in DayCount)
    raise InputError(
        f"late rate {shown(text)} cannot be read: give percent and its basis ({PER_DAY}, {known}), such as "
        "0.05 per day or 5.40 ACT/360"
    )


def late_rate_text(rate: LateRate) -> str:
    """The reverse of `parse_late_rate`."""
    return f"{rate_text(rate.percent)} {PER_DAY if rate.basis is None else rate.basis.value}"


def require_lawful(rate: LateRate, *, prime_rate: Percent) -> LateRate:
    """The rate, if it is not below the one-year loan prime rate (percent a year); InputError if it is."""
    if rate.a_year < prime_rate:
        raise InputError(
            f"late interest of {late_rate_text(rate)} is below the one-year loan prime rate of "
            f"{rate_text(prime_rate)} % a year: agree on no less, or leave it to the rate of the statute"
        )
    return rate


# The statute's rate


@dataclass(frozen=True, slots=True)
class StatutoryRate:
    """The rate where nothing is agreed, from a day on."""

    in_force_from: date
    rate: LateRate
    source: str
    standing: str


def statutory_rate(due: date, *, rates: Sequence[StatutoryRate] | None = None) -> LateRate:
    """The rate for what fell due on a day; InputError for a day before the first row, which needs an agreed one."""
    known = committed_rates() if rates is None else rates
    in_force = [row for row in known if row.in_force_from <= due]
    if not in_force:
        first = min((row.in_force_from for row in known), default=None)
        raise InputError(
            f"no statutory late rate is in force on {due}, the first is from {first}: give the agreed rate"
        )
    return max(in_force, key=lambda row: row.in_force_from).rate


@cache
def committed_rates() -> tuple[StatutoryRate, ...]:
    """The rows of the committed file."""
    return parse_statutory_rates(files("ledger").joinpath(FILE).read_text(encoding="utf-8"), FILE)


def parse_statutory_rates(text: str, name: str) -> tuple[StatutoryRate, ...]:
    """Read the rows, the oldest first; FileError naming every bad row."""
    rows = csv.reader(io.StringIO(text, newline=""))
    header = tuple(next(rows, []))
    if header != COLUMNS:
        raise FileError(name, [RowProblem(1, "", f"expected the columns {COLUMNS}, found {header}")])
    rates: list[StatutoryRate] = []
    problems: list[RowProblem] = []
    for number, cells in enumerate(rows, start=2):
        try:
            rate = _statutory_row(cells)
            if rates and rate.in_force_from <= rates[-1].in_force_from:
                raise InputError(f"{rate.in_force_from} is not after the row before it")
        except InputError as error:
            problems.append(RowProblem(number, "", str(error)))
            continue
        rates.append(rate)
    if not rates and not problems:
        problems.append(RowProblem(0, "", "the file has no rate"))
    if problems:
        raise FileError(name, problems)
    return tuple(rates)


def _statutory_row(cells: Sequence[str]) -> StatutoryRate:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{len(cells)} cells, expected {len(COLUMNS)}")
    since, rate, source, standing = cells
    if not source.strip():
        raise InputError("source: the cell is empty")
    if standing not in STANDINGS:
        raise InputError(f"standing: {shown(standing)} is none of {', '.join(STANDINGS)}")
    return StatutoryRate(parse_date(since), parse_late_rate(rate), source, standing)


# What is owed


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was paid of the face (fen), and the day on which it was in the payee's account."""

    value_day: Day
    amount: Fen


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days on which the same amount (`base`, fen) was owed: the first and the last that bear interest.

    `days` are counted on the rate's basis, on 30/360 therefore not by the calendar.
    """

    first: Day
    last: Day
    days: int
    base: Fen
    interest: Fen


@dataclass(frozen=True, slots=True)
class LateInterest:
    """The interest (fen) that has grown up to a day, how it grew, and what of the face is `left` then."""

    interest: Fen
    left: Fen
    stretches: tuple[Stretch, ...]


def late_interest(
    face: Fen, due_day: Day, *, as_of: Day, receipts: Sequence[Receipt] = (), rate: LateRate | None = None
) -> LateInterest:
    """Late interest on a face (fen) from the day after the due day to `as_of`, that day included.

    interest = base x rate x days. The base falls on each receipt's value day: that day still counts on what was owed
    before, so that who pays 30 days late pays 30 days. Receipts up to the due day lower the base from the start,
    those after `as_of` are left out. `rate` is the agreed one, None the statute's. The sum is rounded once, half a fen
    up, which favours who is owed; the stretches add up to it. Raises InputError for a face or a receipt that is not
    above 0, for receipts above the face, and where no statutory rate was in force yet.
    """
    rate = rate or statutory_rate(date_of_day(due_day))
    if face <= 0:
        raise InputError(f"face {yuan(face)} yuan: only an amount above 0 can be late")
    if any(receipt.amount <= 0 for receipt in receipts):
        raise InputError("a receipt of nothing or less: give what was paid, above 0")
    known = sorted((each for each in receipts if each.value_day <= as_of), key=lambda each: each.value_day)
    paid = sum(each.amount for each in known)
    if paid > face:
        raise InputError(f"{yuan(Fen(paid))} yuan were paid on a face of {yuan(face)}: more than was owed")
    changes = [each.value_day for each in known if due_day < each.value_day] + [as_of]
    stretches: list[Stretch] = []
    numerator, told, start = 0, _NOTHING, due_day
    year = 1 if rate.basis is None else rate.basis.year_days
    for end in changes:
        base = Fen(face - sum(each.amount for each in known if each.value_day <= start))
        if end <= start or base == 0:
            continue
        days = end - start if rate.basis is None else days_between(start, end, rate.basis)
        numerator += base * int(rate.percent * _RATE_UNITS) * days
        grown = half_up(numerator, 100 * _RATE_UNITS * year)
        stretches.append(Stretch(Day(start + 1), end, days, base, Fen(grown - told)))
        told, start = grown, end
    return LateInterest(told, Fen(face - paid), tuple(stretches))
