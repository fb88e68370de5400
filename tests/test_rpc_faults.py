"""A node that fails or lies, and the client in front of it: every fault ends in an error that names the node and what
was asked, none in a traceback, and what the client can know to be wrong is no answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.chain import (
    METHODS,
    NOBODY,
    Address,
    Hash,
    NodeRefused,
    NonceTooHigh,
    NonceTooLow,
    Underpriced,
    Unreachable,
)
from ledger.errors import ChainError
from ledger.pin import Pin, check_pin
from ledger.rpc_chain import RpcChain
from tests.engines import Node, anvil
from tests.hostile_node import (
    EVERY,
    Fault,
    HostileNode,
    changed,
    cut,
    duplicated_logs,
    error,
    failed_after,
    garbage,
    half_json,
    hang,
    hostile,
    late_reply,
    lost_reply,
    other_chain,
    reordered_logs,
    result,
    skipped_logs,
    status,
    truncated,
)

BELL = bytes.fromhex("67" + "600760006000a100" + "600052" + "60086018f3")
"""Creates a contract that logs the topic 7 whenever it is called."""
IMPATIENT = 0.3
"""Seconds that a client waits for an answer that never comes."""

READS: dict[str, tuple[str, Callable[[RpcChain], object]]] = {
    "height": ("eth_blockNumber", lambda chain: chain.height()),
    "now": ("eth_getBlockByNumber", lambda chain: chain.now()),
    "block": ("eth_getBlockByNumber", lambda chain: chain.block_hash(1)),
    "blocks": ("eth_getBlockByNumber", lambda chain: chain.blocks([1, 2, 3])),
    "code": ("eth_getCode", lambda chain: chain.code(NOBODY)),
    "call": ("eth_call", lambda chain: chain.call(NOBODY, b"", block=1)),
    "simulation": ("eth_call", lambda chain: chain.simulate(NOBODY, b"", sender=NOBODY, gas=50_000)),
    "nonce": ("eth_getTransactionCount", lambda chain: chain.nonce(chain.account)),
    "fees": ("eth_gasPrice", lambda chain: chain.fees()),
    "receipt": ("eth_getTransactionReceipt", lambda chain: chain.receipt(Hash(bytes(32)))),
    "logs": ("eth_getLogs", lambda chain: chain.logs(0, 5, addresses=[NOBODY])),
    "send_raw": ("eth_sendRawTransaction", lambda chain: chain.send_raw(_transfer(chain))),
}
BROKEN: dict[str, Fault] = {
    "502": status(502),
    "429": status(429),
    "500 with an answer": status(500, b'{"jsonrpc": "2.0", "id": 1, "result": "0x1"}'),
    "hangs": hang,
    "takes it and hangs": late_reply,
    "cut": cut,
    "reply lost": lost_reply,
    "504 after": failed_after(504),
    "garbage": garbage(),
    "nothing": garbage(b""),
    "no text": garbage(b"\xff\xfe\x00"),
    "a number": garbage(b"42"),
    "null": garbage(b"null"),
    "no result": garbage(b'{"jsonrpc": "2.0", "id": 1}'),
    "truncated": truncated,
    "half": half_json,
    "busy": error("rate limit exceeded", code=-32_005),
}
NONSENSE: tuple[Any, ...] = ({}, [], "rubbish", "0x", [None], [{}], {"number": None})


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node at block 5; the bell of block 1 rang in blocks 2 to 5."""
    with anvil() as running:
        chain = running.chain()
        made = chain.wait(chain.send(BELL, to=None, gas=200_000)).contract
        for _ in range(4):
            chain.wait(chain.send(b"", to=made, gas=100_000))
        yield running


@pytest.fixture
def proxy(node: Node) -> Iterator[HostileNode]:
    with hostile(node.url) as behind:
        yield behind


@pytest.fixture
def chain(node: Node, proxy: HostileNode) -> RpcChain:
    return RpcChain(proxy.url, key=node.keys[1])


def impatient(node: Node, proxy: HostileNode) -> RpcChain:
    """A client that soon gives up; opened again where this machine was too slow to let it open."""
    end = time.monotonic() + 20
    while True:
        try:
            return RpcChain(proxy.url, key=node.keys[1], timeout=IMPATIENT)
        except Unreachable:
            assert time.monotonic() < end


@pytest.fixture
def bell(node: Node) -> Address:
    logs = node.chain().logs(2, 2, addresses=[_first_contract(node)])
    return logs[0].address


def _first_contract(node: Node) -> Address:
    found = node.ask("eth_getBlockReceipts", "0x1")[0]["contractAddress"]
    made = node.chain().web3.to_checksum_address(found)
    return made


def _transfer(chain: RpcChain, nonce: int | None = None) -> bytes:
    used = chain.nonce(chain.account) if nonce is None else nonce
    return chain.sign(b"", to=NOBODY, gas=21_000, nonce=used, fees=chain.fees())


