"""Tables that a bank hands over as CSV: account statement, loan book, credit-line book.

A file is read whole or not at all: every bad cell is named in one FileError and nothing of the file is
given out. Nothing is repaired or guessed: no amount is completed, no unknown column skipped, no damaged
text decoded into something that looks like text. What the rows mean, and whether they agree with the chain,
is not for here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Final, cast

from ledger.calendar import DayCount, parse_date
from ledger.errors import FileError, InputError, RowProblem
from ledger.money import Fen, Percent, parse_rate, parse_yuan, shown

Source = Path | str | bytes
"""A path, or the bytes of a file."""

_EMPTY: Final = "the file is empty; a header row is the least it must have"
_PADDING: Final = " \t"  # what bank systems put around a cell so that a spreadsheet leaves it alone
# Control characters, the mark of a lost character, and where GB18030 puts bytes that mean no character.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ue000-\uf8ff]")

_ADDRESS: Final = re.compile("0x[0-9a-fA-F]{40}")


# The strict reader


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a file must have, headed `name`, `zh` or one of `also`.

    `read` turns the text of a cell into its value or raises InputError. An `optional` cell may be empty,
    which gives None; the column itself must be there, unless it `may_lack`. In a `unique` column no value may
    come twice.
    """

    name: str
    zh: str
    read: Callable[[str], object]
    optional: bool = False
    unique: bool = False
    also: tuple[str, ...] = ()
    may_lack: bool = False

    @property
    def titles(self) -> tuple[str, ...]:
        """Every heading under which the column is known."""
        return (self.name, self.zh, *self.also)


