"""Several relays at once: they share one outbox, none does another's work, and whoever dies is followed by another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.outbox_acts import hanging
from ledger.relay import Terms, run, serve
from ledger.relay_accounts import LeaseLost, require
from ledger.store import open_store
from tests.engines import ROOT, Node, anvil
from tests.ledger.office import B, open_office
from tests.ledger.relaying import Bench, Killed, dying_at, on_anvil, settled, until


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Bench, Node]]:
    with on_anvil(tmp_path) as opened:
        yield opened


def all_final(bench: Bench) -> bool:
    return set(bench.items()) == {"final"}


# ---- one account ---------------------------------------------------------------------------------------------


def test_a_second_process_with_the_same_key_stands_by_until_the_lease_runs_out(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    first = bench.relay()
    first.cycle()
    vouchers = bench.issue(2)
    second = bench.relay_beside(node.chain())
    second.cycle()
    assert bench.items() == ["signed"] * 2
    bench.clock.now += 14
    second.cycle()
    assert bench.items() == ["signed"] * 2
    bench.clock.now += 1
    until(second, lambda: all_final(bench))
    more = bench.issue(1)
    first.cycle()  # it has lost the lease, and knows it
    assert bench.items()[-1] == "signed"
    until(second, lambda: all_final(bench))
    settled(bench.office, [*vouchers, *more])


def test_who_has_lost_the_lease_writes_nothing_any_more(here: tuple[Bench, Node]) -> None:
    bench, node = here
    first = bench.relay()
    first.cycle()
    vouchers = bench.issue(1)
    with dying_at("relay: batch claimed"), pytest.raises(Killed):
        first.cycle()
    bench.clock.now += 16  # it only slept, and believes that it still has the lease
    second = bench.relay_beside(node.chain())
    second.cycle()
    with bench.office.store.writing() as session, pytest.raises(LeaseLost):
        require(session, bench.office.chain.account, first.holder)
    until(second, lambda: all_final(bench))
    settled(bench.office, vouchers)


# ---- two accounts --------------------------------------------------------------------------------------------


def test_two_relays_with_two_accounts_share_one_outbox(tmp_path: Path, database_url: str) -> None:
    with anvil() as node:
        office = open_office(node.chain(), tmp_path, database=database_url)
        bench = Bench(office)
        vouchers = bench.issue(40)
        failed: list[BaseException] = []
        both = threading.Barrier(2)

        def work(account: int) -> None:
            try:
                with open_store(database_url) as store:
                    both.wait()  # the first would be done before the second has begun
                    run(store, node.chain(account), terms=Terms(most_open=2), gas_budget=1_500_000)
            except BaseException as broken:
                failed.append(broken)

        threads = [threading.Thread(target=work, args=(account,)) for account in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        settled(office, vouchers)
        mine = bench.batches()[2:]
        assert {batch.account for batch in mine} == {node.chain(1).account, node.chain(2).account}
        carried = [item for batch in mine for item in batch.items]
        assert len(carried) == len(set(carried)) == 40  # nothing was done twice
        office.store.close()


def test_an_item_that_overtook_an_older_one_is_not_refused_for_it(here: tuple[Bench, Node]) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    [voucher] = bench.issue(1)
    first = bench.relay()
    first.cycle()
    bench.office.put(bench.office.transfer_of(voucher, 1, B), 11, B)
    second = bench.relay_beside(node.chain(1))
    second.cycle()
    [slow] = bench.transactions(bench.batches()[-2].number)
    node.ask("anvil_dropTransaction", "0x" + slow.tx_hash.hex())
    node.ask("evm_mine")  # only the transfer of a voucher that is not there yet
    second.cycle()
    assert bench.items() == ["sent", "signed"]
    assert "waits for an older item" in str(hanging(bench.office.store)[-1].why)
    second.cycle()
    assert bench.items() == ["sent", "signed"]  # asked about, and still not good
    bench.clock.now += 10
    first.cycle()
    node.ask("evm_setAutomine", True)
    node.ask("evm_mine")
    until(first, lambda: bench.items()[0] == "final")
    until(second, lambda: all_final(bench))
    settled(bench.office, [voucher])


def test_the_batches_of_a_relay_that_is_gone_are_brought_to_their_end_by_another(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = bench.issue(2)
    with dying_at("relay: batch claimed"), pytest.raises(Killed):
        bench.relay(node.chain(1)).cycle()  # its key is gone with it
    other = bench.relay(node.chain(2))
    until(other, lambda: all_final(bench))
    [sent] = bench.transactions(bench.batches()[-1].number)
    assert (bench.batches()[-1].account, sent.status) == (node.chain(1).account, "final")
    settled(bench.office, vouchers)


# ---- serving -------------------------------------------------------------------------------------------------


def test_a_serving_relay_takes_what_comes_and_drains_when_it_is_told_to_stop(
    here: tuple[Bench, Node], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="ledger.relay")
    bench, node = here
    stop, seen = threading.Event(), list[int]()
    with open_store(f"sqlite:///{database_of(bench)}") as store:
        thread = threading.Thread(
            target=lambda: serve(store, node.chain(), stop=stop, report=lambda each: seen.append(each.number))
        )
        thread.start()
        vouchers = bench.issue(2)
        waited(lambda: len(seen) == 2)
        node.ask("evm_setAutomine", False)
        vouchers += bench.issue(1)
        waited(lambda: bench.items()[-1] == "sent")
        stop.set()
        waited(lambda: "told to stop" in caplog.text)  # it may have been in the middle of a look
        bench.office.issue()  # too late: it stays signed
        node.ask("evm_mine")
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert bench.items() == ["final"] * 3 + ["signed"]
    node.ask("evm_setAutomine", True)
    bench.office.run()  # at once: the lease was given back
    assert all_final(bench)
    settled(bench.office, vouchers)


def test_a_serving_relay_waits_for_a_node_that_is_away(here: tuple[Bench, Node], tmp_path: Path) -> None:
    bench, node = here
    stop = threading.Event()
    with open_store(f"sqlite:///{database_of(bench)}") as store:
        thread = threading.Thread(target=lambda: serve(store, node.chain(), stop=stop))
        node.process.send_signal(signal.SIGSTOP)
        node.process.send_signal(signal.SIGCONT)
        thread.start()
        vouchers = bench.issue(1)
        waited(lambda: all_final(bench))
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()
    settled(bench.office, vouchers)


SERVE = """
import signal, sys, threading
from ledger.rpc_chain import RpcChain
from ledger.relay import serve
from ledger.store import open_store

database, url, key = sys.argv[1:]
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
with open_store(database) as store:
    print("ready", flush=True)
    serve(store, RpcChain(url, key=bytes.fromhex(key)), stop=stop)
"""


def test_a_process_ends_within_ten_seconds_of_sigterm_though_the_chain_is_stalled(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    vouchers = bench.issue(1)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, f"sqlite:///{database_of(bench)}", node.url, node.keys[0].hex()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    waited(lambda: bench.items() == ["sent"], seconds=60)
    process.terminate()
    assert process.wait(timeout=10) == 0
    node.ask("evm_mine")
    node.ask("evm_setAutomine", True)
    bench.office.run()
    settled(bench.office, vouchers)


def database_of(bench: Bench) -> str:
    with bench.office.store.reading() as session:
        return str(session.get_bind().engine.url.database)


def waited(done: object, *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)
