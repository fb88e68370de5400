"""Whether money was lent on an invoice before, by the asking bank or by another one.

    note_used   invoices that are offered under a bank's line are kept with their marks
    check       what a bank's invoices are like, of its own and of others'

A bank is told which of its own invoices are like the one that it asks about. Of the others' it is told one class of
likeness: no bank, no number, no amount, not even how many. An invoice that was offered counts once it is used on
chain. Each check is in the audit trail, with how many invoices were asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ledger.agreements import PartyNumber
from ledger.calendar import Day
from ledger.errors import InputError, Refusal
from ledger.invoice_marks import Likeness, Mark, MarkedInvoice, likeness, marks_of, score
from ledger.invoice_tables import InvoiceMarkRow, InvoiceRow
from ledger.money import Fen
from ledger.negotiation import audit
from ledger.negotiation.access import Caller, Right, require
from ledger.negotiation.setting import Setting
from ledger.organisation_tables import OrganisationRow
from ledger.reconciliation import reference_hash
from ledger.record_rows import party_of
from ledger.tables import InvoiceUseRow, PartyRow
from ledger.world import Role

MOST: Final = 100
"""Invoices in one check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An invoice that a bank asks about. Its payer is named by its party number or its credit code."""

    party: PartyNumber | None
    code: str
    number: str
    total: Fen
    issued_on: Day | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One of the bank's own invoices that is like it. `on_chain`: offered under one of its lines, and used there."""

    number: str
    total: Fen
    issued_on: Day | None
    on_chain: bool
    points: int
    shared: frozenset[Mark]


@dataclass(slots=True)
class Found:
    """What an invoice is like. `elsewhere`: of all that is not known here to be the bank's own."""

    own: list[Own] = field(default_factory=list)
    elsewhere: Likeness = Likeness.NONE
    kept: bool = False


def note_used(
    session: Session,
    setting: Setting,
    caller: Caller,
    uses: Sequence[tuple[bytes, str, Fen]],
    *,
    bank: PartyNumber,
) -> None:
    """Keeps the marks of invoices that the caller offers under this bank's line: fingerprint, number and total of each.
    Those that are kept already stay as they are."""
    if not uses:
        return
    payer = _payer(session, setting, caller.acting())
    invoices = [
        (MarkedInvoice(payer=payer, number=number, total=total, issued_on=None), fingerprint)
        for fingerprint, number, total in uses
    ]
    _keep(session, setting, caller, invoices, bank=bank)


def check(
    session: Session, setting: Setting, caller: Caller, asked: Sequence[Asked], *, keep: bool
) -> list[Found]:
    """What each of these invoices is like, in the order in which they were asked about. `keep`: the bank lends on them,
    so that the next one who asks is told. Refusal NotAllowed for who is no bank and no funder; InputError."""
    require(caller, Right.PROPOSE)
    _require_lender(session, setting, caller)
    if not 0 < len(asked) <= MOST:
        raise InputError(f"invoices: give 1 to {MOST}")
    invoices = [_marked(session, setting, each) for each in asked]
    key = _key(setting)
    marks = [marks_of(each, key=key) for each in invoices]
    rows = _rows(session, setting, {mark for each in marks for mark in each.values()})
    chained = _used_on_chain(session, setting, asked)
    answers = [_found(mine, rows, caller.acting()) for mine in marks]
    known = {row.fingerprint for row, _ in rows.values() if row.fingerprint is not None}
    for answer, fingerprint in zip(answers, chained, strict=True):
        if fingerprint is not None and fingerprint not in known:
            answer.elsewhere = Likeness.EXACT
    if keep:
        _keep(session, setting, caller, [(each, None) for each in invoices], bank=caller.acting())
        for answer in answers:
            answer.kept = True
    at = setting.machine_clock()
    facts = {"count": len(asked), "kept": keep}
    audit.note(session, caller, "check invoices", subject="invoices", at=at, facts=facts)
    return answers


# Inside


def _require_lender(session: Session, setting: Setting, caller: Caller) -> None:
    row = session.get(PartyRow, (setting.pin.registry, caller.acting()))
    if row is None or not party_of(row).roles & (Role.BANK | Role.FUNDER):
        raise Refusal("NotAllowed", {"act": "check invoices", "needs": "a bank or a funder"})


def _key(setting: Setting) -> bytes:
    """What the marks are made with: the installation's own, and no other hash's."""
    return sha256(b"tallystick invoice marks 1" + setting.invoice_salt).digest()


