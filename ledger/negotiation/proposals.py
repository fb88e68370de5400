"""From what somebody wants to the agreement that parties sign: sequences looked up, texts hashed, deadlines set.

    grant_line · issue · split · transfer · rescind · confirm_payment · contest_payment

Each gives a `Proposal`, which `offers.make` judges and offers. A voucher that the caller does not hold, and a line that
is not its own, are as good as not there. Amounts in fen, days as China-time day numbers.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import (
    ConfirmPayment,
    ContestPayment,
    GrantLine,
    Invoice,
    Issue,
    LineId,
    Part,
    PartyNumber,
    Rescind,
    Split,
    Transfer,
    VoucherId,
)
from ledger.calendar import DAY_SECONDS, Day, Timestamp, check_tenor, date_of_day, start_of_day
from ledger.errors import InputError
from ledger.members import line_id
from ledger.money import Fen
from ledger.negotiation.access import Caller, line_missing, not_found
from ledger.negotiation.duplicates import note_used
from ledger.negotiation.holdings import Standing, voucher_of
from ledger.negotiation.offers import Proposal, proper_reason
from ledger.negotiation.openings import NO_HASH, fingerprint, fingerprint_of, opened
from ledger.negotiation.programme_terms import Programme
from ledger.negotiation.programmes import NamedDocument, in_force, judged, programme_of, terms_hash
from ledger.negotiation.setting import Setting
from ledger.pin import Pin
from ledger.programme_tables import ProgrammeRow
from ledger.tables import LineRow, PromiseRow, VoucherRow
from ledger.world import bank_of

VALID_DAYS: Final = 7
"""How long an offer stays open unless its maker says otherwise: to the end of this many days from today."""
LONGEST_DAYS: Final = 90
HIGHEST_TIER: Final = 6
"""Of a promise under no programme, unless its maker says otherwise."""


@dataclass(frozen=True, slots=True)
class InvoiceUse:
    """An invoice by its number, how much of it is used now, and its total."""

    number: str
    amount: Fen
    total: Fen


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTerms:
    """What a bank grants. `reference` is its own number of the line; `parent` 0: none."""

    reference: int
    issuer: PartyNumber
    parent: LineId
    limit: Fen
    expiry: Day
    smallest_part: Fen
    window: int
    grace: int
    countersign: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseTerms:
    """What an issuer promises. `smallest_part` and `highest_tier` None: as line and programme have them; `reference`:
    the issuer's own, by which equal promises differ; `programme`: the id of one, or None."""

    line: LineId
    supplier: PartyNumber
    face: Fen
    due_day: Day
    smallest_part: Fen | None
    highest_tier: int | None
    terms: str
    tenor_reason: str
    reference: str
    invoices: Sequence[InvoiceUse]
    programme: str | None = None
    documents: Sequence[NamedDocument] = ()


def grant_line(setting: Setting, caller: Caller, terms: LineTerms, *, valid_until: Day | None) -> Proposal:
    """A line, or a sub-line, of the caller's bank."""
    agreement = GrantLine(
        line=line_id(caller.acting(), terms.reference),
        issuer=terms.issuer,
        parent=terms.parent,
        limit=terms.limit,
        expiry=terms.expiry,
        smallest_part=terms.smallest_part,
        window=terms.window,
        grace=terms.grace,
        countersign=terms.countersign,
        deadline=deadline(setting, valid_until),
    )
    return Proposal(agreement=agreement, pin=setting.pin)


def issue(
    session: Session, setting: Setting, caller: Caller, terms: PromiseTerms, *, valid_until: Day | None
) -> Proposal:
    """A promise under a line that was granted to the caller. Refusal UnknownLine for any other.

    InputError for a tenor that the calendar's rule does not allow, which is stricter than the contract's. What the
    programme says is judged when it is offered.
    """
    line, row = _granted(session, setting, caller, terms), _named(session, caller, terms)
    present = None if row is None else in_force(session, row)
    text = terms.terms or terms.reference
    if row is None or present is None:
        hashed = opened(session, caller, "terms", text)
    else:
        hashed = terms_hash(session, caller, row, terms=present, text=text, documents=terms.documents)
    agreement = _issue(
        line,
        terms,
        present,
        terms_hash=hashed,
        reason=opened(session, caller, "reason", terms.tenor_reason),
        reference=opened(session, caller, "reference", terms.reference),
        deadline=deadline(setting, valid_until),
        invoices=_invoices(session, setting, caller, terms.invoices, bank=bank_of(terms.line)),
    )
    return Proposal(agreement=agreement, pin=setting.pin)


