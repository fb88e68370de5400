"""A chain that is another one from below the margin on: the relay sends nothing, halts and says so; verify names what
is lost; and an operator who has looked lets it go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import ChainError, VerificationError
from ledger.forks import ReorgTooDeep
from ledger.halts import halts
from ledger.relay import Terms, serve
from ledger.rpc_chain import RpcChain
from ledger.verification import verify
from tests.engines import Node
from tests.hostile_node import Answer, Call, hostile
from tests.ledger.relaying import Bench, on_anvil, settled, until


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Bench, Node]]:
    with on_anvil(tmp_path) as opened:
        yield opened


def all_final(bench: Bench) -> bool:
    return set(bench.items()) == {"final"}


def lost_below(bench: Bench, node: Node) -> None:
    """A final item whose block has gone, eight blocks below the head."""
    until(bench.relay(), lambda: all_final(bench))
    node.ask("anvil_mine", "0x8")
    node.ask("anvil_reorg", 9, [])


def test_before_a_reorganisation_deeper_than_the_margin_it_halts_and_sends_nothing(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = bench.issue(1)
    lost_below(bench, node)
    vouchers += bench.issue(1)
    with hostile(node.url) as proxy:
        stops = bench.relay(RpcChain(proxy.url, key=node.keys[0]), margin=4)
        with pytest.raises(ReorgTooDeep, match="tallystick relay --margin BLOCKS"):
            until(stops, lambda: False)
        assert proxy.count("eth_sendRawTransaction") == 0
    assert bench.items() == ["final", "signed"]
    bench.office.follow()
    [finding] = verify(bench.office.store, bench.office.chain).findings
    assert str(finding).startswith("item of ") and "item 7 (issue): expected nothing, found landed in" in str(
        finding
    )
    until(bench.relay(margin=20), lambda: all_final(bench))
    settled(bench.office, vouchers)


def test_once_is_no_proof_of_another_chain(here: tuple[Bench, Node]) -> None:
    bench, node = here
    vouchers = bench.issue(1)
    until(bench.relay(), lambda: all_final(bench))
    node.ask("anvil_mine", "0x8")
    vouchers += bench.issue(1)

    def fewer(call: Call) -> Answer:
        return call.forward() | {"result": "0x1"}

    with hostile(node.url) as proxy:
        relay = bench.relay(RpcChain(proxy.url, key=node.keys[0]), margin=4, foreign_after=3)
        proxy.script("eth_getTransactionCount", fewer, times=3)
        until(relay, lambda: all_final(bench))
        settled(bench.office, vouchers)
        proxy.script("eth_getTransactionCount", fewer, times=None)
        node.ask("evm_mine")
        for _ in range(8):
            relay.cycle()
        bench.clock.now += 3
        with pytest.raises(ReorgTooDeep, match="has 1 transactions on chain, and nonce"):
            relay.cycle()


def test_a_node_that_is_behind_by_more_than_the_margin_is_waited_for(here: tuple[Bench, Node]) -> None:
    bench, node = here
    vouchers = bench.issue(1)
    until(bench.relay(), lambda: all_final(bench))
    vouchers += bench.issue(1)

    def older(call: Call) -> Answer:
        answer = call.forward()
        if call.params[0] == "latest":
            answer["result"] = node.ask("eth_getBlockByNumber", "0x1", False)
        return answer

    with hostile(node.url) as proxy:
        relay = bench.relay(RpcChain(proxy.url, key=node.keys[0]), margin=1)
        proxy.script("eth_getBlockByNumber", older, times=None)
        with pytest.raises(ChainError, match="nothing is sent until it has caught up") as waits:
            relay.cycle()
        assert not isinstance(waits.value, VerificationError)
        assert bench.items() == ["final", "signed"]
        proxy.heal()
        until(relay, lambda: all_final(bench))
    settled(bench.office, vouchers)


def test_that_a_serving_relay_has_halted_is_kept_until_one_works_again(here: tuple[Bench, Node]) -> None:
    bench, node = here
    vouchers = bench.issue(1)
    lost_below(bench, node)
    store, chain = bench.office.store, bench.office.chain
    bench.clock.now += 60
    with pytest.raises(ReorgTooDeep):
        serve(store, chain, stop=threading.Event(), terms=Terms(margin=4, foreign_after=0), clock=bench.clock)
    [kept] = halts(store)
    assert (kept.service, kept.reason, kept.at) == ("relay", "reorg_too_deep", bench.clock.now)
    bench.clock.now += 60
    stop = threading.Event()
    serving = threading.Thread(
        target=serve,
        args=(store, chain),
        kwargs={"stop": stop, "terms": Terms(margin=40), "clock": bench.clock},
    )
    serving.start()
    while not (all_final(bench) and not halts(store)) and serving.is_alive():
        stop.wait(0.01)
    stop.set()
    serving.join()
    assert halts(store) == []
    settled(bench.office, vouchers)
