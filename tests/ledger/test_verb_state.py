"""The matrix of verbs and states, cell by cell, on the pure model. The file is contracts/verbs.csv."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from ledger.errors import Refusal
from ledger.invariants import invariants
from tests.stage import ModelStage
from tests.verb_states import STATES, VERBS

CONTRACTS = Path(__file__).parents[2] / "contracts"
HEADER, *ROWS = csv.reader((CONTRACTS / "verbs.csv").read_text(encoding="utf-8").splitlines())
CELLS = [
    pytest.param(verb, case, state, expected, id=f"{verb} {case}-{state}")
    for verb, case, *cells in ROWS
    for state, expected in zip(HEADER[2:], cells, strict=True)
]


@pytest.mark.parametrize(("verb", "case", "state", "expected"), CELLS)
def test_each_cell_is_what_the_model_says(verb: str, case: str, state: str, expected: str) -> None:
    stage = ModelStage()
    attempt = VERBS[verb, case](STATES[state](stage))
    before = stage.world
    if expected == "yes":
        stage.play(attempt)
        assert stage.world != before
    else:
        with pytest.raises(Refusal) as refused:
            stage.play(attempt)
        assert refused.value.name == expected
    assert invariants(stage.world, today=stage.today) == []


def test_every_state_and_every_case_is_in_the_file_once() -> None:
    assert ["verb", "case", *STATES] == HEADER
    assert [(verb, case) for verb, case, *_ in ROWS] == list(VERBS)


def test_every_verb_on_a_voucher_has_a_row() -> None:
    interface = (CONTRACTS / "interfaces" / "IVoucherLedger.sol").read_text(encoding="utf-8")
    verbs = set(re.findall(r"function (\w+)\([^)]*\) external;", interface))
    on_none = {"grantLine", "resizeLine", "freezeLine", "setTenorCap", "stopIssue"}
    assert verbs - on_none == {verb for verb, *_ in ROWS}


def test_every_refusal_in_the_file_is_an_error_of_the_contracts() -> None:
    declared = set()
    for name in ("IDoor", "IPartyRegistry", "IVoucherLedger"):
        text = (CONTRACTS / "interfaces" / f"{name}.sol").read_text(encoding="utf-8")
        declared |= set(re.findall(r"error (\w+)\(", text))
    assert {cell for _, _, *cells in ROWS for cell in cells} - {"yes"} <= declared
