"""XLSX files: read as rows of text, as of a CSV file, and written without anything that a spreadsheet runs.

A workbook is a ZIP file of XML that somebody else made, so size and contents are looked at before it is unpacked: how
much it comes to unpacked, how many files are in it, and that no part declares entities. Formulas are refused: what they
come to depends on who opens the file. Read is the first sheet. Amounts that a spreadsheet keeps as numbers are taken
by their shortest decimal text, which is what people see in the cell; nothing is computed with them. A number too long
for a spreadsheet to have kept whole is refused.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, Final

from openpyxl import Workbook, load_workbook  # type: ignore[import-untyped]
from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]

from ledger.errors import FileError, RowProblem
from ledger.sheets import harmless

SIGNATURE: Final = b"PK\x03\x04"
"""How a ZIP file begins."""
LOCKED: Final = bytes.fromhex("d0cf11e0a1b11ae1")
"""How a compound file begins: a workbook of the time before XLSX, or an XLSX file under a password."""
MOST_UNPACKED: Final = 20 << 20
MOST_PARTS: Final = 200
MOST_COLUMNS: Final = 40
_DIGITS: Final = 15
"""A spreadsheet turns the later digits of a number into noughts, so that an invoice's twenty are another invoice's."""
_DECLARATIONS: Final = (b"<!DOCTYPE", b"<!ENTITY")
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")
"""How XML in an encoding begins in which the declarations above would not be seen."""


def read_workbook(content: bytes, name: str, *, most_rows: int) -> list[tuple[int, list[str]]]:
    """The numbered rows of the first sheet, the header first and as row 1, without empty ones; FileError.

    A row has as many cells as the header, or more where more are filled.
    """
    _require_tame(content, name)
    problems: list[RowProblem] = []
    records: list[tuple[int, list[str]]] = []
    width = 0
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        try:
            for number, row in enumerate(_rows(book, most_rows), start=1):
                cells = [_text(cell, number, problems) for cell in row]
                while cells and not cells[-1]:
                    cells.pop()
                if cells:
                    width = width or len(cells)
                    records.append((number, cells + [""] * (width - len(cells))))
        finally:
            book.close()
    except Exception as unread:  # the library says what is wrong with a file in as many ways as there are
        said = f"the workbook cannot be read ({type(unread).__name__}): save it as XLSX or CSV anew"
        raise FileError(name, [RowProblem(0, "", said)]) from None
    if len(records) > most_rows:
        problems.append(RowProblem(0, "", f"more than {most_rows} rows: send it in several files"))
    if any(len(cells) > MOST_COLUMNS for _, cells in records):
        problems.append(RowProblem(0, "", f"cells to the right of column {MOST_COLUMNS}"))
    if not records:
        problems.append(RowProblem(0, "", "the first sheet is empty; a header row is the least it must have"))
    if problems:
        raise FileError(name, problems)
    return records


def workbook(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The table as a workbook of one sheet, every cell a text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("1")
    for row in (columns, *rows):
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=str(harmless(value)))
            cell.data_type = "s"  # else a text that begins with = is kept as a formula
            cells.append(cell)
        sheet.append(cells)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _rows(book: Any, most_rows: int) -> Iterator[tuple[Any, ...]]:
    """The first sheet's rows, one row and one column more than may be filled, wherever its parts say that it ends."""
    rows: Iterator[tuple[Any, ...]] = book.worksheets[0].iter_rows(
        min_row=1, max_row=most_rows + 1, min_col=1, max_col=MOST_COLUMNS + 1
    )
    return rows


def _require_tame(content: bytes, name: str) -> None:
    def refuse(said: str) -> FileError:
        return FileError(name, [RowProblem(0, "", said)])

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise refuse(f"unpacked the workbook is larger than {MOST_UNPACKED:,} bytes")
            for part in parts:
                # No more is unpacked than the part declares, which is what was added up.
                unpacked = packed.read(part)
                if unpacked.startswith(_WIDE) or any(each in unpacked for each in _DECLARATIONS):
                    raise refuse("a part of the workbook declares entities or is not in UTF-8")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as unread:
        said = f"the workbook cannot be unpacked ({type(unread).__name__}): save it as XLSX or CSV anew"
        raise refuse(said) from None
    except Exception as unread:
        if isinstance(unread, FileError):
            raise
        raise refuse("the workbook is damaged: save it as XLSX or CSV anew") from None


def _text(cell: Any, number: int, problems: list[RowProblem]) -> str:
    value = cell.value
    if value is None:
        return ""
    column = getattr(cell, "column_letter", "")
    if cell.data_type == "f":
        problems.append(RowProblem(number, column, "the cell holds a formula: give its value"))
        return ""
    if cell.data_type == "e":
        problems.append(RowProblem(number, column, f"the cell holds the error {value}"))
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, int | float) and abs(value) >= 10**_DIGITS:
        said = f"a spreadsheet keeps no number of more than {_DIGITS} digits whole: make the cell text, type it anew"
        problems.append(RowProblem(number, column, said))
        return ""
    if isinstance(value, float):
        exact = Decimal(repr(value))
        if not exact.is_finite():
            problems.append(RowProblem(number, column, "the cell holds no number"))
            return ""
        if exact == exact.to_integral_value():
            return f"{exact.to_integral_value():f}"
        return f"{exact:.2f}" if exact == exact.quantize(Decimal("0.01")) else f"{exact:f}"
    return str(value)
