"""What is proposed on a walk before there is a voucher: lines, the ledger's settings, issues.

As in `walk_verbs.py`: mostly something that fits the World, and often something that just misses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.agreements import (
    FreezeLine,
    GrantLine,
    Invoice,
    Issue,
    ResizeLine,
    RevokeIssue,
    SetTenorCap,
    StopIssue,
)
from ledger.signing import root_id
from ledger.world import Role, bank_of, issuer_of
from tests.walk_draws import HIGHEST_FACE, HIGHEST_LEDGERS, Draws, Proposal


@dataclass(slots=True)
class CreditVerbs(Draws):
    """The verbs of a ledger that are about no voucher yet."""

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
        grace = (
            self.rng.choice([9, 30, 31, window, window + 1])
            if self.rarely(0.1)
            else self.rng.choice([10, 16])
        )
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
        line = self.line(0.4)
        present = self.world.lines[line].sequence if line in self.world.lines else 1
        limit = self.rng.choice([0, 10_000, 300_000, 900_000, 900_000, 2**64 - 1])
        expiry = self.near(self.today + self.rng.choice([0, 1, 200, 400, 400, 800]))
        new = ResizeLine(line, self.sequence(present), limit, expiry, self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (bank_of(line),))

    def _freeze_line(self) -> Proposal:
        line = self.line(0.5)
        known = self.world.lines.get(line)
        frozen = self.rng.random() < (0.1 if known and known.frozen else 0.5)
        sequence = self.sequence(known.sequence if known else 1)
        new = FreezeLine(line, sequence, frozen, self.word(), self.deadline())
        return Proposal(new, (bank_of(line),))

    # ------------------------------------------------------------ settings

    def _set_tenor_cap(self) -> Proposal:
        cap = self.rng.choice([0, 367, 1, 366]) if self.rarely(0.2) else self.rng.choice([20, 40, 90, 184])
        notice = self.rng.choice([-1, 0, 0]) if self.rarely(0.15) else self.rng.randint(1, 4)
        sequence = self.sequence(self.world.settings.sequence)
        new = SetTenorCap(sequence, cap, self.today + notice, self.deadline())  # type: ignore[arg-type]
        return Proposal(new, (self.registrar,))

    def _stop_issue(self) -> Proposal:
        """Of one issuer, and mostly lifted again; rarely the run-off, unless a successor waits for it. The last ledger
        of a walk goes on."""
        newest = self.ring.lineage.newest
        awaited = self.door < newest and not self.world.settings.run_off
        sequence = self.sequence(self.world.settings.sequence)
        if self.rarely(0.5 if awaited else 0.02):
            final = newest < HIGHEST_LEDGERS and self.rarely(0.3)
            flag = awaited or final or (self.world.settings.run_off and not self.rarely(0.3))
            new = StopIssue(sequence, 0, flag, self.word(), self.deadline())  # type: ignore[arg-type]
            return Proposal(new, (self.registrar,))
        stopped = [n for n, record in self.world.issuers.items() if record.stopped]
        issuer = self.rng.choice(stopped) if stopped and self.rarely(0.8) else self.party(Role.ISSUER)
        flag = issuer_of(self.world, issuer).stopped == self.rarely(0.1)
        new = StopIssue(sequence, issuer, flag, self.word(), self.deadline())
        return Proposal(new, (self.registrar,))

    # ------------------------------------------------------------ issue

    def _issue(self) -> Proposal:
        line = self.line(0.9)
        known = self.world.lines.get(line)
        issuer = known.issuer if known and not self.rarely(0.03) else self.party(Role.ISSUER)
        supplier = self.party()
        if supplier == issuer and not self.rarely(0.2):
            supplier = self.rng.choice([n for n in self.world.parties if n != issuer])
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
            self.word(), bytes(32) if self.rarely(0.5) else self.word(), self.word(), self.deadline(), invoices,
        )  # fmt: skip
        self.issues[self.door, root_id(issue, self.ring.lineage.domain(self.door))] = issue
        countersigned = (bank_of(line),) if known and known.countersign else ()
        return Proposal(issue, (issuer, supplier, *countersigned))

    def _drawn(self, landed: bool) -> list[tuple[int, Issue]]:
        """Issues that were drawn for this ledger, by root id, and that have landed or not."""
        there = self.world.vouchers
        return [
            (root, issue)
            for (door, root), issue in self.issues.items()
            if door == self.door and (root in there) == landed
        ]

    def _revoke_issue(self) -> Proposal:
        pairs = self._drawn(self.rarely(0.1)) or self._drawn(False)
        if not pairs:
            return self._issue()
        root, issue = self.rng.choice(pairs)
        by = self.rng.choice([issue.issuer, issue.supplier, bank_of(issue.line), self.party()])
        promise = root >> 96 ^ self.rarely(0.03)
        return Proposal(RevokeIssue(promise, by, self.deadline()), (by,), issue)  # type: ignore[arg-type]