def draft(
    session: Session, setting: Setting, caller: Caller, terms: PromiseTerms, *, valid_until: Day | None
) -> Proposal:
    """As `issue`, of a promise that is only to be judged, here also by its programme: nothing is written, and what its
    salted hashes would stand for is drawn at random. Errors also those of `programmes.require_within`."""
    line, row = _granted(session, setting, caller, terms), _named(session, caller, terms)
    payer = caller.acting()
    agreement = _issue(
        line,
        terms,
        None if row is None else in_force(session, row),
        terms_hash=secrets.token_bytes(32),
        reason=secrets.token_bytes(32) if terms.tenor_reason else NO_HASH,
        reference=secrets.token_bytes(32),
        deadline=deadline(setting, valid_until),
        invoices=tuple(
            Invoice(
                fingerprint_of(payer=payer, number=_proper(use), salt=setting.invoice_salt),
                use.amount,
                use.total,
            )
            for use in terms.invoices
        ),
    )
    judged(session, caller, row, agreement, today=setting.today, documents=terms.documents)
    return Proposal(agreement=agreement, pin=setting.pin)


def _granted(session: Session, setting: Setting, caller: Caller, terms: PromiseTerms) -> LineRow:
    line = session.get(LineRow, (setting.pin.ledger, terms.line))
    if line is None or line.issuer != caller.acting():
        raise line_missing(terms.line)
    check_tenor(date_of_day(setting.today), date_of_day(terms.due_day), reason=terms.tenor_reason or None)
    return line


def _named(session: Session, caller: Caller, terms: PromiseTerms) -> ProgrammeRow | None:
    if terms.programme is not None:
        return programme_of(session, caller, terms.programme)
    if terms.documents:
        raise InputError("documents: they are named under a programme")
    return None


def _issue(
    line: LineRow,
    terms: PromiseTerms,
    programme: Programme | None,
    *,
    terms_hash: bytes,
    reason: bytes,
    reference: bytes,
    deadline: Timestamp,
    invoices: tuple[Invoice, ...],
) -> Issue:
    lowest, tier = line.smallest_part, HIGHEST_TIER
    if programme is not None:
        lowest, tier = max(lowest, programme.smallest_part), programme.highest_tier
    return Issue(
        issuer=PartyNumber(line.issuer),
        line=terms.line,
        supplier=terms.supplier,
        face=terms.face,
        due_day=terms.due_day,
        smallest_part=Fen(lowest) if terms.smallest_part is None else terms.smallest_part,
        highest_tier=tier if terms.highest_tier is None else terms.highest_tier,
        terms=terms_hash,
        tenor_reason=reason,
        issuer_reference=reference,
        deadline=deadline,
        invoices=invoices,
    )


def transfer(
    session: Session,
    setting: Setting,
    caller: Caller,
    voucher: VoucherId,
    *,
    recipient: PartyNumber,
    invoices: Sequence[InvoiceUse],
    overdue: bool,
    valid_until: Day | None,
) -> Proposal:
    """The whole voucher is passed on. Refusal NotFound for one that the caller does not hold."""
    pin, row = held(session, setting, caller, voucher)
    agreement = Transfer(
        voucher=voucher,
        sequence=row.sequence,
        recipient=recipient,
        overdue=overdue,
        deadline=deadline(setting, valid_until),
        invoices=_invoices_of_hop(session, setting, caller, invoices, row=row),
    )
    return Proposal(agreement=agreement, pin=pin)


def split(
    session: Session,
    setting: Setting,
    caller: Caller,
    voucher: VoucherId,
    *,
    parts: Sequence[tuple[PartyNumber, Fen]],
    invoices: Sequence[InvoiceUse],
    overdue: bool,
    valid_until: Day | None,
) -> Proposal:
    """Parts of a voucher are passed on, the rest stays. Refusal NotFound for one that the caller does not hold."""
    pin, row = held(session, setting, caller, voucher)
    agreement = Split(
        voucher=voucher,
        sequence=row.sequence,
        overdue=overdue,
        deadline=deadline(setting, valid_until),
        parts=tuple(Part(recipient, face) for recipient, face in parts),
        invoices=_invoices_of_hop(session, setting, caller, invoices, row=row),
    )
    return Proposal(agreement=agreement, pin=pin)


