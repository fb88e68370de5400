"""Trouble of the database: each kind in its own words and never with a password, nothing half written, and the same
store in use again when the trouble is over."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, make_url, select, text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.database import DatabaseBusy, DatabaseUncertain, DatabaseUnusable, open_engine, usable
from ledger.errors import InputError
from ledger.store import Store, open_store
from ledger.tables import BlockRow
from tests.engines import ROOT, Postgres, free_port, postgres
from tests.hostile_wire import hostile_wire


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A server of this file's own, to be killed."""
    with postgres() as server:
        yield server


def block(number: int) -> BlockRow:
    return BlockRow(number=number, hash=b"\x01" * 32, timestamp=0)


def write(store: Store, *numbers: int) -> None:
    with store.writing() as session:
        session.add_all(block(number) for number in numbers)


def written(store: Store) -> list[int]:
    with store.reading() as session:
        return list(session.scalars(select(BlockRow.number).order_by(BlockRow.number)))


# ---- addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:se@cret@host/books",
        "postgresql://ann:secret@host:secret/books",
        "postgresql+asyncpg://ann:secret@host/books",
        "mysql://ann:secret@host/books",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(InputError) as refused:
        open_store(address)
    assert "secret" not in str(refused.value) and "cret@" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["//ann:secret@127.0.0.1:{}/books", "//ann@127.0.0.1:{}/books?password=secret"]
)
def test_a_server_that_is_not_there_is_named_without_the_password(address: str) -> None:
    port = free_port()
    with pytest.raises(
        DatabaseUnusable, match=f"books on 127.0.0.1:{port} cannot be used: connection"
    ) as refused:
        open_store(f"postgresql:{address.format(port)}")
    assert "secret" not in str(refused.value)


def test_an_unknown_database_user_or_option_is_named(shared_postgres: Postgres) -> None:
    with pytest.raises(DatabaseUnusable, match='database "missing" does not exist'):
        open_store(shared_postgres.url("missing"))
    with pytest.raises(DatabaseUnusable, match='role "nobody" does not exist'):
        open_store(shared_postgres.url().replace("postgres@", "nobody@"))
    with pytest.raises(DatabaseUnusable, match=r'cannot be used: .*invalid.* option "colour"'):
        open_store(shared_postgres.url() + "?colour=red")


