"""The engine under the store: how a database is reached and set up, and in which words its trouble is told.

SQLite keeps a write-ahead log and foreign keys, and has every commit on disk before it is reported; a transaction
with the option `WRITES` is the only writer from its beginning on. On PostgreSQL nothing waits for ever: connecting,
locks, statements and forgotten transactions have limits (an address that names its own keeps it), a connection that
went stale is replaced, and commits are on disk when reported even where the server's default is otherwise.

    DatabaseUnusable    cannot be reached, is damaged, full or closed to us: nothing was written
    DatabaseBusy        others hold what is needed: nothing was written, the same may be tried again
    DatabaseUncertain   the connection was lost while committing: whether it was written has to be looked up

No message names a password, in whatever part of the address it stands. A statement that is wrong in itself is no
trouble of the database: its exception goes on as it is.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InvalidatePoolError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.errors import InputError, TallystickError

WRITES: Final = "tallystick_writes"
"""Execution option of who will write."""
CONNECTIONS: Final = 40
"""To a PostgreSQL, at most, of one process: as many as a gateway has threads. They are opened when they are needed."""
RESTED: Final = 1.0
"""Seconds without use after which a connection is asked whether it is there still; before, only where something has
come from the other end unasked, which is most often its end. So under load nothing is asked."""
_RESTING: Final = "tallystick_resting"
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_SETTINGS: Final = {
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
    "application_name": "tallystick",
    "client_encoding": "utf8",
    "options": "-c lock_timeout=10s -c statement_timeout=300s -c idle_in_transaction_session_timeout=600s",
}
_SAFE_COMMITS: Final = (
    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'"
)
SECRET_OPTIONS: Final = ("password", "sslpassword")
"""Options of an address that are not to be seen."""
_HELD: Final = ("40001", "40P01", "55P03", "57014", "53300")
"""SQLSTATEs: serialization failure, deadlock, lock not available, timed out, too many connections."""
_CLOSED: Final = ("25006", "42501")
"""SQLSTATEs: a server that only reads (a standby), no right to this."""
_DAMAGED: Final = "XX"  # the SQLSTATE class of internal errors
_MIGRATING: Final = 5_402_190_221_774_310_753
"""The advisory lock of who brings a PostgreSQL database to another revision; any number that nobody else uses."""


class DatabaseUnusable(InputError):
    """The database cannot be reached, is damaged, full or closed to us. Nothing was written."""


class DatabaseBusy(DatabaseUnusable):
    """Others hold what is needed for longer than we wait. Nothing was written; trying again may help."""


class DatabaseUncertain(TallystickError):
    """The connection was lost while committing: what was written is there whole or not at all. Look before you write
    it again."""


def open_engine(address: str) -> Engine:
    """The engine for `sqlite:///path` or `postgresql://user@host/database`; nothing is reached yet.

    InputError for what is no such address.
    """
    try:
        url = make_url(address)
        url = url.set(drivername=_DRIVERS[url.drivername])
    except (ArgumentError, KeyError, ValueError):
        raise InputError(
            "this is no address of a database: it looks like sqlite:///tallystick.db or "
            "postgresql://user@host/database"
        ) from None
    if url.host is not None and "@" in url.host:
        raise InputError("in the address of the database, write an @ that is part of the password as %40")
    try:
        return _sqlite(url) if url.drivername == "sqlite" else _postgresql(url)
    except ArgumentError:
        raise InputError("this is no address of a database: it looks like sqlite:///tallystick.db") from None


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, hide_parameters=True)
    waiting = () if "timeout" in url.query else ("busy_timeout=10000",)
    settings = (*waiting, "journal_mode=wal", "synchronous=full", "foreign_keys=on")
    event.listen(engine, "connect", partial(_set_up_sqlite, settings))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(settings: Sequence[str], connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, those of the schema included
    for setting in settings:
        connection.execute(f"pragma {setting}")


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer fails where another wrote meanwhile: who writes says so at the start.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _postgresql(url: URL) -> Engine:
    settings = {name: value for name, value in _SETTINGS.items() if name not in url.query}
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args=settings,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_use_lifo=True,
    )
    event.listen(engine, "connect", _set_up_postgresql)
    event.listen(engine, "checkin", _laid_down)
    event.listen(engine, "checkout", partial(_look_at, engine.dialect))
    return engine


def _set_up_postgresql(connection: Any, _record: object) -> None:
    connection.execute(_SAFE_COMMITS)
    connection.commit()


def _laid_down(_connection: Any, record: Any) -> None:
    record.info[_RESTING] = time.monotonic()


def _look_at(dialect: Any, connection: Any, record: Any, _proxy: object) -> None:
    """Asks a connection that has rested or been spoken to whether it is there still; else all that rest are
    replaced."""
    since = record.info.get(_RESTING)
    if since is None:
        return
    try:
        if time.monotonic() - since >= RESTED or _spoken_to(connection):
            dialect.do_ping(connection)
    except dialect.dbapi.Error as gone:
        raise InvalidatePoolError from gone


def _spoken_to(connection: Any) -> bool:
    ear = select.poll()
    ear.register(connection.fileno(), select.POLLIN)
    return bool(ear.poll(0))


def alone_to_migrate(connection: Connection) -> None:
    """Keeps other processes from changing the tables until the connection's transaction ends, however long that is.

    InputError for a database that cannot keep every text.
    """
    if connection.dialect.name == "sqlite":
        return  # a writing transaction is the only one there
    encoding = connection.exec_driver_sql("show server_encoding").scalar_one()
    if encoding != "UTF8":
        where = place(connection.engine.url)
        raise InputError(f"the database {where} keeps text as {encoding}: create one with encoding 'UTF8'")
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({_MIGRATING})")
    connection.exec_driver_sql("set local statement_timeout = 0")


# ---- trouble -----------------------------------------------------------------------------------------------


def place(url: URL) -> str:
    """The database as people know it: a file, or a name on a server. Never a password."""
    if url.drivername == "sqlite":
        return str(url.database)
    return f"{url.database} on {url.host or 'this machine'}" + (f":{url.port}" if url.port else "")


@contextmanager
def usable(engine: Engine, *, committing: bool = False) -> Iterator[None]:
    """Turns trouble of the database into one of the three errors above; `committing`: nothing but a commit is
    tried here."""
    try:
        yield
    except PoolTimeout:
        raise DatabaseBusy(
            f"the database {place(engine.url)} is busy: all connections of this process are in use; try again"
        ) from None
    except DBAPIError as broken:
        told = _told(engine.url, _first(broken), committing=committing)
        if told is None:
            raise  # a statement of ours is wrong: no condition of the database
        raise told from None


@contextmanager
def unless_overtaken(said: str) -> Iterator[None]:
    """For writing what was looked for and not there: DatabaseBusy where somebody else wrote it at the same moment.
    Nothing was written, and looked for again it is there."""
    try:
        yield
    except IntegrityError:
        raise DatabaseBusy(f"{said} at the same moment") from None


def _told(url: URL, broken: DBAPIError, *, committing: bool) -> TallystickError | None:
    where, said = place(url), _words(url, broken)
    name = str(getattr(broken.orig, "sqlite_errorname", ""))
    state = str(getattr(broken.orig, "sqlstate", None) or "")
    if committing and (broken.connection_invalidated or name.startswith("SQLITE_IOERR")):
        return DatabaseUncertain(
            f"the database {where} was lost while it committed ({said}): the change is there whole or not at all; "
            f"look it up before doing it again"
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or state in _HELD:
        return DatabaseBusy(f"the database {where} is busy ({said}): nothing was written, try again")
    if name == "SQLITE_FULL" or state == "53100":
        return DatabaseUnusable(
            f"the database {where} cannot be used: its disk is full ({said}). Nothing was written: make room"
        )
    if isinstance(broken, OperationalError | InterfaceError) or type(broken) is DatabaseError:
        return DatabaseUnusable(f"the database {where} cannot be used: {said}")
    unconnected = isinstance(broken, ProgrammingError) and url.drivername != "sqlite" and not state
    if unconnected or state in _CLOSED or state.startswith(_DAMAGED):
        return DatabaseUnusable(f"the database {where} cannot be used: {said}")
    return None


def _first(broken: DBAPIError) -> DBAPIError:
    """What went wrong first: on a full disk SQLite ends the transaction by itself, and the complaint about a savepoint
    that went with it hides why."""
    first, before = broken, broken.__context__
    while before is not None and "no such savepoint" in str(first.orig):
        first = before if isinstance(before, DBAPIError) else first
        before = before.__context__
    return first


def _words(url: URL, broken: DBAPIError) -> str:
    said = next(iter(str(broken.orig).splitlines()), "") or type(broken.orig).__name__
    for secret in (url.password, *(url.query.get(name) for name in SECRET_OPTIONS)):
        if secret:
            said = said.replace(str(secret), "***")
    return said
