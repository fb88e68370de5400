"""The settlement list: who is to be paid on a due day by the bank whose lines the promises stand under.

    days       the due days that have something to be paid, with totals
    claims     the holders of record of one due day, by voucher
    totals     what one due day comes to
    shares     who gets what, where an issuer pays less than falls due

The list is final from 00:00 of the due day (China time), when only payment verbs work on a voucher; before that it is
what it would be today. A pledgee stands before the holder, up to the sum that is still secured. A frozen voucher is
owed like any other, and paid after the freeze has ended. Amounts in fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVarTuple

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, func, select
from sqlalchemy.orm import Session

from ledger.agreements import LineId, PartyNumber, VoucherId
from ledger.calendar import Day
from ledger.errors import InputError
from ledger.money import Fen
from ledger.negotiation.access import Caller, not_found
from ledger.negotiation.setting import Setting
from ledger.shortfall import Claim, Settlement, share_shortfall
from ledger.tables import FreezeRow, LineRow, PledgeRow, PromiseRow, VoucherRow
from ledger.world import Lock

Ts = TypeVarTuple("Ts")
MOST_SHARED: Final = 20_000
"""Claims of one issuer on one day; more are no list that somebody has looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One voucher of the list. `payees`: who gets how much, the pledgee first. `frozen_until` None: not frozen."""

    ledger: str
    voucher: VoucherId
    sequence: int
    line: LineId
    issuer: PartyNumber
    holder: PartyNumber
    face: Fen
    locks: Lock
    frozen_until: Day | None
    payees: tuple[tuple[PartyNumber, Fen], ...]

    @property
    def under_payment(self) -> bool:
        """Whether a payment is asserted on it, contested or not."""
        return bool(self.locks & Lock.PAYMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """What an issuer's vouchers come to on one due day: how many, and their faces."""

    due_day: Day
    issuer: PartyNumber
    vouchers: int
    face: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A payment shared out. `left_out`: vouchers on which a payment is under way, which take no part."""

    settlements: tuple[Settlement, ...]
    owed: int
    frozen: frozenset[VoucherId]
    left_out: tuple[VoucherId, ...]


def days(
    session: Session, setting: Setting, caller: Caller, *, limit: int, after: Day | None
) -> list[DueDay]:
    """Due days after `after` on which something is still owed under the caller's lines, each issuer's apart; a page
    ends with a whole day."""
    wanted = (
        _of_bank(setting, caller, select(PromiseRow.due_day))
        .group_by(PromiseRow.due_day)
        .order_by(PromiseRow.due_day)
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(PromiseRow.due_day > after)
    day = wanted.subquery()
    query = (
        _of_bank(
            setting,
            caller,
            select(PromiseRow.due_day, PromiseRow.issuer, func.count(), func.sum(_face(VoucherRow.face))),
        )
        .where(PromiseRow.due_day.in_(select(day.c.due_day)))
        .group_by(PromiseRow.due_day, PromiseRow.issuer)
        .order_by(PromiseRow.due_day, PromiseRow.issuer)
    )
    return [
        DueDay(due_day=Day(due), issuer=PartyNumber(issuer), vouchers=count, face=int(face))
        for due, issuer, count, face in session.execute(query)
    ]


def claims(
    session: Session,
    setting: Setting,
    caller: Caller,
    due_day: Day,
    *,
    limit: int | None = None,
    after: VoucherId | None = None,
    issuer: PartyNumber | None = None,
) -> list[Listed]:
    """The vouchers of one due day, by id, in one query."""
    query = _of_bank(setting, caller, select(VoucherRow, PromiseRow, PledgeRow, FreezeRow.until))
    for row in (PledgeRow, FreezeRow):
        same = and_(row.contract == VoucherRow.contract, row.voucher == VoucherRow.voucher)
        query = query.outerjoin(row, same)
    query = query.where(PromiseRow.due_day == due_day).order_by(VoucherRow.voucher).limit(limit)
    if after is not None:
        query = query.where(VoucherRow.voucher > after)
    if issuer is not None:
        query = query.where(PromiseRow.issuer == issuer)
    today = setting.today
    return [_listed(*row, today=today) for row in session.execute(query)]


def totals(session: Session, setting: Setting, caller: Caller, due_day: Day) -> Sequence[DueDay]:
    """What the due day comes to, by issuer; Refusal NotFound where nothing under the caller's lines is owed then."""
    found = days(session, setting, caller, limit=1, after=Day(due_day - 1))
    if not found or found[0].due_day != due_day:
        raise not_found("settlement list")
    return found


def shares(
    session: Session, setting: Setting, caller: Caller, due_day: Day, *, issuer: PartyNumber, paid: Fen
) -> Shared:
    """Who gets what of a sum that an issuer has paid for a due day (`ledger.shortfall`).

    Refusal NotFound where nothing of this issuer is owed then; InputError for more than is owed.
    """
    found = claims(session, setting, caller, due_day, limit=MOST_SHARED + 1, issuer=issuer)
    if not found:
        raise not_found("settlement list")
    if len(found) > MOST_SHARED:
        raise InputError(f"more than {MOST_SHARED:,} vouchers fall due: share them out by line")
    owing = [each for each in found if not each.under_payment]
    return Shared(
        settlements=share_shortfall(paid, [_claim(each, due_day) for each in owing]),
        owed=sum(each.face for each in owing),
        frozen=frozenset(each.voucher for each in owing if each.frozen_until is not None),
        left_out=tuple(each.voucher for each in found if each.under_payment),
    )


# Inside


def _of_bank(setting: Setting, caller: Caller, query: Select[*Ts]) -> Select[*Ts]:
    """The query over vouchers that are still owed under lines of the caller's bank, in every ledger."""
    ledgers = [pin.ledger for pin in setting.pins]
    return (
        query.select_from(LineRow)
        .join(PromiseRow, and_(PromiseRow.contract == LineRow.contract, PromiseRow.line == LineRow.line))
        .join(
            VoucherRow,
            and_(VoucherRow.contract == PromiseRow.contract, VoucherRow.promise == PromiseRow.promise),
        )
        .where(LineRow.contract.in_(ledgers), LineRow.bank == caller.acting(), VoucherRow.ended_as.is_(None))
    )


def _face(column: Any) -> ColumnElement[int]:
    return cast(column, BigInteger)


def _listed(
    voucher: VoucherRow, promise: PromiseRow, pledge: PledgeRow | None, until: int | None, *, today: Day
) -> Listed:
    frozen = until is not None and until >= today
    locks = Lock(voucher.locks)
    secured = min(pledge.secured, voucher.face) if pledge is not None else 0
    shares = [] if pledge is None else [(PartyNumber(pledge.pledgee), Fen(secured))]
    shares.append((PartyNumber(voucher.holder), Fen(voucher.face - secured)))
    return Listed(
        ledger=voucher.contract,
        voucher=voucher.voucher,
        sequence=voucher.sequence,
        line=promise.line,
        issuer=PartyNumber(promise.issuer),
        holder=PartyNumber(voucher.holder),
        face=Fen(voucher.face),
        locks=locks if frozen else locks & ~Lock.FREEZE,
        frozen_until=Day(until) if until is not None and frozen else None,
        payees=tuple((party, amount) for party, amount in shares if amount),
    )


def _claim(listed: Listed, due_day: Day) -> Claim:
    first, amount = listed.payees[0]
    pledged = first != listed.holder
    return Claim(
        voucher=listed.voucher,
        due_day=due_day,
        holder=listed.holder,
        face=listed.face,
        pledgee=first if pledged else PartyNumber(0),
        secured=amount if pledged else Fen(0),
    )
