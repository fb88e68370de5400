"""Rows that nearly every judgement reads, kept in memory while the chain has not gone on.

The rows of a contract are a fold of its blocks, and its cursor names the last of them: as long as the cursor says the
same block, the rows are the same, in whichever process they are asked for. So one small query stands for five. What is
kept is what many agreements have in common (parties, lines, issuers, settings), never vouchers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ledger.columns import Base
from ledger.pin import Pin
from ledger.rows import rows_of
from ledger.tables import (
    CursorRow,
    IssuerRow,
    LedgerSettingsRow,
    LineRow,
    PartyRow,
    RegistrySettingsRow,
    VerifierRow,
)

RowsOf = Callable[..., Iterator[Any]]
"""`rows.rows_of`, or what stands for it."""
KEPT: Final = (RegistrySettingsRow, LedgerSettingsRow, LineRow, IssuerRow, PartyRow, VerifierRow)
MOST: Final = 20_000
"""Rows that are kept of a contract at most."""
_CURSORS: Final = CursorRow.__table__.c
_AT: Final = select(_CURSORS.contract, _CURSORS.block_hash).where(
    _CURSORS.contract.in_(bindparam("contracts", expanding=True))
)
_Kept = dict[tuple[Any, ...], tuple[Any, ...]]


class Known:
    """What is kept, by contract. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, tuple[bytes, _Kept]] = {}

    def rows(self, session: Session, pin: Pin) -> RowsOf:
        """`rows_of` for a ledger and its registry as they are at this moment."""
        asked = {"contracts": [pin.ledger, pin.registry]}
        kept = {contract: self._at(contract, block) for contract, block in session.execute(_AT, asked)}

        def known(
            session: Session,
            table: type[Base],
            contract: str,
            column: InstrumentedAttribute[Any] | None = None,
            keys: Collection[Any] | None = None,
        ) -> Iterator[Any]:
            memory = kept.get(contract)
            if memory is None or table not in KEPT:
                return rows_of(session, table, contract, column, keys)
            if column is None or keys is None:
                return iter(_all(memory, session, table, contract))
            return iter(_those(memory, session, table, contract, column, keys))

        return known

    def _at(self, contract: str, block: bytes) -> _Kept:
        with self._lock:
            at, memory = self._of.get(contract, (b"", {}))
            if at != block or len(memory) > MOST:
                memory = {}
                self._of[contract] = block, memory
            return memory


def _all(memory: _Kept, session: Session, table: type[Base], contract: str) -> tuple[Any, ...]:
    if (table,) not in memory:
        memory[(table,)] = tuple(rows_of(session, table, contract))
    return memory[(table,)]


def _those(
    memory: _Kept,
    session: Session,
    table: type[Base],
    contract: str,
    column: InstrumentedAttribute[Any],
    keys: Collection[Any],
) -> list[Any]:
    found = {key: memory.get((table, column.key, key)) for key in keys}
    missing = [key for key, rows in found.items() if rows is None]
    if missing:
        fresh: dict[Any, list[Any]] = {key: [] for key in missing}
        for row in rows_of(session, table, contract, column, missing):
            fresh[getattr(row, column.key)].append(row)
        for key, rows in fresh.items():
            memory[table, column.key, key] = found[key] = tuple(rows)
    return [row for key in sorted(found) for row in found[key] or ()]
