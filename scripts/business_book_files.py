"""The banks' books of a business as the CSV files that banks hand over.

    python -m scripts.business_book_files scripts/sample_business

writes books/<bank number>/ with the three tables, under the headings of `ledger/statement.py`. What stands in them is
reckoned by `business_books.py`.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ledger.calendar import DayCount
from ledger.errors import TallystickError
from ledger.money import rate_text
from ledger.statement import LINE_COLUMNS, LOAN_COLUMNS, STATEMENT_COLUMNS, Column, Direction, LoanStatus
from scripts.business_books import BankBooks, implied_books
from scripts.business_files import read_business

_WORDS: Final = {
    LoanStatus.OPEN: "未结清",
    LoanStatus.REPAID: "已结清",
    LoanStatus.WRITTEN_OFF: "已核销",
    Direction.DEBIT: "借",
    Direction.CREDIT: "贷",
}
_AMOUNTS: Final = frozenset({"amount", "principal", "proceeds", "interest", "limit", "used"})


def write_books(books: dict[int, BankBooks], folder: Path) -> None:
    """Writes books/<bank number>/ with the three tables; UTF-8 with a byte order mark, as spreadsheets want it."""
    for bank, each in books.items():
        place = folder / "books" / str(bank)
        place.mkdir(parents=True, exist_ok=True)
        tables: tuple[tuple[str, tuple[Column, ...], Sequence[object]], ...] = (
            ("loan_book.csv", LOAN_COLUMNS, each.loans),
            ("statement.csv", STATEMENT_COLUMNS, each.entries),
            ("line_book.csv", LINE_COLUMNS, each.lines),
        )
        for name, columns, rows in tables:
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow([column.zh for column in columns])
            writer.writerows(
                [_cell(column.name, getattr(row, column.name)) for column in columns] for row in rows
            )
            (place / name).write_text(text.getvalue(), encoding="utf-8-sig", newline="")


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in _AMOUNTS and isinstance(value, int):
        return f"{value // 100}.{value % 100:02d}"
    if name == "rate":
        return rate_text(value)  # type: ignore[arg-type]
    if isinstance(value, LoanStatus | Direction):
        return _WORDS[value]
    return value.value if isinstance(value, DayCount) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: writes the books of the business in the folder named beside it; 2 for unusable files."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        sys.stderr.write("name the folder of the business: python -m scripts.business_book_files FOLDER\n")
        return 2
    try:
        write_books(implied_books(read_business(Path(given[0]))), Path(given[0]))
    except TallystickError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
