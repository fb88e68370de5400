"""Counts what a database is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from ledger.store import Store


@contextmanager
def heard(store: Store) -> Iterator[list[str]]:
    """The statements that are executed on the store's database meanwhile."""
    with store.reading() as session:
        engine = session.get_bind()
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", hear)
