"""`tallystick reconcile` on the next morning, and with what cannot be reconciled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_desk import Desk, opened
from tests.test_cli import ENTRY, LOAN, books_of, desk, reconcile, sold

__all__ = ["desk", "opened", "sold"]


def books(folder: Path, *, used: str = "1000000.00", **fields: str) -> Path:
    return books_of(folder / "books", used=used, loans=[LOAN | fields], entries=[ENTRY])


def dated(words: tuple[str, ...], cut_off: str) -> tuple[str, ...]:
    return tuple(cut_off if word == "2026-04-02" else word for word in words)


@pytest.fixture
def next_morning(sold: Desk) -> Desk:
    """On 2026-04-03 50,000.00 more are issued on the line, on the 4th bank 2 reconciles the books of the 2nd."""
    sold.do(*sold.issue("50000.00"))
    sold.ask("travel", "2026-04-04")
    return sold


# Refusals


def test_a_party_that_was_never_admitted_is_refused_with_the_list_of_banks(
    sold: Desk, tmp_path: Path
) -> None:
    words = reconcile(books(tmp_path), tmp_path / "out")
    said = sold.unusable(words[0], "99", *words[2:])
    assert "there is no party 99: the banks are 2, 3" in said
    assert "party 5 is no bank: the banks are 2, 3" in sold.unusable(words[0], "5", *words[2:])
    assert not (tmp_path / "out").exists()


def test_a_cut_off_before_the_chain_began_is_refused(sold: Desk, tmp_path: Path) -> None:
    words = dated(reconcile(books(tmp_path), tmp_path / "out"), "2026-03-01")
    assert "the chain begins on 2026-04-01, after the books' cut-off 2026-03-01" in sold.unusable(*words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ledger", ["0x123", "账本一", "0x" + "ab" * 20])
def test_a_loan_book_with_a_ledger_that_is_none_is_refused(sold: Desk, tmp_path: Path, ledger: str) -> None:
    folder = books(tmp_path)
    known = sold.ask("ledgers")["ledgers"][0]["ledger"]
    for address, code in ((ledger, 2), (known, 0)):
        text = (folder / "loan_book.csv").read_text(encoding="utf-8").splitlines()
        head, row = (line.removesuffix(f",{ledger}").removesuffix(",账本合约") for line in text)
        content = f"{head},账本合约\n{row},{address}\n"
        (folder / "loan_book.csv").write_text(content, encoding="utf-8")
        said = sold.run(*reconcile(folder, tmp_path / "out"), code=code).stderr
        if code:
            assert ledger in said
            assert known in said or "no address of a contract" in said
            assert not (tmp_path / "out").exists()


# The next morning


def test_what_was_issued_after_the_cut_off_is_no_break(next_morning: Desk, tmp_path: Path) -> None:
    folder = books(tmp_path)
    assert next_morning.ask(*reconcile(folder, tmp_path / "out"))["clean"]
    words = dated(reconcile(folder, tmp_path / "later"), "2026-04-03")
    told = json.loads(next_morning.run(*words, "--json", code=1).stdout)
    assert told["kinds"] == {"line_usage": 1}


def test_rows_of_later_days_are_counted_and_an_overdue_loan_is_named(sold: Desk, tmp_path: Path) -> None:
    sold.ask("travel", "2026-12-10")
    folder = books(tmp_path)
    statement = folder / "statement.csv"
    rows = statement.read_text(encoding="utf-8").rstrip("\n")
    statement.write_text(f"{rows}\nL-2,2026-12-01,2026-12-01,借,25.00,,\n", encoding="utf-8")
    words = dated(reconcile(folder, tmp_path / "out"), "2026-11-30")
    answer = sold.ask(*words)
    assert answer["after_cut_off"] == {"loans": 0, "entries": 1}
    assert answer["overdue_loans"] == 1
    assert "JJ-1" in Path(answer["reports"]["overdue_csv"]).read_text(encoding="utf-8")
    said = sold.run(*words).output
    assert "days after the cut-off: loans 0, entries 1." in said
    assert "Overdue loans: 1; longest JJ-1, 94 days, 次级 substandard." in said
