"""What the planter plants is what a reconciliation finds, neither more nor less."""

from __future__ import annotations

import ast
import csv
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from ledger.reconciliation import Inputs, Kind, reconcile
from ledger.reconciliation.report import pairs_text
from ledger.statement import read_line_book, read_loan_book, read_statement
from scripts import plantable_books, plantable_dossier, planter, planter_changes
from tests.ledger.two_banks import BANK, CUT_OFF, OTHER_BANK, World, clean_world
from tests.ledger.two_banks_files import write_books

SEEDS = range(1, 21)
ASSERTED = frozenset({"D-V-3", "S-V-4"})
NEED_A_DOSSIER = {"dossier_differs", "one_invoice_two_financings"}  # see test_sample_business_played.py
NEAR_MISSES = {
    "a blank in a name",
    "an entry without its reference",
    "one fen of tolerance",
    "paid in two instalments",
    "posted on the next working day",
    "the bank's own charges",
}
Told = tuple[int, str, str, str, str]


@cache
def world() -> World:
    return clean_world()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    write_books(world(), folder)
    return folder


def reconciled(folder: Path) -> Counter[Told]:
    told: Counter[Told] = Counter()
    for bank in (BANK, OTHER_BANK):
        books, chain = folder / "books" / str(bank), world().inputs(bank)
        inputs = Inputs(
            bank=bank,
            block=chain.block,
            cut_off=CUT_OFF,
            vouchers=chain.vouchers,
            payments=chain.payments,
            lines=chain.lines,
            dossier=chain.dossier,
            loan_book=read_loan_book(books / "loan_book.csv"),
            statement=read_statement(books / "statement.csv"),
            line_book=read_line_book(books / "line_book.csv"),
        )
        for row in reconcile(inputs).breaks:
            told[bank, row.kind.value, pairs_text(row.ids), row.expected, row.found] += 1
    return told


def listed(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


# Refusals


def test_a_folder_without_books_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planter.main([str(tmp_path), str(tmp_path / "out"), "--seed", "1"]) == 2
    assert "has no folder named by a bank's number" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_books_with_other_columns_or_unreadable_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_books(clean_world(), tmp_path)
    book = tmp_path / "books" / "2" / "line_book.csv"
    book.write_text("额度编号,已用额度\n2-17,1.00\n", encoding="utf-8")
    assert planter.main([str(tmp_path), str(tmp_path / "out"), "--seed", "1"]) == 2
    assert "line_book.csv needs the columns 额度编号, 核心企业" in capsys.readouterr().err
    book.unlink()
    assert planter.main([str(tmp_path), str(tmp_path / "out"), "--seed", "1"]) == 2
    assert "line_book.csv cannot be read" in capsys.readouterr().err


def test_the_planter_knows_nothing_of_the_reconciliation() -> None:
    ours: set[str] = set()
    for module in (planter, planter_changes, plantable_books, plantable_dossier):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        names |= {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        ours |= {name for name in names if name.split(".")[0] in ("ledger", "scripts", "gateway", "tests")}
    assert {name for name in ours if name.startswith("ledger")} == {
        "ledger.calendar",
        "ledger.discount",
        "ledger.errors",
        "ledger.money",
        "ledger.outside",
    }
    assert {name for name in ours if not name.startswith("ledger")} == {
        "scripts.plantable_books",
        "scripts.plantable_dossier",
        "scripts.planter_changes",
    }


# What it does


def test_books_of_a_clean_world_read_from_files_give_no_break(clean: Path) -> None:
    assert reconciled(clean) == Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_planted_is_found_and_nothing_else(seed: int, clean: Path, tmp_path: Path) -> None:
    planting = planter.plant(clean, tmp_path, seed=seed, cut_off=CUT_OFF, asserted=ASSERTED)
    rows = [
        (int(row["bank"]), row["kind"], row["ids"], row["expected"], row["found"])
        for row in listed(tmp_path / "planted.csv")
    ]
    assert len(rows) == len(planting.planted)
    assert reconciled(tmp_path) == Counter(rows)
    here = {row.kind for row in planting.planted if row.bank == BANK}
    assert here == {kind.value for kind in Kind} - NEED_A_DOSSIER
    assert {row.what for row in planting.near_misses} == NEAR_MISSES
    assert len(listed(tmp_path / "near_misses.csv")) == len(planting.near_misses) >= 4


def test_the_same_seed_plants_the_same_and_another_seed_something_else(clean: Path, tmp_path: Path) -> None:
    first, again, other = (
        planter.plant(clean, tmp_path / name, seed=seed, cut_off=CUT_OFF)
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first == again != other
    for file in sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.csv")):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_no_row_is_touched_twice(seed: int, clean: Path, tmp_path: Path) -> None:
    planting = planter.plant(clean, tmp_path, seed=seed, cut_off=CUT_OFF)
    told = [(row.bank, row.ids) for row in planting.planted]
    told += [(row.bank, row.ids) for row in planting.near_misses]
    ids = [(bank, part) for bank, parts in told for part in parts.split("; ")]
    single = [part for part in ids if part[1].split(" ")[0] not in ("field", "reference", "day")]
    assert max(Counter(single).values()) == 1
    for bank in (BANK, OTHER_BANK):
        for name, key in (("loan_book.csv", "借据号"), ("statement.csv", "流水号")):
            before = {row[key]: row for row in listed(clean / "books" / str(bank) / name)}
            for row in listed(tmp_path / "books" / str(bank) / name):
                old = before.get(row[key], row)
                changed = {column for column in row if row[column] != old[column]}
                assert len(changed - {"结清日"}) <= 1, (row, old)


def test_of_one_day_side_and_party_only_one_row_is_left_without_its_other_half(clean: Path) -> None:
    folder = clean / "books" / str(BANK)
    loans, entries, lines = (plantable_books.read_rows(folder / name) for name in plantable_books.FILES)
    books = plantable_books.Books(BANK, loans, entries, lines, CUT_OFF, frozenset(), random.Random("corners"))
    left = []
    while (row := books.pick(entries, books.entry, alone=True)) is not None:
        left.append(plantable_books.corner(row))
    assert len(left) == len(set(left)) > 5
    assert books.pick_together(entries, books.entry) == []
    assert books.pick(entries, books.entry) is not None


def test_rows_to_avoid_are_left_alone(clean: Path, tmp_path: Path) -> None:
    numbers = frozenset(row["凭证编号"] for row in listed(clean / "books" / "2" / "loan_book.csv"))
    planting = planter.plant(clean, tmp_path, seed=3, cut_off=CUT_OFF, avoid=numbers - {"V-2"})
    loans = {row.ids for row in planting.planted if "loan L-V-" in row.ids or "voucher V-" in row.ids}
    assert loans
    assert all("V-2" in ids for ids in loans)


@pytest.mark.parametrize("content", ["{}", '{"vouchers": []}', "[]"])
def test_a_dossier_that_is_none_is_refused(
    content: str, clean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dossier.json"
    arguments = [str(clean), str(tmp_path / "out"), "--seed", "1", "--dossier", str(path)]
    assert planter.main(arguments) == 2
    assert "cannot be read" in capsys.readouterr().err
    path.write_text(content)
    assert planter.main(arguments) == 2
    assert "is no dossier" in capsys.readouterr().err


def test_the_command_says_how_much_it_planted(
    clean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(clean), str(tmp_path), "--seed", "4", "--cut-off", CUT_OFF.isoformat()]
    assert planter.main(arguments) == 0
    assert capsys.readouterr().out.startswith(f"{len(listed(tmp_path / 'planted.csv'))} planted, ")