# What ends a sale, or answers a payment


def rescind(session: Session, setting: Setting, caller: Caller, voucher: VoucherId) -> Proposal:
    """The sale of a voucher ends unpaid, by its holder or its funder. Refusal NotFound for anybody else."""
    pin, row = concerned(session, setting, caller, voucher)
    agreement = Rescind(voucher, row.sequence, caller.acting(), deadline(setting, None))
    return Proposal(agreement=agreement, pin=pin)


def confirm_payment(session: Session, setting: Setting, caller: Caller, voucher: VoucherId) -> Proposal:
    """The asserted payment has arrived. Of a pledged voucher pledgee and holder both say so. Refusal NotFound."""
    pin, row = concerned(session, setting, caller, voucher)
    agreement = ConfirmPayment(voucher, row.sequence, deadline(setting, None))
    return Proposal(agreement=agreement, pin=pin)


def contest_payment(
    session: Session, setting: Setting, caller: Caller, voucher: VoucherId, *, reason: str
) -> Proposal:
    """The asserted payment has not arrived. The reason's salted hash goes on chain. Refusal NotFound."""
    pin, row = concerned(session, setting, caller, voucher)
    said = opened(session, caller, "reason", proper_reason(reason))
    agreement = ContestPayment(voucher, row.sequence, caller.acting(), said, deadline(setting, None))
    return Proposal(agreement=agreement, pin=pin)


# What they share


def concerned(
    session: Session, setting: Setting, caller: Caller, voucher: VoucherId
) -> tuple[Pin, VoucherRow]:
    """A voucher that the caller holds, is to fund or has in pledge, and its ledger; Refusal NotFound for any other."""
    view = voucher_of(session, setting, caller, voucher)
    if view.standing not in (Standing.HOLDER, Standing.CONCERNED):
        raise not_found("voucher")
    return setting.pin_of(view.ledger), view.row


def held(session: Session, setting: Setting, caller: Caller, voucher: VoucherId) -> tuple[Pin, VoucherRow]:
    """A voucher that the caller holds, and its ledger; Refusal NotFound for any other."""
    ledgers = [pin.ledger for pin in setting.pins]
    query = select(VoucherRow).where(
        VoucherRow.voucher == voucher, VoucherRow.contract.in_(ledgers), VoucherRow.holder == caller.acting()
    )
    row = session.scalar(query)
    if row is None:
        raise not_found("voucher")
    return setting.pin_of(row.contract), row


def deadline(setting: Setting, valid_until: Day | None) -> Timestamp:
    """The last second of a day, given or some days from today. InputError for one that is past or too far away."""
    today = setting.today
    last = Day(today + VALID_DAYS) if valid_until is None else valid_until
    if not today <= last <= today + LONGEST_DAYS:
        raise InputError(
            f"an offer that is open until {date_of_day(last)}: today is {date_of_day(today)}, and it may be open for "
            f"{LONGEST_DAYS} days at most"
        )
    return Timestamp(start_of_day(last) + DAY_SECONDS - 1)


def _invoices_of_hop(
    session: Session, setting: Setting, caller: Caller, uses: Sequence[InvoiceUse], *, row: VoucherRow
) -> tuple[Invoice, ...]:
    if not uses or row.promise is None:
        return ()
    promise = session.get_one(PromiseRow, (row.contract, row.promise))
    return _invoices(session, setting, caller, uses, bank=bank_of(promise.line))


def _invoices(
    session: Session, setting: Setting, caller: Caller, uses: Sequence[InvoiceUse], *, bank: PartyNumber
) -> tuple[Invoice, ...]:
    """The invoices' uses, whose marks are kept for the bank of the line."""
    payer = caller.acting()
    found = []
    for use in uses:
        hashed = fingerprint(session, caller, payer=payer, number=_proper(use), salt=setting.invoice_salt)
        found.append(Invoice(hashed, use.amount, use.total))
    noted = [(each.fingerprint, use.number, use.total) for each, use in zip(found, uses, strict=True)]
    note_used(session, setting, caller, noted, bank=bank)
    return tuple(found)


def _proper(use: InvoiceUse) -> str:
    """The invoice's number; InputError for one that two readers could write differently."""
    if not use.number or use.number != use.number.strip() or not use.number.isprintable():
        raise InputError("an invoice's number is its text without blanks at the ends")
    return use.number
