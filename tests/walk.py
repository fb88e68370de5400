"""A random walk over all verbs of both contracts, the pure model its oracle, with hostile actors.

    walk = Walk(seed)
    walk.run(steps)       every step is compared; a Lost says seed and steps as lines
    walk.done             successes by verb

One step is a verb, an attack, a replay of any earlier call, a batch, a call starved of gas, or a jump of the clock
to (or one second before) a day that decides something. After each step: the refusal or the events, the touched
words, the journal heads, and the invariant list. Every hundred steps and at the end: every word, and the events
folded from nothing.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeVar

from ledger.agreements import Admit, GrantLine, LineId, PartyNumber, VoucherId
from ledger.calendar import Day, date_of_day, day_of, start_of_day
from ledger.errors import Refusal, TallystickError
from ledger.events import Event
from ledger.invariants import invariants, invariants_of_step
from ledger.members import Contract, Struct, line_id, struct_to_json
from ledger.payment import CompletePayment
from ledger.signing import batch_calldata
from ledger.voucher import signers
from ledger.world import Role, World, promise_of
from tests.contract.chain_stage import Disagreement, Foretold, Twin
from tests.rig import Sent
from tests.walk_attacks import ATTACKS, NOBODY_KNOWN, UNREADABLE, Item, attack, honest, nested
from tests.walk_cast import Keyring
from tests.walk_scenes import SCENES
from tests.walk_verbs import Proposal, Proposer

POOL: Final = 200
"""Calls that are remembered, to be sent again."""
THOROUGH: Final = 100
"""Steps between two comparisons of everything."""
PLENTY: Final = 28_000_000

T = TypeVar("T")


class Lost(AssertionError):
    """The walk went where the model did not expect it; the text has seed and steps."""


@dataclass(slots=True)
class Walk:
    """One walk over one pair of contracts."""

    seed: int
    rng: Random = field(init=False)
    ring: Keyring = field(init=False)
    proposer: Proposer = field(init=False)
    scene: list[str] = field(default_factory=list)
    pool: deque[Item] = field(default_factory=lambda: deque(maxlen=POOL))
    steps: list[tuple[int, str, Sequence[Item], str]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.ring = Keyring(Twin())
        self.proposer = Proposer(self.ring, self.rng)
        self._cast()

    @property
    def twin(self) -> Twin:
        return self.ring.twin

    # ------------------------------------------------------------ steps

    def run(self, steps: int) -> Walk:
        """So many steps, then the comparison of everything. Lost where anything differs."""
        for _ in range(steps):
            self.step()
        self.finish()
        return self

    def step(self) -> None:
        """One step of any kind, or the next of a scene."""
        if self.scene and self.rng.random() < 0.8:
            self._next_of_scene()
            return
        if not self.scene and self.rng.random() < 0.1:
            live = [number for number, v in self.twin.world.vouchers.items() if v.face]
            self.proposer.focus = self.rng.choice(live) if live else 0
            self.scene = self.rng.choice(SCENES).split()
        self.rng.choices(
            [self.verb, self.attack, self.replay, self.batch, self.starve, self.wait], [54, 14, 8, 12, 6, 6]
        )[0]()

    def _next_of_scene(self) -> None:
        name = self.scene.pop(0)
        if name == "wait":
            self.wait()
        elif name == "due":
            self._travel(start_of_day(Day(self.proposer.due_day(self.proposer.focus))))
        else:
            item = honest(self.proposer, self.proposer.of(name))
            self._single(item, item.how)

    def verb(self) -> None:
        """An honest proposal; now and then it is held back, to come later and out of order."""
        item = honest(self.proposer, self.proposer.draw())
        if self.rng.random() < 0.05:
            self.pool.append(item)
            return
        self._single(item, item.how)

    def attack(self) -> None:
        """A hostile call."""
        item = attack(self.proposer, self.rng.choice(list(ATTACKS)))
        self._single(item, item.how)

    def replay(self) -> None:
        """Any earlier call once more."""
        if self.pool:
            self._single(self.rng.choice(self.pool), "replayed")

    def starve(self) -> None:
        """A call or batch with too little gas, or nearly; rather one that asks a contract wallet."""
        gas = self.rng.choice([self.rng.randint(25_000, 700_000), self.rng.randint(60_000, 160_000)])
        if self.rng.random() < 0.3:
            self._batch(self._some_items(), whole=False, gas=gas)
            return
        owners = {wallet.owner for wallet in self.ring.wallets.values()}
        for _ in range(8):
            item = honest(self.proposer, self.proposer.draw())
            if any(consent.key in owners for consent in item.consents):
                break
        if self.rng.random() < 0.5:
            self._single(item, f"with {gas} gas", gas=gas)
        else:
            self._batch([item], whole=False, gas=gas)

    def batch(self) -> None:
        """Two to six items, fresh, hostile and old ones mixed."""
        self._batch(self._some_items(), whole=self.rng.random() < 0.3)

    def wait(self) -> None:
        """To a moment that decides something, or a little further."""
        now, rng = self.twin.now, self.rng
        focus = self.proposer.focus
        days = sorted(self._days_that_matter([focus]) if self.scene else ())  # type: ignore[list-item]
        days = days or sorted(self._days_that_matter(self.twin.world.vouchers))
        if days and rng.random() < 0.6:
            start = start_of_day(Day(rng.choice(days[:2])))
            moment = start - 1 if rng.random() < 0.2 else start + rng.choice([0, 0, 43_200])
        else:
            deadlines = [getattr(item.agreement, "deadline", 0) for item in self.pool]
            ahead = [moment + late for moment in deadlines for late in (0, 1) if now <= moment < now + 10**6]
            moment = rng.choice([*ahead[:3], now + 1, now + 3_600, now + 86_400])
        self._travel(moment)

    def _travel(self, moment: int) -> None:
        self.twin.rig.engine.travel(max(self.twin.now, moment))
        self._note("wait", (), f"until {self.twin.now}")

    def finish(self) -> None:
        """Compares everything."""
        self._checked(self.twin.compare_all)

    # ------------------------------------------------------------ sending and comparing

    def _single(self, item: Item, how: str, *, gas: int = PLENTY) -> None:
        if not item.unreadable:
            self.pool.append(item)
        before = self.twin.world
        foretold = self._checked(lambda: self._foretell(item, before, sender=item.sender), [item])
        sent = self.twin.deliver(item.contract, item.data, sender=_address(item.sender), gas=gas)
        refusal = None if sent.ok else self.twin.rig.refusal(sent.output)
        self._note(how, [item], str(refusal or "done"))
        if gas < PLENTY and refusal is not None and _ran_dry(refusal):
            self._checked(self.twin.compare_heads)
            return
        if item.unreadable and refusal is not None:
            refusal = foretold.refusal
        if refusal != foretold.refusal:
            self._lost(f"contract: {refusal or 'done'}\nmodel:    {foretold.refusal or 'done'}")
        self._settle(sent, foretold, [item])

    def _batch(self, items: Sequence[Item], *, whole: bool, gas: int = PLENTY) -> None:
        contract = items[0].contract
        sender = self.rng.choice([items[0].sender, NOBODY_KNOWN])
        foretold, refused = self._checked(lambda: self._foretell_batch(items, whole, sender=sender), items)
        data = batch_calldata([item.data for item in items], whole)
        sent = self.twin.deliver(contract, data, sender=_address(sender), gas=gas)
        stopped = None if sent.ok else self.twin.rig.refusal(sent.output)
        found = self.twin.rig.refused(sent)
        said = stopped or (f"done but { ({n: str(r) for n, r in found.items()}) }" if found else "done")
        self._note(f"batch{' whole' if whole else ''} with {gas} gas", items, str(said))
        if gas < PLENTY and stopped is not None and self._batch_ran_dry(stopped):
            self._checked(self.twin.compare_heads)
            return
        if foretold.refusal is not None or stopped is not None:
            if stopped is None or self._reason(stopped) != (max(refused, default=-1), foretold.refusal):
                self._lost(
                    f"contract: {said}\nmodel:    stopped by item {max(refused, default=-1)}, {foretold.refusal}"
                )
        elif found != refused:
            self._lost(f"contract: {said}\nmodel:    refuses { ({n: str(r) for n, r in refused.items()}) }")
        self._settle(sent, foretold, [item for n, item in enumerate(items) if n not in found])

    def _settle(self, sent: Sent, foretold: Foretold, items: Sequence[Item]) -> None:
        before = self.twin.world
        if foretold.refusal is not None:
            self.refused[foretold.refusal.name] += 1
            self._checked(self.twin.compare_heads)
        else:
            self.done.update(type(item.agreement).__name__ for item in items)
            self._checked(lambda: self.twin.accept(sent, foretold))
            broken = invariants(self.twin.world) + invariants_of_step(before, self.twin.world)
            if broken:
                self._lost("broken invariants:\n" + "\n".join(broken))
        if len(self.steps) % THOROUGH == 0:
            self._checked(self.twin.compare_all)

    def _foretell(self, item: Item, world: World, *, sender: int) -> Foretold:
        if item.fixed is not None or item.agreement is None:
            return Foretold(world, (), item.fixed)
        if isinstance(item.agreement, CompletePayment):
            return self.twin.foretell(item.agreement, (), world=world)
        good = self.ring.judge(
            world,
            item.agreement,
            item.consents,
            digest=item.digest,
            issued=item.issued,
            sender=sender,
            timestamp=self.twin.now,
        )
        if item.cut_short:
            good = (*good[:-1], False)
        foretold = self.twin.foretell(item.agreement, good, issued=item.issued, world=world)
        refusal = foretold.refusal
        if item.unreadable:
            return Foretold(world, (), refusal or UNREADABLE)
        if item.cut_short and refusal and refusal.name == "BadSignature" and all(good[:-1]):
            wanted = signers(
                world,
                item.agreement,
                timestamp=self.twin.now,
                consents=good,
                root=self.twin.root(item.agreement, item.issued),
                issued=item.issued,
            )
            refusal = Refusal("ConsentCount", {"expected": len(wanted), "given": len(good)})
        return foretold._replace(refusal=refusal)

    def _foretell_batch(
        self, items: Sequence[Item], whole: bool, *, sender: int
    ) -> tuple[Foretold, dict[int, Refusal]]:
        """The outcome, and the refused items; where the batch is stopped, the last of them did it."""
        world = self.twin.world
        events: list[Event] = []
        refused: dict[int, Refusal] = {}
        for place, item in enumerate(items):
            one = self._foretell(item, world, sender=sender)
            if one.refusal is None:
                world = one.world
                events += one.events
                continue
            refused[place] = one.refusal
            if whole or one.refusal == UNREADABLE:
                return Foretold(self.twin.world, (), one.refusal), refused
        return Foretold(world, tuple(events), None), refused

    def _reason(self, stopped: Refusal) -> tuple[int, Refusal] | None:
        if stopped.name != "BatchStopped":
            return None
        index, reason = stopped.facts["index"], str(stopped.facts["reason"])
        return int(str(index)), self.twin.rig.refusal(bytes.fromhex(reason[2:]))

    def _batch_ran_dry(self, stopped: Refusal) -> bool:
        inner = self._reason(stopped)
        return _ran_dry(stopped) or (inner is not None and _ran_dry(inner[1]))

    # ------------------------------------------------------------ what is drawn

    def _some_items(self) -> list[Item]:
        items: list[Item] = []
        contract = self.rng.choices([Contract.LEDGER, Contract.REGISTRY], [4, 1])[0]
        count = self.rng.randint(2, 6)
        while len(items) < count:
            kind = self.rng.random()
            if kind < 0.02:
                items.append(nested(contract))
                continue
            if kind < 0.2 and self.pool:
                item = self.rng.choice(self.pool)
            elif kind < 0.3:
                item = attack(self.proposer, self.rng.choice(list(ATTACKS)))
            else:
                item = honest(self.proposer, self.proposer.draw())
            if item.contract is contract and not item.unreadable and item.fixed in (None, UNREADABLE):
                items.append(item)
        return items

    def _days_that_matter(self, numbers: Iterable[VoucherId]) -> set[int]:
        """Days ahead on which what may be done with these vouchers changes, and those of the recoveries."""
        world, today = self.twin.world, day_of(self.twin.now)
        days: set[int] = {recovery.ready_on for recovery in world.recoveries.values()}
        for number in numbers:
            v = world.vouchers.get(number)
            if v is None or not v.face:
                continue
            promise, payment = world.promises[promise_of(number)], world.payments.get(number)
            days.add(promise.due_day)
            if v.pay_by:
                days |= {v.pay_by + 1, v.pay_by + 2}
            if number in world.freezes:
                days |= {world.freezes[number], world.freezes[number] + 1}
            if payment is not None:
                window = world.lines[promise.line].window
                since = (payment.asserted_on, world.parties[payment.payee].recovered_on)
                days |= {day + window + late for day in since for late in (0, 1)}
        return {day for day in days if day > today}

    def _cast(self) -> None:
        """Parties 4 to 13 and three lines, one of them a sub-line."""
        roles = [Role.FUNDER, Role.ARBITER, Role.ISSUER, Role.ISSUER, *[Role(0)] * 6]
        wallets = {9: "owned", 10: "slow"}
        for party, role in enumerate(roles, start=4):
            number = self.ring.wallet(wallets[party]) if party in wallets else self.ring.fresh()
            cap = self.ring.cap_of(number)
            sponsor = 2 + party % 2
            new = Admit(party, role, sponsor, cap, self.proposer.word(), 2**39, number.to_bytes(20))  # type: ignore[arg-type]
            self._single(honest(self.proposer, Proposal(new, (1, sponsor), claim=number)), "cast")
        expiry = day_of(self.twin.now) + 400
        for bank, reference, issuer, parent in ((2, 1, 6, 0), (2, 2, 6, 1), (3, 1, 7, 0)):
            limit = 300_000 if parent else 900_000
            terms: Any = (limit, expiry, 100, 2, 10, False, 2**39)
            upper = line_id(bank, parent) if parent else LineId(0)
            new_line = GrantLine(line_id(bank, reference), PartyNumber(issuer), upper, *terms)
            self._single(honest(self.proposer, Proposal(new_line, (bank, issuer))), "cast")

    # ------------------------------------------------------------ saying what happened

    def _note(self, how: str, items: Sequence[Item], outcome: str) -> None:
        self.steps.append((self.twin.now, how, items, outcome))

    def _checked(self, check: Callable[[], T], items: Sequence[Item] = ()) -> T:
        try:
            return check()
        except (Disagreement, TallystickError) as wrong:
            if items:
                self._note("about to send", items, "")
            self._lost(f"{type(wrong).__name__}: {wrong}")
            raise

    def _lost(self, why: str) -> None:
        raise Lost(f"seed {self.seed}, step {len(self.steps)}\n{why}\n\n{self.story()}") from None

    def story(self, last: int = 10_000) -> str:
        """The steps as lines; vouchers are named v1, v2, … in the order in which they come up."""
        names: dict[str, str] = {}
        lines = []
        for number, (when, how, items, outcome) in enumerate(self.steps, start=1):
            day = date_of_day(day_of(when)).isoformat()
            what = "; ".join(_sentence(item, names) for item in items)
            lines.append(f"{number:>5} {day} {how}: {what} → {_short(outcome, names)}")
        return "\n".join(lines[-last:])


def _sentence(item: Item, names: dict[str, str]) -> str:
    agreement = item.agreement
    if agreement is None:
        return item.how
    if isinstance(agreement, CompletePayment):
        return f"CompletePayment({_short(f'0x{agreement.voucher:064x}', names)})"
    assert isinstance(agreement, Struct)
    members = ", ".join(f"{key} {value}" for key, value in struct_to_json(agreement).items())
    return f"{type(agreement).__name__}({_short(members, names)}) [{item.how}, {len(item.consents)} consents]"


def _short(text: str, names: dict[str, str]) -> str:
    """Long hex numbers and ids of vouchers by a short name, the same each time."""

    def name(found: re.Match[str]) -> str:
        return names.setdefault(found[0].lower(), f"v{len(names) + 1}")

    text = re.sub(r"0x[0-9a-fA-F]{64}", name, text)
    return re.sub(r"(0x[0-9a-fA-F]{8})[0-9a-fA-F]{9,}", r"\1…", text)


def _address(number: int) -> str:
    return f"0x{number:040x}"


def _ran_dry(refusal: Refusal) -> bool:
    """Want of gas: says nothing about the agreement."""
    return refusal.name in ("EmptyRevert", "GasTooLow")
