"""One round of the simulator: acts and faults in the order that a seed gives, then all is healed and run to its end.

    base = Base(folder)              an office, opened once; each round begins with a copy of it
    Round(seed, base, folder).play() what was wrong, as sentences; `trace` says what happened

All that is random comes from one `Random`; the clocks are numbers. So a seed that fails, fails again.
"""

from __future__ import annotations

import shutil
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import select

from ledger import crash_points
from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.outbox import FINAL, REFUSED, UNKNOWN, WITHDRAWN, queue
from ledger.outbox_acts import retry
from ledger.outbox_tables import BatchRow, OutboxRow
from ledger.pin import Pin
from ledger.relay import Terms
from ledger.store import add_pin, open_store
from ledger.tables import CursorRow
from tests.engines import EPOCH
from tests.ledger.office import Office, open_office
from tests.simulator_disk import Disk
from tests.simulator_faults import FAULTS
from tests.simulator_judge import wrong
from tests.simulator_network import Network, two_nodes
from tests.simulator_people import Act, People
from tests.simulator_state import KEYS, Made, Tx
from tests.simulator_wire import Line, Straight, plugged
from tests.simulator_works import DEEP, Worker, Works

QUIET_BLOCKS: Final = 24
"""Empty blocks on top of the office: as deep as a reorganisation may reach, and more."""
NOON: Final = EPOCH + 43_200
STEPS: Final = 16, 36
"""Acts, cycles, faults and blocks of a round, at least and less than."""
TO_THE_END: Final = 400
"""Steps in which everything has to come to its end when all is well again."""
HOST: Final = "simulated"
KILLS: Final = (*10 * ("killed at a crash point",), *3 * ("taken out by an operator", "deep reorganisation"))
"""What happens more often than other faults."""


class Base:
    """An office on a network of its own: contracts, parties and a line, followed to the head."""

    def __init__(self, folder: Path) -> None:
        salt = count()
        network = two_nodes(lambda: NOON, lambda: next(salt))
        node = network.nodes[0]
        tell = node.said

        def mined_at_once(teller: Any, tx: Tx) -> None:
            assert tell is not None
            tell(teller, tx)
            node.mine(node.ready(node.senders()))

        node.said = mined_at_once
        self.database, self.empty = folder / "base.db", folder / "empty.db"
        with plugged({f"base.{HOST}": Line("", node=node)}):
            chain = Straight(node, f"http://base.{HOST}", key=KEYS[0])
            office = open_office(chain, folder, database=f"sqlite:///{self.database}")
            for _ in range(QUIET_BLOCKS):
                node.mine()
            office.follow()
            office.store.close()
            with open_store(f"sqlite:///{self.empty}") as empty:
                add_pin(empty, office.pin)
        self.blocks: list[Made] = list(node.blocks)
        self.pin: Pin = office.pin
        self.keys = office.keys


