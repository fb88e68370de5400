"""The matrix of verbs and states, cell by cell, on the real contract. The file is contracts/verbs.csv.

Each state is built once and gone back to after each verb.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from ledger.errors import Refusal
from ledger.invariants import invariants
from tests.contract.chain_stage import ChainStage
from tests.engines import ROOT
from tests.rig import Revm
from tests.stage import Situation
from tests.verb_states import STATES, VERBS

HEADER, *ROWS = csv.reader((ROOT / "contracts/verbs.csv").read_text(encoding="utf-8").splitlines())
CELLS = [
    pytest.param(verb, case, state, cells[column], id=f"{verb} {case}-{state}")
    for column, state in enumerate(HEADER[2:])
    for verb, case, *cells in ROWS
]


@cache
def in_state(state: str) -> tuple[ChainStage, Situation]:
    stage = ChainStage()
    situation = STATES[state](stage)
    stage.twin.compare_all()
    return stage, situation


@contextmanager
def undone(stage: ChainStage) -> Iterator[None]:
    """What happens inside is forgotten, on the chain and in the model."""
    twin, engine = stage.twin, stage.twin.rig.engine
    assert isinstance(engine, Revm)
    kept = twin.world, list(twin.events), dict(twin.heads), dict(twin.owners)
    before = engine.evm.snapshot()
    try:
        yield
    finally:
        engine.evm.revert(before)
        twin.world, twin.events, twin.heads, twin.owners = kept


@pytest.mark.parametrize(("verb", "case", "state", "expected"), CELLS)
def test_each_cell_is_what_the_contract_says(verb: str, case: str, state: str, expected: str) -> None:
    stage, situation = in_state(state)
    attempt = VERBS[verb, case](situation)
    before = stage.twin.world
    with undone(stage):
        if expected == "yes":
            stage.play(attempt)
            assert stage.twin.world != before
            stage.twin.compare_all()
            assert invariants(stage.twin.world) == []
        else:
            with pytest.raises(Refusal) as refused:
                stage.play(attempt)
            assert refused.value.name == expected
            assert stage.twin.world is before


def test_going_back_to_a_state_leaves_nothing_behind() -> None:
    for state in STATES:
        stage, _ = in_state(state)
        stage.twin.compare_heads()
        stage.twin.compare_all()


def test_the_file_has_every_state_and_every_case() -> None:
    assert ["verb", "case", *STATES] == HEADER
    assert [(verb, case) for verb, case, *_ in ROWS] == list(VERBS)
