"""Plants known errors into a clean world's books, so that a reconciliation can be tested against what was
planted.

    python -m scripts.planter CLEAN TARGET --seed 7

CLEAN/books/<bank number>/ holds loan_book.csv, statement.csv and line_book.csv under Chinese headings. TARGET
gets the same files, changed, with planted.csv (bank, kind, ids, expected, found: what must be reported,
neither more nor less) and near_misses.csv (what must not be). One row is never touched twice, and the same
seed plants the same. What can be done is in `planter_changes.py`.

It knows books and dossier alone: not the chain, and nothing of the reconciliation that it is there to test.
Rows whose meaning the books leave open (newer than three weeks before the cut-off, references or loans that
are not unique, loans that are overdue, written off, on a pledge or given back) are left alone; so is what
`--avoid` names. Which payments are only asserted the books do not say: `--asserted` does.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from ledger.errors import InputError, TallystickError
from scripts.plantable_books import FILES, Books, Row, fen_of, latest, read_rows, write_rows, yuan_text
from scripts.plantable_dossier import PlantableDossier
from scripts.planter_changes import NearMiss, Planted, changes_in

PLANTED: Final = ("bank", "kind", "ids", "expected", "found")
NEAR_MISSES: Final = ("bank", "what", "ids")
DOSSIER, INVOICES_FILE, PARTIES_FILE = "dossier.json", "invoices.csv", "parties.csv"


@dataclass(frozen=True, slots=True)
class Planting:
    """All that was changed."""

    planted: tuple[Planted, ...]
    near_misses: tuple[NearMiss, ...]


def plant(
    source: Path,
    target: Path,
    *,
    seed: int,
    cut_off: date | None = None,
    avoid: frozenset[str] = frozenset(),
    asserted: frozenset[str] = frozenset(),
    dossier: Path | None = None,
) -> Planting:
    """Write changed copies of every bank's books and the two lists; InputError for books that cannot be read.

    `cut_off` is the books' last day; without it the latest day on which anything is booked. `avoid` names
    voucher numbers, references and lines to leave alone, `asserted` the references of payments that nobody has
    agreed to yet. With a `dossier` quotes are changed in a copy of it, and the invoices opened that
    `source`/invoices.csv keeps from the banks.
    """
    folders = sorted(path for path in (source / "books").glob("*") if path.name.isdigit())
    if not folders:
        raise InputError(f"{source / 'books'} has no folder named by a bank's number")
    tables = {int(folder.name): {name: read_rows(folder / name) for name in FILES} for folder in folders}
    until = cut_off or latest(row for bank in tables.values() for rows in bank.values() for row in rows)
    changed = None if dossier is None else PlantableDossier.read(dossier)
    planted: list[Planted] = []
    near: list[NearMiss] = []
    if changed is not None and (source / INVOICES_FILE).exists():
        planted += _opened(source, tables, changed)
    for bank, files in tables.items():
        rng = random.Random(f"{seed} {bank}")
        loans, entries, lines = (files[name] for name in FILES)
        books = Books(bank, loans, entries, lines, until, avoid, rng, asserted=asserted, dossier=changed)
        changes = changes_in(books)
        planted += (change for change in changes if isinstance(change, Planted))
        near += (change for change in changes if isinstance(change, NearMiss))
        for name, rows in zip(FILES, (loans, entries, lines), strict=True):
            write_rows(target / "books" / str(bank) / name, FILES[name].split(","), rows)
    if changed is not None:
        changed.write(target / DOSSIER)
    planted.sort(key=lambda row: (row.bank, row.kind, row.ids))
    write_rows(target / "planted.csv", PLANTED, [_as_row(row, PLANTED) for row in planted])
    write_rows(target / "near_misses.csv", NEAR_MISSES, [_as_row(row, NEAR_MISSES) for row in near])
    return Planting(tuple(planted), tuple(near))


def _opened(
    source: Path, tables: Mapping[int, Mapping[str, list[Row]]], dossier: PlantableDossier
) -> Iterator[Planted]:
    """Opens the invoices that the banks were not shown: what each of them stands behind is financed more than once."""
    numbers = {row["简称"]: int(row["编号"]) for row in read_rows(source / PARTIES_FILE)}
    uses = read_rows(source / INVOICES_FILE)
    for hidden in uses:
        if hidden["向银行开示"] != "否":
            continue
        dossier.open_invoice(hidden["发票号码"], numbers[hidden["购买方"]])
        same = [row for row in uses if row["发票号码"] == hidden["发票号码"]]
        promises = {row["凭证编号"].split("/")[0] for row in same}
        financed = {
            bank: {
                row["凭证编号"] for row in files["loan_book.csv"] if row["凭证编号"].split("/")[0] in promises
            }
            for bank, files in tables.items()
        }
        vouchers = "; ".join(f"voucher {number}" for number in sorted(set().union(*financed.values())))
        total = yuan_text(min(fen_of(row["价税合计"]) for row in same))
        used = yuan_text(sum(fen_of(row["使用金额"]) for row in same))
        ids = f"invoice {hidden['发票号码']}; {vouchers}"
        for bank, own in financed.items():
            if own:
                yield Planted(bank, "one_invoice_two_financings", ids, total, used)


def _as_row(value: Planted | NearMiss, names: Sequence[str]) -> Row:
    return {name: str(getattr(value, name)) for name in names}


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
    parser.add_argument("--asserted", nargs="*", default=[], help="references of payments only asserted")
    parser.add_argument("--dossier", type=Path, help="the banks' dossier, to be changed as well")
    given = parser.parse_args(arguments)
    try:
        done = plant(
            given.clean,
            given.target,
            seed=given.seed,
            cut_off=given.cut_off,
            avoid=frozenset(given.avoid),
            asserted=frozenset(given.asserted),
            dossier=given.dossier,
        )
    except TallystickError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{len(done.planted)} planted, {len(done.near_misses)} near misses in {given.target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
