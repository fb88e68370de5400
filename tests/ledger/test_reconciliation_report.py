"""What comes out: rules with words, stable order, JSON, CSV and the page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.money import Fen
from ledger.reconciliation import (
    CAUSES,
    KIND_WORDS,
    Kind,
    reconcile,
    rule_text,
    to_json,
    write_csv,
    write_html,
)
from tests.ledger.reconciling import (
    drop_loan,
    found,
    repost,
)
from tests.ledger.two_banks import (
    BANK,
    LINE,
    NAMES,
    World,
    clean_world,
)

# What comes out


def test_every_kind_has_its_rule_and_its_words_and_every_cause_in_a_rule_has_words() -> None:
    rules = {Path(rule.name).stem for rule in files("ledger.reconciliation").joinpath("rules").iterdir()}
    assert rules == {kind.value for kind in Kind}
    assert set(KIND_WORDS) == set(Kind)
    text = "".join(rule_text(kind) for kind in Kind)
    for cause in CAUSES:
        stem = cause.removesuffix(cause.rsplit("_", 1)[1])
        assert f"'{cause}'" in text or f"'{stem}' ||" in text, cause


def broken() -> World:
    world = clean_world()
    drop_loan(world, "V-2")
    repost(world, "D-V-1", amount=Fen(98_640_000))
    world.rebook("V-13", borrower="=cmd|' /C calc'!A0 & <b>甲</b>")
    return world


def test_the_order_of_breaks_does_not_depend_on_the_order_of_rows() -> None:
    world = broken()
    first = reconcile(world.inputs())
    world.books[BANK].loans.reverse()
    world.books[BANK].entries.reverse()
    world.quotes.reverse()
    assert reconcile(world.inputs()) == first


def test_json_states_block_cut_off_totals_and_breaks() -> None:
    told = json.loads(to_json(reconcile(broken().inputs())))
    assert told["block"] == {"number": 4711, "hash": "0x" + "ab" * 32, "as_of": "2026-09-18"}
    assert (told["bank"], told["bank_name"], told["cut_off"]) == (2, NAMES[2], "2026-09-18")
    assert (told["tolerance_fen"], told["clean"]) == (1, False)
    assert told["totals"]["missing_in_book"] == {"count": 1, "sum_fen": 50_000_000}
    assert told["totals"]["amount"] == {"count": 1, "sum_fen": 10_000}
    assert told["totals"]["due_day"] == {"count": 0, "sum_fen": 0}
    assert [row["kind"] for row in told["breaks"]] == ["missing_in_book", "amount", "party"]
    assert told["breaks"][1]["expected"] == "986,500.00"


def test_csv_can_be_opened_in_a_spreadsheet_and_runs_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "breaks.csv"
    write_csv(reconcile(broken().inputs()), path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["kind"] for row in rows] == ["missing_in_book", "amount", "party"]
    assert rows[0]["difference"] == "-50000000"
    assert rows[2]["found"].startswith("'=cmd")
    assert list(tmp_path.iterdir()) == [path]


def test_the_page_stands_alone_and_shows_no_markup_of_the_books(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(reconcile(broken().inputs()), path)
    page = path.read_text(encoding="utf-8")
    assert "账上缺失" in page
    assert "Missing in the loan book" in page
    assert "986,500.00" in page
    assert "&lt;b&gt;甲" in page
    assert "<b>" not in page
    for elsewhere in ("http://", "https://", "<script", "<link", "@import", "url("):
        assert elsewhere not in page
    write_html(reconcile(clean_world().inputs()), path)
    assert "no breaks" in path.read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent/report\.html cannot be written"):
        write_html(reconcile(clean_world().inputs()), tmp_path / "absent" / "report.html")


def test_lines_are_known_by_their_full_number_or_the_bank_s_own_reference() -> None:
    world = clean_world()
    world.books[BANK].lines[0] = replace(world.books[BANK].lines[0], line="17")
    assert LINE == BANK << 32 | 17
    assert found(world) == []
