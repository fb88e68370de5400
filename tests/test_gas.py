"""Gas: the committed figures are those that are measured now, and none is above what the product promises.

The comparison has no tolerance; tests/gas_report.py says why none is needed. A figure that changed is to be looked at,
and then written down with `make gas`.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import fields

import pytest

from ledger import artifacts
from tests.gas_report import BATCHES, BOUNDS, FILE, Row, as_csv, measured

NO_AGREEMENT = {"batch"}
PARTS = ("base", "calldata", "signatures", "events", "storage", "rest")


@pytest.fixture(scope="module")
def committed() -> Sequence[Row]:
    with FILE.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    words = ("verb", "case")
    return [
        Row(**{name: text if name in words else int(text) if text else None for name, text in row.items()})  # type: ignore[arg-type]
        for row in found
    ]


def test_no_figure_is_above_what_is_promised(committed: Sequence[Row]) -> None:
    above = [row for row in committed if row.bound is not None and row.gas > row.bound]
    assert not above


def test_every_promised_bound_has_its_figure(committed: Sequence[Row]) -> None:
    found = {(row.verb, row.case, row.batch): row.bound for row in committed if row.bound is not None}
    assert found == BOUNDS


def test_every_verb_is_measured_alone_and_in_batches(committed: Sequence[Row]) -> None:
    verbs = {
        entry["name"]
        for name in artifacts.PUBLISHED
        for entry in artifacts.load(name).abi
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
    } - NO_AGREEMENT
    for batch in BATCHES:
        assert {row.verb for row in committed if row.batch == batch} == verbs


def test_what_a_figure_is_made_of_adds_up_to_it(committed: Sequence[Row]) -> None:
    for row in committed:
        parts = [getattr(row, part) or 0 for part in PARTS]
        assert sum(parts) == row.gas, row
        assert min(parts) >= 0, row


def test_in_a_batch_an_agreement_is_cheaper_the_more_there_are(committed: Sequence[Row]) -> None:
    by_case: dict[tuple[str, str], list[int]] = {}
    for row in sorted(committed, key=lambda row: row.batch):
        by_case.setdefault((row.verb, row.case), []).append(row.gas)
    for case, (alone, in_ten, in_hundred) in by_case.items():
        assert alone > in_ten > in_hundred, case


def test_the_committed_figures_are_what_is_measured(committed: Sequence[Row]) -> None:
    now = [row for row, _ in measured()]
    different = [
        f"{new.verb} {new.case}, {new.batch}: {old.gas} committed, {new.gas} measured"
        for old, new in zip(committed, now, strict=True)
        if old != new
    ]
    assert not different
    assert FILE.read_text(encoding="utf-8") == as_csv(now)
    assert [each.name for each in fields(Row)] == as_csv([]).strip().split(",")
