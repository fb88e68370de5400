"""What an issuer has to pay, by due day, and the notices that it has to have the money ready.

    days      due days on which something is still owed, with what is owed at which bank
    claims    the vouchers of one due day: to whom the issuer owes what
    notices   those that fall on a day or a range of days
    falling   the same of all issuers, without sums

A notice is worked out and kept nowhere (webhooks carry each once): it falls 30, 7 and 1 days before each due day on
which something is owed. Who asks for the days since he asked last gets each once and none is lost; its sum is what is
owed when he asks. What was promised less than 30 days before its due day is in the later ones. Money has to be at the
bank on the pay day: the due day, or the next working day after it; where that year's holidays are not announced, it is
provisional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, select
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day, date_of_day, day_of_date, is_provisional, roll_following
from ledger.errors import InputError
from ledger.negotiation.access import Caller, not_found
from ledger.negotiation.setting import Setting
from ledger.tables import LineRow, PromiseRow, VoucherRow

DAYS_BEFORE: Final = (30, 7, 1)
"""Calendar days before the due day on which a notice falls."""
LONGEST_RANGE: Final = 92
"""Days that notices can be asked for at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtBank:
    """What is owed under the lines of one bank: how many promises, and their live face in fen."""

    bank: PartyNumber
    promises: int
    live: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayDay:
    """One due day. `pay_day` is a working day; `provisional`: as far as is known."""

    due_day: Day
    pay_day: Day
    provisional: bool
    banks: Sequence[AtBank]

    @property
    def live(self) -> int:
        """Fen owed on this day, at all banks."""
        return sum(each.live for each in self.banks)

    @property
    def promises(self) -> int:
        """How many promises that are."""
        return sum(each.promises for each in self.banks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Money is to be ready. `falls_on` is so many days before the due day."""

    falls_on: Day
    days_before: int
    of: PayDay


def days(
    session: Session,
    setting: Setting,
    caller: Caller,
    *,
    since: Day,
    until: Day,
    limit: int | None = None,
) -> list[PayDay]:
    """The due days in this range on which the caller owes something, the earliest first; in two queries."""
    due = PromiseRow.due_day
    owed = and_(_owes(setting, caller), due >= since, due <= until)
    wanted = select(due).where(owed).group_by(due).order_by(due).limit(limit)
    on = [Day(day) for day in session.scalars(wanted)]
    sums = (
        select(due, LineRow.bank, func.count(), func.sum(cast(PromiseRow.live, BigInteger)))
        .join(LineRow, and_(LineRow.contract == PromiseRow.contract, LineRow.line == PromiseRow.line))
        .where(_owes(setting, caller), due.in_(on))
        .group_by(due, LineRow.bank)
        .order_by(due, LineRow.bank)
    )
    banks: dict[int, list[AtBank]] = {}
    for day, bank, count, live in session.execute(sums):
        banks.setdefault(day, []).append(AtBank(bank=PartyNumber(bank), promises=int(count), live=int(live)))
    return [_pay_day(day, banks[day]) for day in on]


def claims(
    session: Session,
    setting: Setting,
    caller: Caller,
    due_day: Day,
    *,
    limit: int,
    after: VoucherId | None = None,
) -> list[VoucherRow]:
    """A page of the vouchers that the caller is to pay on this due day, by id; Refusal NotFound on any other day."""
    same = and_(PromiseRow.contract == VoucherRow.contract, PromiseRow.promise == VoucherRow.promise)
    query = (
        select(VoucherRow)
        .join(PromiseRow, same)
        .where(_owes(setting, caller), PromiseRow.due_day == due_day, VoucherRow.ended_as.is_(None))
        .order_by(VoucherRow.voucher)
        .limit(limit)
    )
    if after is not None:
        query = query.where(VoucherRow.voucher > after)
    found = list(session.scalars(query))
    if not found and after is None:
        raise not_found("due day")
    return found


def notices(session: Session, setting: Setting, caller: Caller, *, since: Day, until: Day) -> list[Notice]:
    """The notices that fall into this range, in the order of their days. InputError for a range that is none or longer
    than `LONGEST_RANGE`."""
    if not 0 <= until - since < LONGEST_RANGE:
        raise InputError(f"give a range of 1 to {LONGEST_RANGE} days, its first day first")
    last = Day(until + max(DAYS_BEFORE))
    found = [
        Notice(falls_on=Day(each.due_day - before), days_before=before, of=each)
        for each in days(session, setting, caller, since=since, until=last)
        for before in _days_before(each.due_day, since, until)
    ]
    return sorted(found, key=lambda each: (each.falls_on, each.of.due_day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Falling:
    """A notice of whatever issuer."""

    issuer: PartyNumber
    due_day: Day
    pay_day: Day
    days_before: int


def falling(session: Session, setting: Setting, *, since: Day, until: Day) -> list[Falling]:
    """The notices of all issuers that fall into this range."""
    due = PromiseRow.due_day
    query = (
        select(PromiseRow.issuer, due)
        .where(
            PromiseRow.contract.in_([pin.ledger for pin in setting.pins]),
            PromiseRow.live != 0,
            due > since,
            due <= until + max(DAYS_BEFORE),
        )
        .distinct()
        .order_by(due, PromiseRow.issuer)
    )
    return [
        Falling(
            issuer=PartyNumber(issuer),
            due_day=Day(day),
            pay_day=day_of_date(roll_following(date_of_day(Day(day)))),
            days_before=before,
        )
        for issuer, day in session.execute(query)
        for before in _days_before(day, since, until)
    ]


def _days_before(due_day: int, since: Day, until: Day) -> list[int]:
    """How many days before this due day its notices fall, those that fall into the range."""
    return [before for before in DAYS_BEFORE if since <= due_day - before <= until]


def _owes(setting: Setting, caller: Caller) -> ColumnElement[bool]:
    """Promises of the caller, in whatever ledger, of which something is still owed."""
    ledgers = [pin.ledger for pin in setting.pins]
    return and_(
        PromiseRow.contract.in_(ledgers), PromiseRow.issuer == (caller.party or -1), PromiseRow.live != 0
    )


def _pay_day(day: Day, banks: Sequence[AtBank]) -> PayDay:
    pay = roll_following(date_of_day(day))
    return PayDay(
        due_day=day, pay_day=day_of_date(pay), provisional=is_provisional(pay.year), banks=tuple(banks)
    )
