"""The simulator's processes: relays and indexers as production runs them, cycle by cycle, killed where it pleases.

    Works.turn(worker)      one cycle, or one look at the chain; trouble is taken as `serve` takes it
    Works.kill(worker)      as by kill -9: what was not committed is gone, and all that it had in memory
    Works.start(worker)     a new process

At a crash point a process may die, or another one may have its turn there, or the chain may move: so they are
interleaved between all their steps, not only between their cycles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from ledger.chain import Chain
from ledger.crash_points import INDEX_POINTS, RELAY_POINTS
from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.errors import ChainError, TallystickError, VerificationError
from ledger.forks import ReorgTooDeep
from ledger.indexer import follow
from ledger.pin import OtherChain
from ledger.relay import Terms, open_relay
from ledger.relay_cycle import Relay
from ledger.rpc_chain import RpcChain
from ledger.store import Store
from tests.ledger.relaying import Killed
from tests.simulator_disk import Disk
from tests.simulator_wire import Indexing, Line

IN_A_COMMIT: Final = "index: about to commit"
DEEP: Final = 128


@dataclass
class Worker:
    """A relay or an indexer. `line`: to its node; `witness`: to the other node, for an indexer that asks there too."""

    name: str
    line: Line
    key: bytes
    relays: bool
    witness: Line | None = None
    confirmations: int = 0
    margin: int = DEEP
    store: Store | None = None
    relay: Relay | None = None
    chains: tuple[Chain, ...] = ()
    dies_at: tuple[str, int] | None = None
    """The crash point at which it is killed (empty: any), when it comes by for the so many-th time."""

    @property
    def runs(self) -> bool:
        return self.store is not None


@dataclass
class Works:
    """All processes on one database. `clock` is the machine's; `said` writes the trace; `amid` is what happens at a
    crash point besides."""

    disk: Disk
    workers: list[Worker]
    terms: Terms
    clock: Callable[[], int]
    said: Callable[[str], None]
    amid: Callable[[str], None]
    met: Counter[str] = field(default_factory=Counter)
    turns: list[Worker] = field(default_factory=list)

    def start(self, worker: Worker) -> None:
        """A new process; it ends at once where its node does not answer."""
        try:
            lines = (worker.line,) if worker.witness is None else (worker.line, worker.witness)
            kind = RpcChain if worker.relays else Indexing
            worker.chains = tuple(kind(line.url, key=worker.key) for line in lines)
        except ChainError as away:
            self._told(worker, away)
            return
        worker.store = self.disk.store()
        if worker.relays:
            terms = replace(self.terms, margin=worker.margin)
            worker.relay = open_relay(worker.store, worker.chains[0], terms=terms, clock=self.clock)

    def kill(self, worker: Worker) -> None:
        """It is gone."""
        worker.store = worker.relay = worker.dies_at = None

    def turn(self, worker: Worker) -> None:
        """One cycle, or one look."""
        if worker.store is None or worker in self.turns:
            return
        self.turns.append(worker)
        try:
            if worker.relay is not None:
                cycle = worker.relay.cycle()
                if cycle.moved:
                    self.said(f"{worker.name}: moved, ended {[each.number for each in cycle.ended]}")
            else:
                self._look(worker, worker.store)
        except Killed as killed:
            self.said(f"{worker.name}: killed at {killed}")
            self.met[f"killed at {killed}"] += 1
            self.kill(worker)
        except (OtherChain, VerificationError) as ends:  # `serve` raises these: somebody has to look
            self._told(worker, ends)
            self.met[f"stopped by {type(ends).__name__}"] += 1
            if isinstance(ends, ReorgTooDeep):
                worker.margin = DEEP  # the operator has looked
            self.kill(worker)
        except (ChainError, DatabaseUnusable, DatabaseUncertain) as waits:
            self._told(worker, waits)
            if worker.relay is not None:
                worker.relay.forget()
        finally:
            self.turns.remove(worker)

    def _look(self, worker: Worker, store: Store) -> None:
        witness = worker.chains[1] if worker.witness is not None else None
        done = follow(
            store,
            worker.chains[0],
            confirmations=worker.confirmations,
            margin=worker.margin,
            witness=witness,
        )
        if done.events or done.rewound_to is not None:
            self.said(f"{worker.name}: at {done.block}, {done.events} events, rewound to {done.rewound_to}")

    def _told(self, worker: Worker, trouble: TallystickError) -> None:
        self.said(f"{worker.name}: {type(trouble).__name__}")

    def reached(self, point: str) -> None:
        """The hook at the crash points."""
        worker = self.turns[-1] if self.turns else None
        if worker is None:
            return
        self.met[point] += 1
        if worker.dies_at is not None and worker.dies_at[0] in ("", point):
            worker.dies_at = (worker.dies_at[0], worker.dies_at[1] - 1)
            if worker.dies_at[1] <= 0:
                raise Killed(point)
        if point != IN_A_COMMIT and len(self.turns) == 1:
            self.amid(point)

    def doom(self, worker: Worker, rng: Random) -> str:
        """It will be killed, at one of its points or after so many."""
        if rng.random() < 0.6:
            worker.dies_at = ("", rng.randrange(1, 13))
            return f"after {worker.dies_at[1]}"
        mine = RELAY_POINTS if worker.relays else INDEX_POINTS
        worker.dies_at = (rng.choice(mine), rng.choice((1, 1, 1, 2)))
        return worker.dies_at[0]
