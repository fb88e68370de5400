"""As much of the World as judging one agreement takes, read out of the rows in a fixed number of small queries.

`rows.world_of` reads everything, which is right for a night and wrong for a request. What a verb looks at follows from
its agreement: the voucher with its promise and line, the parties, the invoices. Of anything else the World that comes
back says nothing, so it is good for judging this agreement only; a test compares the two on every verb.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from ledger.agreements import (
    Agreement,
    Freeze,
    Issue,
    LineId,
    ListVerifier,
    PartyNumber,
    RevokeIssue,
    Unfreeze,
    VoucherId,
)
from ledger.calendar import Day
from ledger.chain import NOBODY
from ledger.consent import Claim
from ledger.members import RegistryAgreement
from ledger.payment import Unsigned
from ledger.pin import Pin
from ledger.record_rows import (
    issuer_record_of,
    line_of,
    party_of,
    payment_of,
    pledge_of,
    promise_record_of,
    recoveries_of,
    verifier_of,
    voucher_of,
)
from ledger.rows import ledger_settings, registry_settings, rows_of
from ledger.signing import WITH_NEW_SIGNER
from ledger.store import pins
from ledger.succession import inherited
from ledger.tables import (
    OPEN_FATES,
    FreezeOrderRow,
    FreezeRow,
    InvoiceUseRow,
    IssuerRow,
    LineRow,
    PartyRow,
    PaymentRow,
    PledgeRow,
    PromiseRow,
    SignerRow,
    VerifierRow,
    VoucherRow,
)
from ledger.world import (
    NO_LOCK,
    Draft,
    InvoiceUse,
    Lock,
    SignerKind,
    World,
    bank_of,
    promise_of,
)

_PARTIES = (
    "party",
    "issuer",
    "supplier",
    "recipient",
    "funder",
    "payee",
    "by",
    "pledgee",
    "arbiter",
    "sponsor",
    "to",
)
"""The members of agreements that name a party."""


@dataclass(slots=True)
class _Asked:
    """What an agreement looks at, by its keys."""

    parties: set[int] = field(default_factory=set)
    vouchers: set[VoucherId] = field(default_factory=set)
    lines: set[LineId] = field(default_factory=set)
    payers: set[int] = field(default_factory=set)
    invoices: set[bytes] = field(default_factory=set)


def world_about(
    session: Session,
    pin: Pin,
    agreement: Agreement | Unsigned,
    *,
    root: VoucherId | None = None,
    issued: Issue | None = None,
    parties: Collection[PartyNumber] = (),
) -> World:
    """What the rows of this ledger and its registry say of everything that the agreement can depend on.

    root: as `voucher.apply` wants it, the id that an issue makes or made. parties: others that are asked about too, by
    whoever means to put them in the place of one that the agreement names.
    """
    asked = _asked(agreement, root, issued)
    asked.parties.update(parties)
    draft = World().draft()
    draft.registry_settings = registry_settings(session, pin.registry)
    office = draft.registry_settings
    asked.parties.update((office.registrar, office.next_registrar))
    _read_ledger(session, pin.ledger, draft, asked, agreement)
    _read_registry(session, pin.registry, draft, asked, agreement)
    world = draft.world()
    before = _inherited(session, pin, asked)
    return world if before is None else replace(world, inherited=before.inherited)


def _asked(agreement: Agreement | Unsigned, root: VoucherId | None, issued: Issue | None) -> _Asked:
    asked = _Asked()
    for each in (agreement, issued):
        if each is None:
            continue
        asked.parties.update(int(getattr(each, name)) for name in _PARTIES if hasattr(each, name))
        asked.lines.update(getattr(each, name) for name in ("line", "parent") if hasattr(each, name))
        asked.parties.update(part.recipient for part in getattr(each, "parts", ()))
        asked.invoices.update(invoice.fingerprint for invoice in getattr(each, "invoices", ()))
        if hasattr(each, "voucher"):
            asked.vouchers.add(each.voucher)
    if isinstance(agreement, RevokeIssue):
        asked.vouchers.add(VoucherId(agreement.promise_id << 96))
    if root is not None:
        asked.vouchers.add(root)
    if isinstance(agreement, Issue):
        asked.payers.add(agreement.issuer)
    if issued is not None:
        asked.payers.add(issued.issuer)
    asked.lines.discard(LineId(0))
    asked.parties.discard(0)
    return asked


def _read_ledger(
    session: Session, ledger: str, draft: Draft, asked: _Asked, agreement: Agreement | Unsigned
) -> None:
    draft.settings = ledger_settings(session, ledger)
    if asked.vouchers:
        _read_vouchers(session, ledger, draft, asked, agreement)
    for _ in range(2):  # a line, then its parent
        missing = asked.lines - draft.lines.keys()
        for line in rows_of(session, LineRow, ledger, LineRow.line, missing):
            draft.lines[line.line] = line_of(line)
            asked.parties.update((line.issuer, bank_of(line.line)))
            if line.parent:
                asked.lines.add(line.parent)
    asked.parties.update(bank_of(line) for line in asked.lines)
    for issuer in rows_of(session, IssuerRow, ledger, IssuerRow.issuer, asked.parties):
        draft.issuers[PartyNumber(issuer.issuer)] = issuer_record_of(issuer)
    draft.invoice_uses.update(_uses(session, ledger, asked))


def _read_vouchers(
    session: Session, ledger: str, draft: Draft, asked: _Asked, agreement: Agreement | Unsigned
) -> None:
    vouchers = asked.vouchers
    for voucher in rows_of(session, VoucherRow, ledger, VoucherRow.voucher, vouchers):
        draft.vouchers[voucher.voucher] = voucher_of(voucher)
        asked.parties.update((voucher.holder, voucher.funder))
        asked.payers.add(voucher.holder)
    promises = {promise_of(number) for number in draft.vouchers}
    for promise in rows_of(session, PromiseRow, ledger, PromiseRow.promise, promises):
        draft.promises[promise.promise] = promise_record_of(promise)
        asked.lines.add(promise.line)
        asked.parties.add(promise.issuer)
    locks = NO_LOCK
    for known in draft.vouchers.values():
        locks |= known.locks
    if locks & (Lock.PAYMENT | Lock.CONTESTED | Lock.CONFIRMED):
        for payment in rows_of(session, PaymentRow, ledger, PaymentRow.voucher, vouchers):
            if payment.fate in OPEN_FATES:
                draft.payments[payment.voucher] = payment_of(payment)
                asked.parties.add(payment.payee)
    if locks & Lock.PLEDGE:
        for pledge in rows_of(session, PledgeRow, ledger, PledgeRow.voucher, vouchers):
            draft.pledges[pledge.voucher] = pledge_of(pledge)
            asked.parties.add(pledge.pledgee)
    if locks & Lock.FREEZE:
        for freeze in rows_of(session, FreezeRow, ledger, FreezeRow.voucher, vouchers):
            draft.freezes[freeze.voucher] = Day(freeze.until)
    if isinstance(agreement, Freeze | Unfreeze):
        orders = rows_of(session, FreezeOrderRow, ledger, FreezeOrderRow.voucher, vouchers)
        draft.spent_orders.update((order.order, order.voucher) for order in orders)


def _read_registry(
    session: Session, registry: str, draft: Draft, asked: _Asked, agreement: Agreement | Unsigned
) -> None:
    asked.parties.discard(0)
    for _ in range(2):  # a party, then its sponsor
        missing = asked.parties - draft.parties.keys()
        found = list(rows_of(session, PartyRow, registry, PartyRow.party, missing))
        draft.parties.update((PartyNumber(row.party), party_of(row)) for row in found)
        draft.recoveries.update(recoveries_of(found))
        if not isinstance(agreement, RegistryAgreement):
            break
        asked.parties.update(row.sponsor for row in found)
        asked.parties.discard(0)
    if isinstance(agreement, WITH_NEW_SIGNER):
        claim = Claim(party=agreement.party, signer=agreement.signer, signature_gas=agreement.signature_gas)
        for signer in rows_of(session, SignerRow, registry, SignerRow.signer, {claim.number}):
            draft.signers[signer.signer] = PartyNumber(signer.party)
    by_verifier = any(party.kind is SignerKind.VERIFIER for party in draft.parties.values())
    if by_verifier or isinstance(agreement, (*WITH_NEW_SIGNER, ListVerifier)):
        for verifier in rows_of(session, VerifierRow, registry):
            draft.verifiers[verifier.verifier] = verifier_of(verifier)


def _inherited(session: Session, pin: Pin, asked: _Asked) -> World | None:
    """A World that inherits what this ledger does; None where it has no predecessor."""
    world: World | None = None
    for each in pins(session) if pin.predecessor != NOBODY else ():
        if each.ledger == pin.ledger:
            break
        issuers = rows_of(session, IssuerRow, each.ledger, IssuerRow.issuer, asked.parties)
        own = World(
            settings=ledger_settings(session, each.ledger),
            issuers={PartyNumber(row.issuer): issuer_record_of(row) for row in issuers},
            invoice_uses=_uses(session, each.ledger, asked),
            inherited=None if world is None else world.inherited,
        )
        world = World(inherited=inherited(own, predecessor=each.ledger))
    return world


def _uses(session: Session, ledger: str, asked: _Asked) -> dict[tuple[PartyNumber, bytes], InvoiceUse]:
    return {
        (PartyNumber(use.payer), use.fingerprint): InvoiceUse(use.total, use.used)
        for use in rows_of(session, InvoiceUseRow, ledger, InvoiceUseRow.fingerprint, asked.invoices)
        if use.payer in asked.payers
    }
