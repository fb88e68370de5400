"""One bank's books as plain rows of cells, and which of them say enough by themselves to be changed.

It reads and writes CSV files under Chinese headings and knows nothing of the chain or of reconciliation.
"""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from ledger.calendar import is_working_day
from ledger.errors import InputError

Row = dict[str, str]

FILES: Final = {
    "loan_book.csv": "借据号,银行,凭证编号,借款人,付款人,本金,放款净额,利息,年利率,计息基础,"
    "放款日,到期日,状态,结清日",
    "statement.csv": "流水号,记账日,起息日,借贷,金额,对方户名,附言",
    "line_book.csv": "额度编号,核心企业,授信额度,已用额度,到期日",
}
UNDECIDED: Final = timedelta(days=21)
"""Payments younger than this may still be within their contest window or a holiday."""


@dataclass
class Books:
    """One bank's three tables while they are being changed; `free` are rows that nothing has touched."""

    bank: int
    loans: list[Row]
    entries: list[Row]
    lines: list[Row]
    cut_off: date
    avoid: frozenset[str]
    rng: random.Random
    taken: set[int] = field(default_factory=set)
    serial: int = 0

    def __post_init__(self) -> None:
        self.settled_by = self.cut_off - UNDECIDED
        self.vouchers = Counter(row["凭证编号"] for row in self.loans)
        self.alike = Counter(likeness(row) for row in self.loans)
        self.references = Counter(row["附言"] for row in self.entries)
        self.own_names = {row[name] for row in self.loans for name in ("银行", "付款人")}
        self.amounts = {fen_of(row["本金"]) for row in self.loans} | {
            fen_of(row["金额"]) for row in self.entries
        }

    def pick(self, rows: Sequence[Row], fits: Callable[[Row], bool]) -> Row | None:
        """A free row that fits, drawn by the seed; it is then taken."""
        fitting = [row for row in rows if id(row) not in self.taken and fits(row)]
        if not fitting:
            return None
        row = self.rng.choice(fitting)
        self.taken.add(id(row))
        return row

    def add(self, rows: list[Row], row: Row) -> None:
        self.taken.add(id(row))
        rows.insert(self.rng.randint(0, len(rows)), row)

    def name(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}-X{self.bank}-{self.serial:03d}"

    def unseen_amount(self) -> int:
        while (amount := self.rng.randint(1_000_00, 9_000_000_00)) in self.amounts:
            pass
        self.amounts.add(amount)
        return amount

    # Which rows say enough by themselves

    def loan(self, row: Row) -> bool:
        """A loan that stands alone on its voucher and is old enough to be certain."""
        certain = date.fromisoformat(row["放款日"]) <= self.settled_by
        return certain and self.vouchers[row["凭证编号"]] == 1 and row["凭证编号"] not in self.avoid

    def open_loan(self, row: Row) -> bool:
        return self.loan(row) and row["状态"] == "未结清" and date.fromisoformat(row["到期日"]) > self.cut_off

    def repaid_loan(self, row: Row) -> bool:
        repaid = row["状态"] == "已结清" and row["结清日"]
        return bool(repaid) and self.loan(row) and date.fromisoformat(row["结清日"]) <= self.settled_by

    def distinct_open_loan(self, row: Row) -> bool:
        """An open loan that cannot be taken for another one under a wrong number."""
        return self.open_loan(row) and self.alike[likeness(row)] == 1

    def unrolled_loan(self, row: Row) -> bool:
        """A loan whose due day cannot have been rolled to where it is."""
        return self.loan(row) and is_working_day(date.fromisoformat(row["到期日"]) - timedelta(days=1))

    def entry(self, row: Row) -> bool:
        """An entry that is alone under its reference, between this bank and somebody else, and certain."""
        certain = date.fromisoformat(row["起息日"]) <= self.settled_by
        alone = row["附言"] != "" and self.references[row["附言"]] == 1 and row["附言"] not in self.avoid
        return certain and alone and row["对方户名"] not in {"", *self.own_names}

    def prompt_entry(self, row: Row) -> bool:
        return self.entry(row) and row["记账日"] == row["起息日"]

    def line(self, row: Row) -> bool:
        return row["额度编号"] not in self.avoid

    def any_row(self, row: Row) -> bool:
        return bool(row)


# Cells


def likeness(row: Row) -> tuple[str, ...]:
    return (row["本金"], row["到期日"], row["借款人"])


def loan_ids(row: Row) -> str:
    return f"loan {row['借据号']}; voucher {row['凭证编号']}"


def entry_ids(row: Row) -> str:
    return f"entry {row['流水号']}; reference {row['附言']}"


def line_text(bank: int, line: str) -> str:
    return line if "-" in line else f"{bank}-{line}"


def fen_of(cell: str) -> int:
    whole, _, cents = cell.replace(",", "").partition(".")
    if not whole.isdigit() or len(cents) not in (0, 2):
        raise InputError(f"{cell!r} is not an amount in yuan with two decimals")
    return int(whole) * 100 + int(cents or 0)


def cell(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def yuan_text(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def latest(rows: Iterator[Row]) -> date:
    days = [row[name] for row in rows for name in ("记账日", "放款日", "结清日") if row.get(name)]
    if not days:
        raise InputError("the books have no row with a day: name the cut-off")
    return date.fromisoformat(max(days))


# Files


def read_rows(path: Path) -> list[Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    expected = FILES[path.name].split(",")
    if sorted(reader.fieldnames or ()) != sorted(expected):
        raise InputError(f"{path} needs the columns {', '.join(expected)}, it has {reader.fieldnames}")
    return list(reader)


def write_rows(path: Path, names: Sequence[str], rows: Sequence[Row]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
