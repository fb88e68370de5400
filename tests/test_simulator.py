"""The pipeline in two hundred rounds of the seeded simulator. What its rounds have found is tested by name in
`ledger/test_relay_found.py`, for a seed means another round as soon as the simulator learns something."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from ledger.crash_points import INDEX_POINTS, RELAY_POINTS
from tests import simulator_judge
from tests.engines import ROOT
from tests.simulator import Played, Simulator, main, simulator
from tests.simulator_faults import FAULTS

SEEDS = range(1, 201)
POINTS = (*RELAY_POINTS, *INDEX_POINTS)
RARE = {"relay: gap claimed"}
KILLED_AT = 10
"""Crash points at which two hundred rounds have to kill; that each is survived, other tests see to one by one."""


@pytest.fixture(scope="module")
def played() -> Iterator[Simulator]:
    with simulator() as opened:
        yield opened


@pytest.fixture(scope="module")
def walked(played: Simulator) -> list[Played]:
    """Two hundred rounds."""
    return [played.play(seed) for seed in SEEDS]


def test_whatever_happens_each_agreement_lands_once_and_nothing_is_lost(walked: list[Played]) -> None:
    assert [outcome.story() for outcome in walked if outcome.wrong][:1] == []


def test_two_hundred_rounds_meet_every_fault_and_come_by_every_crash_point(walked: list[Played]) -> None:
    met = sum((outcome.met for outcome in walked), Counter())
    assert [what for what in (*FAULTS, *POINTS) if not met[what] and what not in RARE] == []
    assert sum(met[f"killed at {point}"] > 0 for point in POINTS) >= KILLED_AT


def test_the_same_seed_gives_the_same_trace(played: Simulator) -> None:
    seeds = range(4_711, 4_714)
    first, again = ([played.play(seed).trace for seed in seeds] for _ in range(2))
    assert first == again
    with simulator() as another:
        assert [another.play(seed).trace for seed in seeds] == first
    assert sum(map(len, first)) > 60


def test_another_process_plays_the_same_round(played: Simulator) -> None:
    program = (
        "from tests.simulator import simulator\nwith simulator() as s: print(*s.play(12).trace, sep='\\n')"
    )
    for hashes in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.stdout.splitlines() == list(played.play(12).trace), done.stderr


def test_a_round_that_ends_wrong_is_told_with_its_seed_and_its_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulator_judge, "_hanging", lambda _store: ["a sentence about what is wrong"])
    assert main(["--rounds", "3", "--seed", "5"]) == 1
    told = capsys.readouterr().out
    assert "seed 5" in told and "a sentence about what is wrong" in told and "everything is healed" in told
    assert "failing seed 5: python -m tests.simulator --rounds 1 --seed 5" in told


def test_rounds_that_end_right_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rounds", "2", "--seed", "7"]) == 0
    assert "2 rounds ended right" in capsys.readouterr().out
