"""The table of faults in tests/README.md: each fault that the pipeline has to survive has a test that is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.engines import ROOT

FAULTS: Final = (
    "kill -9 of the relay",
    "kill -9 of the indexer",
    "a node killed and restarted with its state",
    "a node restarted with an older state",
    "PostgreSQL killed in the middle of a transaction and restarted",
    "connection lost exactly at COMMIT",
    "reorganisation of depth 1 to 20",
    "reorganisation before confirmation",
    "reorganisation deeper than the stated margin",
    "a transaction dropped",
    "a transaction stuck",
    "a transaction underpriced",
    "a transaction replaced by a foreign one with the same nonce",
    "a reply lost after the node accepted it",
    "RPC answers 502 or 429",
    "RPC times out",
    "RPC returns old blocks",
    "RPC returns another chain",
    "RPC skips logs in a range",
    "two relays at once",
    "two indexers at once",
    "two nodes that disagree",
    "chain stalled",
    "block time jumping",
    "disk full on SQLite",
    "database restored from an older backup",
    "migration interrupted",
    "SIGTERM drains within ten seconds",
    "all of these at random",
)
"""What the pipeline promises to survive. A row of the table may say more behind the same words."""


class Row(NamedTuple):
    fault: str
    file: str
    test: str


def rows() -> list[Row]:
    text = (ROOT / "tests" / "README.md").read_text("utf-8")
    table = text.split("<!-- faults: begin -->")[1].split("<!-- faults: end -->")[0]
    return [Row(*found) for found in re.findall(r"^\| (.+?) \| `(\S+\.py)` `(\w+)` \|$", table, flags=re.M)]


@cache
def defined_in(path: Path) -> frozenset[str]:
    return frozenset(
        each.name for each in ast.parse(path.read_text("utf-8")).body if isinstance(each, ast.FunctionDef)
    )


def test_every_line_of_the_table_is_read() -> None:
    text = (ROOT / "tests" / "README.md").read_text("utf-8")
    table = text.split("<!-- faults: begin -->")[1].split("<!-- faults: end -->")[0]
    assert len([line for line in table.splitlines() if line.startswith("|")]) == len(rows()) + 2


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_test(fault: str) -> None:
    assert [row for row in rows() if row.fault.startswith(fault)] != []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.fault)
def test_every_named_test_is_there(row: Row) -> None:
    assert row.test in defined_in(ROOT / "tests" / row.file)


def test_no_row_is_about_something_else() -> None:
    assert [row.fault for row in rows() if not row.fault.startswith(FAULTS)] == []
