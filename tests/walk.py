"""A random walk over all verbs of both contracts, the pure model its oracle, with hostile actors.

    walk = Walk(seed)
    walk.run(steps)       every step is compared; a Lost says seed and steps as lines
    walk.done             successes by verb; `refused` by verb and error

One step is a verb, an attack, a replay of any earlier call, the same call twice, a call that is outrun, a batch, a
chain of agreements on one voucher, a call starved of gas, a successor of the newest ledger, or a jump of the clock to
(or one second before) a day that decides something. After each step: the refusal or the events, the touched rows, the
journal heads. Every 500 steps and at the end: the product's health-checker over all ledgers (every word, the invariant
list, the events hashed and folded from nothing), and what may change between two Worlds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from ledger.calendar import Day, start_of_day
from tests.rig import Revm
from tests.stage import FIRST_DAY
from tests.walk_attacks import (
    ATTACKS,
    NOBODY_KNOWN,
    UNREADABLE,
    Item,
    at_another,
    attack,
    honest,
    looking,
    nested,
    outrun,
)
from tests.walk_cast import Keyring
from tests.walk_compared import Compared, Lost
from tests.walk_draws import HIGHEST_LEDGERS
from tests.walk_lineage import Lineage
from tests.walk_opening import open_ledger, opening
from tests.walk_scenes import SCENES
from tests.walk_verbs import Proposer

__all__ = ["THOROUGH", "Lost", "Walk"]

THOROUGH: Final = 500
"""Steps between two examinations of everything."""
SCENE_DAYS: Final = 7
"""Before its due day a voucher has at least these left when a scene begins on it, mostly."""
KINDS: Final = {
    "verb": 52, "attack": 14, "replay": 6, "twice": 2, "outrun": 2, "batch": 8, "chain": 4, "starve": 5, "wait": 7,
    "succeed": 0.05,
}  # fmt: skip
"""How often each kind of step is taken."""


@dataclass(slots=True)
class Walk(Compared):
    """One walk over one registry and its ledgers."""

    thorough: int = THOROUGH
    proposer: Proposer = field(init=False)
    scene: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.ring = Keyring(Lineage(Revm(start=start_of_day(FIRST_DAY))))
        self.proposer = Proposer(self.ring, self.rng)
        for item in opening(self.proposer):
            if isinstance(item, int):
                self._travel(item)
            else:
                self._single(item, "cast")
        self.open_ledger(1)
        self.pool.clear()

    # ------------------------------------------------------------ steps

    def run(self, steps: int) -> Walk:
        """So many steps, then the examination of everything. Lost where anything differs."""
        for _ in range(steps):
            self.step()
        self.finish()
        return self

    def step(self) -> None:
        """One step of any kind, or the next of a scene; a run-off is followed by a successor."""
        self._look()
        if self.lineage.world(self.lineage.newest).settings.run_off and self.rng.random() < 0.1:
            self.succeed()
        if self.scene and self.rng.random() < 0.8:
            self._next_of_scene()
        else:
            if not self.scene and self.rng.random() < 0.15:
                self._begin_scene()
            getattr(self, self.rng.choices(list(KINDS), list(KINDS.values()))[0])()
        if len(self.steps) - self.examined >= self.thorough:
            self.finish()

    def _look(self) -> None:
        """Mostly at the newest ledger, once that may issue; during a scene at the same one."""
        newest = self.lineage.newest
        if not self.scene and newest > 1:
            may_issue = self.lineage.world(newest - 1).settings.run_off
            likely = newest if may_issue else newest - 1
            self.proposer.door = likely if self.rng.random() < 0.75 else self.rng.randint(1, newest)

    def _begin_scene(self) -> None:
        """On a voucher that is free for a while yet, mostly, or on any."""
        p = self.proposer
        live = [number for number, v in p.world.vouchers.items() if v.face]
        fresh = [n for n in live if p.free(n, p.world.vouchers[n]) and p.due_day(n) > p.today + SCENE_DAYS]
        p.focus = self.rng.choice(fresh if fresh and self.rng.random() < 0.7 else live or [0])
        self.scene = self.rng.choice(SCENES).split()

    def _next_of_scene(self) -> None:
        name, p = self.scene.pop(0), self.proposer
        days = {
            "due": lambda: p.due_day(p.focus),
            "grace": lambda: p.overdue_from(p.focus) - 1,
            "late": lambda: p.overdue_from(p.focus),
            "week": lambda: p.today + 7,
            "month": lambda: p.today + 30,
        }
        if name in days:
            self._travel(start_of_day(Day(days[name]())))
        elif name == "wait":
            self.wait()
        elif name == "succeed":
            if self.rng.random() < 0.2:
                self.succeed()
        else:
            item = honest(p, p.of(name))
            self._single(item, item.how)
            if self.steps[-1].outcome != "done" and self.rng.random() < 0.4:
                self.scene.insert(0, name)  # once more, perhaps without the slip

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
        """Any earlier call once more, now and then at another ledger."""
        if self.pool:
            item = self.rng.choice(self.pool)
            others = [door for door in range(1, self.lineage.newest + 1) if door != item.door]
            if item.door and item.agreement and not item.fixed and others and self.rng.random() < 0.3:
                item = at_another(self.proposer, item, self.rng.choice(others))
            self._single(item, "replayed")

    def twice(self) -> None:
        """A call, and at once the same again."""
        item = honest(self.proposer, self.proposer.draw())
        self._single(item, item.how)
        self._single(item, "again")

    def outrun(self) -> None:
        """A stranger says of the voucher what anyone may say, before the call arrives that it is signed for."""
        item = honest(self.proposer, self.proposer.draw())
        first = outrun(self.proposer, item)
        if first is not None:
            self._single(first, first.how)
        self._single(item, "outrun" if first else item.how)

    def starve(self) -> None:
        """A call or batch with too little gas, or nearly; rather one that asks a contract or a verifier."""
        gas = self.rng.choice([self.rng.randint(25_000, 700_000), self.rng.randint(60_000, 160_000)])
        if self.rng.random() < 0.3:
            self._batch(self._some_items(), whole=False, gas=gas)
            return
        for _ in range(4):
            item = honest(self.proposer, self.proposer.draw())
            if any(consent.key not in self.ring.keys for consent in item.consents):
                break
        if self.rng.random() < 0.5:
            self._single(item, f"with {gas} gas", gas=gas)
        else:
            self._batch([item], whole=False, gas=gas)

    def batch(self) -> None:
        """Two to six items, fresh, hostile and old ones mixed."""
        items = self._some_items()
        sender = self.rng.choice([NOBODY_KNOWN if items[0].through else items[0].sender, NOBODY_KNOWN])
        self._batch(items, whole=self.rng.random() < 0.3, sender=sender)

    def chain(self) -> None:
        """Agreements on one voucher, each drawn for the state after the one before; in their order, or in another."""
        p = self.proposer
        items: list[Item] = []
        before, world = p.focus, p.world
        try:
            for _ in range(self.rng.randint(2, 4)):
                item = honest(p, p.draw())
                if items and (item.door != items[0].door or item.fixed):
                    break
                items.append(item)
                number = getattr(item.agreement, "voucher", 0)
                p.focus = number if number in p.world.vouchers else p.focus
                p.ahead = self._foretell(item, p.world, sender=NOBODY_KNOWN).world
        finally:
            p.focus, p.ahead = before, None
        assert p.world is world
        if self.rng.random() < 0.3:
            self.rng.shuffle(items)
        self._batch(items, whole=self.rng.random() < 0.3)

    def succeed(self) -> None:
        """A successor of the newest ledger, whether that is in run-off or not."""
        if self.rng.random() < 0.1:
            self._checked(self.lineage.refuse_successor)
            self.refused["Successor", "PredecessorUnfit"] += 1
        if self.lineage.early:
            self._checked(self.lineage.refuse_third)
            self.refused["Successor", "PredecessorIssues"] += 1
        elif self.lineage.newest < HIGHEST_LEDGERS:
            self.open_ledger(self._succeed())

    def wait(self) -> None:
        """To a moment that decides something, or a little further."""
        now, rng, p = self.lineage.now, self.rng, self.proposer
        kind = rng.random()
        if kind < 0.7:
            days = sorted(p.days_that_matter([p.focus])) if self.scene else []
            days = days or sorted(p.days_that_matter(p.world.vouchers))
            if days:
                start = start_of_day(Day(rng.choice(days[:2] if kind < 0.55 else days)))
                return self._travel(start - 1 if rng.random() < 0.2 else start + rng.choice([0, 0, 43_200]))
        if kind < 0.95:
            deadlines = [getattr(item.agreement, "deadline", 0) for item in self.pool]
            ahead = [moment + late for moment in deadlines for late in (0, 1) if now <= moment < now + 10**6]
            return self._travel(rng.choice([*ahead[:3], now + 1, now + 3_600, now + 86_400, now + 86_400]))
        return self._travel(now + 86_400 * (7 if kind < 0.97 else 30 if kind < 0.995 else 366))

    def open_ledger(self, door: int) -> None:
        """Lines under a ledger, as many as the walk needs to begin."""
        looked_at, self.proposer.door = self.proposer.door, door
        for item in open_ledger(self.proposer):
            self._single(item, "cast")
        self.proposer.door = looked_at

    def _some_items(self) -> list[Item]:
        items: list[Item] = []
        door = self.proposer.door if self.rng.random() < 0.8 else 0
        count = self.rng.randint(2, 6)
        while len(items) < count:
            kind = self.rng.random()
            if kind < 0.04:
                items.append(nested(door) if kind < 0.02 else looking(door))
                continue
            if kind < 0.2 and self.pool:
                item = self.rng.choice(self.pool)
            elif kind < 0.25 and items:
                item = items[-1]
            elif kind < 0.35:
                item = attack(self.proposer, self.rng.choice(list(ATTACKS)))
            else:
                item = honest(self.proposer, self.proposer.draw())
            if item.door == door and not item.unreadable and item.fixed in (None, UNREADABLE):
                items.append(item)
        return items
