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

from ledger.calendar import is_working_day, next_working_day
from ledger.errors import InputError
from scripts.plantable_dossier import PlantableDossier

Row = dict[str, str]

FILES: Final = {
    "loan_book.csv": "借据号,银行,凭证编号,借款人,付款人,本金,放款净额,利息,年利率,计息基础,"
    "放款日,到期日,状态,结清日",
    "statement.csv": "流水号,记账日,起息日,借贷,金额,对方户名,附言",
    "line_book.csv": "额度编号,核心企业,授信额度,已用额度,到期日",
}
"""A bank's tables, with their headings."""
BESIDE: Final = {
    "parties.csv": "编号,简称,名称,统一社会信用代码,账户名,角色,保荐行",
    "invoices.csv": "发票号码,开票日,购买方,销售方,价税合计,凭证编号,使用金额,向银行开示",
}
"""What may lie beside the books, with its headings."""
UNDECIDED: Final = timedelta(days=21)
"""Payments younger than this may still be within their contest window or a holiday."""


@dataclass
class Books:
    """One bank's three tables while they are being changed, and the dossier beside them.

    `asserted` are the references of payments that nobody has agreed to yet. `taken` are rows that something has
    touched; `corners` are places (see `corner`) in which a row of books or chain is left without its other half.
    """

    bank: int
    loans: list[Row]
    entries: list[Row]
    lines: list[Row]
    cut_off: date
    avoid: frozenset[str]
    rng: random.Random
    asserted: frozenset[str] = frozenset()
    dossier: PlantableDossier | None = None
    corners: set[tuple[str, ...]] = field(default_factory=set)
    taken: set[int] = field(default_factory=set)
    serial: int = 0

    def __post_init__(self) -> None:
        self.settled_by = self.cut_off - UNDECIDED
        self.vouchers = Counter(row["凭证编号"] for row in self.loans)
        self.alike = Counter(likeness(row) for row in self.loans)
        self.references = Counter(row["附言"] for row in self.entries)
        # a loan whose money moves under its own number: lent on a pledge, or given back by recourse
        self.moved = {row["借据号"] for row in self.loans} & self.references.keys()
        self.own_names = {row[name] for row in self.loans for name in ("银行", "付款人")}
        self.amounts = {fen_of(row["本金"]) for row in self.loans} | {
            fen_of(row["金额"]) for row in self.entries
        }

    def pick(self, rows: Sequence[Row], fits: Callable[[Row], bool], *, alone: bool = False) -> Row | None:
        """A free row that fits, drawn by the seed; it is then taken, and where it has to be `alone` its corner too."""
        fitting = [row for row in self.free(rows, fits) if not alone or corner(row) not in self.corners]
        if not fitting:
            return None
        row = self.rng.choice(fitting)
        self.taken.add(id(row))
        if alone:
            self.corners.add(corner(row))
        return row

    def pick_together(self, rows: Sequence[Row], fits: Callable[[Row], bool]) -> list[Row]:
        """All free rows of one corner that fit, at least two; none where there is no such corner."""
        found: dict[tuple[str, ...], list[Row]] = {}
        for row in self.free(rows, fits):
            if corner(row) not in self.corners:
                found.setdefault(corner(row), []).append(row)
        several = [corner for corner, each in found.items() if len(each) > 1]
        if not several:
            return []
        chosen = self.rng.choice(several)
        self.corners.add(chosen)
        self.taken |= {id(row) for row in found[chosen]}
        return found[chosen]

    def free(self, rows: Sequence[Row], fits: Callable[[Row], bool]) -> list[Row]:
        """Rows that nothing has touched and that fit."""
        return [row for row in rows if id(row) not in self.taken and fits(row)]

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
        """A loan that stands alone on its voucher, is old enough to be certain, and takes the common course."""
        certain = date.fromisoformat(row["放款日"]) <= self.settled_by
        common = row["状态"] == "已结清" or (
            row["状态"] == "未结清" and date.fromisoformat(row["到期日"]) > self.cut_off
        )
        alone = self.vouchers[row["凭证编号"]] == 1 and row["凭证编号"] not in self.avoid
        return certain and common and alone and row["借据号"] not in self.moved

    def open_loan(self, row: Row) -> bool:
        return self.loan(row) and row["状态"] == "未结清"

    def repaid_loan(self, row: Row) -> bool:
        repaid = row["状态"] == "已结清" and row["结清日"]
        return bool(repaid) and self.loan(row) and date.fromisoformat(row["结清日"]) <= self.settled_by

    def distinct_open_loan(self, row: Row) -> bool:
        """An open loan that cannot be taken for another one under a wrong number."""
        return self.open_loan(row) and self.alike[likeness(row)] == 1

    def unrolled_loan(self, row: Row) -> bool:
        """A loan whose due day cannot have been rolled to where it is."""
        return self.loan(row) and is_working_day(date.fromisoformat(row["到期日"]) - timedelta(days=1))

    def quoted_loan(self, row: Row) -> bool:
        """A loan whose quote can be spoilt without anything else in the books depending on it."""
        if self.dossier is None or not self.unrolled_loan(row):
            return False
        return self.dossier.only_quote(row["凭证编号"]) is not None and len(self.proceeds_of(row)) == 1

    def proceeds_of(self, row: Row) -> list[Row]:
        """The entry by which a loan was paid out: all free rows that look like it."""
        like = {"起息日": row["放款日"], "金额": row["放款净额"], "借贷": "借"}
        return self.free(self.entries, lambda entry: self.entry(entry) and like.items() <= entry.items())

    def entry(self, row: Row) -> bool:
        """An entry that is alone under its reference, between this bank and somebody else, and certain."""
        certain = date.fromisoformat(row["起息日"]) <= self.settled_by
        return certain and self.lone_entry(row) and row["附言"] not in self.asserted

    def lone_entry(self, row: Row) -> bool:
        """An entry that is alone under the reference of a payment, between this bank and somebody else."""
        alone = row["附言"] != "" and self.references[row["附言"]] == 1
        spared = row["附言"] in self.avoid or row["附言"] in self.moved
        return alone and not spared and row["对方户名"] not in {"", *self.own_names}

    def asserted_entry(self, row: Row) -> bool:
        """The entry of a payment that is only asserted, whose last posting day is over."""
        in_time = next_working_day(date.fromisoformat(row["起息日"])) <= self.cut_off
        return self.lone_entry(row) and row["附言"] in self.asserted and in_time

    def prompt_entry(self, row: Row) -> bool:
        return self.entry(row) and row["记账日"] == row["起息日"]

    def line(self, row: Row) -> bool:
        return row["额度编号"] not in self.avoid

    def any_row(self, row: Row) -> bool:
        return bool(row)


# Cells


def likeness(row: Row) -> tuple[str, ...]:
    return (row["本金"], row["到期日"], row["借款人"])


def corner(row: Row) -> tuple[str, ...]:
    """Where several rows can stand for each other: the same day, side and party."""
    names = ("到期日", "付款人", "借款人") if "借据号" in row else ("起息日", "借贷", "对方户名")
    return tuple(row.get(name, "") for name in names)


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
    expected = (FILES | BESIDE)[path.name].split(",")
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
