"""Plants known errors into a clean world's books, so that a reconciliation can be tested against what was
planted.

    python -m scripts.planter CLEAN TARGET --seed 7

CLEAN/books/<bank number>/ holds loan_book.csv, statement.csv and line_book.csv under Chinese headings. TARGET
gets the same files, changed, with planted.csv (bank, kind, ids, expected, found: what must be reported,
neither more nor less) and near_misses.csv (what must not be). One row is never touched twice, and the same
seed plants the same.

It knows the books alone: not the chain, and nothing of the reconciliation that it is there to test. Rows
whose meaning the books leave open (newer than three weeks before the cut-off, references or loans that are
not unique) are left alone; so is what `--avoid` names.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from ledger.calendar import next_working_day
from ledger.errors import InputError, TallystickError
from scripts.plantable_books import (
    FILES,
    Books,
    Row,
    cell,
    entry_ids,
    fen_of,
    latest,
    line_text,
    loan_ids,
    read_rows,
    write_rows,
    yuan_text,
)

STRANGER: Final = "无名商贸有限公司"
PLANTED: Final = ("bank", "kind", "ids", "expected", "found")
NEAR_MISSES: Final = ("bank", "what", "ids")


@dataclass(frozen=True, slots=True)
class Planted:
    """One error: what a reconciliation must report of it. `ids` as `loan L-1; voucher V-1`."""

    bank: int
    kind: str
    ids: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One change that is no disagreement."""

    bank: int
    what: str
    ids: str


@dataclass(frozen=True, slots=True)
class Planting:
    """All that was changed."""

    planted: tuple[Planted, ...]
    near_misses: tuple[NearMiss, ...]


# One function per change: what it does to a row that fits, and what must be reported of it


def missing_in_book(books: Books, row: Row) -> Planted:
    books.loans.remove(row)
    ids = f"voucher {row['凭证编号']}"
    return Planted(books.bank, "missing_in_book", ids, yuan_text(fen_of(row["本金"])), "")


def missing_on_chain(books: Books, model: Row) -> Planted:
    books.taken.discard(id(model))  # it is only read
    principal = books.unseen_amount()
    row = model | {"借据号": books.name("L"), "凭证编号": books.name("V"), "本金": cell(principal)}
    books.add(books.loans, row | {"状态": "未结清", "结清日": ""})
    return Planted(books.bank, "missing_on_chain", loan_ids(row), "", yuan_text(principal))


def mistyped_voucher(books: Books, row: Row) -> Planted:
    row["凭证编号"] = books.name("V")
    return Planted(books.bank, "missing_on_chain", loan_ids(row), "", yuan_text(fen_of(row["本金"])))


def two_loans(books: Books, row: Row) -> Planted:
    twin = row | {"借据号": books.name("L")}
    books.add(books.loans, twin)
    loans = "; ".join(f"loan {number}" for number in sorted((row["借据号"], twin["借据号"])))
    return Planted(books.bank, "two_loans_one_voucher", f"voucher {row['凭证编号']}; {loans}", "1", "2")


def loan_amount(books: Books, row: Row) -> Planted:
    before, row["本金"] = fen_of(row["本金"]), cell(fen_of(row["本金"]) + _off(books.rng))
    ids = f"{loan_ids(row)}; field principal"
    return Planted(books.bank, "amount", ids, yuan_text(before), yuan_text(fen_of(row["本金"])))


def entry_amount(books: Books, row: Row) -> Planted:
    before, row["金额"] = fen_of(row["金额"]), cell(fen_of(row["金额"]) + _off(books.rng))
    return Planted(books.bank, "amount", entry_ids(row), yuan_text(before), yuan_text(fen_of(row["金额"])))


def due_day(books: Books, row: Row) -> Planted:
    before = row["到期日"]
    # Earlier, for a later day might be the one that a quote was rolled to.
    row["到期日"] = str(date.fromisoformat(before) - timedelta(days=books.rng.randint(1, 20)))
    return Planted(books.bank, "due_day", loan_ids(row), before, row["到期日"])


