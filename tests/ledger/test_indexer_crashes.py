"""The index is killed, raced and cut off from its database: what is there is always a commit, and the next run goes on
from it to the same rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger import crash_points, projection
from ledger.crash_points import INDEX_POINTS
from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.errors import VerificationError
from ledger.happenings import Happening
from ledger.indexer import follow, rewind
from ledger.rows import Kept
from ledger.store import Store, open_store
from tests.engines import ROOT, Postgres
from tests.hostile_wire import HostileWire, hostile_wire
from tests.ledger.indexing import Yard, everything, yard

READ, WRITING, WRITTEN, REWOUND = INDEX_POINTS


class Killed(BaseException):
    """Nothing in the product catches this."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with yard(tmp_path_factory.mktemp("yard")) as opened:
        opened.move(6)
        yield opened


@pytest.fixture
def store(shared: Yard, database_url: str) -> Iterator[Store]:
    """A database of either kind."""
    with shared.store(database_url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_hook() -> Iterator[None]:
    yield
    crash_points.hook = None


def die_at(name: str, *, times: int) -> None:
    """The next process dies when it comes by there for the so many-th time."""
    left = times

    def hook(reached: str) -> None:
        nonlocal left
        left -= reached == name
        if reached == name and left == 0:
            raise Killed

    crash_points.hook = hook


# ---- killed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [READ, WRITING, WRITTEN])
@pytest.mark.parametrize("times", [1, 3])
def test_killed_at_any_step_it_goes_on_from_the_last_commit(
    shared: Yard, store: Store, name: str, times: int
) -> None:
    die_at(name, times=times)
    with pytest.raises(Killed):
        follow(store, shared.chain, span=4)
    crash_points.hook = None
    written = times if name == WRITTEN else times - 1
    with shared.store() as beside:
        limited = shared.chain.height() - (4 * written - 1)
        if written:
            follow(beside, shared.chain, confirmations=limited)
        assert everything(store) == everything(beside)
    shared.all_is_right(store)


def test_killed_after_it_went_back_it_goes_on_from_there(shared: Yard, store: Store) -> None:
    follow(store, shared.chain)
    die_at(REWOUND, times=1)
    with pytest.raises(Killed):
        rewind(store, shared.chain.height() - 2)
    crash_points.hook = None
    shared.all_is_right(store)


def test_every_place_to_be_killed_at_is_come_by(shared: Yard, store: Store) -> None:
    seen: list[str] = []
    crash_points.hook = seen.append
    follow(store, shared.chain)
    shared.reorganise(1)
    shared.move(1)
    follow(store, shared.chain)
    assert set(seen) == set(INDEX_POINTS)


_RUN = """
import os, signal, sys
from ledger import crash_points
from ledger.rpc_chain import RpcChain
from ledger.indexer import follow
from ledger.store import open_store

def hook(reached):
    if reached == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

crash_points.hook = hook
follow(open_store(sys.argv[1]), RpcChain(sys.argv[2], key=bytes.fromhex("01" * 32)), span=int(sys.argv[4]))
"""


@pytest.mark.parametrize("name", [READ, WRITING, WRITTEN])
def test_kill_9_leaves_a_commit(shared: Yard, store: Store, database_url: str, name: str) -> None:
    command = [sys.executable, "-c", _RUN, database_url, shared.node.url, name, "5"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    died = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    shared.all_is_right(store)


# ---- two at once -------------------------------------------------------------------------------------------


def test_two_indexers_on_one_database_do_the_work_once(shared: Yard, store: Store, database_url: str) -> None:
    with open_store(database_url) as other:
        wrong: list[BaseException] = []

        def run(own: Store) -> None:
            try:
                for _ in range(3):
                    follow(own, shared.client(shared.node.url), span=1)
            except BaseException as broken:
                wrong.append(broken)

        threads = [threading.Thread(target=run, args=(each,)) for each in (store, other)]
        for thread in threads:
            thread.start()
        shared.move(3)
        shared.reorganise(2)
        shared.move(2)
        for thread in threads:
            thread.join(120)
        assert not wrong, wrong
    shared.all_is_right(store)


# ---- cut off from the database -----------------------------------------------------------------------------


@contextmanager
def cut_off_from(shared: Yard, server: Postgres) -> Iterator[tuple[Store, Store, HostileWire]]:
    """A database of its own, straight and by a wire that can be cut."""
    with (
        server.fresh() as url,
        shared.store(url) as store,
        hostile_wire(server.port) as wire,
        open_store(wire.url(url)) as cut_off,
    ):
        yield store, cut_off, wire


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_of_which_nobody_knows_is_looked_up_by_the_next_run(
    shared: Yard, shared_postgres: Postgres, arrives: bool
) -> None:
    with cut_off_from(shared, shared_postgres) as (store, cut_off, wire):
        before = everything(store)
        wire.cut_commit(arrives=arrives)
        with pytest.raises(DatabaseUncertain):
            follow(cut_off, shared.chain)
        assert (everything(store) != before) == arrives
        follow(cut_off, shared.chain)
        shared.all_is_right(store)


def test_a_connection_that_breaks_while_rows_are_copied_leaves_the_last_commit(
    shared: Yard, shared_postgres: Postgres
) -> None:
    with cut_off_from(shared, shared_postgres) as (store, cut_off, wire):
        follow(cut_off, shared.chain, confirmations=4)
        before = everything(store)
        crash_points.hook = lambda reached: wire.cut() if reached == WRITING else None
        with pytest.raises((DatabaseUnusable, DatabaseUncertain)) as broken:
            follow(cut_off, shared.chain)
        assert "postgres@" not in str(broken.value)
        crash_points.hook = None
        assert everything(store) == before
        shared.all_is_right(store)


@pytest.mark.parametrize("cut", [True, False], ids=["connection", "event"])
def test_what_breaks_while_events_are_folded_and_copied_at_once_leaves_the_last_commit(
    shared: Yard, shared_postgres: Postgres, monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    with cut_off_from(shared, shared_postgres) as (store, cut_off, wire):
        follow(cut_off, shared.chain, confirmations=4)
        before, take = everything(store), projection._Writer.take

        def broken(writer: projection._Writer, happening: Happening) -> None:
            if not cut:
                raise VerificationError("this cannot follow")
            wire.cut()
            take(writer, happening)

        with monkeypatch.context() as patch:
            patch.setattr(projection._Writer, "take", broken)
            with pytest.raises((DatabaseUnusable, DatabaseUncertain) if cut else VerificationError):
                follow(cut_off, shared.chain)
        assert everything(store) == before
        shared.all_is_right(store)


# ---- what is kept in memory ----------------------------------------------------------------------------------


def test_what_is_known_of_the_rows_is_used_at_its_own_cursor_only_and_not_after_a_failed_commit() -> None:
    kept = Kept()
    known = kept.take("ledger", 7)
    kept.cursors["ledger"] = 8  # the commit that it was taken for
    assert kept.take("ledger", 8) is known
    assert kept.take("ledger", 8) is not known  # no commit since
    kept.cursors["ledger"] = 9
    assert kept.take("ledger", 8) is not known  # rewound by another process
    assert kept.take("registry", 8) is not kept.take("ledger", 8)
