"""Which services had to stop, kept where an operator and a scrape of any other process find it.

halted_by    what a process that has to stop is stopped by, in one word
halt         a service has stopped
resume       it works again
halts        those that have stopped and do not work again yet
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select

from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.errors import TallystickError, VerificationError
from ledger.forks import ReorgTooDeep
from ledger.outbox import machine_clock
from ledger.outbox_tables import HaltRow
from ledger.pin import OtherChain
from ledger.store import Store
from ledger.stretch import JournalMismatch

RELAY, INDEX = "relay", "index"
MISMATCH: Final = "journal_mismatch"
_HALTED: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (JournalMismatch, MISMATCH),
    (ReorgTooDeep, "reorg_too_deep"),
    (OtherChain, "other_chain"),
    (VerificationError, "contradiction"),
    (TallystickError, "unusable"),
)


@dataclass(frozen=True, slots=True)
class Halt:
    """That a service has stopped. `at` in Unix seconds; `reason` in one word."""

    service: str
    at: int
    reason: str
    what: str


def halted_by(failed: BaseException) -> str:
    """The word for it."""
    return next((name for kind, name in _HALTED if isinstance(failed, kind)), "unforeseen")


def halt(
    store: Store, service: str, failed: BaseException, *, clock: Callable[[], int] = machine_clock
) -> None:
    """Keeps that this is what has stopped the service, if the database can be written just now."""
    try:
        with store.writing() as session:
            session.merge(HaltRow(service=service, at=clock(), reason=halted_by(failed), what=str(failed)))
    except (DatabaseUnusable, DatabaseUncertain):  # the log has it
        pass


def resume(store: Store, service: str) -> None:
    """The service works."""
    with store.reading() as session:
        if session.get(HaltRow, service) is None:
            return
    with store.writing() as session:
        session.execute(delete(HaltRow).where(HaltRow.service == service))


def halts(store: Store) -> list[Halt]:
    """By service."""
    with store.reading() as session:
        rows = session.scalars(select(HaltRow).order_by(HaltRow.service))
        return [Halt(row.service, row.at, row.reason, row.what) for row in rows]
