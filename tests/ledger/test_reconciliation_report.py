"""What comes out: rules with words, stable order, JSON, CSV and the page."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date
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
    write_overdue_csv,
)
from ledger.statement import LoanStatus
from tests.ledger.reconciling import (
    drop_loan,
    found,
    repost,
)
from tests.ledger.two_banks import (
    BANK,
    CUT_OFF,
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


# Overdue loans, rows after the cut-off, provisional days


def overdue_at(day: date, world: World | None = None) -> list[tuple[str, str, int, str]]:
    inputs = (world or clean_world()).inputs()
    result = reconcile(replace(inputs, cut_off=day, block=replace(inputs.block, as_of=day)))
    return [(row.loan_no, str(row.due_on), row.days, row.rung.asset_class) for row in result.overdue]


@pytest.mark.parametrize(
    ("cut_off", "expected"),
    [
        (date(2026, 9, 10), []),  # the due day itself
        (date(2026, 9, 11), [("L-V-11", "2026-09-10", 1, "关注")]),
        (date(2026, 9, 18), [("L-V-11", "2026-09-10", 8, "关注")]),
    ],
)
def test_an_open_loan_is_told_with_its_days_overdue_and_their_class(
    cut_off: date, expected: list[tuple[str, str, int, str]]
) -> None:
    assert overdue_at(cut_off) == expected


def test_days_overdue_are_counted_from_the_due_day_on_chain_whatever_the_book_says() -> None:
    world = clean_world()
    world.rebook("V-11", due_on=date(2026, 12, 31))
    assert overdue_at(date(2026, 12, 10), world)[0] == ("L-V-11", "2026-09-10", 91, "次级")


def test_a_loan_that_is_closed_or_stands_for_nothing_is_not_overdue() -> None:
    world = clean_world()
    world.rebook("V-11", voucher="V-99")
    assert overdue_at(CUT_OFF, world) == []
    world = clean_world()
    world.rebook("V-11", status=LoanStatus.REPAID, repaid_on=CUT_OFF)
    assert overdue_at(CUT_OFF, world) == []
    world.rebook("V-11", repaid_on=date(2026, 9, 21))
    assert [row[0] for row in overdue_at(CUT_OFF, world)] == ["L-V-11"]


@pytest.mark.parametrize(("on", "status"), [("2026-09-18", "written_off"), ("2026-09-21", "open")])
def test_a_loan_written_off_is_told_as_such_since_its_claim_is_still_owed(on: str, status: str) -> None:
    world = clean_world()
    world.rebook("V-11", status=LoanStatus.WRITTEN_OFF, repaid_on=date.fromisoformat(on))
    (row,) = reconcile(world.inputs()).overdue
    assert (row.loan_no, row.days, row.status) == ("L-V-11", 8, status)


def test_overdue_loans_stand_in_all_three_reports(tmp_path: Path) -> None:
    result = reconcile(clean_world().inputs())
    (told,) = json.loads(to_json(result))["overdue"]
    assert told == {
        "loan": "L-V-11",
        "voucher": "V-11",
        "obligor": NAMES[10],
        "principal": "55,000.00",
        "due_on": "2026-09-10",
        "status": "open",
        "days_overdue": 8,
        "stage": 1,
        "class": {"zh": "关注", "en": "special mention"},
    }
    write_html(result, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "逾期天数 Days overdue" in page
    assert '<td class="n">8</td><td>关注 <span class="en">special mention</span></td>' in page
    write_overdue_csv(result, tmp_path / "overdue.csv")
    (row,) = csv.DictReader((tmp_path / "overdue.csv").read_text(encoding="utf-8-sig").splitlines())
    assert (row["借据号 loan_no"], row["逾期天数 days_overdue"]) == ("L-V-11", "8")
    assert row["五级分类 class"] == "关注 special mention"


def test_a_bank_without_an_overdue_loan_has_no_such_table(tmp_path: Path) -> None:
    world = clean_world()
    drop_loan(world, "V-11")
    write_html(reconcile(world.inputs()), tmp_path / "report.html")
    assert "逾期天数" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_report_says_how_many_rows_of_the_books_are_after_the_cut_off(tmp_path: Path) -> None:
    result = reconcile(clean_world().inputs())
    assert dict(result.after_cut_off) == {"loans": 0, "entries": 0}
    write_html(result, tmp_path / "report.html")
    assert "After the cut-off" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    world = clean_world()
    world.rebook("V-3", booked_on=date(2026, 9, 20))
    world.rebook("V-1", repaid_on=date(2026, 9, 21))
    repost(world, "D-V-3", booked_on=date(2026, 9, 20))
    result = reconcile(world.inputs())
    assert json.loads(to_json(result))["after_cut_off"] == {"loans": 2, "entries": 1}
    write_html(result, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "After the cut-off</dt><dd>loans 2 · entries 1" in page


def test_the_header_says_where_working_days_were_counted_in_a_year_not_announced(tmp_path: Path) -> None:
    inputs = clean_world().inputs()
    assert reconcile(inputs).provisional_years == ()
    path = tmp_path / "report.html"
    write_html(reconcile(inputs), path)
    assert "provisional" not in path.read_text(encoding="utf-8")
    last = replace(inputs.payments[0], value_on=date(2026, 12, 31))  # may be posted on the next working day
    result = reconcile(replace(inputs, payments=[last, *inputs.payments[1:]]))
    assert json.loads(to_json(result))["provisional_years"] == [2027]
    write_html(result, path)
    assert "provisional · 2027" in path.read_text(encoding="utf-8")
    elsewhere = replace(last, asserter=90, payee=91)
    assert reconcile(replace(inputs, payments=[elsewhere, *inputs.payments])).provisional_years == ()
