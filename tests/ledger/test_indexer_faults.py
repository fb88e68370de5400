"""Nodes that say too little, too much or nothing: the index believes what the contract's journal proves, and waits for
the rest. What the node is asked for in all this are standard methods only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from ledger.chain import METHODS, Unreachable, encode_call
from ledger.errors import ChainError, TallystickError
from ledger.indexer import JournalMismatch, Progress, follow, serve
from ledger.rpc_chain import RpcChain
from ledger.store import Store
from ledger.tables import BlockRow, EventRow
from tests.hostile_node import (
    Answer,
    Call,
    Fault,
    HostileNode,
    changed,
    cut,
    duplicated_logs,
    error,
    garbage,
    half_json,
    hang,
    hostile,
    lost_reply,
    reordered_logs,
    result,
    skipped_logs,
    status,
    truncated,
)
from tests.ledger.indexing import Yard, everything, yard
from tests.ledger.till import till

LOGS, BLOCKS, CALL = "eth_getLogs", "eth_getBlockByNumber", "eth_call"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with yard(tmp_path_factory.mktemp("yard")) as opened:
        opened.crowd.move(6, per_block=2)
        yield opened


@pytest.fixture
def proxy(shared: Yard) -> Iterator[HostileNode]:
    with hostile(shared.node.url) as opened:
        yield opened


@pytest.fixture
def store(shared: Yard) -> Iterator[Store]:
    with shared.store() as opened:
        yield opened


# ---- lies --------------------------------------------------------------------------------------------------


def _first_altered(logs: list[Answer]) -> list[Answer]:
    return [logs[0] | {"data": logs[0]["data"][:-1] + "f"}, *logs[1:]] if logs else logs


def _one_more(logs: list[Answer]) -> list[Answer]:
    return [*logs, logs[-1] | {"logIndex": "0x3e8"}] if logs else logs


@pytest.mark.parametrize(
    "lie",
    [skipped_logs(9, 999), changed(_first_altered), changed(_one_more)],
    ids=["skipped", "altered", "one more"],
)
def test_events_that_the_journal_does_not_stand_for_are_never_written(
    shared: Yard, proxy: HostileNode, store: Store, lie: Fault
) -> None:
    before = everything(store)
    proxy.script(LOGS, lie, times=None)
    with pytest.raises(JournalMismatch, match="ask another"):
        follow(store, shared.client(proxy.url))
    assert everything(store) == before
    proxy.heal()
    follow(store, shared.client(proxy.url))
    shared.all_is_right(store)


def test_a_node_that_heals_while_it_is_asked_again_stops_nobody(
    shared: Yard, proxy: HostileNode, store: Store
) -> None:
    proxy.script(LOGS, skipped_logs(0, 999), times=2)
    assert follow(store, shared.client(proxy.url)).events > 0
    shared.all_is_right(store)


def _two_at_one_place(logs: list[Answer]) -> list[Answer]:
    return [*logs, logs[0] | {"transactionHash": "0x" + "ab" * 32}] if logs else logs


def _with_a_stranger_s(logs: list[Answer]) -> list[Answer]:
    return [each | {"address": "0x" + "ab" * 20} for each in logs] + logs


def _with_later_ones(logs: list[Answer]) -> list[Answer]:
    return [each | {"blockNumber": "0x7fffffff"} for each in logs] + logs


@pytest.mark.parametrize(
    "told",
    [
        *(duplicated_logs, changed(_two_at_one_place), changed(_with_a_stranger_s)),
        *(changed(_with_later_ones), result({}), result(None)),
    ],
    ids=["twice", "two at one place", "a stranger's", "of other blocks", "no list", "nothing"],
)
def test_events_that_nobody_asked_for_are_no_answer(
    shared: Yard, proxy: HostileNode, store: Store, told: Fault
) -> None:
    before = everything(store)
    proxy.script(LOGS, told, times=None)
    with pytest.raises(ChainError, match="gave no answer that can be understood"):
        follow(store, shared.client(proxy.url))
    assert everything(store) == before
    proxy.heal()
    follow(store, shared.client(proxy.url))
    shared.all_is_right(store)


def _with_removed_ones(logs: list[Answer]) -> list[Answer]:
    return [each | {"removed": True, "data": "0x" + "ff" * 32} for each in logs] + logs


@pytest.mark.parametrize("told", [reordered_logs, changed(_with_removed_ones)], ids=["backwards", "removed"])
def test_events_out_of_order_or_of_a_block_that_is_gone_do_no_harm(
    shared: Yard, proxy: HostileNode, store: Store, told: Fault
) -> None:
    proxy.script(LOGS, told, times=None)
    follow(store, shared.client(proxy.url), span=4)
    shared.all_is_right(store)


def test_events_of_other_contracts_on_the_same_chain_are_not_ours(shared: Yard, store: Store) -> None:
    other = shared.chain.deploy(till(), [shared.chain.account]).address
    put = encode_call(till().abi, "put", [3])
    assert shared.chain.wait(shared.chain.send(put, to=other, gas=100_000)).logs
    shared.move(1)
    follow(store, shared.chain)
    with store.reading() as session:
        assert other not in set(session.scalars(select(EventRow.contract)))
    shared.all_is_right(store)


def _other_genesis(block: Answer) -> Answer:
    return block | {"hash": "0x" + "cd" * 32}


@pytest.mark.parametrize(
    ("method", "lie", "named"),
    [
        ("eth_chainId", result("0x63"), "chain id: pinned 31337, found 99"),
        (BLOCKS, changed(_other_genesis), "genesis block"),
        ("eth_getCode", result("0x6001"), "code of the registry"),
    ],
)
def test_another_chain_is_refused_before_anything_is_read(
    shared: Yard, proxy: HostileNode, store: Store, method: str, lie: Fault, named: str
) -> None:
    proxy.script(method, lie, times=None)
    chain = shared.client(proxy.url)
    for refused in (follow, _serve_once):
        with pytest.raises(ChainError, match=named):
            refused(store, chain)
    assert proxy.count(LOGS) == 0


def test_another_chain_behind_the_address_while_serving_is_not_taken_for_a_reorganisation(
    shared: Yard, proxy: HostileNode, store: Store
) -> None:
    chain = shared.client(proxy.url)
    follow(store, chain)
    before, stop, told = everything(store), threading.Event(), list[TallystickError]()

    def become_another(_: Progress) -> None:
        proxy.script(BLOCKS, changed(_other_genesis), times=None)
        proxy.script("eth_getCode", result("0x6001"), times=None)

    def trouble(wrong: TallystickError) -> None:
        told.append(wrong)
        stop.set()

    serve(store, chain, stop=stop, pause=0, report=become_another, trouble=trouble)
    assert "code of the registry" in str(told[0])
    assert everything(store) == before


def _serve_once(store: Store, chain: Any) -> None:
    serve(store, chain, stop=threading.Event())


# ---- a chain that changes while it is read -----------------------------------------------------------------


@pytest.mark.parametrize("method", [LOGS, BLOCKS, CALL])
def test_a_reorganisation_in_the_middle_of_reading_mixes_nothing(
    shared: Yard, proxy: HostileNode, store: Store, method: str
) -> None:
    shared.move(5)
    chain = shared.client(proxy.url)

    def and_then_another_chain(call: Call) -> Answer:
        answer = call.forward()
        shared.reorganise(3)
        shared.move(1)
        return answer

    proxy.script(method, and_then_another_chain, at=proxy.count(method) + 2, times=2)
    follow(store, chain, span=5)
    shared.all_is_right(store)


def test_a_chain_that_never_holds_still_ends_in_an_error_and_not_in_a_loop(
    shared: Yard, proxy: HostileNode, store: Store
) -> None:
    chain, before = shared.client(proxy.url), everything(store)

    def another_every_time(logs: list[Answer]) -> list[Answer]:
        return [log | {"blockHash": "0x" + "ef" * 32} for log in logs]

    proxy.script(LOGS, changed(another_every_time), times=None)
    with pytest.raises(ChainError, match="changed each time they were read"):
        follow(store, chain)
    assert everything(store) == before


@pytest.mark.parametrize("shift", [-86_400 * 3, 86_400 * 400])
def test_a_time_that_jumps_is_kept_as_it_is(
    shared: Yard, proxy: HostileNode, store: Store, shift: int
) -> None:
    half = shared.chain.height() // 2

    def jumping(block: Answer) -> Answer:
        late = int(block["number"], 16) > half
        return block | {"timestamp": hex(int(block["timestamp"], 16) + shift * late)}

    chain = shared.client(proxy.url)
    proxy.script(BLOCKS, changed(jumping), times=None)
    done = follow(store, chain, span=1)
    with store.reading() as session:
        times = [session.get_one(BlockRow, number).timestamp for number in (half, half + 1)]
    assert done.block == shared.chain.height()
    assert (times[1] < times[0]) == (shift < 0)


# ---- limits of nodes ---------------------------------------------------------------------------------------


def test_a_node_that_tells_few_blocks_at_once_is_asked_for_fewer(
    shared: Yard, proxy: HostileNode, store: Store
) -> None:
    def only_three(call: Call) -> Answer:
        asked = call.params[0]
        if int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) >= 3:
            return error("query exceeds max block range 3", code=-32_005)(call)
        return call.forward()

    proxy.script(LOGS, only_three, times=None)
    follow(store, shared.client(proxy.url))
    shared.all_is_right(store)


def test_only_standard_methods_are_used(shared: Yard, proxy: HostileNode, store: Store) -> None:
    follow(store, shared.client(proxy.url))
    shared.move(1)
    follow(store, shared.client(proxy.url), confirmations=1, witness=shared.client(proxy.url))
    assert proxy.methods <= set(METHODS)


# ---- serving -----------------------------------------------------------------------------------------------


def _served(store: Store, chain: Any, enough: Callable[[Progress], bool]) -> list[TallystickError]:
    """Serves until a look was enough; gives the troubles on the way."""
    troubles: list[TallystickError] = []
    stop, looks = threading.Event(), 0

    def report(progress: Progress) -> None:
        nonlocal looks
        looks += 1
        if enough(progress):
            stop.set()
        assert looks < 200, "in vain"

    serve(store, chain, stop=stop, pause=0.01, report=report, trouble=troubles.append)
    return troubles


@pytest.mark.parametrize(
    "fault",
    [status(502), status(429), garbage(), cut, truncated, half_json, lost_reply, error("header not found")],
    ids=["502", "429", "garbage", "cut", "truncated", "half", "lost", "error"],
)
def test_whatever_a_node_answers_is_told_and_tried_again(
    shared: Yard, proxy: HostileNode, store: Store, fault: Fault
) -> None:
    chain, asked = shared.client(proxy.url), (LOGS, BLOCKS, CALL, "eth_blockNumber", "eth_getCode")
    for method in asked:
        proxy.script(method, fault, at=proxy.count(method) + 3, times=1)
    height = shared.chain.height()
    troubles = _served(store, chain, lambda progress: progress.block == height)
    assert 1 < len(troubles) <= len(asked)
    assert all(isinstance(each, ChainError) for each in troubles)
    shared.all_is_right(store)


def test_a_call_without_an_answer_is_told_and_tried_again(
    shared: Yard, proxy: HostileNode, store: Store
) -> None:
    chain, height = RpcChain(proxy.url, key=shared.node.keys[0], timeout=0.3), shared.chain.height()
    for method in (LOGS, BLOCKS, CALL):
        proxy.script(method, hang, at=proxy.count(method) + 3, times=1)
    troubles = _served(store, chain, lambda progress: progress.block == height)
    assert troubles and all(isinstance(each, Unreachable) for each in troubles)
    shared.all_is_right(store)


def test_a_node_that_stays_dead_is_waited_for_with_growing_patience(
    shared: Yard, proxy: HostileNode, store: Store
) -> None:
    chain, stop = shared.client(proxy.url), threading.Event()
    told: list[TallystickError] = []

    def trouble(broken: TallystickError) -> None:
        told.append(broken)
        if len(told) == 3:
            proxy.heal()

    def looked(progress: Progress) -> None:
        if progress.block == progress.target:
            stop.set()

    proxy.script(LOGS, status(502), times=None)
    serve(store, chain, stop=stop, pause=0.01, report=looked, trouble=trouble)
    assert len(told) == 3
    shared.all_is_right(store)


def test_a_lying_node_ends_the_serving_loudly(shared: Yard, proxy: HostileNode, store: Store) -> None:
    proxy.script(LOGS, skipped_logs(0, 999), times=None)
    with pytest.raises(JournalMismatch):
        serve(store, shared.client(proxy.url), stop=threading.Event(), pause=0.01)


def test_what_comes_while_serving_is_followed_until_it_is_told_to_stop(shared: Yard, store: Store) -> None:
    stop, caught_up = threading.Event(), threading.Event()
    heights: list[int] = []

    def report(progress: Progress) -> None:
        heights.append(progress.block)
        caught_up.set()

    serving = threading.Thread(
        target=serve,
        args=(store, shared.client(shared.node.url)),
        kwargs={"stop": stop, "pause": 0.01, "report": report},
    )
    serving.start()
    assert caught_up.wait(30)
    shared.move(3)
    height = shared.chain.height()
    while heights[-1] < height:
        caught_up.clear()
        assert caught_up.wait(30)
    stop.set()
    serving.join(10)
    assert not serving.is_alive()
    shared.all_is_right(store)
