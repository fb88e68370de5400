"""The seeded simulator: relays, indexers, their database, two nodes, the clocks, and whatever can go wrong with them.

    python -m tests.simulator --rounds 200 --seed 1

Each seed is a round: some thirty acts, cycles and faults in the order that the seed gives, two relays and two indexers
interleaved at their crash points; then everything is healed and run to its end, and judged (`simulator_judge.py`). The
contracts are the real ones on a real EVM, the database is SQLite, the clients are the product's own; nodes, wires and
disks misbehave as they are told to. Round n has the first seed + n, and the same seed gives the same trace.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.simulator_round import Base, Round

ROUNDS: Final = 1_000
IN_MEMORY: Final = Path("/dev/shm")
SECONDS_BETWEEN_LINES: Final = 10.0


@dataclass(frozen=True, slots=True)
class Played:
    """A round: what was wrong at its end, if anything, and how it came to it."""

    seed: int
    wrong: tuple[str, ...]
    trace: tuple[str, ...]
    met: Counter[str]

    def story(self) -> str:
        """For the person who has to find out why."""
        again = f"python -m tests.simulator --rounds 1 --seed {self.seed}"
        return "\n".join((*self.trace, "", "WRONG:", *self.wrong, "", f"failing seed {self.seed}: {again}"))


@dataclass
class Simulator:
    """Plays rounds in a folder of its own."""

    folder: Path
    met: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.base = Base(self.folder)

    def play(self, seed: int) -> Played:
        """One round. Whatever stops it is what was wrong."""
        played = Round(seed, self.base, self.folder)
        try:
            wrong = tuple(played.play())
        except Exception:  # has to be seen with the seed that does it again
            wrong = (traceback.format_exc(),)
        self.met += played.met
        return Played(seed, wrong, tuple(played.trace), played.met)


@contextmanager
def simulator() -> Iterator[Simulator]:
    """In memory where the system has such a folder: nobody cuts the power here, and disks are slow."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    logging.disable(logging.CRITICAL)  # what relays and indexers say of their trouble is not looked at here
    try:
        with tempfile.TemporaryDirectory(prefix="tallystick-simulator-", dir=place) as folder:
            yield Simulator(Path(folder))
    finally:
        logging.disable(logging.NOTSET)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing found; 1: a round ended wrong, and its seed and trace are printed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds in all (default {ROUNDS:,})")
    parser.add_argument("--seed", type=int, help="the first seed")
    given = parser.parse_args(arguments)
    first = secrets.randbelow(2**32) if given.seed is None else given.seed
    print(f"seed {first}", flush=True)
    began = told = time.monotonic()
    with simulator() as played:
        for seed in range(first, first + given.rounds):
            outcome = played.play(seed)
            if outcome.wrong:
                print(outcome.story(), flush=True)
                return 1
            if time.monotonic() - told >= SECONDS_BETWEEN_LINES:
                told = time.monotonic()
                print(
                    f"{seed - first + 1:>7,} rounds, {(told - began) / (seed - first + 1):.2f} s each",
                    flush=True,
                )
    rate = (time.monotonic() - began) / max(given.rounds, 1)
    for what, times in sorted(played.met.items()):
        print(f"{times:>9,}  {what}")
    print(f"{given.rounds:,} rounds ended right, {rate:.2f} s each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
