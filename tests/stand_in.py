"""A pytest plugin that hands a test process other contracts than the committed ones, and writes down how its tests end.

    python -m pytest -p tests.stand_in --stand-ins FOLDER [--stand-ins FOLDER] --verdicts FILE TEST ...

The artifacts of the folders take the place of all others; of two with one name the last counts. For `tests.mutants`:
the product has no such door.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path

import pyrevm
import pytest

from ledger import artifacts
from ledger.artifacts import Artifact, from_json
from ledger.errors import Refusal

HIGHEST_SIZE = 2**20
"""Bytes of code: more than mutants have, which are hardly optimized."""
ANSWERS = (AssertionError, pytest.fail.Exception, Refusal)
"""What a test ends with where the contract did something else than it expects; anything else is no answer."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stand-ins", action="append", default=[], metavar="FOLDER", help="folder of artifacts")
    parser.addoption("--verdicts", metavar="FILE", help="where to write, a line each, how tests end")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before any module of the tests is imported, so that all of them meet the stand-ins."""
    shelf: dict[str, Artifact] = {}
    for folder in early_config.known_args_namespace.stand_ins:
        for file in Path(folder).glob("*.json"):
            shelf[file.stem] = from_json(file.read_text("utf-8"))
    if not shelf:
        return

    def compiled() -> Mapping[str, Artifact]:
        return shelf

    patch = pytest.MonkeyPatch()
    patch.setattr(artifacts, "load", shelf.__getitem__)
    patch.setattr(pyrevm, "CfgEnv", partial(pyrevm.CfgEnv, limit_contract_code_size=HIGHEST_SIZE))
    patch.setattr("tests.rig.compiled", compiled)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.failed:
        ended = call.excinfo.value if call.excinfo else None
        line = {
            "test": item.nodeid,
            "passed": report.passed,
            "answered": report.when == "call" and isinstance(ended, ANSWERS),
            "why": f"{type(ended).__name__}: {ended}" if ended else "",
        }
        with Path(item.config.getoption("--verdicts")).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    return report
