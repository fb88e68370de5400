"""What is proposed on a walk: for each verb an agreement that mostly fits the World, and often just misses.

Everything comes from the random generator that the walk gives. Who has to sign is asked of the model where it can
say; where it refuses at once, the natural signers sign. The verbs are here and in `walk_parties.py`,
`walk_credit.py` and `walk_money.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from ledger.agreements import (
    AGREEMENTS,
    AssertPayment,
    Cancel,
    CancelWhole,
    Freeze,
    Issue,
    ListVerifier,
    Part,
    Revoke,
    Split,
    Transfer,
    Unfreeze,
    VoucherId,
)
from ledger.errors import InputError, Refusal
from ledger.signing import root_id
from ledger.voucher import signers
from ledger.world import Lock, Role, promise_of
from tests.walk_credit import CreditVerbs
from tests.walk_draws import NothingFits, Proposal
from tests.walk_money import MoneyVerbs
from tests.walk_parties import PartyVerbs

WEIGHTS: Final = {
    "issue": 12, "split": 7, "transfer": 7, "discount": 7, "rescind": 3, "assert_payment": 18, "confirm_payment": 5,
    "contest_payment": 4, "withdraw_payment": 2, "complete_payment": 6, "award": 4, "declare_overdue": 3, "pledge": 5,
    "release": 4, "freeze": 3, "unfreeze": 3, "cancel": 2, "cancel_whole": 2, "revoke": 2, "revoke_issue": 2,
    "grant_line": 3, "resize_line": 3, "freeze_line": 2, "set_tenor_cap": 2, "stop_issue": 2, "admit": 2, "suspend": 1,
    "reinstate": 4, "rekey": 3, "propose_rekey": 1, "veto_rekey": 1, "withdraw_rekey": 1, "finish_rekey": 3,
    "list_verifier": 2, "hand_over": 1, "accept_hand_over": 2,
}  # fmt: skip
"""How often each verb is proposed: also the list of all verbs."""

VERBS: Final = frozenset(kind.__name__ for kind in AGREEMENTS) | {"CompletePayment", "DeclareOverdue"}
"""By the names of what is submitted."""


@dataclass(slots=True)
class Proposer(PartyVerbs, CreditVerbs, MoneyVerbs):
    """Draws proposals."""

    def draw(self, verbs: Iterable[str] = ()) -> Proposal:
        """One proposal of any verb, or of one of these."""
        some = [verb for verb in verbs if verb in WEIGHTS] or list(WEIGHTS)
        verb = self.rng.choices(some, weights=[WEIGHTS[verb] for verb in some])[0]
        return self.of(self._instead() if verb == "issue" and not self.rarely(0.2) else verb)

    def of(self, verb: str) -> Proposal:
        """A proposal of this verb, the right parties signing."""
        proposal = self._fitting(verb)
        many = (True,) * len(proposal.signers) if proposal.signers else None
        if isinstance(proposal.agreement, AssertPayment) and self.rarely(0.15):
            many = (True,) * self.rng.randint(1, 3)
        lineage, agreement = self.ring.lineage, proposal.agreement
        code_hash = lineage.code_hash(agreement.verifier) if isinstance(agreement, ListVerifier) else None
        try:
            right = signers(
                self.world,
                agreement,
                timestamp=lineage.now,
                consents=many,
                root=self.root(proposal),
                issued=proposal.issued,
                code_hash=code_hash,
            )
        except Refusal:
            return proposal
        return replace(proposal, signers=right[:-1] if proposal.claim else right)

    def root(self, proposal: Proposal) -> VoucherId | None:
        """The root id of the issue that is made, or resupplied, at the ledger that is looked at."""
        issue = proposal.agreement if isinstance(proposal.agreement, Issue) else proposal.issued
        return root_id(issue, self.ring.lineage.domain(self.door)) if issue else None

    def _fitting(self, verb: str) -> Proposal:
        while True:
            try:
                proposal: Proposal = getattr(self, "_" + verb)()
                return proposal
            except (
                NothingFits,
                InputError,
            ):  # no such state, or a number just beyond its type: something else
                verb = self._instead()

    def _instead(self) -> str:
        """Where nothing is in the state that a verb wants: a new voucher, or what stands in its way."""
        before = self.world.inherited
        may_issue = not self.world.settings.run_off and (before is None or before.run_off)
        if may_issue and any(map(self.usable, self.world.lines.values())):
            return "issue"
        return self.rng.choice(
            ["assert_payment"] * 4 + ["cancel", "stop_issue", "resize_line", "freeze_line", "issue"]
        )

    # ------------------------------------------------------------ passing on

    def _split(self) -> Proposal:
        number, v = self.voucher(self.movable)
        promise = self.world.promises.get(promise_of(number))
        smallest, parts, rest = promise.smallest_part if promise else 100, [], v.face
        count = self.rng.choice([0, 20, 21]) if self.rarely(0.04) else self.rng.randint(1, 3)
        for place in range(count):
            whole = place == count - 1 and self.rarely(0.3)
            face = rest if whole else min(rest, self.rng.randint(smallest, max(smallest, v.face // 2)))
            face = self.rng.choice([0, max(smallest - 1, 0), rest + 1]) if self.rarely(0.03) else face
            to = v.holder if self.rarely(0.1) else self.party()
            parts.append(Part(to, face))  # type: ignore[arg-type]
            rest = max(rest - face, 0)
        invoices = self.hop_invoices(v.holder, 500, 0.3)
        overdue = bool(v.locks & Lock.OVERDUE) != self.rarely(0.03)
        new = Split(number, self.sequence(v.sequence), overdue, self.deadline(), tuple(parts), invoices)
        return Proposal(new, (v.holder, *(part.recipient for part in parts)))

    def _transfer(self) -> Proposal:
        number, v = self.voucher(self.movable)
        others = [n for n in self.world.parties if n != v.holder]
        to = v.holder if self.rarely(0.02) else self.rng.choice(others)
        invoices = self.hop_invoices(v.holder, v.face, 0.4)
        overdue = bool(v.locks & Lock.OVERDUE) != self.rarely(0.03)
        new = Transfer(number, self.sequence(v.sequence), to, overdue, self.deadline(), invoices)
        return Proposal(new, (v.holder, to))

    # ------------------------------------------------------------ endings

    def _ending(self, kind: Any) -> Proposal:
        number, v = self.voucher(self.movable)
        promise = self.world.promises.get(promise_of(number))
        issuer = promise.issuer if promise else self.party(Role.ISSUER)
        signing = (v.holder,) if kind is Revoke else (issuer, v.holder)
        return Proposal(kind(number, self.sequence(v.sequence), self.deadline()), signing)

    def _cancel(self) -> Proposal:
        return self._ending(Cancel)

    def _revoke(self) -> Proposal:
        return self._ending(Revoke)

    def _cancel_whole(self) -> Proposal:
        roots = self._drawn(True)
        whole = [pair for pair in roots if self.world.vouchers[pair[0]].face == pair[1].face]  # type: ignore[index]
        if not roots:
            return self._cancel()
        root, issue = self.rng.choice(whole or roots)
        v = self.world.vouchers[root]  # type: ignore[index]
        root = root ^ self.rarely(0.03)
        new = CancelWhole(root, self.sequence(v.sequence), self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (issue.issuer, v.holder), issue)

    # ------------------------------------------------------------ the court's stop

    def _order(self, number: Any) -> bytes:
        spent = [order for order, voucher in self.world.spent_orders if voucher == number]
        return self.rng.choice(sorted(spent)) if spent and self.rarely(0.2) else self.word()

    def _freeze(self) -> Proposal:
        number, _ = self.voucher(lambda _, v: bool(v.face))
        days = self.rng.choice([-1, 0, 366, 367]) if self.rarely(0.1) else self.rng.randint(1, 12)
        new = Freeze(number, self._order(number), self.today + days, self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (self.registrar,))

    def _unfreeze(self) -> Proposal:
        number, _ = self.voucher(lambda _, v: bool(v.locks & Lock.FREEZE))
        return Proposal(Unfreeze(number, self._order(number), self.deadline()), (self.registrar,))
