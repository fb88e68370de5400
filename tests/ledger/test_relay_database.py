"""Relay and indexer when their database goes away: at a COMMIT, in the middle of a transaction, or because its disk is
full. Whatever was acknowledged lands once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from ledger import crash_points, indexer, relay
from ledger.database import DatabaseUncertain, DatabaseUnusable, open_engine
from ledger.embedded import EmbeddedChain
from ledger.indexer import follow
from ledger.outbox_tables import OutboxRow
from ledger.relay import run
from ledger.store import Store, open_store
from ledger.verification import verify
from tests.engines import Node, Postgres, anvil, embedded, postgres
from tests.hostile_wire import hostile_wire
from tests.ledger.office import Office, open_office
from tests.ledger.relaying import Bench, settled
from tests.simulator_disk import Disk


@pytest.fixture(autouse=True)
def no_hook() -> Iterator[None]:
    yield
    crash_points.hook = None


def waited(done: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)


# ---- at a COMMIT -------------------------------------------------------------------------------------------

BEFORE_COMMITS = {
    "the claim": "",
    "sending": "relay: batch claimed",
    "the node's answer": "relay: sending marked",
    "the verdicts": "relay: batch judged",
    "the end": "relay: about to end",
}
"""The commits of the relay, by the last crash point before each."""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with anvil() as opened:
        yield opened


@pytest.mark.parametrize("arrives", [False, True], ids=["it did not take effect", "it took effect"])
@pytest.mark.parametrize("commit", BEFORE_COMMITS)
def test_a_connection_lost_exactly_at_a_commit_of_the_relay_does_nothing_twice(
    node: Node, shared_postgres: Postgres, tmp_path: Path, commit: str, arrives: bool
) -> None:
    point, uncertain = BEFORE_COMMITS[commit], 0
    with shared_postgres.fresh() as url, hostile_wire(shared_postgres.port) as wire:
        office = open_office(node.chain(), tmp_path, database=url)
        bench = Bench(office)
        with open_store(wire.url(url)) as cut_off:
            working = bench.relay(depth=1)
            working.store = cut_off
            working.cycle()  # the account is its own
            vouchers = bench.issue(2)
            armed = [True]

            def cut(reached: str) -> None:
                if (
                    reached == point
                    and armed
                    and (point != "relay: about to end" or "mined" in bench.items())
                ):
                    armed.clear()
                    if point == "relay: about to end":
                        node.ask("evm_mine")
                    wire.cut_commit(arrives=arrives)

            crash_points.hook = cut
            if not point:
                wire.cut_commit(arrives=arrives)
            for _ in range(40):
                try:
                    working.cycle()
                except DatabaseUncertain:
                    uncertain += 1
                    working.forget()
                if set(bench.items()) == {"final"}:
                    break
                bench.clock.now += 1
                if bench.items() == ["mined"] * 2 and not armed:
                    node.ask("evm_mine")
        assert uncertain == 1
        settled(office, vouchers)
        assert sum(len(batch.items) for batch in bench.batches()[2:]) == 2
        office.store.close()


# ---- in the middle of a transaction ------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["relay", "indexer"])
def test_a_server_killed_in_the_middle_of_a_transaction_is_waited_for_while_serving(
    tmp_path: Path, who: str
) -> None:
    with anvil() as node, postgres() as server, server.fresh() as url:
        office = open_office(node.chain(), tmp_path, database=url)
        bench, stop, armed = Bench(office), threading.Event(), list[bool]()

        def killing(name: str) -> Store:
            engine = open_engine(url)

            def about_to_commit(_connection: object) -> None:
                if name == who and armed:
                    armed.clear()
                    server.kill()

            event.listen(engine, "commit", about_to_commit)
            return Store(engine)

        with killing("relay") as relaying, killing("indexer") as indexing:
            threads = [
                threading.Thread(target=relay.serve, args=(relaying, node.chain()), kwargs={"stop": stop}),
                threading.Thread(
                    target=indexer.serve,
                    args=(indexing, node.chain()),
                    kwargs={"stop": stop, "pause": 0.05},
                ),
            ]
            for thread in threads:
                thread.start()
            vouchers = bench.issue(2)
            waited(lambda: bench.items() == ["final"] * 2)
            vouchers += bench.issue(1) if who == "relay" else []
            armed.append(
                True
            )  # after it: a killed server takes no issue, and the relay has commits to come for this one
            node.ask("evm_mine")
            waited(lambda: server.process is None)
            server.restart()
            vouchers += bench.issue(2)
            waited(lambda: set(bench.items()) == {"final"})
            stop.set()
            for thread in threads:
                thread.join(timeout=60)
                assert not thread.is_alive()
        assert armed == []
        settled(office, vouchers)
        office.store.close()


# ---- a full disk -------------------------------------------------------------------------------------------


@pytest.fixture
def embedded_chain(tmp_path: Path) -> Iterator[EmbeddedChain]:
    with embedded(tmp_path) as chain:
        yield chain


def put_until_full(office: Office, disk: Disk) -> int:
    """How many issues went in before the disk was full."""
    disk.fill()
    for put in range(200):
        try:
            office.issue(100_000)
        except DatabaseUnusable as full:
            if "its disk is full" not in str(full) or "Nothing was written: make room" not in str(full):
                raise
            return put
    raise AssertionError("the disk is never full")


def test_relay_and_index_on_a_full_disk_say_so_and_go_on_when_there_is_room(
    embedded_chain: EmbeddedChain, tmp_path: Path
) -> None:
    office = open_office(embedded_chain, tmp_path)
    office.store.close()
    disk = Disk(tmp_path / "office.db")
    office.store = disk.store()
    acknowledged = [office.issue(100_000) for _ in range(20)]
    put = put_until_full(office, disk)
    with pytest.raises(DatabaseUnusable, match="disk is full"):
        run(office.store, embedded_chain)
    disk.make_room()
    run(office.store, embedded_chain)
    items = Bench(office).items()
    assert items == ["final"] * (20 + put)  # and what was not acknowledged is not there
    disk.fill()
    with pytest.raises(DatabaseUnusable, match="disk is full"):
        follow(office.store, embedded_chain)
    disk.make_room()
    with office.store.reading() as session:
        vouchers = [
            int.from_bytes(row.subject or b"") for row in session.query(OutboxRow).filter_by(verb="issue")
        ]
    assert set(acknowledged) <= set(vouchers)
    settled(office, vouchers)  # type: ignore[arg-type]
    assert verify(office.store, embedded_chain).findings == ()
    office.store.close()
