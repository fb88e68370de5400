"""The relay before nodes that answer with nonsense, show older blocks or another chain, or are killed while it serves:
each agreement lands once, and nothing is sent where it does not belong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger import indexer, relay
from ledger.errors import ChainError
from ledger.pin import OtherChain
from ledger.relay import run
from ledger.rpc_chain import RpcChain
from ledger.store import open_store
from tests.engines import EPOCH, Node, anvil
from tests.hostile_node import Fault, cut, garbage, half_json, hang, hostile, status, truncated
from tests.ledger.office import open_office
from tests.ledger.relaying import Bench, on_anvil, settled, until

ASKED = (
    "eth_getBlockByNumber",
    "eth_getTransactionCount",
    "eth_sendRawTransaction",
    "eth_getTransactionReceipt",
)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Bench, Node]]:
    with on_anvil(tmp_path) as opened:
        yield opened


def all_final(bench: Bench) -> bool:
    return set(bench.items()) == {"final"}


def waited(done: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)


# ---- another chain -------------------------------------------------------------------------------------------


def test_before_another_chain_the_relay_stops_and_sends_nothing(here: tuple[Bench, Node]) -> None:
    bench, node = here
    bench.issue(1)
    working = bench.relay()
    working.cycle()
    bench.issue(1)
    node.command = tuple(str(EPOCH + 1) if word == str(EPOCH) else word for word in node.command)
    node.restart()  # at the same address, with the same chain id, from another genesis block
    working.forget()
    with pytest.raises(OtherChain):
        working.cycle()
    with pytest.raises(OtherChain):
        relay.serve(bench.office.store, node.chain(), stop=threading.Event())
    assert int(node.ask("eth_blockNumber"), 16) == 0
    assert int(node.ask("eth_getTransactionCount", bench.office.chain.account, "pending"), 16) == 0
    assert bench.items() == ["final", "signed"]


# ---- no answer, or nonsense ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [status(502), status(429), hang, garbage(), half_json, truncated, cut],
    ids=["502", "429", "no answer in time", "garbage", "half", "truncated", "cut"],
)
def test_whatever_a_node_answers_the_relay_asks_again_and_each_agreement_lands_once(
    here: tuple[Bench, Node], fault: Fault
) -> None:
    bench, node = here
    vouchers = bench.issue(2)
    with hostile(node.url) as proxy:
        chain = RpcChain(proxy.url, key=node.keys[0], timeout=0.5)
        for method in ASKED:
            proxy.script(method, fault, at=proxy.count(method) + 2, times=1)
            proxy.script(method, fault, at=proxy.count(method) + 4, times=1)
        with pytest.raises(ChainError):
            run(bench.office.store, chain, seconds=0)
        run(bench.office.store, chain)
    assert all_final(bench)
    settled(bench.office, vouchers)


def test_a_node_that_shows_older_blocks_is_waited_for_and_nothing_lands_twice(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = bench.issue(2)
    with hostile(node.url) as proxy:
        working = bench.relay(RpcChain(proxy.url, key=node.keys[0]))
        proxy.height_limit = node.chain().height()
        for _ in range(5):
            working.cycle()
        assert bench.items() == ["sent"] * 2  # mined, and this node does not know it yet
        proxy.heal()
        until(working, lambda: all_final(bench))
        proxy.height_limit = node.chain().height() - 1
        for _ in range(5):
            working.cycle()
            bench.clock.now += 5
        proxy.heal()
        until(working, lambda: all_final(bench))
    assert [len(bench.transactions(batch.number)) for batch in bench.batches()[2:]] == [1]
    settled(bench.office, vouchers)


# ---- killed and restarted ------------------------------------------------------------------------------------


def test_a_node_killed_and_restarted_with_its_state_is_waited_for_by_both_services(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'office.db'}"
    with anvil(state=tmp_path / "state.json") as node:
        office = open_office(node.chain(), tmp_path)
        bench, stop = Bench(office), threading.Event()
        with open_store(url) as relaying, open_store(url) as indexing:
            services = (
                (relay.serve, relaying, {"stop": stop}),
                (indexer.serve, indexing, {"stop": stop, "pause": 0.05}),
            )
            threads = [
                threading.Thread(target=serve, args=(store, node.chain()), kwargs=options)
                for serve, store, options in services
            ]
            for thread in threads:
                thread.start()
            vouchers = bench.issue(2)
            waited(lambda: all_final(bench))
            node.stop()  # the state file is written
            node.restart()
            vouchers += bench.issue(2)
            waited(lambda: all_final(bench))
            vouchers += bench.issue(1)
            node.kill()  # and what is younger than the file is lost
            node.restart()
            waited(lambda: all_final(bench))
            stop.set()
            for thread in threads:
                thread.join(timeout=60)
                assert not thread.is_alive()
        office.run()
        settled(office, vouchers)
        office.store.close()
