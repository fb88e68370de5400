"""How the tables' columns are kept: amounts, ids and hashes as a database and its readers can take them.

Amounts are fen in 64 bits; ids and hashes are the text that people read, a line is `bank-reference`. No table
stands here, and no rule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from ledger.agreements import LineId, PromiseId, VoucherId
from ledger.members import line_text, parse_line, parse_promise, parse_voucher, promise_text, voucher_text

BIGGEST: Final = 2**63


class Fens(TypeDecorator[int]):
    """An amount of at most 64 bits in a BIGINT.

    The contract takes amounts up to 2^64 - 1 fen. Those of 2^63 and above, which no honest party signs, are
    kept as the negative number of the same 64 bits, so that nobody can stop the index with one.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return value - 2 * BIGGEST if value is not None and value >= BIGGEST else value

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        return value + 2 * BIGGEST if value is not None and value < 0 else value


class AsText(TypeDecorator[Any]):
    """A value kept as text of a fixed form."""

    impl = String
    cache_ok = True

    def __init__(self, length: int, write: Callable[[Any], str], read: Callable[[str], Any]) -> None:
        super().__init__(length)
        self.write, self.read = write, read

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self.write(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.read(value)


def hex_of(value: bytes) -> str:
    """0x text of bytes."""
    return "0x" + value.hex()


def bytes_of(value: str) -> bytes:
    """The reverse of `hex_of`."""
    return bytes.fromhex(value[2:])


def _number_by(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Reads 0x text quickly; what is none is left to `parse`, which says so."""

    def read(text: str) -> Any:
        try:
            return int(text, 16)
        except ValueError:
            return parse(text)

    return read


HASH: Final = AsText(66, hex_of, bytes_of)
VOUCHER: Final = AsText(66, voucher_text, _number_by(parse_voucher))
PROMISE: Final = AsText(42, promise_text, _number_by(parse_promise))
LINE: Final = AsText(21, line_text, parse_line)
SIGNER: Final = AsText(42, "0x{:040x}".format, partial(int, base=16))
"""Also the number of a verifier's address."""
SUM: Final = AsText(39, str, int)
"""A sum over many lines, which may need more than 64 bits; decimal text."""
ADDRESS: Final = String(42)


class Base(DeclarativeBase):
    """What all tables share."""

    type_annotation_map = {  # noqa: RUF012  SQLAlchemy's own name
        int: BigInteger,
        bytes: HASH,
        VoucherId: VOUCHER,
        PromiseId: PROMISE,
        LineId: LINE,
    }
