"""The migrations on both databases: from every version to every other with everything that was in it, broken off at
every statement, killed, and run by two at once.

Every table of a version is filled by what its columns are, so that a later version needs no change here.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    event,
    insert,
    inspect,
    select,
)

from ledger.columns import bytes_of, hex_of
from ledger.database import WRITES, open_engine
from ledger.events import topics_of
from ledger.migrations import versions
from ledger.store import migrate, open_store
from ledger.tables import Base
from tests.engines import ROOT

_SCRIPTS = Config()
_SCRIPTS.set_main_option("script_location", str(ROOT / "ledger/migrations"))
VERSIONS = [
    str(each.revision) for each in ScriptDirectory.from_config(_SCRIPTS).walk_revisions("base", "heads")
][::-1]
HEAD = VERSIONS[-1]
STATES = {"0001": ("queued", "sent", "done", "refused"), "0002": ("queued", "sent", "done", "refused")}
"""What an item's status could be in versions that say it in other words than the present one."""
BECOMES = {"queued": "signed", "sent": "signed", "done": "final", "refused": "refused"}

CAME_FROM = {"outbox_calls": "outbox"}
"""Tables whose columns once stood in another one."""

Rows = dict[str, list[dict[str, Any]]]


class BrokenOff(Exception):
    """What breaks a migration off here."""


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        yield connection


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


