"""The list of mutants fits the sources and the tests, and its table in the README is the list's.

That they are killed is `make mutants`; what counts as a kill is tested here.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.engines import ROOT
from tests.mutant_builds import sources
from tests.mutants import BROKEN, README, Ended, Misfit, Mutant, main, read, split_readme, table, why_alive

NAMED = "tests/contract/test_transfer.py::test_nothing_is_passed_on_to_oneself"
LEAST = 40


@cache
def functions_of(path: Path) -> frozenset[str]:
    return frozenset(
        each.name for each in ast.parse(path.read_text("utf-8")).body if isinstance(each, ast.FunctionDef)
    )


def ended(*, test: str = NAMED, passed: bool = False, answered: bool = False) -> Ended:
    return Ended(test, passed=passed, answered=answered, why="AssertionError: no")


def mutant(**changed: str) -> Mutant:
    values = {
        "id": "X1",
        "contract": "VoucherLedger",
        "file": "VoucherLedger.sol",
        "old": "if (recipient == holder) revert SameParty(holder);",
        "new": "",
        "killed_by": NAMED,
        "mutation": "a voucher is passed on to its holder",
    }
    return Mutant(**(values | changed))


# What is no mutant, and what is no kill


@pytest.mark.parametrize(
    "changed",
    [
        {"old": "no such text"},
        {"old": "revert"},
        {"new": "if (recipient == holder) revert SameParty(holder);"},
        {"file": "Ledger.sol"},
        {"contract": "Ledger"},
    ],
    ids=["not there", "there many times", "no change", "no file", "no contract"],
)
def test_a_mutant_that_does_not_fit_the_sources_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(Misfit, match="X1"):
        mutant(**changed).text()


def test_an_unknown_mutant_is_not_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "X1"]) == 1
    assert capsys.readouterr().out == "no such mutant: X1\n"


def test_a_readme_without_its_markers_is_refused() -> None:
    with pytest.raises(Misfit, match=r"README\.md needs"):
        split_readme("no markers")


def test_a_mutant_whose_test_passes_is_alive() -> None:
    assert why_alive([ended(passed=True)], NAMED) == "SURVIVED"


def test_a_test_that_did_not_run_kills_nothing() -> None:
    assert why_alive([], NAMED) == "the test did not run"
    assert why_alive([ended(test=NAMED + "_twice", answered=True)], NAMED) == "the test did not run"


def test_a_test_that_breaks_over_something_else_kills_nothing() -> None:
    why = "the test broke over something else: AssertionError: no"
    assert why_alive([ended()], NAMED) == why
    assert why_alive([ended(test=NAMED + "[0]", answered=True), ended(test=NAMED + "[1]")], NAMED) == why


def test_one_case_that_fails_because_the_contract_answers_otherwise_is_a_kill() -> None:
    assert why_alive([ended(answered=True)], NAMED) == ""
    assert (
        why_alive([ended(test=NAMED + "[0]", passed=True), ended(test=NAMED + "[1]", answered=True)], NAMED)
        == ""
    )


# The list


def test_every_mutant_changes_one_place() -> None:
    for each in read():
        assert each.text() != sources()[each.file]


def test_the_list_is_long_enough_and_numbered_without_doubles() -> None:
    mutants = read()
    assert len(mutants) >= LEAST
    assert len({each.id for each in mutants}) == len(mutants)
    assert len({(each.contract, each.file, each.old, each.new) for each in mutants}) == len(mutants)
    assert {each.contract for each in mutants} == set(BROKEN)


def test_every_named_test_is_there() -> None:
    for each in read():
        path, _, name = each.killed_by.partition("::")
        assert name.partition("[")[0] in functions_of(ROOT / path), each.id


def test_the_table_in_the_readme_is_the_list_s() -> None:
    _, between, _ = split_readme(README.read_text("utf-8"))
    assert between == table(read()), "run python -m tests.mutants --table"