def text(cell: str) -> str:
    """Any text without control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in cell):
        raise InputError(f"text {shown(cell)} contains a line break or another control character")
    return cell


def whole_number(cell: str) -> int:
    """ASCII digits, at most 18."""
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 18):
        raise InputError(f"number {shown(cell)} cannot be read: give digits alone, at most 18")
    return int(cell)


def address(cell: str) -> str:
    """The address of a contract: 0x and 40 hex digits, in capital or small letters."""
    if not _ADDRESS.fullmatch(cell):
        raise InputError(f"{shown(cell)} is no address of a contract: give 0x and 40 hex digits, or nothing")
    return cell


def choice(spellings: Mapping[str, object]) -> Callable[[str], object]:
    """A reader of one of several spellings, each standing for its value."""

    def read(cell: str) -> object:
        if cell not in spellings:
            raise InputError(f"{shown(cell)} is none of {', '.join(spellings)}")
        return spellings[cell]

    return read


def read_table(
    source: Source, columns: Sequence[Column], *, name: str | None = None
) -> list[dict[str, object]]:
    """Read a CSV file with a header row into one dict per row, keyed by `Column.name`.

    UTF-8 (with or without a byte order mark) is tried first, then GB18030. Columns may come in any order,
    each under any of its names; rows are counted as a spreadsheet does, the header being row 1. Empty lines
    are passed over, and a file with a header alone has no rows. Raises FileError naming all that is wrong:
    encoding; missing, extra, duplicate or nameless columns; under a right header short and long rows, every
    bad cell. `name` is what the error calls the file.
    """
    label = name or ("the file" if isinstance(source, bytes) else str(source))
    return read_rows(read_records(source, label), columns, name=label)


def read_records(source: Source, label: str) -> list[tuple[int, list[str]]]:
    """The numbered rows of a CSV file as text, the header first and as row 1, without empty lines; FileError."""
    return _records(_decoded(_content(source, label), label), label)


def read_rows(
    records: list[tuple[int, list[str]]], columns: Sequence[Column], *, name: str
) -> list[dict[str, object]]:
    """`read_table` of numbered rows, the header first, wherever they come from."""
    header = [cell.strip(_PADDING) for cell in records.pop(0)[1]]
    problems, places = _header_problems(header, columns)
    if problems:  # under a wrong header every cell would look wrong
        raise FileError(name, problems)
    rows: list[dict[str, object]] = []
    seen: dict[tuple[str, object], int] = {}
    for number, cells in records:
        if len(cells) != len(header):
            expected = f"{len(cells)} cells, the header has {len(header)}"
            problems.append(RowProblem(number, "", expected))
            continue
        row: dict[str, object] = {}
        for place, column in places.items():
            try:
                value = row[column.name] = _cell(cells[place].strip(_PADDING), column)
            except InputError as error:
                problems.append(RowProblem(number, header[place], str(error)))
                continue
            if column.unique and (first := seen.setdefault((column.name, value), number)) != number:
                problems.append(RowProblem(number, header[place], f"{value} is already in row {first}"))
        rows.append(row)
    if problems:
        raise FileError(name, problems)
    return rows


def _content(source: Source, label: str) -> bytes:
    try:
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise FileError(label, [RowProblem(0, "", f"the file cannot be opened: {reason}")]) from None
    if not content.strip():
        raise FileError(label, [RowProblem(0, "", _EMPTY)])
    return content


def _decoded(content: bytes, label: str) -> str:
    """The text, or FileError saying which encodings were tried and where each of them failed."""
    try:
        decoded, encoding = content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as failure:
        in_utf8 = f"as UTF-8 (fails at byte {failure.start + 1})"
        # GB18030 decodes nearly everything, damaged UTF-8 as well: more whole characters than broken ones
        # above the two-byte range mean that the file was UTF-8 and must not be read as something else.
        lenient = content.decode("utf-8", errors="replace")
        broken = lenient.count("\ufffd")
        if content.startswith(b"\xef\xbb\xbf") or sum(c > "\u07ff" for c in lenient) - broken > broken:
            problem = f"the file cannot be read {in_utf8}, but by its other bytes it is UTF-8: it is damaged"
            raise FileError(label, [RowProblem(0, "", problem)]) from None
        try:
            decoded, encoding = content.decode("gb18030"), "GB18030"
        except UnicodeDecodeError as second:
            problem = (
                f"the file cannot be read {in_utf8} nor as GB18030 (fails at byte {second.start + 1}): "
                "save it as CSV in UTF-8"
            )
            raise FileError(label, [RowProblem(0, "", problem)]) from None
    if found := _NO_TEXT.search(decoded):
        problem = (
            f"the file was read as {encoding}, and there it holds {found.group()!a}, which is no text: "
            "save it as CSV in UTF-8"
        )
        raise FileError(label, [RowProblem(0, "", problem)])
    return decoded


def _records(decoded: str, label: str) -> list[tuple[int, list[str]]]:
    """Numbered rows, the header first and as row 1, without empty lines."""
    reader = csv.reader(io.StringIO(decoded, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    try:
        for number, cells in enumerate(reader, start=1):
            # An empty line has no cells, and a spreadsheet saves an emptied row as commas; both have a number.
            if any(cells):
                records.append((number, cells))
    except csv.Error as error:
        problem = f"the quoting of cells is broken near line {reader.line_num} of the file: {error}"
        raise FileError(label, [RowProblem(0, "", problem)]) from None
    if not records:
        raise FileError(label, [RowProblem(0, "", _EMPTY)])
    return records


def _header_problems(
    header: Sequence[str], columns: Sequence[Column]
) -> tuple[list[RowProblem], dict[int, Column]]:
    """What is wrong with the header row, and which place of a row belongs to which column."""
    by_name = {title: column for column in columns for title in column.titles}
    problems: list[RowProblem] = []
    places: dict[int, Column] = {}
    for place, title in enumerate(header):
        column = by_name.get(title)
        if not title:
            problems.append(RowProblem(1, "", f"column {place + 1} has no name"))
        elif title in header[:place]:
            problems.append(RowProblem(1, title, "the file has this column twice"))
        elif column is None:
            problems.append(RowProblem(1, title, "extra column"))
        elif column in places.values():
            problems.append(RowProblem(1, title, f"the file has the column {_titles([column])} twice"))
        else:
            places[place] = column
    missing = [column for column in columns if column not in places.values() and not column.may_lack]
    problems += (RowProblem(1, column.name, f"missing column {_titles([column])}") for column in missing)
    if not places:
        first = shown(",".join(header))
        return [RowProblem(1, "", f"{first} is no header of this table, which has {_titles(columns)}")], {}
    if any(title not in by_name for title in header if title):
        problems.append(RowProblem(1, "", f"the table has {_titles(columns)}"))
    return problems, places


def _titles(columns: Sequence[Column]) -> str:
    return ", ".join(f"{column.name} ({column.zh})" for column in columns)


def _cell(cell: str, column: Column) -> object:
    if cell:
        return column.read(cell)
    if column.optional:
        return None
    raise InputError("the cell is empty")


# The three tables


class Direction(Enum):
    """Whether an entry takes money from the account (debit) or brings it (credit), as the bank says it."""

    DEBIT = "debit"
    CREDIT = "credit"


class LoanStatus(Enum):
    """Whether the bank's book shows the loan as still owed.

    `WRITTEN_OFF`: the bank has taken the loss in its book; the claim on chain is not touched by it, and what comes in
    later settles the voucher there.
    """

    OPEN = "open"
    REPAID = "repaid"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One entry of an account statement; `amount` in fen, without sign.

    Charges and interest of the bank itself come without counterparty or reference: these are "" then.
    """

    entry_id: str
    booked_on: date
    value_on: date
    direction: Direction
    amount: Fen
    counterparty: str
    reference: str


