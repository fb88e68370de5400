"""Long random walks over fresh seeds, and the demo killed twenty times: `python -m tests.fuzz`.

The first seed is printed first; walk n has that seed + n. A walk that is lost is printed with its steps, and the exit
code is 1. It looks for bugs and measures nothing but its own rate.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.engines import ROOT
from tests.walk import Lost, Walk

STEPS: Final = 50_000
STEPS_PER_WALK: Final = 600
KILLS: Final = 20
SECONDS_BETWEEN_LINES: Final = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing found; 1: a walk was lost, or the kill test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps in all (default {STEPS})")
    parser.add_argument("--seed", type=int, help="first seed; then the kill test is left out")
    parser.add_argument("--minutes", type=float, help="stop walking after so many minutes")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    lost = _walk(seed, steps=given.steps, seconds=None if given.minutes is None else given.minutes * 60)
    if lost:
        return 1
    return _kill() if given.seed is None else 0


def _walk(first: int, *, steps: int, seconds: float | None) -> bool:
    """Walks until the steps or the seconds are used up; whether a walk was lost."""
    began = told = time.monotonic()
    taken, seed = 0, first
    verbs: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    while taken < steps and (seconds is None or time.monotonic() - began < seconds):
        here = min(STEPS_PER_WALK, steps - taken)
        try:
            walk = Walk(seed).run(here)
        except Lost as lost:
            print(f"\n{lost}\n\nfailing seed {seed}: python -m tests.fuzz --seed {seed} --steps {here}")
            return True
        except BaseException:
            print(f"\nstopped in seed {seed}: python -m tests.fuzz --seed {seed} --steps {here}", flush=True)
            raise
        taken, seed = taken + here, seed + 1
        verbs, refusals = verbs + walk.done, refusals + walk.refused
        if time.monotonic() - told >= SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            print(f"{taken:>9,} steps, {taken / (told - began):,.0f} a second", flush=True)
    rate = taken / max(time.monotonic() - began, 1e-9)
    print(
        f"{taken:,} steps in {seed - first} walks agree with the model, {rate:,.0f} a second: "
        f"{verbs.total():,} verbs of {len(verbs)} kinds done, "
        f"{refusals.total():,} refused for {len(refusals)} reasons"
    )
    return False


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
