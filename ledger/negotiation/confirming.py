"""What the bank's own system says of payments that were exported: each paid one becomes an asserted disbursement.

    confirm   the entries of one file, each with what became of it

An entry is for the payment that it names, if the amount is that payment's to the fen; a statement's entry has to say
it. A paid one is asserted with the
bank's reference and its value day, as an offer of the caller's, which is signed at once where the caller may sign. A
rejected one is in the queue again. Any other entry is named and changes nothing. The same file given again, or another
one that says the same, changes nothing either; what an interrupted import did not reach is done then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import VoucherId
from ledger.confirmations import Confirmation, Said
from ledger.disbursement_tables import DisbursementItemRow, DisbursementRunRow
from ledger.errors import Refusal
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, require
from ledger.negotiation.bank_acts import Paid, disbursement
from ledger.negotiation.disbursement_queue import PAID, REJECTED, WAITING
from ledger.negotiation.disbursements import EXPORTED
from ledger.negotiation.offers import COMPLETE, OPEN, make, sign
from ledger.negotiation.setting import Setting
from ledger.offer_tables import OfferRow
from ledger.outbox import GONE
from ledger.outbox_tables import OutboxRow
from ledger.tables import VoucherRow


class Became(StrEnum):
    """What became of an entry."""

    ASSERTED = "asserted"
    ALREADY = "already"
    REJECTED = "rejected"
    PENDING = "pending"
    RETURNED = "returned"
    UNKNOWN = "unknown"
    AMOUNT_DIFFERS = "amount_differs"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One entry and what became of it. `offer`: the assertion's id; `refusal`: why it could not be made."""

    entry: Confirmation
    became: Became
    voucher: VoucherId | None = None
    offer: str | None = None
    refusal: Refusal | None = None


def confirm(
    session: Session,
    setting: Setting,
    caller: Caller,
    entries: Sequence[Confirmation],
    *,
    signed: bool,
) -> list[Outcome]:
    """Each entry with what became of it. `signed`: assertions are signed at once, which needs a signatory whose
    party's key is kept here."""
    require(caller, Right.SIGN if signed else Right.PROPOSE)
    items = _items(session, caller, entries)
    outcomes = [
        _one(session, setting, caller, entry, items.get(entry.end_to_end), signed=signed) for entry in entries
    ]
    session.flush()
    counts = {str(each): sum(one.became is each for one in outcomes) for each in Became}
    facts = {name: count for name, count in counts.items() if count}
    at = setting.machine_clock()
    audit.note(session, caller, "import confirmations", subject="disbursements", at=at, facts=facts)
    return outcomes


def _items(
    session: Session, caller: Caller, entries: Sequence[Confirmation]
) -> dict[str, DisbursementItemRow]:
    """The caller's exported payments that the entries name; nobody else imports them meanwhile."""
    names = {each.end_to_end for each in entries if each.end_to_end}
    query = (
        select(DisbursementItemRow)
        .join(DisbursementRunRow, DisbursementRunRow.number == DisbursementItemRow.run)
        .where(
            DisbursementItemRow.end_to_end.in_(names),
            DisbursementRunRow.organisation == caller.organisation,
            DisbursementRunRow.state == EXPORTED,
        )
        .order_by(DisbursementItemRow.run, DisbursementItemRow.place)
        .with_for_update(of=DisbursementItemRow)
        .execution_options(populate_existing=True)
    )
    return {row.end_to_end: row for row in session.scalars(query)}


def _one(
    session: Session,
    setting: Setting,
    caller: Caller,
    entry: Confirmation,
    item: DisbursementItemRow | None,
    *,
    signed: bool,
) -> Outcome:
    if item is None:
        return Outcome(entry=entry, became=Became.UNKNOWN)
    voucher = item.voucher
    if entry.amount != item.amount and (entry.booked or entry.amount is not None):
        return Outcome(entry=entry, became=Became.AMOUNT_DIFFERS, voucher=voucher)
    match entry.said:
        case Said.PENDING:
            return Outcome(entry=entry, became=Became.PENDING, voucher=voucher)
        case Said.RETURNED:
            return Outcome(entry=entry, became=Became.RETURNED, voucher=voucher)
        case Said.REJECTED:
            if item.state != WAITING:
                return Outcome(entry=entry, became=Became.ALREADY, voucher=voucher)
            item.state, item.reason = REJECTED, entry.reason or "rejected"
            return Outcome(entry=entry, became=Became.REJECTED, voucher=voucher)
    return _paid(session, setting, caller, entry, item, signed=signed)


def _paid(
    session: Session,
    setting: Setting,
    caller: Caller,
    entry: Confirmation,
    item: DisbursementItemRow,
    *,
    signed: bool,
) -> Outcome:
    voucher = item.voucher
    if item.state == REJECTED:
        refusal = Refusal("RejectedBefore", {"voucher": int(voucher)})
        return Outcome(entry=entry, became=Became.REFUSED, voucher=voucher, refusal=refusal)
    present = _standing_offer(session, item, now=setting.chain_clock())
    if present is not None:
        return Outcome(entry=entry, became=Became.ALREADY, voucher=voucher, offer=present.id)
    day = setting.today if entry.value_day is None else entry.value_day
    reference = entry.reference or entry.end_to_end
    item.state, item.paid_on, item.bank_reference = PAID, day, reference[:100]
    session.flush()
    try:
        with session.begin_nested():
            _require_same(session, item)
            paid = Paid(value_day=day, reference=reference[:100])
            proposal = disbursement(session, setting, caller, voucher, paid, valid_until=None)
            offer = make(session, setting, caller, proposal)
            if signed:
                sign(session, setting, caller, offer)
            item.offer = offer.number
    except Refusal as refusal:
        return Outcome(entry=entry, became=Became.REFUSED, voucher=voucher, refusal=refusal)
    return Outcome(entry=entry, became=Became.ASSERTED, voucher=voucher, offer=offer.id)


def _require_same(session: Session, item: DisbursementItemRow) -> None:
    """Refusal VoucherChanged where the voucher is not under the sale any more that the price was paid for."""
    row = session.get_one(VoucherRow, (item.contract, item.voucher))
    if (row.sequence, row.quote) != (item.sequence, item.quote):
        raise Refusal("VoucherChanged", {"voucher": int(item.voucher)})


def _standing_offer(session: Session, item: DisbursementItemRow, *, now: int) -> OfferRow | None:
    """The assertion that was made of it, unless that has come to nothing."""
    if item.offer is None:
        return None
    offer = session.get_one(OfferRow, item.offer)
    if offer.status == OPEN:
        return offer if offer.expires_at >= now else None
    if offer.status != COMPLETE or offer.item is None:
        return None
    return None if session.get_one(OutboxRow, offer.item).status in GONE else offer