def loan_party(books: Books, row: Row) -> Planted:
    column, name = books.rng.choice((("借款人", "borrower"), ("付款人", "obligor")))
    before, row[column] = row[column], STRANGER
    return Planted(books.bank, "party", f"{loan_ids(row)}; field {name}", before, STRANGER)


def entry_party(books: Books, row: Row) -> Planted:
    before, row["对方户名"] = row["对方户名"], STRANGER
    return Planted(books.bank, "party", f"{entry_ids(row)}; field counterparty", before, STRANGER)


def book_ahead(books: Books, row: Row) -> Planted:
    row["状态"], row["结清日"] = "已结清", str(books.settled_by)
    return Planted(books.bank, "status_book_ahead", loan_ids(row), "live", "repaid")


def chain_ahead(books: Books, row: Row) -> Planted:
    row["状态"], row["结清日"] = "未结清", ""
    return Planted(books.bank, "status_chain_ahead", loan_ids(row), "settled", "open")


def line_usage(books: Books, row: Row) -> Planted:
    # Upwards: what settlements under way will release makes a smaller figure possible.
    before, row["已用额度"] = fen_of(row["已用额度"]), cell(fen_of(row["已用额度"]) + abs(_off(books.rng)))
    ids = f"line {line_text(books.bank, row['额度编号'])}; field used"
    return Planted(books.bank, "line_usage", ids, yuan_text(before), yuan_text(fen_of(row["已用额度"])))


def unknown_entry(books: Books, model: Row) -> Planted:
    books.taken.discard(id(model))  # it is only a place to stand beside
    booked_on = str(books.settled_by)
    row = {"流水号": books.name("E"), "记账日": booked_on, "起息日": booked_on, "对方户名": STRANGER}
    row |= {"借贷": books.rng.choice("借贷"), "附言": books.name("R"), "金额": cell(books.unseen_amount())}
    books.add(books.entries, row)
    return Planted(books.bank, "entry_without_payment", entry_ids(row), "", yuan_text(fen_of(row["金额"])))


def posted_twice(books: Books, row: Row) -> Planted:
    twin = row | {"流水号": books.name("Z"), "记账日": str(books.cut_off)}
    books.add(books.entries, twin)
    return Planted(books.bank, "entry_without_payment", entry_ids(twin), "", yuan_text(fen_of(row["金额"])))


def no_entry(books: Books, row: Row) -> Planted:
    books.entries.remove(row)
    ids = f"reference {row['附言']}"
    return Planted(books.bank, "payment_without_entry", ids, yuan_text(fen_of(row["金额"])), "")


def loan_one_fen(books: Books, row: Row) -> NearMiss:
    row["本金"] = cell(fen_of(row["本金"]) + books.rng.choice((-1, 1)))
    return NearMiss(books.bank, "one fen of tolerance", loan_ids(row))


def entry_one_fen(books: Books, row: Row) -> NearMiss:
    row["金额"] = cell(fen_of(row["金额"]) + books.rng.choice((-1, 1)))
    return NearMiss(books.bank, "one fen of tolerance", entry_ids(row))


def posted_next_working_day(books: Books, row: Row) -> NearMiss:
    row["记账日"] = str(next_working_day(date.fromisoformat(row["起息日"])))
    return NearMiss(books.bank, "posted on the next working day", entry_ids(row))


@dataclass(frozen=True, slots=True)
class Change:
    """Which rows of which table a change fits, and the change."""

    table: str
    fits: Callable[[Books, Row], bool]
    make: Callable[[Books, Row], Planted | NearMiss]

    def to(self, books: Books) -> Planted | NearMiss | None:
        """Made on one free row; None where there is no material."""
        rows: list[Row] = getattr(books, self.table)
        row = books.pick(rows, lambda row: self.fits(books, row))
        return None if row is None else self.make(books, row)