@dataclass
class Round:
    """A seed's round."""

    seed: int
    base: Base
    folder: Path
    trace: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    now: int = NOON
    ahead: int = 0
    stalled: int = 0

    def __post_init__(self) -> None:
        self.rng = rng = Random(self.seed)
        salt = count(1 + self.seed * 10_000)
        self.network: Network = two_nodes(
            lambda: self.now + self.ahead, lambda: next(salt), blocks=self.base.blocks
        )
        self.disk = Disk(self.folder / f"{self.seed}.db")
        self.copy = self.folder / f"{self.seed}.copy"
        shutil.copyfile(self.base.database, self.disk.path)
        one, other = self.network.nodes
        names = ("relay 0", "relay 1", "index 0", "index 1")
        hosts = [name.replace(" ", "-") + f".{HOST}" for name in (*names, "witness", "judge")]
        nodes = (one, other, one, other, one, one)
        self.lines = {
            host: Line("", f"http://{host}", node=node) for host, node in zip(hosts, nodes, strict=True)
        }
        lines = list(self.lines.values())
        key = KEYS[rng.random() < 0.8]
        patient = rng.random() < 0.8
        for node in self.network.nodes:
            node.patient = patient
        workers = [
            Worker(names[0], lines[0], KEYS[0], True, margin=rng.choice((4, 128, 128))),
            Worker(names[1], lines[1], key, True, margin=rng.choice((4, 128))),
            Worker(names[2], lines[2], KEYS[0], False, margin=rng.choice((4, 128, 128))),
            Worker(
                names[3],
                lines[3],
                KEYS[0],
                False,
                witness=rng.choice((None, lines[4])),
                confirmations=rng.choice((0, 0, 3)),
            ),
        ]
        terms = Terms(
            gas_budget=rng.choice((700_000, 10_000_000)),
            depth=rng.choice((0, 1, 3, 6)),
            most_open=rng.choice((1, 3, 16)),
        )
        self.works = Works(self.disk, workers, terms, lambda: self.now, self.said, self._amid, met=self.met)
        self.waiting: deque[Act] = deque()
        self.kept: list[Act] = []
        shutil.copyfile(self.base.database, self.copy)
        self.kept_in_copy = 0
        self.said(f"{terms}, {'one key' if key == KEYS[0] else 'two keys'}, patient {patient}")

    # ---- the round -------------------------------------------------------------------------------------------

    def play(self) -> list[str]:
        """What was wrong at the end."""
        with plugged(self.lines), self._hooked():
            judge = Straight(self.network.nodes[0], f"http://judge.{HOST}", key=KEYS[0])
            self.desk = self.disk.store()
            office = Office(judge, self.desk, self.base.pin, dict(self.base.keys))
            self.people = People(office)
            try:
                for worker in self.works.workers:
                    self.works.start(worker)
                for _ in range(self.rng.randrange(*STEPS)):
                    self._step()
                self._heal()
                self._to_the_end()
                fresh = Disk(self.folder / f"{self.seed}.fresh", place=1)
                shutil.copyfile(self.base.empty, fresh.path)
                return wrong(self.desk, fresh.store(), judge, self.people, self.kept)
            finally:
                for each in self.folder.glob(f"{self.seed}.*"):
                    each.unlink()

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        crash_points.hook = self.works.reached
        try:
            yield
        finally:
            crash_points.hook = None

    def said(self, what: str) -> None:
        """A line of the trace."""
        self.trace.append(what)

    def _step(self) -> None:
        rng = self.rng
        self.hand_in()
        match rng.choices(("act", "work", "mine", "time", "fault", "start"), (5, 12, 6, 4, 5, 3))[0]:
            case "act":
                for _ in range(rng.choice((1, 1, 2, 4))):
                    act = self.people.agree(rng)
                    self.said(f"agreed: {act.what}")
                    self.waiting.append(act)
                self.hand_in()
            case "work":
                self.works.turn(rng.choice(self.works.workers))
            case "mine":
                self.mine()
            case "time":
                self.now += rng.choice((1, 3, 11, 11, 61))
            case "start":
                for worker in self.works.workers:
                    if not worker.runs:
                        self.works.start(worker)
                        self.said(f"{worker.name}: {'started' if worker.runs else 'ended at once'}")
            case "fault":
                name = rng.choice((*FAULTS, *KILLS))
                told = FAULTS[name](self)
                if told is not None:
                    self.met[name] += 1
                    self.said(f"fault: {name} {told}".rstrip())

    def _amid(self, point: str) -> None:
        """What happens while a process is at a crash point."""
        draw = self.rng.random()
        if draw < 0.06:
            other = self.rng.choice(self.works.workers)
            self.said(f"amid {point}: {other.name}")
            self.met["interleaved"] += 1
            self.works.turn(other)
        elif draw < 0.10:
            self.said(f"amid {point}: a block")
            self.mine()
        elif draw < 0.12:
            self.said(f"amid {point}: a reorganisation {FAULTS['reorganisation'](self)}")
            self.met["reorganisation"] += 1

    def mine(self) -> None:
        """A block on one node, with what its pool has."""
        if self.stalled > 0:
            self.stalled -= 1
            return
        node = self.rng.choice(self.network.nodes)
        senders = node.senders()
        self.rng.shuffle(senders)
        made = node.mine(node.ready(senders))
        self.network.share(node)
        self.said(f"block {made.number} on {node.name} with {len(made.transactions)}")

    def hand_in(self) -> None:
        """The parties put in what is not acknowledged yet, in their order."""
        while self.waiting:
            act = self.waiting[0]
            try:
                number = queue(
                    self.desk, act.agreement, act.consents, pin=self.base.pin, clock=lambda: self.now
                )
            except (DatabaseUnusable, DatabaseUncertain) as trouble:
                self.said(f"{act.what}: {type(trouble).__name__}")
                return
            self.waiting.popleft()
            self.kept.append(act)
            self.said(f"item {number}: {act.what}")

    def again(self, number: int) -> None:
        """The parties of an item that was withdrawn sign nothing else: they put the same in again."""
        with self.desk.reading() as session:
            agreed = session.get_one(OutboxRow, number).digest
        mine = [act for act in self.kept if act.digest == agreed]
        self.waiting.extendleft(mine[:1])

    def restore(self) -> None:
        """The database is put back from its copy; the parties put in again what was acknowledged since."""
        for worker in self.works.workers:
            self.works.kill(worker)
        self.disk.restore(self.copy)
        self.desk = self.people.office.store = self.disk.store()
        self.waiting.extendleft(reversed(self.kept[self.kept_in_copy :]))
        del self.kept[self.kept_in_copy :]

    # ---- the end ---------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        self.said("everything is healed")
        self.disk.make_room()
        for line in self.lines.values():
            line.heal()
        for node in self.network.nodes:
            node.floor = node.mining_floor = 0
        self.network.meet()
        self.stalled = 0
        for worker in self.works.workers:
            worker.dies_at = None
            worker.confirmations = 0
            if worker.margin != DEEP:  # the operator has looked
                worker.margin = DEEP
                self.works.kill(worker)
        self.works.amid = lambda _point: None

    def _to_the_end(self) -> None:
        relays = [worker for worker in self.works.workers if worker.relays]
        indexers = [worker for worker in self.works.workers if not worker.relays]
        for step in range(TO_THE_END):
            self.met["steps to the end"] += 1
            self.hand_in()
            looks = indexers[step // 3 % 2 : step // 3 % 2 + 1] if step % 3 == 0 else []
            for worker in (*relays, *looks):
                if not worker.runs:
                    self.works.start(worker)
                self.works.turn(worker)
            if self._ended():
                for worker in self.works.workers:  # and nobody finds anything more to do
                    self.works.turn(worker)
                if self._ended():
                    return
            self.now += 11
            for _ in range(1 if any(node.pool for node in self.network.nodes) else 4):
                self.mine()

    def _ended(self) -> bool:
        if self.waiting:
            return False
        with self.desk.reading() as session:
            rows = session.execute(select(OutboxRow.number, OutboxRow.status)).all()
            open_batch = session.scalar(
                select(BatchRow.number).where(BatchRow.status.in_(("open", "mined"))).limit(1)
            )
            followed = set(session.scalars(select(CursorRow.block_hash)))
        for number, status in rows:
            if status == UNKNOWN:
                self.met["retried by an operator"] += 1
                self.said(f"item {number} is unknown: tried again")
                retry(self.desk, number, who="operator", reason="all is well again", clock=lambda: self.now)
                return False
        if followed != {self.network.nodes[0].head.hash}:
            return False
        return open_batch is None and all(status in (FINAL, REFUSED, WITHDRAWN) for _, status in rows)