# ---- no answer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("what", READS)
def test_a_call_without_an_answer_ends_in_unreachable_which_names_the_node_and_not_its_reply(
    node: Node, chain: RpcChain, proxy: HostileNode, what: str, fault: Fault
) -> None:
    method, ask = READS[what]
    asking = impatient(node, proxy) if fault in (hang, late_reply) else chain
    proxy.script(method, fault, times=None)
    before = proxy.count(method)
    with pytest.raises(Unreachable) as told:
        ask(asking)
    assert str(told.value).startswith(proxy.url) and "\n" not in str(told.value)
    # nothing is repeated, but a question for several blocks may be put in smaller parts
    assert 1 <= proxy.count(method) - before <= (4 if what in ("blocks", "logs") else 1)
    proxy.heal()
    # what arrived in spite of the fault has used its nonce before the next one is asked for
    node.ask("evm_mine")
    ask(chain)


@pytest.mark.parametrize("fault", [status(502), hang, garbage(), cut])
def test_a_client_is_not_opened_on_a_node_that_does_not_answer(
    node: Node, proxy: HostileNode, fault: Fault
) -> None:
    proxy.script(EVERY, fault, times=None)
    with pytest.raises(Unreachable, match=proxy.url):
        RpcChain(proxy.url, key=node.keys[1], timeout=IMPATIENT)


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
@pytest.mark.parametrize("what", READS)
def test_an_answer_that_makes_no_sense_is_a_chain_error_or_empty_and_never_a_traceback(
    chain: RpcChain, proxy: HostileNode, what: str, nonsense: Any
) -> None:
    method, ask = READS[what]
    proxy.script(method, result(nonsense), times=None)
    empty = (nonsense, what) in [("0x", "code"), ("0x", "call"), ("0x", "simulation"), ([], "logs")]
    if empty:
        ask(chain)
        return
    with pytest.raises(ChainError) as told:
        ask(chain)
    assert str(told.value).startswith(proxy.url)


@pytest.mark.parametrize("what", [each for each in READS if each != "receipt"])
def test_null_is_an_answer_only_where_a_receipt_was_asked_for(
    chain: RpcChain, proxy: HostileNode, what: str
) -> None:
    method, ask = READS[what]
    proxy.script(method, result(None), times=None)
    with pytest.raises(ChainError, match=proxy.url):
        ask(chain)
    proxy.script("eth_getTransactionReceipt", result(None))
    assert chain.receipt(Hash(bytes(32))) is None


# ---- sending -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [lost_reply, late_reply, failed_after(502), truncated])
def test_a_transaction_whose_reply_was_lost_is_unreachable_and_found_by_its_receipt(
    node: Node, chain: RpcChain, proxy: HostileNode, fault: Fault
) -> None:
    raw, before = _transfer(chain), proxy.count("eth_sendRawTransaction")
    asking = impatient(node, proxy) if fault is late_reply else chain
    proxy.script("eth_sendRawTransaction", fault)
    with pytest.raises(Unreachable):
        asking.send_raw(raw)
    assert proxy.count("eth_sendRawTransaction") == before + 1
    receipt = chain.wait(Hash(keccak(raw)), seconds=10)
    assert receipt.ok


def test_the_same_bytes_again_after_they_were_mined_are_too_low(chain: RpcChain) -> None:
    raw = _transfer(chain)
    chain.wait(chain.send_raw(raw))
    with pytest.raises(NonceTooLow, match="did not take a transaction"):
        chain.send_raw(raw)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("nonce too low: next nonce 8, tx nonce 7", NonceTooLow),  # geth, anvil
        ("Nonce too low", NonceTooLow),  # Besu
        ("Transaction nonce is too distant from current sender nonce", NonceTooHigh),  # Besu
        ("replacement transaction underpriced", Underpriced),
        ("Gas price below configured minimum gas price", Underpriced),  # Besu
        ("max fee per gas less than block base fee", Underpriced),
        ("Sender account not authorized to send transactions", NodeRefused),  # Besu, permissions
        ("insufficient funds for gas * price + value", NodeRefused),
        ("rate limit exceeded", Unreachable),
    ],
)
def test_what_a_node_has_against_a_transaction_is_told_apart(
    chain: RpcChain, proxy: HostileNode, message: str, kind: type[ChainError]
) -> None:
    proxy.script("eth_sendRawTransaction", error(message))
    with pytest.raises(ChainError) as told:
        chain.send_raw(_transfer(chain))
    assert type(told.value) is kind and message in str(told.value)


