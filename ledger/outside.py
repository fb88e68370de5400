"""JSON that somebody else may have written: the one reader of it.

The standard reader goes as deep as the text does, and takes the process with it where that is deep enough; the
embedded chain's engine raises the limit that would stop it. Here size and depth are looked at first. What the
text means, and that it has the members that it should have, is for the caller to judge.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, NoReturn

from ledger.errors import InputError

MOST_BYTES: Final = 64 * 2**20
"""Of a file. The dossier of a hundred thousand vouchers has about half of that."""
MOST_DEPTH: Final = 32
"""Brackets inside brackets. What this product writes has at most six."""
_TOKEN: Final = re.compile(r'[\[{]|[\]}]|"[^"\\]*(?:\\.[^"\\]*)*("?)', re.DOTALL)


def read_json(path: Path, *, most_bytes: int = MOST_BYTES) -> Any:
    """A JSON file's content. InputError as for `json_of`; OSError where the file cannot be read."""
    with path.open("rb") as file:
        return json_of(file.read(most_bytes + 1), most_bytes=most_bytes)


def json_of(content: bytes | str, *, most_bytes: int = MOST_BYTES) -> Any:
    """The content of JSON text (UTF-8); InputError where it is longer, nested deeper, or no JSON.

    NaN and Infinity are no JSON; a number that is no whole one stays a float, for the caller to refuse.
    """
    if len(content) > most_bytes:
        raise InputError(f"longer than {most_bytes:,} bytes: nothing of this product is as long")
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        _require_shallow(text)
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as wrong:
        raise InputError(f"no JSON: {wrong}") from None


def _require_shallow(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first == '"':
            if not token[1]:
                return  # a text without an end: the reader says where, and there is nothing behind it
        elif first in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                raise InputError(
                    f"brackets inside brackets, more than {MOST_DEPTH} deep: that is no file of this product"
                )
        else:
            depth -= 1


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
