"""Long random walks over fresh seeds, the simulator's rounds, and the demo killed twenty times: `python -m tests.fuzz`.

The first seed is printed first; walk n has that seed + n, whichever process takes it. A walk that is lost is printed
with its steps, and the exit code is 1; so it is where a long run never saw a verb succeed, or an error come, and
where a round of the simulator ends wrong. It looks for bugs and measures nothing but its own rate.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Final

from tests import simulator
from tests.engines import ROOT
from tests.simulator import ROUNDS
from tests.walk import Lost, Walk
from tests.walk_coverage import Coverage
from tests.walk_shrink import shrunk

STEPS: Final = 1_000_000
STEPS_PER_WALK: Final = 1_000
PROCESSES: Final = 2
KILLS: Final = 20
SECONDS_BETWEEN_LINES: Final = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one walk; `lost` says how it failed, with its steps."""

    seed: int
    met: Coverage
    lost: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing found; 1: a walk was lost, something never happened, a round ended wrong, or the kill test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps in all (default {STEPS:,})")
    parser.add_argument("--seed", type=int, help="first seed; then simulator and kill test are left out")
    parser.add_argument("--minutes", type=float, help="begin no walk after so many minutes")
    parser.add_argument(
        "--processes", type=int, default=PROCESSES, help=f"walks at a time (default {PROCESSES})"
    )
    parser.add_argument("--rounds", type=int, help=f"rounds of the simulator (default {ROUNDS:,})")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    seconds = None if given.minutes is None else given.minutes * 60
    failed = _walks(seed, steps=given.steps, seconds=seconds, processes=max(given.processes, 1))
    if failed:
        return 1
    rounds = given.rounds if given.rounds is not None else ROUNDS if given.seed is None else 0
    if rounds and simulator.main(["--rounds", str(rounds), "--seed", str(seed)]):
        return 1
    return _kill() if given.seed is None else 0


def walked(seed: int, steps: int) -> Outcome:
    """One walk."""
    met = Coverage()
    again = f"python -m tests.fuzz --processes 1 --seed {seed} --steps {steps}"
    walk = None
    try:
        walk = Walk(seed)
        walk.run(steps)
    except Lost as lost:
        fewer = shrunk(walk, lost) if walk else None
        shortest = f"with fewer steps:\n{fewer}" if fewer else "done again, it is not lost"
        return Outcome(seed, met, f"{lost}\n\n{shortest}\n\nfailing seed {seed}: {again}")
    except Exception:  # whatever stops a walk has to be seen, with the seed that does it again
        told = walk.story(20) if walk else ""
        return Outcome(seed, met, f"{told}\n{traceback.format_exc()}\nstopped in seed {seed}: {again}")
    met.add(walk, steps)
    return Outcome(seed, met)


def _walks(first: int, *, steps: int, seconds: float | None, processes: int) -> bool:
    """Walks until the steps or the seconds are used up; whether something is wrong."""
    began = told = time.monotonic()
    met = Coverage()
    for outcome in _outcomes(first, steps=steps, seconds=seconds, processes=processes):
        if outcome.lost:
            print(f"\n{outcome.lost}", flush=True)
            return True
        met.join(outcome.met)
        if time.monotonic() - told >= SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            print(f"{met.steps:>9,} steps, {met.steps / (told - began):,.0f} a second", flush=True)
    rate = met.steps / max(time.monotonic() - began, 1e-9)
    print(met.table())
    print(
        f"{met.steps:,} steps in {met.ledgers.total():,} walks agree with the model, {rate:,.0f} a second in "
        f"{processes} processes: {met.done.total():,} calls done, {met.errors.total():,} refused for "
        f"{len(met.errors)} reasons"
    )
    for wrong in met.missing():
        print(f"MISSING: {wrong}")
    return bool(met.missing())


def _outcomes(first: int, *, steps: int, seconds: float | None, processes: int) -> Iterator[Outcome]:
    """The walks' outcomes as they come; no more than twice as many are under way as there are processes."""
    deadline = None if seconds is None else time.monotonic() + seconds
    lengths = iter(
        [STEPS_PER_WALK] * (steps // STEPS_PER_WALK) + [steps % STEPS_PER_WALK][: steps % STEPS_PER_WALK]
    )
    seed = first
    if processes == 1:
        for length in lengths:
            if deadline is not None and time.monotonic() >= deadline:
                return
            yield walked(seed, length)
            seed += 1
        return
    with ProcessPoolExecutor(processes) as pool:
        under_way: set[Future[Outcome]] = set()
        while True:
            while len(under_way) < 2 * processes and (deadline is None or time.monotonic() < deadline):
                length = next(lengths, 0)
                if not length:
                    break
                under_way.add(pool.submit(walked, seed, length))
                seed += 1
            if not under_way:
                return
            ready, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in ready:
                outcome = each.result()
                if outcome.lost:
                    pool.shutdown(wait=False, cancel_futures=True)
                yield outcome


def _kill() -> int:
    """The demo killed and run again; 0 where it comes to the same end, or is not there."""
    test = ROOT / "tests" / "test_demo.py"
    if not test.exists():
        return 0
    print(f"killing the demo {KILLS} times", flush=True)
    environment = os.environ | {"TALLYSTICK_KILLS": str(KILLS)}
    command = [sys.executable, "-m", "pytest", "-q", str(test)]
    return 1 if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode else 0


if __name__ == "__main__":
    sys.exit(main())