@pytest.mark.parametrize("message", ["already known", "Known transaction", "ALREADY_EXISTS: already known"])
def test_a_transaction_that_the_node_has_already_is_no_error(
    chain: RpcChain, proxy: HostileNode, message: str
) -> None:
    raw = _transfer(chain)
    proxy.script("eth_sendRawTransaction", error(message))
    assert chain.send_raw(raw) == keccak(raw)


def test_a_hash_that_is_not_the_transaction_s_is_no_answer(chain: RpcChain, proxy: HostileNode) -> None:
    proxy.script("eth_sendRawTransaction", result("0x" + "11" * 32))
    with pytest.raises(ChainError, match=proxy.url):
        chain.send_raw(_transfer(chain))


# ---- lies that show ----------------------------------------------------------------------------------------


def test_another_chain_behind_the_same_address_is_refused_by_the_pin(
    node: Node, proxy: HostileNode, chain: RpcChain
) -> None:
    ours = Pin(chain.chain_id, chain.genesis_hash, NOBODY, NOBODY, Hash(keccak(b"")), Hash(keccak(b"")))
    proxy.script("eth_chainId", other_chain(2_018))
    with pytest.raises(ChainError, match="2018"):
        check_pin(RpcChain(proxy.url, key=node.keys[1]), ours)
    fork = changed(lambda block: block | {"hash": "0x" + "22" * 32})
    proxy.script("eth_getBlockByNumber", fork, times=None)
    with pytest.raises(ChainError, match="genesis"):
        check_pin(RpcChain(proxy.url, key=node.keys[1]), ours)


def test_blocks_that_an_older_node_does_not_have_are_not_made_up(
    chain: RpcChain, proxy: HostileNode, bell: Address
) -> None:
    proxy.height_limit = 3
    assert chain.height() == 3
    with pytest.raises(ChainError, match="has no block 5"):
        chain.block_hash(5)
    with pytest.raises(ChainError, match="has no block 4"):
        chain.blocks([2, 3, 4, 5])
    with pytest.raises(ChainError, match="header not found"):
        chain.call(bell, b"", block=5)
    assert [log.block for log in chain.logs(2, 5, addresses=[bell])] == [2, 3]


def test_another_block_than_the_one_asked_for_is_no_answer(chain: RpcChain, proxy: HostileNode) -> None:
    proxy.script("eth_getBlockByNumber", changed(lambda block: block | {"number": "0x3"}))
    with pytest.raises(ChainError, match="asked for block 2, the answer is block 3"):
        chain.block_hash(2)


def test_another_transaction_s_receipt_is_no_answer(chain: RpcChain, proxy: HostileNode) -> None:
    sent = chain.send_raw(_transfer(chain))
    chain.wait(sent)
    proxy.script(
        "eth_getTransactionReceipt", changed(lambda found: found | {"transactionHash": "0x" + "33" * 32})
    )
    with pytest.raises(ChainError, match=proxy.url):
        chain.receipt(sent)


def test_events_told_in_another_order_are_put_into_the_chain_s(
    chain: RpcChain, proxy: HostileNode, bell: Address
) -> None:
    straight = chain.logs(2, 5, addresses=[bell])
    assert [log.block for log in straight] == [2, 3, 4, 5]
    proxy.script("eth_getLogs", reordered_logs)
    assert chain.logs(2, 5, addresses=[bell]) == straight


@pytest.mark.parametrize(
    "lie",
    [
        duplicated_logs,
        changed(lambda logs: [log | {"blockNumber": "0x6"} for log in logs]),
        changed(lambda logs: [log | {"address": "0x" + "44" * 20} for log in logs]),
        changed(lambda logs: [log | {"blockNumber": None, "blockHash": None} for log in logs]),
        changed(lambda logs: [log | {"data": "0x1"} for log in logs]),
        changed(lambda logs: [log | {"topics": None} for log in logs]),
    ],
    ids=["twice", "of another block", "of another contract", "of no block", "half a byte", "no topics"],
)
def test_events_that_were_not_asked_for_or_cannot_be_are_no_answer(
    chain: RpcChain, proxy: HostileNode, bell: Address, lie: Fault
) -> None:
    proxy.script("eth_getLogs", lie)
    with pytest.raises(ChainError, match=proxy.url):
        chain.logs(2, 5, addresses=[bell])


def test_events_that_a_node_leaves_out_do_not_show_here_but_in_the_journal(
    chain: RpcChain, proxy: HostileNode, bell: Address
) -> None:
    proxy.script("eth_getLogs", skipped_logs(3, 4))
    assert [log.block for log in chain.logs(2, 5, addresses=[bell])] == [2, 5]


def test_a_node_is_asked_standard_methods_only(chain: RpcChain, proxy: HostileNode, bell: Address) -> None:
    proxy.calls.clear()
    for _, ask in READS.values():
        ask(chain)
    chain.send(b"", to=bell, gas=100_000)
    assert proxy.methods <= set(METHODS)
