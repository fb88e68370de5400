"""The small world's books as the CSV files that a bank hands over."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ledger.calendar import DayCount
from ledger.statement import LINE_COLUMNS, LOAN_COLUMNS, STATEMENT_COLUMNS, Column, Direction, LoanStatus
from tests.ledger.two_banks import World


def write_books(world: World, folder: Path) -> None:
    """books/<bank>/ with the three tables, Chinese headings, as a bank hands them over."""
    for bank, books in world.books.items():
        place = folder / "books" / str(bank)
        place.mkdir(parents=True)
        tables: tuple[tuple[str, tuple[Column, ...], list[object]], ...] = (
            ("loan_book.csv", LOAN_COLUMNS, list(books.loans)),
            ("statement.csv", STATEMENT_COLUMNS, list(books.entries)),
            ("line_book.csv", LINE_COLUMNS, list(books.lines)),
        )
        for name, columns, rows in tables:
            text = io.StringIO(newline="")
            writer = csv.writer(text)
            writer.writerow([column.zh for column in columns])
            writer.writerows(
                [_cell(column.name, getattr(row, column.name)) for column in columns] for row in rows
            )
            (place / name).write_text(text.getvalue(), encoding="utf-8")


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in ("amount", "principal", "proceeds", "interest", "limit", "used") and isinstance(value, int):
        return f"{value // 100}.{value % 100:02d}"
    words = {
        LoanStatus.OPEN: "未结清",
        LoanStatus.REPAID: "已结清",
        LoanStatus.WRITTEN_OFF: "已核销",
        Direction.DEBIT: "借",
        Direction.CREDIT: "贷",
    }
    if isinstance(value, LoanStatus | Direction):
        return words[value]
    return value.value if isinstance(value, DayCount) else str(value)
