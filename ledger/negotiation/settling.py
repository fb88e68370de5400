"""Many settlements at once: what a bank paid on a due day, each asserted on its own.

A row that is refused keeps no other from being asserted, and says why. A row for which an assertion is under way
already is refused as known, so that a list which is sent again asserts nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import AssertPayment, PartyNumber, VoucherId
from ledger.calendar import Day
from ledger.errors import InputError, Refusal
from ledger.money import Fen
from ledger.negotiation.access import Caller, Right, require
from ledger.negotiation.bank_acts import Paid, settlement
from ledger.negotiation.offers import COMPLETE, OPEN, make, sign
from ledger.negotiation.setting import Setting
from ledger.offer_tables import OfferRow
from ledger.outbox import GONE
from ledger.outbox_tables import OutboxRow

MOST: Final = 200
"""Rows in one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One payment. `payee` and `amount` None: all that is due to the pledgee, or without one to the holder."""

    voucher: VoucherId
    payee: PartyNumber | None
    amount: Fen | None
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a row: the assertion's id, or why there is none."""

    row: Row
    offer: str | None = None
    refusal: Refusal | None = None


def settle(
    session: Session,
    setting: Setting,
    caller: Caller,
    rows: Sequence[Row],
    *,
    value_day: Day,
    signed: bool,
    valid_until: Day | None,
) -> list[Settled]:
    """Each row with what became of it, in their order. `signed`: at once, with the key that is kept here."""
    require(caller, Right.SIGN if signed else Right.PROPOSE)
    if not 0 < len(rows) <= MOST:
        raise InputError(f"rows: give 1 to {MOST} payments")
    under_way = _under_way(session, setting, caller, rows)
    outcomes = []
    for row in rows:
        try:
            with session.begin_nested():
                paid = Paid(value_day=value_day, reference=row.reference)
                proposal = settlement(
                    session,
                    setting,
                    caller,
                    row.voucher,
                    paid,
                    payee=row.payee,
                    amount=row.amount,
                    valid_until=valid_until,
                )
                agreement = proposal.agreement
                assert isinstance(agreement, AssertPayment)
                known = under_way.get((row.voucher, agreement.sequence))
                if known is not None:
                    raise Refusal("OfferKnown", {"offer": known})
                offer = make(session, setting, caller, proposal)
                if signed:
                    sign(session, setting, caller, offer)
                under_way[row.voucher, agreement.sequence] = offer.id
        except Refusal as refusal:
            outcomes.append(Settled(row=row, refusal=refusal))
        else:
            outcomes.append(Settled(row=row, offer=offer.id))
    return outcomes


def _under_way(
    session: Session, setting: Setting, caller: Caller, rows: Sequence[Row]
) -> dict[tuple[VoucherId, int], str]:
    """The caller's assertions that have not come to nothing, by voucher and the sequence that they change."""
    query = (
        select(OfferRow, OutboxRow.status)
        .outerjoin(OutboxRow, OutboxRow.number == OfferRow.item)
        .where(
            OfferRow.contract.in_([pin.ledger for pin in setting.pins]),
            OfferRow.voucher.in_({row.voucher for row in rows}),
            OfferRow.verb == AssertPayment.verb(),
            OfferRow.organisation == caller.organisation,
            OfferRow.status.in_((OPEN, COMPLETE)),
        )
    )
    now, found = setting.chain_clock(), {}
    for offer, status in session.execute(query):
        lapsed = offer.status == OPEN and offer.expires_at < now
        if offer.voucher is not None and not lapsed and status not in GONE:
            found[offer.voucher, _sequence(offer.agreement)] = offer.id
    return found


def _sequence(agreement: Mapping[str, object]) -> int:
    return int(str(agreement["sequence"]))
