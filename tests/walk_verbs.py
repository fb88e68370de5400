"""What is proposed on a walk: for each verb an agreement that mostly fits the World, and often just misses.

Everything comes from the random generator that the walk gives. Who has to sign is asked of the model where it can
say; where it refuses at once, the natural signers sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from ledger.agreements import (
    Admit,
    Agreement,
    AssertPayment,
    Cancel,
    CancelWhole,
    ConfirmPayment,
    ContestPayment,
    Discount,
    FinishRekey,
    Freeze,
    FreezeLine,
    GrantLine,
    Invoice,
    Issue,
    Part,
    ProposeRekey,
    Purpose,
    Reinstate,
    Rekey,
    Rescind,
    ResizeLine,
    Revoke,
    RevokeIssue,
    Split,
    Suspend,
    Transfer,
    Unfreeze,
    VetoRekey,
    WithdrawPayment,
    WithdrawRekey,
)
from ledger.errors import InputError, Refusal
from ledger.payment import CompletePayment
from ledger.signing import root_id
from ledger.voucher import signers
from ledger.world import Lock, Role, Status, Voucher, bank_of, promise_of
from tests.walk_draws import HIGHEST_FACE, Draws, NothingFits

WEIGHTS: Final = {
    "issue": 10, "split": 8, "transfer": 7, "discount": 8, "rescind": 3, "assert_payment": 12,
    "confirm_payment": 5, "contest_payment": 5, "withdraw_payment": 3, "complete_payment": 6, "freeze": 3,
    "unfreeze": 3, "cancel": 2, "cancel_whole": 2, "revoke": 2, "revoke_issue": 2, "grant_line": 3,
    "resize_line": 2, "freeze_line": 2, "admit": 2, "suspend": 1, "reinstate": 4, "rekey": 2,
    "propose_rekey": 1, "veto_rekey": 1, "withdraw_rekey": 1, "finish_rekey": 3,
}  # fmt: skip
"""How often each verb is proposed: also the list of all verbs."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An agreement, who is to sign it (parties; of an admission or rekey the last is the new signer's address number),
    and an issue resupplied."""

    agreement: Agreement | CompletePayment
    signers: tuple[int, ...] = ()
    issued: Issue | None = None
    claim: int = 0


@dataclass(slots=True)
class Proposer(Draws):
    """Draws proposals. `issues` keeps every issue that was ever drawn, landed or not, by its root id."""

    issues: dict[int, Issue] = field(default_factory=dict)

    def draw(self) -> Proposal:
        """One proposal of any verb."""
        verb = self.rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
        return self.of(verb)

    def of(self, verb: str) -> Proposal:
        """A proposal of this verb, the right parties signing."""
        proposal = self._fitting(verb)
        many = (True,) * len(proposal.signers) if proposal.signers else None
        if isinstance(proposal.agreement, AssertPayment) and self.rng.random() < 0.15:
            many = (True,) * self.rng.randint(1, 3)
        try:
            right = signers(
                self.world,
                proposal.agreement,
                timestamp=self.ring.twin.now,
                consents=many,
                root=self.ring.twin.root(proposal.agreement, proposal.issued),
                issued=proposal.issued,
            )
        except Refusal:
            return proposal
        right = right[:-1] if proposal.claim else right
        return Proposal(proposal.agreement, right, proposal.issued, proposal.claim)

    def _fitting(self, verb: str) -> Proposal:
        while True:
            try:
                proposal: Proposal = getattr(self, "_" + verb)()
                return proposal
            except (
                NothingFits,
                InputError,
            ):  # no such state, or a number just beyond its type: something else
                verb = "issue"

    # ------------------------------------------------------------ parties

    def _admit(self) -> Proposal:
        number = (
            self.party() if self.rarely(0.1) or len(self.world.parties) > 30 else len(self.world.parties) + 9
        )
        claim, cap, signer = self.new_signer()
        roles = self.rng.choice([0, 0, 1, 4, 8, 5, 6])
        sponsor = self.party(Role.BANK)
        agreement = Admit(number, roles, sponsor, cap, self.word(), self.deadline(), signer)  # type: ignore[arg-type]
        return Proposal(agreement, (1, sponsor), claim=claim)

    def _standing(self, kind: type[Suspend] | type[Reinstate], suspended: bool) -> Proposal:
        fit = [n for n, p in self.world.parties.items() if bool(p.status & Status.SUSPENDED) == suspended]
        shown = self.world.vouchers.get(self.focus)  # type: ignore[call-overload]
        sold_to = [v.funder for v in self.world.vouchers.values() if v.funder in fit]
        sold_to = [shown.funder or shown.holder] if shown else sold_to
        number = self.one_of(sold_to if sold_to and self.rarely(0.4) else fit)
        return Proposal(kind(number, self._of(number), self.word(), self.deadline()), (1,))

    def _suspend(self) -> Proposal:
        return self._standing(Suspend, False)

    def _reinstate(self) -> Proposal:
        return self._standing(Reinstate, True)

    def _of(self, number: Any) -> int:
        party = self.world.parties.get(number)
        return self.sequence(party.sequence if party else 1)

    def _rekey(self) -> Proposal:
        number, (claim, cap, signer) = self.party(), self.new_signer()
        return Proposal(Rekey(number, self._of(number), cap, self.deadline(), signer), (number,), claim=claim)

    def _propose_rekey(self) -> Proposal:
        claim, cap, signer = self.new_signer()
        shown = self.world.payments.get(self.focus)  # type: ignore[call-overload]
        payees = [shown.payee] if shown else [payment.payee for payment in self.world.payments.values()]
        number = self.rng.choice(payees) if payees and self.rarely(0.6) else self.party()
        new = ProposeRekey(number, self._of(number), cap, self.deadline(), signer)
        return Proposal(new, (1, self.party(Role.BANK)), claim=claim)

    def _recovering(self) -> Any:
        return self.one_of(list(self.world.recoveries))

    def _veto_rekey(self) -> Proposal:
        number = self._recovering()
        return Proposal(VetoRekey(number, self._of(number), self.deadline()), (number,))

    def _withdraw_rekey(self) -> Proposal:
        number = self._recovering()
        new = WithdrawRekey(number, self._of(number), self.deadline())
        return Proposal(new, (1, self.party(Role.BANK)))

    def _finish_rekey(self) -> Proposal:
        number = self._recovering()
        recovery = self.world.recoveries.get(number)
        vetoed = bool(recovery and recovery.vetoed) != self.rarely()
        arbiter: Any = (self.party() if self.rarely(0.3) else self.party(Role.ARBITER)) if vetoed else 0
        new = FinishRekey(number, self._of(number), arbiter, self.deadline())
        return Proposal(new, (arbiter,) if vetoed else ())

    # ------------------------------------------------------------ lines

    def _grant_line(self) -> Proposal:
        bank, issuer = self.party(Role.BANK), self.party(Role.ISSUER)
        parent: Any = 0
        if self.rng.random() < 0.4 and self.world.lines:
            parent = self.line()
            if parent in self.world.lines and not self.rarely():
                bank, issuer = bank_of(parent), self.world.lines[parent].issuer
        taken = [n & 0xFFFFFFFF for n in self.world.lines if bank_of(n) == bank]
        line = bank << 32 | (self.rng.choice([0, *taken]) if self.rarely() else len(taken) + 1)
        limit = self.rng.choice([0, 2**64 - 1]) if self.rarely() else self.rng.randint(50_000, 900_000)
        window = self.rng.choice([0, 15, 16]) if self.rarely(0.1) else self.rng.randint(1, 4)
        grace = self.rng.choice([9, 30, 31, window, window + 1]) if self.rarely(0.1) else 16
        smallest = self.rng.choice([0, 99, 100, 2**32 - 1]) if self.rarely() else self.rng.choice([100, 200])
        terms: Any = (
            limit,
            self.near(self.today + 400),
            smallest,
            window,
            grace,
            self.rarely(0.2),
            self.deadline(),
        )
        return Proposal(GrantLine(line, issuer, parent, *terms), (bank, issuer))

    def _resize_line(self) -> Proposal:
        line = self.line()
        present = self.world.lines[line].sequence if line in self.world.lines else 1
        limit = self.rng.choice([0, 10_000, 300_000, 900_000, 900_000, 2**64 - 1])
        expiry = self.near(self.today + self.rng.choice([0, 1, 200, 400, 400]))
        new = ResizeLine(line, self.sequence(present), limit, expiry, self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (bank_of(line),))

    def _freeze_line(self) -> Proposal:
        line = self.line()
        known = self.world.lines.get(line)
        frozen = self.rng.random() < (0.1 if known and known.frozen else 0.5)
        new = FreezeLine(
            line, self.sequence(known.sequence if known else 1), frozen, self.word(), self.deadline()
        )
        return Proposal(new, (bank_of(line),))

    # ------------------------------------------------------------ life

    def _issue(self) -> Proposal:
        line = self.line()
        known = self.world.lines.get(line)
        issuer = known.issuer if known and not self.rarely(0.03) else self.party(Role.ISSUER)
        supplier = issuer if self.rarely(0.02) else self.party()
        tenor = self.rng.choice([-1, 0, 184, 185, 366, 367]) if self.rarely(0.08) else self.rng.randint(1, 45)
        smallest = known.smallest_part if known else 100
        smallest = self.rng.choice([0, 99, smallest + 1, 2**32 - 1]) if self.rarely() else smallest
        room = known.limit - known.drawn if known else 1000
        face = self.rng.choice(
            [0, smallest, max(smallest - 1, 0), max(room, 0), max(room + 1, 0), HIGHEST_FACE]
        )
        face = min(face, 2**64 - 1) if self.rarely(0.12) else self.rng.randint(smallest, 60 * smallest + 1)
        invoices = self.invoices(issuer, face + self.rarely(0.02))
        if self.rarely(0.02):
            invoices = tuple(Invoice(self.word(), 1, 1) for _ in range(self.rng.choice([0, 10, 11])))  # type: ignore[arg-type]
            face = face if self.rarely(0.5) else len(invoices)
        issue = Issue(
            issuer, line, supplier, face, self.today + tenor, smallest,  # type: ignore[arg-type]
            0 if self.rarely(0.02) else self.rng.randint(1, 6),
            self.word(), bytes(32) if self.rng.random() < 0.5 else self.word(), self.word(), self.deadline(), invoices,
        )  # fmt: skip
        self.issues[root_id(issue, self.ring.twin.rig.domain(issue.contract))] = issue
        countersigned = (bank_of(line),) if known and known.countersign else ()
        return Proposal(issue, (issuer, supplier, *countersigned))

    def _revoke_issue(self) -> Proposal:
        landed = self.world.vouchers
        unlanded = [pair for pair in self.issues.items() if pair[0] not in landed]
        pairs = unlanded if unlanded and not self.rarely(0.1) else list(self.issues.items())
        if not pairs:
            return self._issue()
        root, issue = self.rng.choice(pairs)
        by = self.rng.choice([issue.issuer, issue.supplier, bank_of(issue.line), self.party()])
        promise = root >> 96 ^ self.rarely(0.03)
        return Proposal(RevokeIssue(promise, by, self.deadline()), (by,), issue)  # type: ignore[arg-type]

    def _split(self) -> Proposal:
        number, v = self.voucher(self.free)
        promise = self.world.promises.get(promise_of(number))
        smallest, parts, rest = promise.smallest_part if promise else 100, [], v.face
        count = self.rng.choice([0, 20, 21]) if self.rarely(0.04) else self.rng.randint(1, 3)
        for place in range(count):
            whole = place == count - 1 and self.rng.random() < 0.3
            face = rest if whole else min(rest, self.rng.randint(smallest, max(smallest, v.face // 2)))
            face = self.rng.choice([0, max(smallest - 1, 0), rest + 1]) if self.rarely(0.03) else face
            to = v.holder if self.rarely(0.1) else self.party()
            parts.append(Part(to, face))  # type: ignore[arg-type]
            rest = max(rest - face, 0)
        invoices = self.invoices(v.holder, 500) if self.rarely(0.3) else ()
        overdue = self.rarely(0.02)
        new = Split(number, self.sequence(v.sequence), overdue, self.deadline(), tuple(parts), invoices)
        return Proposal(new, (v.holder, *(part.recipient for part in parts)))

    def _transfer(self) -> Proposal:
        number, v = self.voucher(self.free)
        to = (
            v.holder
            if self.rarely(0.02)
            else self.rng.choice([n for n in self.world.parties if n != v.holder])
        )
        invoices = self.invoices(v.holder, v.face) if self.rarely(0.4) else ()
        new = Transfer(number, self.sequence(v.sequence), to, self.rarely(0.02), self.deadline(), invoices)
        return Proposal(new, (v.holder, to))

    def _ending(self, kind: Any) -> Proposal:
        number, v = self.voucher(self.free)
        promise = self.world.promises.get(promise_of(number))
        issuer = promise.issuer if promise else self.party(Role.ISSUER)
        signing = (v.holder,) if kind is Revoke else (issuer, v.holder)
        return Proposal(kind(number, self.sequence(v.sequence), self.deadline()), signing)

    def _cancel(self) -> Proposal:
        return self._ending(Cancel)

    def _revoke(self) -> Proposal:
        return self._ending(Revoke)

    def _cancel_whole(self) -> Proposal:
        roots = [pair for pair in self.issues.items() if pair[0] in self.world.vouchers]
        if not roots:
            return self._cancel()
        root, issue = self.rng.choice(roots)
        v = self.world.vouchers[root]  # type: ignore[index]
        root = root ^ self.rarely(0.03)
        new = CancelWhole(root, self.sequence(v.sequence), self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (issue.issuer, v.holder), issue)

    # ------------------------------------------------------------ sale and payment

    def _discount(self) -> Proposal:
        number, v = self.voucher(self.free)
        funder = v.holder if self.rarely(0.02) else self.party(Role.FUNDER)
        holder = self.world.parties.get(v.holder)
        if holder and holder.status & Status.SUSPENDED and self.rarely(0.6):
            funder = holder.sponsor
        latest = self.due_day(number) - 6
        pay_by = self.near(latest + 3) if self.rarely(0.1) else max(self.today, min(self.today + 2, latest))
        pay_by = self.near(self.today) if self.rarely(0.1) else pay_by
        new = Discount(number, self.sequence(v.sequence), funder, self.word(), pay_by, self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (v.holder, funder))

    def _rescind(self) -> Proposal:
        number, v = self.voucher(lambda _, v: bool(v.locks & Lock.DISCOUNT and not v.locks & Lock.PAYMENT))
        funder = self.world.parties.get(v.funder)
        likely = (
            v.holder if funder and funder.status & Status.SUSPENDED else self.rng.choice([v.holder, v.funder])
        )
        by = self.party() if self.rarely() else likely
        return Proposal(Rescind(number, self.sequence(v.sequence), by, self.deadline()), (by,))

    def _assert_payment(self) -> Proposal:
        late = self.rarely(0.5)
        number, v = self.voucher(
            lambda n, v: bool(v.face and (self.due_day(n) <= self.today if late else v.locks & Lock.DISCOUNT))
        )
        due = self.due_day(number) <= self.today
        sold = bool(v.locks & Lock.DISCOUNT) and (not due or self.rarely(0.3))
        purpose = Purpose.DISBURSEMENT if sold != self.rarely(0.05) else Purpose.SETTLEMENT
        amount: Any = 0 if purpose is Purpose.DISBURSEMENT else v.face
        amount = self.rng.choice([0, max(v.face - 1, 0), v.face, v.face + 1]) if self.rarely(0.04) else amount
        payee: Any = (
            self.party() if self.rarely(0.03) else self.rng.choice([v.holder] * 5 + [v.funder or v.holder])
        )
        day = self.today + 1 if self.rarely(0.03) else self.today - self.rarely(0.2)
        terms = (purpose, payee, amount, day, self.word(), self.deadline())
        first = v.funder if purpose is Purpose.DISBURSEMENT else self.bank(number)
        many = [(first,), (first, v.holder)] + ([(first, v.holder, v.funder)] * 2 if due and v.funder else [])
        return Proposal(AssertPayment(number, self.sequence(v.sequence), *terms), self.rng.choice(many))  # type: ignore[arg-type]

    def _paying(self) -> tuple[Any, Voucher]:
        return self.voucher(lambda _, v: bool(v.locks & Lock.PAYMENT))

    def _payee(self, number: Any, v: Voucher) -> Any:
        return self.world.payments[number].payee if number in self.world.payments else v.holder

    def _confirm_payment(self) -> Proposal:
        number, v = self._paying()
        new = ConfirmPayment(number, self.sequence(v.sequence), self.deadline())
        return Proposal(new, (self._payee(number, v),))

    def _contest_payment(self) -> Proposal:
        number, v = self._paying()
        by = self.party() if self.rarely() else self._payee(number, v)
        new = ContestPayment(number, self.sequence(v.sequence), by, self.word(), self.deadline())
        return Proposal(new, (by,))

    def _withdraw_payment(self) -> Proposal:
        number, v = self._paying()
        new = WithdrawPayment(number, self.sequence(v.sequence), self.deadline())
        return Proposal(new, (v.funder or self.bank(number),))

    def _complete_payment(self) -> Proposal:
        return Proposal(CompletePayment(self._paying()[0]))

    # ------------------------------------------------------------ the court's stop

    def _freeze(self) -> Proposal:
        number, _ = self.voucher(lambda _, v: bool(v.face))
        spent = [order for order, voucher in self.world.spent_orders if voucher == number]
        order = self.rng.choice(sorted(spent)) if spent and self.rarely(0.2) else self.word()
        days = self.rng.choice([-1, 0, 366, 367]) if self.rarely(0.15) else self.rng.randint(1, 12)
        return Proposal(Freeze(number, order, self.today + days, self.deadline()), (1,))  # type: ignore[arg-type]

    def _unfreeze(self) -> Proposal:
        number, _ = self.voucher(lambda _, v: bool(v.locks & Lock.FREEZE))
        spent = [order for order, voucher in self.world.spent_orders if voucher == number]
        order = self.rng.choice(sorted(spent)) if spent and self.rarely(0.2) else self.word()
        return Proposal(Unfreeze(number, order, self.deadline()), (1,))