def filling(column: Column[Any], row: int) -> Any:
    """A value for a column, the same for all columns of a kind, so that every reference leads somewhere."""
    kind = column.type
    if isinstance(kind, JSON):
        return {"text": "云山零件"}
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, Integer):
        return 7 + row
    if isinstance(kind, LargeBinary):
        return b"\x02\xff"
    assert isinstance(kind, String), f"{column}: say here what to fill a {kind!r} with"
    match kind.length:
        case 66 | 42:
            return "0x" + f"{row + 1:02x}" * (kind.length // 2 - 1)
        case 21:
            return f"2-{7 + row}"
        case 39:
            return str(2**80 + row)
    return f"text {row}"[: kind.length]


def fill(connection: Connection, version: str) -> None:
    """Four rows in every table, those of the outbox each in another state."""
    known = MetaData()
    known.reflect(connection)
    for table in known.sorted_tables:
        if table.name == "alembic_version":
            continue
        rows = [{column.name: filling(column, row) for column in table.c} for row in range(4)]
        if table.name == "events":
            for row, name in zip(rows, ("Issued", "Parted", "Transferred", "LineGranted"), strict=True):
                row |= {"name": name} | ({"topics": _topics(name, row["subject"])} if "topics" in row else {})
        if table.name == "outbox":
            for row, status in zip(
                rows, STATES.get(version, ("signed", "sent", "final", "refused")), strict=True
            ):
                row["status"] = status
        connection.execute(insert(table), rows)


def _topics(name: str, subject: str) -> list[str]:
    """As versions kept them that did not derive them."""
    return [hex_of(topic) for topic in topics_of(name, bytes_of(subject))]


def rows_of(connection: Connection) -> Rows:
    """Everything that is in the database, JSON as it reads, in the order of the keys."""
    known = MetaData()
    known.reflect(connection)
    found: Rows = {}
    for table in known.sorted_tables:
        if table.name != "alembic_version":
            ordered = select(table).order_by(*table.primary_key.columns)
            found[table.name] = [dict(row._mapping) for row in connection.execute(ordered)]
    return found


def plainly(connection: Connection, names: list[str]) -> list[list[str]]:
    """As `rows_of`, without asking what the columns are: for many times over."""
    return [sorted(map(repr, connection.exec_driver_sql(f"select * from {name}"))) for name in names]


def version_of(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def at(engine: Engine, version: str) -> Rows:
    """Brings the database to a version, fills it, and gives what is in it."""
    with writing(engine) as connection:
        migrate(connection, version)
    with writing(engine) as connection:
        fill(connection, version)
    with engine.connect() as connection:
        return rows_of(connection)


# ---- broken off --------------------------------------------------------------------------------------------


STEPS = [*((old, new, 1) for old, new in pairwise(VERSIONS)), (VERSIONS[0], HEAD, 19)]
"""From one version to the next, broken off at every statement; and all the way, at every so manieth."""


@pytest.mark.parametrize(("old", "new", "stride"), STEPS)
@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
def test_a_migration_broken_off_at_any_statement_leaves_the_old_version_with_all_its_rows(
    engine: Engine, old: str, new: str, stride: int, down: bool
) -> None:
    start, goal = (new, old) if down else (old, new)
    names = list(at(engine, start))
    with engine.connect() as connection:
        before = plainly(connection, names)
    for allowed in range(0, 10_000, stride):
        left = iter(range(allowed))

        def count(*_: Any) -> None:
            if next(left, None) is None:  # noqa: B023  it is gone before the next round
                raise BrokenOff

        event.listen(engine, "before_cursor_execute", count)
        try:
            with writing(engine) as connection:
                migrate(connection, goal)
            break
        except BrokenOff:
            pass
        finally:
            event.remove(engine, "before_cursor_execute", count)
        with engine.connect() as connection:
            assert version_of(connection) == start, f"after {allowed} statements"
            assert plainly(connection, names) == before, f"after {allowed} statements"
    assert allowed > 2
    with engine.connect() as connection:
        assert version_of(connection) == goal


KILLED = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from ledger.store import open_store

def count(connection, cursor, statement, *_):
    if statement.lower().startswith(("create index", "update outbox", "update alembic_version")):
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", count)
open_store(sys.argv[1])
"""


def test_a_migration_that_is_killed_leaves_the_old_version_and_the_next_start_finishes_it(
    engine: Engine, database_url: str
) -> None:
    before = at(engine, VERSIONS[-2])
    done = subprocess.run([sys.executable, "-c", KILLED, database_url], cwd=ROOT, timeout=60)
    assert done.returncode == -9
    with engine.connect() as connection:
        assert version_of(connection) == VERSIONS[-2]
        assert rows_of(connection) == before
    open_store(database_url).close()
    with engine.connect() as connection:
        assert version_of(connection) == HEAD


def test_of_two_processes_that_find_an_old_version_one_migrates_and_both_open(
    engine: Engine, database_url: str
) -> None:
    at(engine, VERSIONS[0])
    opening = "import sys; from ledger.store import open_store; open_store(sys.argv[1]).close()"
    both = [
        subprocess.Popen([sys.executable, "-c", opening, database_url], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for each in both:
        assert (each.communicate(timeout=60)[1], each.returncode) == (b"", 0)
    with engine.connect() as connection:
        assert version_of(connection) == HEAD


# ---- up and down -------------------------------------------------------------------------------------------


def test_each_file_follows_the_one_before() -> None:
    assert [f"{number:04d}" for number in range(1, len(VERSIONS) + 1)] == VERSIONS
    assert versions.__doc__


def test_the_migrations_lead_down_to_nothing_and_up_again(engine: Engine) -> None:
    for version in (*VERSIONS, *VERSIONS[-2::-1], "base", HEAD):
        with writing(engine) as connection:
            migrate(connection, version)
        with engine.connect() as connection:
            names = set(inspect(connection).get_table_names()) - {"alembic_version"}
            assert version_of(connection) == (None if version == "base" else version)
            assert bool(names) is (version != "base")
            if version == HEAD:
                assert names == set(Base.metadata.tables)
                assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize("version", VERSIONS[:-1])
def test_what_an_older_version_held_is_there_in_the_newest_and_again_on_the_way_back(
    engine: Engine, database_url: str, version: str
) -> None:
    before = at(engine, version)
    with open_store(database_url) as store, store.reading() as session:
        for mapper in Base.registry.mappers:
            found = session.scalars(select(mapper.class_)).all()
            name = str(mapper.class_.__tablename__)
            assert len(found) == len(before.get(name) or before.get(CAME_FROM.get(name, name), [])), mapper
    with engine.connect() as connection:
        after = rows_of(connection)
        for name, rows in (*before.items(), *_apart(before)):
            kept = [_common(new, old) for new, old in zip(after[name], rows, strict=True)]
            assert kept == [_expected(name, old, new) for new, old in zip(after[name], rows, strict=True)]
    with writing(engine) as connection:
        migrate(connection, version)
    with engine.connect() as connection:
        again = rows_of(connection)
    again["outbox"], before["outbox"] = _settled(again["outbox"]), _settled(before["outbox"])
    assert again == before


def _apart(before: Rows) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The tables that there were not yet, as part of those that they came from."""
    for name, source in CAME_FROM.items():
        if name not in before:
            yield name, before[source]


def _common(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    return {column: new[column] for column in old if column in new}


def _expected(name: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    expected = _common(old, new)
    if name == "outbox" and "place" in old:  # a version that says it in other words
        expected["status"] = BECOMES[old["status"]]
        if expected["status"] == "signed":
            expected["tx_hash"] = None  # where it was sent to is found anew
    return expected


def _settled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items whose fate was known: the others are on their way once more, with what is known of it forgotten."""
    return [dict(row, place=None) for row in rows if row["status"] not in ("queued", "sent")]