def _payer(session: Session, setting: Setting, party: PartyNumber) -> str:
    query = select(OrganisationRow.credit_code).where(OrganisationRow.party == party)
    return session.scalar(query) or f"party {party}"


def _marked(session: Session, setting: Setting, asked: Asked) -> MarkedInvoice:
    if (asked.party is None) == (not asked.code):
        raise InputError("payer: give either its party number or its credit code")
    payer = asked.code if asked.party is None else _payer(session, setting, asked.party)
    return MarkedInvoice(payer=payer, number=asked.number, total=asked.total, issued_on=asked.issued_on)


def _rows(
    session: Session, setting: Setting, marks: set[bytes]
) -> Mapping[int, tuple[InvoiceRow, set[bytes]]]:
    """Invoices that count and have any of these marks, each with those that it has."""
    used = and_(
        InvoiceUseRow.fingerprint == InvoiceRow.fingerprint,
        InvoiceUseRow.contract.in_([pin.ledger for pin in setting.pins]),
        InvoiceUseRow.used > 0,
    )
    counts = or_(InvoiceRow.lent, select(InvoiceUseRow.payer).where(used).exists())
    query = (
        select(InvoiceRow, InvoiceMarkRow.mark)
        .join(InvoiceMarkRow, InvoiceMarkRow.invoice == InvoiceRow.number)
        .where(InvoiceMarkRow.mark.in_(marks), counts)
    )
    found: dict[int, tuple[InvoiceRow, set[bytes]]] = {}
    for row, mark in session.execute(query):
        found.setdefault(row.number, (row, set()))[1].add(mark)
    return found


def _used_on_chain(session: Session, setting: Setting, asked: Sequence[Asked]) -> list[bytes | None]:
    """The fingerprints of those that are used on chain, also where nobody kept their marks here."""
    prints = [
        None
        if each.party is None
        else bytes(reference_hash(f"{each.number} {each.party}", setting.invoice_salt))
        for each in asked
    ]
    query = select(InvoiceUseRow.fingerprint).where(
        InvoiceUseRow.fingerprint.in_({each for each in prints if each is not None}),
        InvoiceUseRow.contract.in_([pin.ledger for pin in setting.pins]),
        InvoiceUseRow.used > 0,
    )
    used = set(session.scalars(query))
    return [each if each in used else None for each in prints]


def _found(
    marks: Mapping[Mark, bytes], rows: Mapping[int, tuple[InvoiceRow, set[bytes]]], bank: PartyNumber
) -> Found:
    answer, elsewhere = Found(), 0
    for row, theirs in rows.values():
        shared = frozenset(mark for mark, hashed in marks.items() if hashed in theirs)
        if not shared:
            continue
        points = score(shared)
        if row.bank != bank:
            elsewhere = max(elsewhere, points)
            continue
        answer.own.append(
            Own(
                number=row.invoice,
                total=Fen(row.total),
                issued_on=None if row.issued_on is None else Day(row.issued_on),
                on_chain=row.fingerprint is not None,
                points=points,
                shared=shared,
            )
        )
    answer.own.sort(key=lambda each: (-each.points, each.number))
    answer.elsewhere = likeness(elsewhere)
    return answer


def _keep(
    session: Session,
    setting: Setting,
    caller: Caller,
    invoices: Sequence[tuple[MarkedInvoice, bytes | None]],
    *,
    bank: PartyNumber,
) -> None:
    query = select(InvoiceRow).where(
        InvoiceRow.bank == bank, InvoiceRow.invoice.in_({each.number for each, _ in invoices})
    )
    known = {(row.payer, row.invoice): row for row in session.scalars(query)}
    key, at = _key(setting), setting.machine_clock()
    for each, fingerprint in invoices:
        row = known.get((each.payer, each.number))
        if row is not None:
            row.lent = row.lent or fingerprint is None
            row.fingerprint = row.fingerprint or fingerprint
            continue
        row = InvoiceRow(
            bank=int(bank),
            payer=each.payer,
            invoice=each.number,
            total=each.total,
            issued_on=each.issued_on,
            fingerprint=fingerprint,
            lent=fingerprint is None,
            organisation=caller.organisation,
            noted_at=at,
        )
        with suppress(IntegrityError), session.begin_nested():  # another request may be faster, with the same
            session.add(row)
            session.flush()
            marks = marks_of(each, key=key)
            session.add_all(InvoiceMarkRow(mark=mark, invoice=row.number) for mark in marks.values())
            known[each.payer, each.number] = row
