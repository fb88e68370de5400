"""Tables as CSV that a spreadsheet opens: with a byte order mark, and without anything that it would run.

Text that a spreadsheet would take for a formula gets an apostrophe before it; amounts with a sign do not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

MARK: Final = "\ufeff"
"""Spreadsheets need it for Chinese."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the full-width forms, which a spreadsheet set to Chinese runs too."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The table, its header first."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return MARK + text.getvalue()


def harmless(cell: object) -> object:
    """The cell, text that a spreadsheet would run with an apostrophe before it."""
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    number = cell.removeprefix("-").replace(",", "").replace(".", "")
    return cell if number.isascii() and number.isdigit() else f"'{cell}"
