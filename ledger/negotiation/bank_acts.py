"""What a bank does besides lending: says that it paid, takes that back, changes its lines, asks for a court freeze.

    settlement · disbursement   it paid the holder of record, or the price of what it bought
    withdrawal                  a payment that it asserted came back, or never left
    resize · freeze             of a line of its own
    court_freeze                asks the registrar to carry a court's order out
    declare_overdue             anyone may; nobody signs

Each but the last gives a `Proposal`, which `offers.make` judges and offers. A bank's references, reasons and court
orders go on chain as salted hashes and are kept as openings. What is not the bank's is as good as not there. Amounts in
fen, days as China-time day numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ledger import voucher as rules
from ledger.agreements import (
    AssertPayment,
    Freeze,
    FreezeLine,
    LineId,
    PartyNumber,
    Purpose,
    ResizeLine,
    VoucherId,
    WithdrawPayment,
)
from ledger.calendar import Day
from ledger.errors import InputError, Refusal
from ledger.events import VoucherOverdue
from ledger.members import voucher_text
from ledger.money import Fen
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, line_missing, not_found, require, sees_voucher
from ledger.negotiation.offers import Proposal
from ledger.negotiation.openings import opened
from ledger.negotiation.proposals import deadline
from ledger.negotiation.setting import Setting
from ledger.outbox import GONE, put_unsigned, unsigned_digest
from ledger.outbox_tables import OutboxRow
from ledger.payment import DeclareOverdue
from ledger.pin import Pin
from ledger.rows_about import world_about
from ledger.tables import OPEN_FATES, HistoryRow, LineRow, PaymentRow, PledgeRow, PromiseRow, VoucherRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A payment that left the bank. `reference` is the bank's own; `with_payee`: the payee signs the assertion too,
    which then takes effect at once."""

    value_day: Day
    reference: str
    with_payee: bool = False


def settlement(
    session: Session,
    setting: Setting,
    caller: Caller,
    voucher: VoucherId,
    paid: Paid,
    *,
    payee: PartyNumber | None,
    amount: Fen | None,
    valid_until: Day | None,
) -> Proposal:
    """The bank of the voucher's line paid it. `payee` None: the pledgee of a pledged one, else its holder; `amount`
    None: all that is due to that party. Refusal NotFound for a voucher under another bank's line."""
    pin, row = _owed(session, setting, caller, voucher)
    pledge = session.get(PledgeRow, (pin.ledger, voucher))
    due = (row.holder, row.face) if pledge is None else (pledge.pledgee, pledge.secured)
    agreement = AssertPayment(
        voucher=voucher,
        sequence=row.sequence,
        purpose=Purpose.SETTLEMENT,
        payee=PartyNumber(due[0]) if payee is None else payee,
        amount=Fen(due[1]) if amount is None else amount,
        value_day=paid.value_day,
        payment_reference=opened(session, caller, "reference", _reference(paid.reference)),
        deadline=deadline(setting, valid_until),
    )
    all_sign = 2 if pledge is None else 3  # where it is pledged, the holder too
    return Proposal(agreement=agreement, pin=pin, consents=all_sign if paid.with_payee else None)


def disbursement(
    session: Session,
    setting: Setting,
    caller: Caller,
    voucher: VoucherId,
    paid: Paid,
    *,
    valid_until: Day | None,
) -> Proposal:
    """The caller's bank paid the price of a voucher that it buys. Refusal NotFound for any other voucher."""
    pin, row = _voucher(session, setting, voucher, VoucherRow.funder == caller.acting())
    agreement = AssertPayment(
        voucher=voucher,
        sequence=row.sequence,
        purpose=Purpose.DISBURSEMENT,
        payee=PartyNumber(row.holder),
        amount=Fen(0),
        value_day=paid.value_day,
        payment_reference=opened(session, caller, "reference", _reference(paid.reference)),
        deadline=deadline(setting, valid_until),
    )
    return Proposal(agreement=agreement, pin=pin, consents=2 if paid.with_payee else None)


def withdrawal(
    session: Session, setting: Setting, caller: Caller, voucher: VoucherId, *, valid_until: Day | None
) -> Proposal:
    """Takes back the payment that the caller's bank has asserted. Refusal NotFound where it has none there."""
    pins = [pin.ledger for pin in setting.pins]
    query = (
        select(VoucherRow)
        .join(
            PaymentRow,
            (PaymentRow.contract == VoucherRow.contract) & (PaymentRow.voucher == VoucherRow.voucher),
        )
        .where(
            VoucherRow.voucher == voucher,
            VoucherRow.contract.in_(pins),
            PaymentRow.asserter == caller.acting(),
            PaymentRow.fate.in_(OPEN_FATES),
        )
    )
    row = session.scalar(query)
    if row is None:
        raise not_found("payment")
    agreement = WithdrawPayment(voucher, row.sequence, deadline(setting, valid_until))
    return Proposal(agreement=agreement, pin=setting.pin_of(row.contract))


def resize(
    session: Session,
    setting: Setting,
    caller: Caller,
    line: LineId,
    *,
    limit: Fen | None,
    expiry: Day | None,
    valid_until: Day | None,
) -> Proposal:
    """Another limit or last day of a line of the caller's bank; None: as it is. What is drawn stays drawn."""
    if limit is None and expiry is None:
        raise InputError("nothing would change: give a limit, an expiry, or both")
    row = _line(session, setting, caller, line)
    agreement = ResizeLine(
        line=line,
        sequence=row.sequence,
        limit=Fen(row.limit) if limit is None else limit,
        expiry=Day(row.expiry) if expiry is None else expiry,
        deadline=deadline(setting, valid_until),
    )
    return Proposal(agreement=agreement, pin=setting.pin)


