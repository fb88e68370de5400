"""Killed at any step, by exception and by SIGKILL: the next process brings everything to its end, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from ledger.agreements import VoucherId
from ledger.crash_points import RELAY_POINTS
from ledger.outbox_tables import BatchRow, OutboxRow, TransactionRow
from ledger.relay import Terms, run
from ledger.rows import world_of
from ledger.store import open_store
from tests.engines import ROOT, Node, anvil, embedded, travel_to
from tests.ledger.office import A, B, C, Office, office_in, open_office
from tests.ledger.relaying import TERMS, Bench, Killed, dying_at, on_anvil, settled, until

NEEDS_A_FAULT = {"relay: replacement signed", "relay: gap claimed", "relay: batch reopened"}
PLAIN = [point for point in RELAY_POINTS if point not in NEEDS_A_FAULT]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("point", PLAIN)
def test_killed_at_any_step_the_next_run_gets_the_record_right(
    office: Office, point: str, indexed: bool
) -> None:
    voucher = office.issue()
    office.put(office.transfer_of(voucher, 1, B), A, B)
    office.put(office.transfer_of(voucher, 2, C), A, C)  # B holds it
    office.put(office.transfer_of(voucher, 2, A), B, A)
    office.put(office.transfer_of(voucher, 3, B), A, B)  # the same step again, two sequences later
    before = office.chain.height()
    with dying_at(point) as reached, pytest.raises(Killed):
        run(office.store, office.chain, terms=Terms(depth=1))
    assert reached[-1] == point
    if indexed:
        office.follow()
    run(office.store, office.chain, terms=Terms(depth=1))
    travel_to(office.chain, office.chain.now() + 1)
    run(office.store, office.chain, terms=Terms(depth=1))

    assert Bench(office).items() == ["final", "final", "refused", "final", "final"]
    settled(office, [voucher])
    with office.store.reading() as session:
        assert world_of(session, office.pin.ledger).vouchers[voucher].sequence == 4
    assert office.chain.height() == before + 2  # one batch, and the block that was waited for
    assert office.run() == []


def test_killed_twice_at_every_pair_of_steps_nothing_is_lost(office: Office) -> None:
    vouchers = []
    for first in PLAIN[:9:2]:
        for second in PLAIN[1:9:3]:
            vouchers.append(office.issue())
            for point in (first, second):
                with dying_at(point):
                    try:
                        office.run()
                    except Killed:
                        continue
    office.run()
    settled(office, vouchers)


def test_killed_while_a_stuck_transaction_is_replaced(tmp_path: Path) -> None:
    with on_anvil(tmp_path) as (bench, node):
        node.ask("evm_setAutomine", False)
        vouchers = bench.issue(3)
        bench.relay().cycle()
        bench.clock.now += 61
        with dying_at("relay: replacement signed"), pytest.raises(Killed):
            bench.relay().cycle()
        bench.clock.now += 61
        bench.relay().cycle()
        node.ask("evm_mine")
        until(bench.relay(), lambda: bench.items() == ["final"] * 3)
        settled(bench.office, vouchers)


def test_killed_while_a_hole_is_filled(tmp_path: Path) -> None:
    with on_anvil(tmp_path) as (bench, node):
        voucher = with_a_hole(bench, node)
        with dying_at("relay: gap claimed"), pytest.raises(Killed):
            bench.relay().cycle()
        node.ask("evm_setAutomine", True)
        until(bench.relay(), lambda: bench.items() == ["withdrawn", "final"])
        settled(bench.office, [voucher])
        assert [(batch.items, batch.status) for batch in bench.batches()[-2:]] == [
            ([8], "final"),
            ([], "final"),
        ]


def with_a_hole(bench: Bench, node: Node) -> VoucherId:
    """Two batches are under way, and the first is gone from node and database: a backup without it was restored. Gives
    the voucher of the second."""
    node.ask("evm_setAutomine", False)
    relay = bench.relay()
    for _ in range(2):
        [voucher] = bench.issue(1)
        relay.cycle()
    first = bench.batches()[-2]
    [sent] = bench.transactions(first.number)
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    with bench.office.store.writing() as session:
        items = OutboxRow.number.in_(first.items)
        session.execute(update(OutboxRow).where(items).values(status="withdrawn", batch=None))
        session.execute(delete(TransactionRow).where(TransactionRow.batch == first.number))
        session.execute(delete(BatchRow).where(BatchRow.number == first.number))
    return voucher


def test_killed_while_a_lost_batch_is_reopened(tmp_path: Path) -> None:
    with on_anvil(tmp_path) as (bench, node):
        vouchers = bench.issue(2)
        until(bench.relay(depth=3), lambda: bench.items() == ["mined"] * 2)
        node.ask("anvil_reorg", 1, [])
        with dying_at("relay: batch reopened"), pytest.raises(Killed):
            bench.relay(depth=3).cycle()
        until(bench.relay(), lambda: bench.items() == ["final"] * 2)
        settled(bench.office, vouchers)


def test_every_crash_point_of_the_relay_is_walked_here() -> None:
    source = Path(__file__).read_text()
    for point in NEEDS_A_FAULT:
        assert source.count(f'dying_at("{point}")') == 1, point


RELAY = """
import os, signal, sys
from pathlib import Path
from ledger import crash_points
from ledger.rpc_chain import RpcChain
from ledger.embedded import EmbeddedChain
from ledger.relay import Terms, run
from ledger.store import open_store

database, chain_at, key, point = sys.argv[1:]

def hook(name):
    if name == point:
        os.kill(os.getpid(), signal.SIGKILL)

crash_points.hook = hook
chain = RpcChain(chain_at, key=bytes.fromhex(key)) if key else EmbeddedChain(Path(chain_at), demo=True)
with open_store(database) as store:
    run(store, chain, terms=Terms(lease=1))
"""
SOME = ["relay: batch claimed", "relay: node took it", "relay: batch judged", "relay: verdicts recorded"]


def killed(database: str, chain_at: str, key: str, point: str) -> None:
    """A real process that kills itself, as kill -9 does."""
    done = subprocess.run(
        [sys.executable, "-c", RELAY, database, chain_at, key, point],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_a_process_that_is_killed_on_the_embedded_chain_loses_nothing(tmp_path: Path) -> None:
    with embedded(tmp_path) as chain:
        office = open_office(chain, tmp_path)
        vouchers = [office.issue() for _ in range(3)]
        office.store.close()
    url, path = f"sqlite:///{tmp_path / 'office.db'}", tmp_path / "chain.sqlite"
    for point in SOME:
        killed(url, str(path), "", point)
        with embedded(tmp_path) as chain, open_store(url) as store:
            office = replace(office, chain=chain, store=store)
            vouchers.append(office.issue())
    with embedded(tmp_path) as chain, open_store(url) as store:
        office = replace(office, chain=chain, store=store)
        office.run()
        settled(office, vouchers)


def test_a_process_that_is_killed_beside_a_node_loses_nothing(tmp_path: Path, database_url: str) -> None:
    with anvil() as node:
        office = open_office(node.chain(), tmp_path, database=database_url)
        bench = Bench(office, terms=TERMS)
        bench.clock.now = 2**40  # every lease of a killed process has run out
        vouchers = bench.issue(2)
        for point in PLAIN:
            killed(database_url, node.url, node.keys[1].hex(), point)
            vouchers += bench.issue(1)
        until(bench.relay(), lambda: set(bench.items()) == {"final"})
        settled(office, vouchers)
        office.store.close()