@dataclass(frozen=True, slots=True)
class BookedLoan:
    """One loan of a bank's loan book; amounts in fen, rate in percent a year on `basis`.

    `repaid_on` is the day on which the loan was closed: repaid, or written off. `contract` is the ledger whose voucher
    is meant, needed only where two ledgers have the same number; "" where the book does not say.
    """

    loan_no: str
    bank: str
    voucher: str
    borrower: str
    obligor: str
    principal: Fen
    proceeds: Fen
    interest: Fen
    rate: Percent
    basis: DayCount
    booked_on: date
    due_on: date
    status: LoanStatus
    repaid_on: date | None
    contract: str = ""


@dataclass(frozen=True, slots=True)
class BookedLine:
    """One credit line as the bank's book has it; limit and used in fen."""

    line: str
    issuer: str
    limit: Fen
    used: Fen
    expires_on: date


_DIRECTIONS: Final = {
    "debit": Direction.DEBIT,
    "credit": Direction.CREDIT,
    "借": Direction.DEBIT,
    "贷": Direction.CREDIT,
}
_STATUSES: Final = {
    "open": LoanStatus.OPEN,
    "repaid": LoanStatus.REPAID,
    "written_off": LoanStatus.WRITTEN_OFF,
    "未结清": LoanStatus.OPEN,
    "已结清": LoanStatus.REPAID,
    "已核销": LoanStatus.WRITTEN_OFF,
}
_BASES: Final = {basis.value: basis for basis in DayCount}

STATEMENT_COLUMNS: Final = (
    Column("entry_id", "流水号", text, unique=True),
    Column("booked_on", "记账日", parse_date),
    Column("value_on", "起息日", parse_date),
    Column("direction", "借贷", choice(_DIRECTIONS)),
    Column("amount", "金额", parse_yuan),
    Column("counterparty", "对方户名", text, optional=True),
    Column("reference", "附言", text, optional=True, also=("业务参考号",)),
)
LOAN_COLUMNS: Final = (
    Column("loan_no", "借据号", text),
    Column("bank", "银行", text),
    Column("voucher", "凭证编号", text),
    Column("borrower", "借款人", text),
    Column("obligor", "付款人", text),
    Column("principal", "本金", parse_yuan),
    Column("proceeds", "放款净额", parse_yuan),
    Column("interest", "利息", parse_yuan),
    Column("rate", "年利率", parse_rate),
    Column("basis", "计息基础", choice(_BASES)),
    Column("booked_on", "放款日", parse_date),
    Column("due_on", "到期日", parse_date),
    Column("status", "状态", choice(_STATUSES)),
    Column("repaid_on", "结清日", parse_date, optional=True),
)
LOAN_CONTRACT: Final = Column("contract", "账本合约", address, optional=True, may_lack=True)
"""Which ledger a loan's voucher is of; a loan book over one ledger has no such column."""
LINE_COLUMNS: Final = (
    Column("line", "额度编号", text, unique=True),
    Column("issuer", "核心企业", text),
    Column("limit", "授信额度", parse_yuan),
    Column("used", "已用额度", parse_yuan),
    Column("expires_on", "到期日", parse_date),
)


def read_statement(source: Source, *, name: str | None = None) -> list[StatementEntry]:
    """The entries of one account's statement, in the file's order; FileError as for `read_table`."""
    rows = read_table(source, STATEMENT_COLUMNS, name=name)
    absent = {"counterparty": "", "reference": ""}
    return [
        StatementEntry(**absent | {key: cast(Any, cell) for key, cell in row.items() if cell is not None})
        for row in rows
    ]


def read_loan_book(source: Source, *, name: str | None = None) -> list[BookedLoan]:
    """The loans of one bank's book, in the file's order; FileError as for `read_table`.

    A loan number may come twice and a repaid loan may lack its day: those are for reconciliation to report.
    """
    rows = read_table(source, (*LOAN_COLUMNS, LOAN_CONTRACT), name=name)
    return [BookedLoan(**cast(dict[str, Any], row | {"contract": row.get("contract") or ""})) for row in rows]


def read_line_book(source: Source, *, name: str | None = None) -> list[BookedLine]:
    """The credit lines of one bank's book, in the file's order; FileError as for `read_table`."""
    return [BookedLine(**cast(dict[str, Any], row)) for row in read_table(source, LINE_COLUMNS, name=name)]