# One of every kind comes before a second of any; what has least material comes first.
KINDS: Final = (
    Change("loans", Books.repaid_loan, chain_ahead),
    Change("loans", Books.distinct_open_loan, missing_in_book),
    Change("loans", Books.distinct_open_loan, two_loans),
    Change("loans", Books.open_loan, book_ahead),
    Change("entries", Books.entry, no_entry),
    Change("lines", Books.line, line_usage),
    Change("loans", Books.unrolled_loan, due_day),
    Change("loans", Books.loan, missing_on_chain),
    Change("entries", Books.any_row, unknown_entry),
)
AMOUNTS: Final = (Change("loans", Books.loan, loan_amount), Change("entries", Books.entry, entry_amount))
PARTIES: Final = (Change("loans", Books.loan, loan_party), Change("entries", Books.entry, entry_party))
NEAR: Final = (
    Change("entries", Books.prompt_entry, posted_next_working_day),
    Change("loans", Books.loan, loan_one_fen),
    Change("entries", Books.entry, entry_one_fen),
)
MORE: Final = (
    *KINDS,
    *AMOUNTS,
    *PARTIES,
    Change("loans", Books.distinct_open_loan, mistyped_voucher),
    Change("entries", Books.entry, posted_twice),
)


def plant(
    source: Path,
    target: Path,
    *,
    seed: int,
    cut_off: date | None = None,
    avoid: frozenset[str] = frozenset(),
) -> Planting:
    """Write changed copies of every bank's books and the two lists; InputError for books that cannot be read.

    `cut_off` is the books' last day; without it the latest day on which anything is booked. `avoid` names
    voucher numbers, references and lines to leave alone.
    """
    folders = sorted(path for path in (source / "books").glob("*") if path.name.isdigit())
    if not folders:
        raise InputError(f"{source / 'books'} has no folder named by a bank's number")
    tables = {int(folder.name): {name: read_rows(folder / name) for name in FILES} for folder in folders}
    until = cut_off or latest(row for bank in tables.values() for rows in bank.values() for row in rows)
    planted: list[Planted] = []
    near: list[NearMiss] = []
    for bank, files in tables.items():
        rng = random.Random(f"{seed} {bank}")
        loans, entries, lines = (files[name] for name in FILES)
        books = Books(bank, loans, entries, lines, until, avoid, rng)
        changes = _changes(books)
        planted += (change for change in changes if isinstance(change, Planted))
        near += (change for change in changes if isinstance(change, NearMiss))
        for name, rows in zip(FILES, (loans, entries, lines), strict=True):
            write_rows(target / "books" / str(bank) / name, FILES[name].split(","), rows)
    planted.sort(key=lambda row: (row.bank, row.kind, row.ids))
    write_rows(target / "planted.csv", PLANTED, [_as_row(row, PLANTED) for row in planted])
    write_rows(target / "near_misses.csv", NEAR_MISSES, [_as_row(row, NEAR_MISSES) for row in near])
    return Planting(tuple(planted), tuple(near))


def _changes(books: Books) -> list[Planted | NearMiss]:
    made = [change.to(books) for change in KINDS]
    for pair in (AMOUNTS, PARTIES):  # loan book or statement, or the other where there is no material
        first, second = books.rng.sample(pair, 2)
        made.append(first.to(books) or second.to(books))
    made += [change.to(books) for change in (*NEAR, *books.rng.sample(MORE, books.rng.randint(0, 4)))]
    return [change for change in made if change is not None]


def _as_row(value: Planted | NearMiss, names: Sequence[str]) -> Row:
    return {name: str(getattr(value, name)) for name in names}


def _off(rng: random.Random) -> int:
    """A difference above any tolerance of a fen, up to 90.00 yuan either way."""
    return rng.choice((-1, 1)) * rng.choice((2, 10, 900, rng.randint(3, 9000)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when done, 2 for books that cannot be used."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clean", type=Path, help="folder with books/<bank number>/")
    parser.add_argument("target", type=Path, help="folder for the changed books and planted.csv")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cut-off", type=date.fromisoformat, help="the books' last day, 2026-10-31")
    parser.add_argument("--avoid", nargs="*", default=[], help="vouchers, references, lines to leave alone")
    given = parser.parse_args(arguments)
    try:
        done = plant(
            given.clean,
            given.target,
            seed=given.seed,
            cut_off=given.cut_off,
            avoid=frozenset(given.avoid),
        )
    except TallystickError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{len(done.planted)} planted, {len(done.near_misses)} near misses in {given.target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