def freeze(
    session: Session,
    setting: Setting,
    caller: Caller,
    line: LineId,
    *,
    frozen: bool,
    reason: str,
    valid_until: Day | None,
) -> Proposal:
    """Stops issue under a line of the caller's bank, or allows it again; vouchers and payments are untouched."""
    row = _line(session, setting, caller, line)
    agreement = FreezeLine(
        line=line,
        sequence=row.sequence,
        frozen=frozen,
        reason=opened(session, caller, "reason", reason),
        deadline=deadline(setting, valid_until),
    )
    return Proposal(agreement=agreement, pin=setting.pin)


def court_freeze(
    session: Session,
    setting: Setting,
    caller: Caller,
    voucher: VoucherId,
    *,
    order: str,
    until: Day,
    valid_until: Day | None,
) -> Proposal:
    """Asks the registrar, who alone signs, to stop a voucher that the caller may see, by a court's order."""
    pin = setting.pin
    for each in setting.pins:
        query = select(VoucherRow.contract).where(
            VoucherRow.contract == each.ledger, VoucherRow.voucher == voucher, sees_voucher(caller, each)
        )
        if session.scalar(query) is not None:
            pin = each
            break
    else:
        raise not_found("voucher")
    agreement = Freeze(
        voucher=voucher,
        order=opened(session, caller, "order", _reference(order)),
        until=until,
        deadline=deadline(setting, valid_until),
    )
    return Proposal(agreement=agreement, pin=pin, asked=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """That a voucher is overdue. With neither `tx_hash`, by which it landed, nor `refusal` it is on its way."""

    voucher: VoucherId
    tx_hash: bytes | None = None
    refusal: Refusal | None = None


def declare_overdue(session: Session, setting: Setting, caller: Caller, voucher: VoucherId) -> Declaration:
    """Says that due day and grace of a voucher under the bank's line have passed; said again while it is on its way, it
    is the same declaration. What the contract would refuse is refused."""
    require(caller, Right.PROPOSE)
    pin, row = _owed(session, setting, caller, voucher)
    verb = DeclareOverdue(voucher)
    refused = rules.may(world_about(session, pin, verb), verb, timestamp=setting.chain_clock())
    if refused is not None:
        raise refused
    at = setting.machine_clock()
    put_unsigned(session, verb, sequence=row.sequence, pin=pin, at=at)
    audit.note(session, caller, "declare overdue", subject=f"voucher {voucher_text(voucher)}", at=at)
    return Declaration(voucher=voucher)


def declaration(session: Session, setting: Setting, caller: Caller, voucher: VoucherId) -> Declaration:
    """What became of the declaration that a voucher under the bank's line is overdue; Refusal NotFound where there is
    none. Who else declared it makes no difference."""
    pin, row = _owed(session, setting, caller, voucher)
    landed = session.scalar(
        select(HistoryRow.tx_hash)
        .where(
            HistoryRow.contract == pin.ledger,
            HistoryRow.voucher == voucher,
            HistoryRow.name == VoucherOverdue.__name__,
        )
        .limit(1)
    )
    if landed is not None:
        return Declaration(voucher=voucher, tx_hash=landed)
    digest = unsigned_digest(DeclareOverdue(voucher), sequence=row.sequence)
    mine = select(OutboxRow).where(OutboxRow.contract == pin.ledger, OutboxRow.digest == digest)
    waiting = session.scalar(mine.where(OutboxRow.status.not_in(GONE)))
    if waiting is not None:
        return Declaration(voucher=voucher)
    gone = session.scalar(mine.where(OutboxRow.status.in_(GONE)).order_by(OutboxRow.number.desc()).limit(1))
    if gone is None:
        raise not_found("declaration")
    refusal = Refusal(str(gone.refusal), gone.facts) if gone.refusal else Refusal("Withdrawn")
    return Declaration(voucher=voucher, refusal=refusal)


# Inside


def _owed(session: Session, setting: Setting, caller: Caller, voucher: VoucherId) -> tuple[Pin, VoucherRow]:
    """A voucher under a line of the caller's bank; Refusal NotFound."""
    promises = (
        select(PromiseRow.promise)
        .join(LineRow, (LineRow.contract == PromiseRow.contract) & (LineRow.line == PromiseRow.line))
        .where(PromiseRow.contract == VoucherRow.contract, LineRow.bank == caller.acting())
    )
    return _voucher(session, setting, voucher, VoucherRow.promise.in_(promises))


def _voucher(
    session: Session, setting: Setting, voucher: VoucherId, theirs: ColumnElement[bool]
) -> tuple[Pin, VoucherRow]:
    pins = [pin.ledger for pin in setting.pins]
    query = select(VoucherRow).where(VoucherRow.voucher == voucher, VoucherRow.contract.in_(pins), theirs)
    row = session.scalar(query)
    if row is None:
        raise not_found("voucher")
    return setting.pin_of(row.contract), row


def _line(session: Session, setting: Setting, caller: Caller, line: LineId) -> LineRow:
    row = session.get(LineRow, (setting.pin.ledger, line))
    if row is None or row.bank != caller.acting():
        raise line_missing(line)
    return row


def _reference(text: str) -> str:
    if not text.strip() or text != text.strip() or not text.isprintable():
        raise InputError("a reference is its text without blanks at the ends")
    return text
