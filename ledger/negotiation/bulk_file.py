"""A file of promises, CSV or XLSX: one row an invoice; rows of one reference are one promise.

    read       the promises, or FileError naming every bad cell at once
    to_json    a promise as it is kept

Columns may stand in any order, each under its English or Chinese name. Rows of one promise repeat what is the
promise's; where they differ, the cell is named. An invoice that several promises use must fit into its total over the
whole file. What the rules say of a promise is not looked at here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.agreements import PartyNumber
from ledger.calendar import Day, day_of_date, parse_date
from ledger.errors import FileError, InputError, RowProblem
from ledger.members import line_text, parse_line
from ledger.money import Fen, parse_yuan, shown
from ledger.negotiation.programmes import NamedDocument
from ledger.negotiation.proposals import InvoiceUse, PromiseTerms
from ledger.statement import Column, read_records, read_rows, text, whole_number
from ledger.workbooks import LOCKED, SIGNATURE, read_workbook

MOST_BYTES: Final = 4 << 20
MOST_ROWS: Final = 5_000
MOST_PROMISES: Final = 1_000
MOST_INVOICES: Final = 10
LONGEST_REFERENCE: Final = 100
LONGEST_TEXT: Final = 2_000


@dataclass(frozen=True, slots=True)
class BulkPromise:
    """One promise of a file, from its row `row` on."""

    row: int
    terms: PromiseTerms


def _short(cell: str) -> str:
    if len(text(cell)) > LONGEST_REFERENCE or not cell.isprintable():
        raise InputError(f"{shown(cell)}: give at most {LONGEST_REFERENCE} printable characters")
    return cell


def _long(cell: str) -> str:
    if len(text(cell)) > LONGEST_TEXT:
        raise InputError(f"the text has more than {LONGEST_TEXT} characters")
    return cell


def _party(cell: str) -> PartyNumber:
    number = whole_number(cell)
    if not 0 < number < 2**32:
        raise InputError(f"{shown(cell)} is no party's number")
    return PartyNumber(number)


def _amount(cell: str) -> Fen:
    amount = parse_yuan(cell)
    if not amount:
        raise InputError("an amount of nothing")
    return amount


def _tier(cell: str) -> int:
    tier = whole_number(cell)
    if not 1 <= tier <= 255:
        raise InputError(f"tier {shown(cell)} is not between 1 and 255")
    return tier


def _day(cell: str) -> Day:
    return day_of_date(parse_date(cell))


def _programme(cell: str) -> str:
    if len(cell) != 32 or not set(cell) <= set("0123456789abcdef"):
        raise InputError(f"{shown(cell)} is no programme's id")
    return cell


def _documents(cell: str) -> tuple[NamedDocument, ...]:
    """`contract 0x…; delivery 0x…`."""
    found = []
    for each in cell.split(";"):
        kind, _, hashed = each.strip().rpartition(" ")
        try:
            if not kind.strip() or len(hashed) != 66 or not hashed.startswith("0x"):
                raise ValueError
            found.append(NamedDocument(kind.strip(), bytes.fromhex(hashed[2:])))
        except ValueError:
            raise InputError(
                f"{shown(each)}: give kind and hash, such as contract 0x5a…, with ; between"
            ) from None
    return tuple(found)


COLUMNS: Final = (
    Column("reference", "编号", _short),
    Column("line", "额度", parse_line),
    Column("supplier", "供应商", _party),
    Column("face", "面额", _amount),
    Column("due", "到期日", _day),
    Column("invoice_number", "发票号码", _short),
    Column("invoice_amount", "发票使用金额", _amount),
    Column("invoice_total", "发票总额", _amount),
    Column("smallest_part", "最小拆分额", _amount, optional=True, may_lack=True),
    Column("highest_tier", "最高层级", _tier, optional=True, may_lack=True),
    Column("programme", "方案", _programme, optional=True, may_lack=True),
    Column("documents", "单据", _documents, optional=True, may_lack=True),
    Column("terms", "条款", _long, optional=True, may_lack=True),
    Column("tenor_reason", "期限理由", _long, optional=True, may_lack=True),
)
_INVOICE: Final = ("invoice_number", "invoice_amount", "invoice_total")


def read(content: bytes, name: str) -> list[BulkPromise]:
    """The file's promises, in its order; FileError."""
    if len(content) > MOST_BYTES:
        raise FileError(name, [RowProblem(0, "", f"the file is longer than {MOST_BYTES:,} bytes")])
    if content.startswith(LOCKED):
        said = "an old workbook (.xls) or one with a password: save it as XLSX without a password, or as CSV"
        raise FileError(name, [RowProblem(0, "", said)])
    if content.startswith(SIGNATURE):
        records = read_workbook(content, name, most_rows=MOST_ROWS + 1)
    else:
        records = read_records(content, name)
    if len(records) - 1 > MOST_ROWS:
        raise FileError(name, [RowProblem(0, "", f"more than {MOST_ROWS} rows: send it in several files")])
    numbers = [number for number, _ in records[1:]]
    rows = read_rows(records, COLUMNS, name=name)
    problems: list[RowProblem] = []
    promises = _grouped(list(zip(numbers, rows, strict=True)), problems)
    if len(promises) > MOST_PROMISES:
        problems.append(RowProblem(0, "", f"more than {MOST_PROMISES} promises: send them in several files"))
    if not promises:
        problems.append(RowProblem(0, "", "the file has no row beside its header"))
    if problems:
        raise FileError(name, sorted(problems, key=lambda each: each.row))
    return promises