def test_the_three_ways_to_write_postgresql_mean_the_same(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        write(store, 1)
    for scheme in ("postgres", "postgresql"):
        with open_store(postgres_url.replace("postgresql+psycopg", scheme)) as store:
            assert written(store) == [1]


def test_a_database_that_cannot_keep_every_text_is_refused(shared_postgres: Postgres) -> None:
    shared_postgres.do("create database plain encoding 'SQL_ASCII' template template0")
    with pytest.raises(InputError, match="keeps text as SQL_ASCII: create one with encoding 'UTF8'"):
        open_store(shared_postgres.url("plain"))


def test_a_user_who_may_not_make_tables_is_refused_by_name(
    shared_postgres: Postgres, postgres_url: str
) -> None:
    shared_postgres.do("create role guest login")
    with pytest.raises(DatabaseUnusable, match="permission denied for schema public"):
        open_store(postgres_url.replace("postgres@", "guest@"))


# ---- PostgreSQL: what does not go on for ever --------------------------------------------------------------


def test_who_waits_too_long_for_a_row_is_told_that_the_database_is_busy(postgres_url: str) -> None:
    with (
        open_store(postgres_url) as store,
        open_store(f"{postgres_url}?options=-c lock_timeout=50ms") as other,
    ):
        write(store, 1)

        def wait_in_vain() -> None:
            with other.writing() as session:
                session.add(block(3))
                session.scalars(select(BlockRow).where(BlockRow.number == 1).with_for_update()).one()

        with store.writing() as session:
            session.scalars(select(BlockRow).with_for_update()).one()
            with pytest.raises(DatabaseBusy, match=r"lock timeout.*nothing was written, try again"):
                wait_in_vain()
        write(other, 2)
        assert written(store) == [1, 2]


def test_a_statement_that_takes_too_long_ends(postgres_url: str) -> None:
    with (
        open_store(f"{postgres_url}?options=-c statement_timeout=50ms") as store,
        pytest.raises(DatabaseBusy, match="statement timeout"),
        store.reading() as session,
    ):
        session.execute(text("select pg_sleep(60)"))


def test_the_limits_and_safe_commits_hold_whatever_the_server_s_defaults_are(
    shared_postgres: Postgres, postgres_url: str
) -> None:
    name = make_url(postgres_url).database
    for setting in ("synchronous_commit = off", "statement_timeout = 0", "lock_timeout = 0"):
        shared_postgres.do(f"alter database {name} set {setting}")
    with open_store(postgres_url) as store, store.writing() as session:
        shown = [
            session.scalar(text(f"show {setting}"))
            for setting in (
                "synchronous_commit",
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "transaction_isolation",
            )
        ]
        assert shown == ["on", "5min", "10s", "10min", "read committed"]
        session.rollback()


def test_stronger_commits_than_ours_are_left_alone(shared_postgres: Postgres, postgres_url: str) -> None:
    shared_postgres.do(
        f"alter database {make_url(postgres_url).database} set synchronous_commit = remote_apply"
    )
    with open_store(postgres_url) as store, store.reading() as session:
        assert session.scalar(text("show synchronous_commit")) == "remote_apply"


def test_a_pool_that_is_used_up_is_busy_and_not_broken() -> None:
    engine = open_engine("postgresql://ann:secret@host/books")
    with pytest.raises(DatabaseBusy, match="books on host is busy: all connections"), usable(engine):
        raise PoolTimeout("QueuePool limit")


# ---- PostgreSQL: killed, cut off ---------------------------------------------------------------------------


def test_a_server_killed_in_the_middle_keeps_nothing_and_the_store_goes_on_after_its_restart(
    mortal: Postgres,
) -> None:
    with mortal.fresh() as url, open_store(url) as store:
        write(store, 1)

        def be_killed() -> None:
            with store.writing() as session:
                session.add(block(2))
                session.flush()
                mortal.kill()
                session.add(block(3))

        with pytest.raises(DatabaseUnusable, match="cannot be used"):
            be_killed()
        with pytest.raises(DatabaseUnusable, match="cannot be used: connection"):
            written(store)
        mortal.restart()
        assert written(store) == [1]
        write(store, 2)
        assert written(store) == [1, 2]


def test_a_server_that_dies_while_idle_is_not_noticed_once_it_is_back(mortal: Postgres) -> None:
    with mortal.fresh() as url, open_store(url) as store:
        write(store, 1)
        mortal.restart()
        write(store, 2)
        assert written(store) == [1, 2]


@pytest.mark.parametrize("arrives", [False, True])
def test_a_connection_lost_at_commit_is_uncertain_and_the_change_is_there_whole_or_not_at_all(
    shared_postgres: Postgres, postgres_url: str, arrives: bool
) -> None:
    with hostile_wire(shared_postgres.port) as wire, open_store(wire.url(postgres_url)) as store:
        write(store, 1)
        wire.cut_commit(arrives=arrives)
        with pytest.raises(DatabaseUncertain, match="there whole or not at all; look it up before"):
            write(store, 2, 3)
        assert written(store) == ([1, 2, 3] if arrives else [1])
        write(store, 4)


def test_a_connection_lost_before_commit_is_certain(shared_postgres: Postgres, postgres_url: str) -> None:
    with hostile_wire(shared_postgres.port) as wire, open_store(wire.url(postgres_url)) as store:

        def be_cut_off() -> None:
            with store.writing() as session:
                session.add(block(1))
                session.flush()
                wire.cut()
                session.add(block(2))

        with pytest.raises(DatabaseUnusable, match="cannot be used"):
            be_cut_off()
        assert written(store) == []


# ---- SQLite ------------------------------------------------------------------------------------------------


def test_a_second_writer_is_told_that_the_database_is_busy(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'books.db'}?timeout=0.05") as store:
        with sqlite3.connect(tmp_path / "books.db", isolation_level=None) as other:
            other.execute("begin immediate")
            with pytest.raises(DatabaseBusy, match=r"books\.db is busy .*nothing was written, try again"):
                write(store, 1)
            other.execute("rollback")
        other.close()
        write(store, 1)
        assert written(store) == [1]


def test_who_writes_is_alone_from_the_first_statement_on_although_it_only_reads(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'books.db'}"
    with open_store(address) as store, open_store(f"{address}?timeout=0.05") as other:
        with store.writing() as session:
            assert session.scalars(select(BlockRow)).all() == []
            with pytest.raises(DatabaseBusy):
                write(other, 1)
            session.add(block(1))
        assert written(other) == [1]


@pytest.mark.parametrize(("option", "milliseconds"), [("", 10_000), ("?timeout=0.05", 50)])
def test_a_writer_waits_ten_seconds_for_another_unless_the_address_says_how_long(
    tmp_path: Path, option: str, milliseconds: int
) -> None:
    with open_store(f"sqlite:///{tmp_path / 'books.db'}{option}") as store, store.reading() as session:
        assert session.scalar(text("pragma busy_timeout")) == milliseconds


def test_a_full_disk_is_said_and_nothing_half_written(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'books.db'}"
    open_store(address).close()
    engine = open_engine(address)
    event.listen(engine, "connect", lambda connection, _: connection.execute("pragma max_page_count = 1"))
    with Store(engine) as store:  # a limit below the present size is the present size
        write(store, 1)
        with pytest.raises(DatabaseUnusable, match=r"its disk is full .*Nothing was written: make room"):
            write(store, *range(2, 5_000))
        assert written(store) == [1]
    with open_store(address) as store:
        write(store, *range(2, 5_000))
        assert len(written(store)) == 4_999


FILLING = """
import os, resource, signal, sys
from glob import glob
from ledger.errors import TallystickError
from ledger.store import open_store
from ledger.tables import BlockRow
store = open_store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
taken = max(map(os.path.getsize, glob(sys.argv[1].removeprefix("sqlite:///") + "*")))  # by tables without rows
resource.setrlimit(resource.RLIMIT_FSIZE, (taken + 200_000, resource.RLIM_INFINITY))
try:
    for batch in range(1_000):
        with store.writing() as session:
            session.add_all(BlockRow(number=batch * 50 + n, hash=bytes(32), timestamp=0) for n in range(50))
        print(batch, flush=True)
except TallystickError as told:
    print(f"{type(told).__name__}: {told}")
"""


def test_a_disk_that_takes_no_more_leaves_whole_commits_only(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'books.db'}"
    done = subprocess.run(
        [sys.executable, "-c", FILLING, address], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    *reported, told = done.stdout.splitlines()
    assert done.stderr == ""
    assert told.startswith(("DatabaseUnusable: ", "DatabaseUncertain: ")) and "books.db" in told
    with open_store(address) as store:
        found = written(store)
        assert found == list(range(len(found))) and len(found) % 50 == 0
        assert len(found) // 50 >= len(reported) > 0
