"""What a funder has bought and not yet paid: the queue out of which runs are prepared.

    queued   a page of it, with what keeps each voucher from being paid
    found    particular vouchers of it
    price    what the seller gets, out of the opened quote; nobody types it

A voucher is in the queue while it is discounted to the caller's party and no payment is under way on it. Amounts in
fen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from ledger import discount
from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day
from ledger.disbursement_tables import DisbursementItemRow, DisbursementRunRow
from ledger.errors import InputError, Refusal
from ledger.money import Fen
from ledger.negotiation.access import Caller
from ledger.negotiation.openings import contents
from ledger.negotiation.organisations import Account, accounts_of
from ledger.negotiation.setting import Setting
from ledger.tables import FreezeRow, PromiseRow, VoucherRow
from ledger.world import Lock

WAITING, PAID, REJECTED, CANCELLED = "waiting", "paid", "rejected", "cancelled"
LIVE: Final = (WAITING, PAID)
"""An item that keeps its voucher from being paid a second time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A price that is to be paid. `amount` None where the quote was not opened here; `account` None where the seller
    has none here; `run`: the id of the run that it is in."""

    ledger: str
    voucher: VoucherId
    sequence: int
    quote: bytes
    seller: PartyNumber
    account: Account | None
    face: Fen
    amount: Fen | None
    pay_by: Day
    due_day: Day
    frozen_until: Day | None
    run: str | None

    def hindrance(self, *, value_day: Day) -> Refusal | None:
        """Why it cannot be paid on that day, its run left out."""
        if self.frozen_until is not None and self.frozen_until >= value_day:
            return Refusal("InFreeze", {"voucher": int(self.voucher), "until": self.frozen_until})
        if self.amount is None:
            return Refusal("QuoteUnknown", {"voucher": int(self.voucher)})
        if self.pay_by < value_day:
            facts = {"voucher": int(self.voucher), "payBy": self.pay_by, "valueDay": value_day}
            return Refusal("PaysTooLate", facts)
        if self.account is None or not self.account.number:
            return Refusal("AccountMissing", {"party": int(self.seller)})
        return None


def queued(
    session: Session, setting: Setting, caller: Caller, *, limit: int, after: VoucherId | None
) -> list[Due]:
    """A page of the queue, by voucher, in a fixed number of queries."""
    query = _queue(setting, caller).order_by(VoucherRow.voucher).limit(limit)
    if after is not None:
        query = query.where(VoucherRow.voucher > after)
    return _dues(session, setting, list(session.execute(query)))


def found(
    session: Session, setting: Setting, caller: Caller, vouchers: Collection[VoucherId]
) -> Mapping[VoucherId, Due]:
    """Those of these vouchers that are in the queue."""
    query = _queue(setting, caller).where(VoucherRow.voucher.in_(vouchers))
    return {each.voucher: each for each in _dues(session, setting, list(session.execute(query)))}


def price(opening: Mapping[str, Any] | None, face: Fen) -> Fen | None:
    """What the seller gets for the face; None where the quote cannot be read."""
    text = None if opening is None else opening.get("quote")
    if not isinstance(text, str):
        return None
    try:
        return discount.price(face, discount.from_json(text)).proceeds
    except InputError:
        return None


def same_name(one: str, other: str) -> bool:
    """Whether two writings of an account's name mean the same: width, blanks and capital letters apart."""
    return _plain(one) == _plain(other)


# Inside


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _queue(setting: Setting, caller: Caller) -> Select[VoucherRow, int, int | None]:
    promise = and_(PromiseRow.contract == VoucherRow.contract, PromiseRow.promise == VoucherRow.promise)
    freeze = and_(FreezeRow.contract == VoucherRow.contract, FreezeRow.voucher == VoucherRow.voucher)
    return (
        select(VoucherRow, PromiseRow.due_day, FreezeRow.until)
        .join(PromiseRow, promise)
        .outerjoin(FreezeRow, freeze)
        .where(
            VoucherRow.contract.in_([pin.ledger for pin in setting.pins]),
            VoucherRow.funder == caller.acting(),
            VoucherRow.quote.is_not(None),
            VoucherRow.ended_as.is_(None),
            VoucherRow.locks.op("&")(int(Lock.PAYMENT)) == 0,
        )
    )


def _dues(session: Session, setting: Setting, rows: Sequence[Any]) -> list[Due]:
    vouchers: list[VoucherRow] = [row[0] for row in rows]
    opened = contents(session, {each.quote for each in vouchers if each.quote is not None})
    accounts = accounts_of(session, [each.holder for each in vouchers])
    runs = _runs(session, [each.voucher for each in vouchers])
    today = setting.today
    return [
        Due(
            ledger=voucher.contract,
            voucher=voucher.voucher,
            sequence=voucher.sequence,
            quote=voucher.quote or b"",
            seller=PartyNumber(voucher.holder),
            account=accounts.get(PartyNumber(voucher.holder)),
            face=Fen(voucher.face),
            amount=price(opened.get(voucher.quote or b""), Fen(voucher.face)),
            pay_by=Day(voucher.pay_by),
            due_day=Day(due_day),
            frozen_until=Day(until) if until is not None and until >= today else None,
            run=runs.get((voucher.contract, voucher.voucher, voucher.sequence)),
        )
        for voucher, due_day, until in rows
    ]


def _runs(session: Session, vouchers: Sequence[VoucherId]) -> Mapping[tuple[str, VoucherId, int], str]:
    """The live runs that these vouchers are in, at the sequence at which they were prepared."""
    query = (
        select(
            DisbursementItemRow.contract,
            DisbursementItemRow.voucher,
            DisbursementItemRow.sequence,
            DisbursementRunRow.id,
        )
        .join(DisbursementRunRow, DisbursementRunRow.number == DisbursementItemRow.run)
        .where(DisbursementItemRow.voucher.in_(vouchers), DisbursementItemRow.state.in_(LIVE))
    )
    return {(contract, voucher, at): run for contract, voucher, at, run in session.execute(query)}