def _grouped(rows: Sequence[tuple[int, Mapping[str, Any]]], problems: list[RowProblem]) -> list[BulkPromise]:
    """One promise for each reference, with the invoices of all its rows."""
    first: dict[str, tuple[int, Mapping[str, Any]]] = {}
    invoices: dict[str, list[InvoiceUse]] = {}
    totals: dict[str, tuple[Fen, int]] = {}
    for number, row in rows:
        reference = row["reference"]
        at, known = first.setdefault(reference, (number, row))
        for column in COLUMNS:
            if column.name not in _INVOICE and row.get(column.name) != known.get(column.name):
                said = f"differs from row {at}, which has the same reference"
                problems.append(RowProblem(number, column.name, said))
        _use_up(row, totals, number, problems)
        uses = invoices.setdefault(reference, [])
        if any(use.number == row["invoice_number"] for use in uses):
            problems.append(RowProblem(number, "invoice_number", "the promise has this invoice already"))
        uses.append(InvoiceUse(row["invoice_number"], row["invoice_amount"], row["invoice_total"]))
        if len(uses) == MOST_INVOICES + 1:
            said = f"more than {MOST_INVOICES} invoices of one promise: make several of it"
            problems.append(RowProblem(number, "invoice_number", said))
    return [
        BulkPromise(number, _terms(row, invoices[reference])) for reference, (number, row) in first.items()
    ]


def _use_up(
    row: Mapping[str, Any], totals: dict[str, tuple[Fen, int]], number: int, problems: list[RowProblem]
) -> None:
    """Adds what the row uses of its invoice; a problem where the file gives it two totals, or uses more than one."""
    invoice, amount, total = (row[name] for name in _INVOICE)
    first, used = totals.get(invoice, (total, 0))
    totals[invoice] = first, used + amount
    if total != first:
        problems.append(RowProblem(number, "invoice_total", "the invoice has another total further up"))
    elif used + amount > total:
        said = "the file uses more of the invoice than its total"
        problems.append(RowProblem(number, "invoice_amount", said))


def _terms(row: Mapping[str, Any], invoices: Sequence[InvoiceUse]) -> PromiseTerms:
    return PromiseTerms(
        line=row["line"],
        supplier=row["supplier"],
        face=row["face"],
        due_day=row["due"],
        smallest_part=row.get("smallest_part"),
        highest_tier=row.get("highest_tier"),
        terms=row.get("terms") or "",
        tenor_reason=row.get("tenor_reason") or "",
        reference=row["reference"],
        invoices=tuple(invoices),
        programme=row.get("programme"),
        documents=row.get("documents") or (),
    )


# As it is kept


def to_json(terms: PromiseTerms) -> dict[str, Any]:
    """A promise as it is kept: amounts in fen, days as numbers."""
    return {
        "line": line_text(terms.line),
        "supplier": int(terms.supplier),
        "face": int(terms.face),
        "due_day": int(terms.due_day),
        "smallest_part": terms.smallest_part,
        "highest_tier": terms.highest_tier,
        "terms": terms.terms,
        "tenor_reason": terms.tenor_reason,
        "reference": terms.reference,
        "programme": terms.programme,
        "documents": [[each.kind, each.hash.hex()] for each in terms.documents],
        "invoices": [[use.number, use.amount, use.total] for use in terms.invoices],
    }


def from_json(kept: Mapping[str, Any]) -> PromiseTerms:
    """The reverse of `to_json`."""
    return PromiseTerms(
        line=parse_line(kept["line"]),
        supplier=PartyNumber(kept["supplier"]),
        face=Fen(kept["face"]),
        due_day=Day(kept["due_day"]),
        smallest_part=kept["smallest_part"],
        highest_tier=kept["highest_tier"],
        terms=kept["terms"],
        tenor_reason=kept["tenor_reason"],
        reference=kept["reference"],
        programme=kept["programme"],
        documents=tuple(NamedDocument(kind, bytes.fromhex(text)) for kind, text in kept["documents"]),
        invoices=tuple(
            InvoiceUse(number, Fen(amount), Fen(total)) for number, amount, total in kept["invoices"]
        ),
    )
