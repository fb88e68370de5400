"""Turns the steps of a business into agreements and the parties that sign them; what is hashed goes into the dossier.

`Desk` keeps the World as the pure model has it after each step, so that an agreement names the right sequence and
is signed by whom the rules want; a step that the files expect to be refused must be refused by the model with that
name. It sends nothing, and asks neither chain nor database nor clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ledger.agreements import (
    Admit,
    Agreement,
    AssertPayment,
    Award,
    Cancel,
    CancelWhole,
    ConfirmPayment,
    ContestPayment,
    Discount,
    Freeze,
    GrantLine,
    Invoice,
    Issue,
    LineId,
    Part,
    PartyNumber,
    Pledge,
    Purpose,
    Release,
    Rescind,
    Split,
    StopIssue,
    Transfer,
    Unfreeze,
    VoucherId,
    WithdrawPayment,
)
from ledger.calendar import DAY_SECONDS, Day, Timestamp, day_of_date, start_of_day
from ledger.discount import SALT_BYTES, price, quote_hash
from ledger.errors import InputError, Refusal
from ledger.members import Contract
from ledger.money import Fen
from ledger.payment import CompletePayment, DeclareOverdue, Unsigned
from ledger.signing import Domain, child_id, root_id
from ledger.succession import inherited
from ledger.voucher import apply, signers
from ledger.world import Role, World
from scripts.business_columns import RoleWord, Verb
from scripts.business_default import require_shares
from scripts.business_files import Business, InvoiceFile, LedgerFile, LineFile, PartyFile, Step
from scripts.cli_dossier import DossierFile

REGISTRAR: Final = PartyNumber(1)
MORNING: Final = 9 * 3_600
"""Seconds after midnight in China at which a day's agreements are sent."""
GOOD_FOR: Final = 7 * DAY_SECONDS
"""Seconds that a signature may be waited with."""
JOINT: Final = (Verb.DISBURSE, Verb.SETTLE, Verb.SHARE)
"""Payments that payer and payee, and who else is concerned, assert together: they count at once."""
ROLE_BITS: Final = {
    RoleWord.ISSUER: Role.ISSUER,
    RoleWord.FUNDER: Role.FUNDER,
    RoleWord.ARBITER: Role.ARBITER,
    RoleWord.SUPPLIER: Role(0),
}


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be sent to which ledger, and who signs it in this order; `steps` are the rows that it stands for."""

    agreement: Agreement | Unsigned
    signers: tuple[PartyNumber, ...]
    steps: tuple[Step, ...]
    ledger: int
    issued: Issue | None = None
    sequence: int = 0

    @property
    def refused_as(self) -> str | None:
        """The error that it must meet, None where it must be done."""
        return self.steps[0].refused_as if self.steps else None


@dataclass
class Desk:
    """The business at its present step. Domains and Worlds by the ledger's number, `ids` and `issues` by readable
    number."""

    business: Business
    dossier: DossierFile
    domains: dict[int, Domain] = field(default_factory=dict)
    worlds: dict[int, World] = field(default_factory=dict)
    ids: dict[str, VoucherId] = field(default_factory=dict)
    issues: dict[str, Issue] = field(default_factory=dict)

    # Before the first promise, and between two ledgers

    def open(self, ledger: int, domain: Domain, world: World) -> None:
        """A ledger is there, with what its World holds so far."""
        self.domains[ledger], self.worlds[ledger] = domain, world

    def stop(self, row: LedgerFile) -> Act:
        """The registrar ends issue in a ledger for good."""
        on = day_of_date(row.stopped_on or row.opened_on)
        reason = self.dossier.reason(row.reason or "")
        sequence = self.worlds[row.ledger].settings.sequence
        stopped = StopIssue(sequence, PartyNumber(0), True, reason, _deadline(on))
        return self._done(stopped, on=on, ledger=row.ledger)

    def admission(self, party: PartyFile, signer: bytes, *, on: Day) -> Act:
        """The registrar admits a party that a bank sponsors."""
        if party.sponsor is None:
            raise InputError(f"party {party.party} {party.short} needs a bank that sponsors it")
        agreement = Admit(
            party=party.party,
            roles=int(ROLE_BITS[party.role]),
            sponsor=self.business.number_of(party.sponsor),
            signature_gas=0,
            profile=profile(party, self.dossier),
            deadline=_deadline(on),
            signer=signer,
        )
        return self._done(agreement, on=on, ledger=1)

    def grant(self, line: LineFile) -> Act:
        """A bank grants a line on its day."""
        on = day_of_date(line.granted_on)
        agreement = GrantLine(
            line=line.line,
            issuer=self.business.number_of(line.issuer),
            parent=line.parent or LineId(0),
            limit=line.limit,
            expiry=day_of_date(line.expires_on),
            smallest_part=line.smallest_part,
            window=line.window,
            grace=line.grace,
            countersign=line.countersign,
            deadline=_deadline(on),
        )
        return self._done(agreement, on=on, ledger=line.ledger)

    # Steps

    def act(self, steps: Sequence[Step]) -> Act:
        """The agreement that these rows stand for; InputError where the model does not take it as the files say."""
        first = steps[0]
        on = day_of_date(first.on)
        issued = self.issues.get(first.voucher) if first.verb is Verb.CANCEL_WHOLE else None
        ledger = self.business.ledger_of(first.voucher)
        if first.verb is Verb.SHARE:
            require_shares(self.business, first, world=self.worlds[ledger], ids=self.ids)
        agreement = self._agreement(tuple(steps), on=on)
        act = self._done(agreement, on=on, ledger=ledger, steps=tuple(steps), issued=issued)
        if first.by not in {self.business_name(party) for party in act.signers} and act.signers:
            names = ", ".join(self.business_name(party) for party in act.signers)
            raise InputError(f"steps.csv, row {first.row}: {first.by} does not sign this, {names} do")
        if act.refused_as is None:
            self._remember(agreement, steps, ledger)
        return act

    def business_name(self, party: PartyNumber) -> str:
        """The short name of a party."""
        return next(row.short for row in self.business.parties.values() if row.party == party)

    def _agreement(self, steps: tuple[Step, ...], *, on: Day) -> Agreement | Unsigned:
        step, deadline = steps[0], _deadline(on)
        if step.verb is Verb.ISSUE:
            return self._issue(step)
        voucher = self._id(step)
        sequence = self._sequence(voucher, self.business.ledger_of(step.voucher))
        by, to = self._party(step.by), self._party(step.to) if step.to else PartyNumber(0)
        match step.verb:
            case Verb.SPLIT:
                parts = tuple(Part(self._party(each.to or ""), each.amount or Fen(0)) for each in steps)
                used = [row for each in steps for row in self._invoices(each.part or "", step.by)]
                return Split(voucher, sequence, False, deadline, parts, self._uses(used))
            case Verb.TRANSFER | Verb.GIVE_BACK:
                overdue = step.verb is Verb.GIVE_BACK
                used = [] if overdue else self._invoices(step.voucher, step.by)
                return Transfer(voucher, sequence, to, overdue, deadline, self._uses(used))
            case Verb.DISCOUNT:
                pay_by = day_of_date(step.until or step.on)
                return Discount(voucher, sequence, to, self._quote(step, voucher), pay_by, deadline)
            case Verb.RESCIND:
                return Rescind(voucher, sequence, by, deadline)
            case Verb.ASSERT_DISBURSEMENT | Verb.DISBURSE | Verb.ASSERT_SETTLEMENT | Verb.SETTLE | Verb.SHARE:
                disburses = step.verb in (Verb.ASSERT_DISBURSEMENT, Verb.DISBURSE)
                return AssertPayment(
                    voucher,
                    sequence,
                    Purpose.DISBURSEMENT if disburses else Purpose.SETTLEMENT,
                    to,
                    Fen(0) if disburses else step.amount or Fen(0),
                    day_of_date(step.value_on or step.on),
                    self.dossier.reference(step.reference or ""),
                    deadline,
                )
            case Verb.CONFIRM:
                return ConfirmPayment(voucher, sequence, deadline)
            case Verb.CONTEST:
                return ContestPayment(voucher, sequence, by, self.dossier.reason(step.note or ""), deadline)
            case Verb.WITHDRAW:
                return WithdrawPayment(voucher, sequence, deadline)
            case Verb.AWARD_PAID | Verb.AWARD_UNPAID:
                ruling = self.dossier.reason(step.reference or "")
                return Award(voucher, sequence, to, step.verb is Verb.AWARD_PAID, ruling, deadline)
            case Verb.PLEDGE:
                filing, until = self.dossier.reason(step.reference or ""), day_of_date(step.until or step.on)
                return Pledge(voucher, sequence, to, step.amount or Fen(0), filing, until, deadline)
            case Verb.RELEASE:
                return Release(voucher, sequence, by, deadline)
            case Verb.OVERDUE:
                return DeclareOverdue(voucher)
            case Verb.FREEZE:
                until = day_of_date(step.until or step.on)
                return Freeze(voucher, self.dossier.reason(step.reference or ""), until, deadline)
            case Verb.UNFREEZE:
                return Unfreeze(voucher, self.dossier.reason(step.reference or ""), deadline)
            case Verb.CANCEL:
                return Cancel(voucher, sequence, deadline)
            case Verb.CANCEL_WHOLE:
                return CancelWhole(voucher, sequence, deadline)
        return CompletePayment(voucher)

    def _issue(self, step: Step) -> Issue:
        row = self.business.promises[step.voucher]
        terms = f"{row.number} {row.contract_no} {row.issuer} {row.supplier} {row.face} {row.due_on}"
        issue = Issue(
            issuer=self._party(row.issuer),
            line=row.line,
            supplier=self._party(row.supplier),
            face=row.face,
            due_day=day_of_date(row.due_on),
            smallest_part=row.smallest_part,
            highest_tier=row.highest_tier,
            terms=self.dossier.terms(row.number, terms),
            tenor_reason=bytes(32),
            issuer_reference=row.contract_no.encode().ljust(32, b"\0")[:32],
            deadline=_deadline(day_of_date(row.issued_on)),
            invoices=self._uses(self._invoices(row.number, row.issuer)),
        )
        self.issues[row.number] = issue
        return issue

    def _invoices(self, voucher: str, buyer: str) -> list[InvoiceFile]:
        return [row for row in self.business.invoices if (row.voucher, row.buyer) == (voucher, buyer)]

    def _uses(self, rows: Sequence[InvoiceFile]) -> tuple[Invoice, ...]:
        """The same invoice has the same fingerprint each time, so that its total cannot be passed."""
        return tuple(
            Invoice(self.dossier.fingerprint(self._party(row.buyer), row.number), row.amount, row.total)
            for row in rows
        )

    def _quote(self, step: Step, voucher: VoucherId) -> bytes:
        quote, ledger = self.business.quote(step.quote or ""), self.business.ledger_of(step.voucher)
        present = self.worlds[ledger].vouchers.get(voucher)
        if present is None:
            raise InputError(_misfit((step,), "there is no such voucher"))
        priced = price(Fen(present.face), quote)
        if step.refused_as is not None:  # never to be on chain, so that nothing is to be opened
            return bytes(quote_hash(quote, bytes(SALT_BYTES)))
        return self.dossier.quote(quote, priced, voucher, contract=self.domains[ledger].verifying_contract)

    def _done(
        self,
        agreement: Agreement | Unsigned,
        *,
        on: Day,
        ledger: int,
        steps: tuple[Step, ...] = (),
        issued: Issue | None = None,
    ) -> Act:
        """The model takes the step, or refuses it where the files say so."""
        present = self._world(ledger)
        named: dict[str, Any] = {"timestamp": _morning(on), "issued": issued}
        if isinstance(agreement, Issue) or issued is not None:
            named["root"] = root_id(issued or agreement, self.domains[ledger])  # type: ignore[arg-type]
        voucher = getattr(agreement, "voucher", VoucherId(0))
        if steps and steps[0].verb in JOINT:
            named["consents"] = (True, True, True)[: 3 if voucher in present.pledges else 2]
        sequence = self._sequence(voucher, ledger)
        expected = steps[0].refused_as if steps else None
        try:
            who = signers(present, agreement, **named)
            world, _ = apply(present, agreement, **named)
        except Refusal as refusal:
            if refusal.name != expected:
                raise InputError(_misfit(steps, f"it is refused: {refusal}")) from None
            who = self._named_signers(present, agreement, steps, named=named)
            return Act(agreement, who, steps, ledger, issued, sequence)
        if expected is not None:
            raise InputError(_misfit(steps, f"{expected} was expected, but it is allowed"))
        self.worlds[ledger] = world
        return Act(agreement, who, steps, ledger, issued, sequence)

    def _world(self, ledger: int) -> World:
        """A ledger's World, a successor's with what the one before it holds now."""
        before = self.worlds.get(ledger - 1)
        if before is None:
            return self.worlds[ledger]
        taken_over = inherited(before, predecessor=self.domains[ledger - 1].verifying_contract)
        return replace(self.worlds[ledger], inherited=taken_over)

    def _sequence(self, voucher: VoucherId, ledger: int) -> int:
        present = self.worlds[ledger].vouchers.get(voucher)
        return present.sequence if present else 0

    def _named_signers(
        self, world: World, agreement: Agreement | Unsigned, steps: tuple[Step, ...], *, named: dict[str, Any]
    ) -> tuple[PartyNumber, ...]:
        """Who would sign a step that is refused: whom the rules want, else whom the row names."""
        try:
            return signers(world, agreement, **named)
        except Refusal:
            return tuple(self._party(name) for name in (steps[0].by, steps[0].to) if name)

    def _remember(self, agreement: Agreement | Unsigned, steps: Sequence[Step], ledger: int) -> None:
        if isinstance(agreement, Issue):
            self.ids[steps[0].voucher] = root_id(agreement, self.domains[ledger])
        if isinstance(agreement, Split):
            for place, step in enumerate(steps):
                self.ids[step.part or ""] = child_id(agreement.voucher, agreement.sequence, place)

    def _id(self, step: Step) -> VoucherId:
        if step.voucher not in self.ids:
            raise InputError(f"steps.csv, row {step.row}: voucher {step.voucher} does not exist on {step.on}")
        return self.ids[step.voucher]

    def _party(self, short: str) -> PartyNumber:
        return self.business.number_of(short)


def profile(party: PartyFile, dossier: DossierFile) -> bytes:
    """The salted hash of who a party is, which the dossier opens."""
    hashed = dossier.name_party(party.party, party.name, party.code)
    dossier.content["parties"][-1]["account"] = party.account
    return hashed


def ledger_domain(chain_id: int, address: str) -> Domain:
    """The domain of the agreements that make vouchers."""
    return Domain(Contract.LEDGER, chain_id, address)


def _morning(on: Day) -> Timestamp:
    return Timestamp(start_of_day(on) + MORNING)


def _deadline(on: Day) -> Timestamp:
    return Timestamp(_morning(on) + GOOD_FOR)


def _misfit(steps: tuple[Step, ...], what: str) -> str:
    if not steps:
        return what
    return f"{steps[0].verb.value} of {steps[0].voucher} on {steps[0].on} (steps.csv, row {steps[0].row}): {what}"
