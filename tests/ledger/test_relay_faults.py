"""Nodes, networks and strangers: whatever they do to a transaction, each agreement lands once and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.chain import METHODS, NodeRefused, NonceTooLow, Underpriced, Unreachable
from ledger.errors import ChainError, VerificationError
from ledger.outbox_acts import alarms, hanging
from ledger.relay import Terms, run
from ledger.rpc_chain import RpcChain
from tests.engines import Node
from tests.hostile_node import Answer, Call, hostile, lost_reply, status
from tests.ledger.office import A, B
from tests.ledger.relaying import Bench, on_anvil, settled, until


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Bench, Node]]:
    with on_anvil(tmp_path) as opened:
        yield opened


def all_final(bench: Bench) -> bool:
    return set(bench.items()) == {"final"}


def without_logs(call: Call) -> Answer:
    answer = call.forward()
    if answer.get("result"):
        answer["result"]["logs"] = []
    return answer


# ---- the node says no ----------------------------------------------------------------------------------------


def test_a_node_s_words_are_told_apart(here: tuple[Bench, Node]) -> None:
    _, node = here
    chain = node.chain(3)
    fees = chain.fees()
    pay = {"to": chain.account, "gas": 21_000}
    node.ask("evm_setAutomine", False)
    first = chain.sign(b"", nonce=0, fees=fees, **pay)  # type: ignore[arg-type]
    assert chain.send_raw(first) == chain.send_raw(first)
    with pytest.raises(Underpriced):  # another one of the same nonce at the same price
        chain.send_raw(chain.sign(b"", nonce=0, fees=fees, value=1, **pay))  # type: ignore[arg-type]
    node.ask("evm_mine")
    with pytest.raises(NonceTooLow):
        chain.send_raw(chain.sign(b"", nonce=0, fees=fees, value=1, **pay))  # type: ignore[arg-type]
    with pytest.raises(NodeRefused):
        chain.send_raw(chain.sign(b"", nonce=1, fees=fees, value=2**200, **pay))  # type: ignore[arg-type]
    with hostile(node.url) as proxy:
        silent = RpcChain(proxy.url, key=node.keys[3])
        for fault in (status(502), status(429), lost_reply):
            proxy.script("eth_sendRawTransaction", fault)
            with pytest.raises(Unreachable):
                silent.send_raw(first)


def test_only_standard_methods_are_used(here: tuple[Bench, Node]) -> None:
    bench, node = here
    with hostile(node.url) as proxy:
        chain = RpcChain(proxy.url, key=node.keys[0])
        vouchers = bench.issue(2)
        bench.office.put(bench.office.issue_of(supplier=B), A, B)  # refused
        run(bench.office.store, chain)
        assert proxy.methods <= set(METHODS)
    assert bench.items() == ["final", "final", "refused"]
    settled(bench.office, vouchers)


def test_what_a_node_refuses_again_and_again_is_given_up_and_an_operator_sees_why(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    balance = node.ask("eth_getBalance", bench.office.chain.account, "latest")
    node.ask("anvil_setBalance", bench.office.chain.account, "0x1")
    vouchers = bench.issue(2)
    relay = bench.relay()
    for _ in range(8):
        relay.cycle()
        bench.clock.now += 10
    assert bench.items() == ["unknown"] * 2
    assert all("refused" in str(each.why) for each in hanging(bench.office.store))
    assert run(bench.office.store, bench.office.chain, clock=bench.clock) == []  # no endless loop
    node.ask("anvil_setBalance", bench.office.chain.account, balance)
    until(bench.relay(), lambda: all_final(bench))  # the bytes were kept, and are found mined
    settled(bench.office, vouchers)


# ---- stuck, dropped, dear ------------------------------------------------------------------------------------


def test_a_dropped_transaction_is_sent_again_with_the_same_bytes(here: tuple[Bench, Node]) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    vouchers = bench.issue(2)
    relay = bench.relay()
    relay.cycle()
    [sent] = bench.transactions(bench.batches()[-1].number)
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    node.ask("evm_mine")
    bench.clock.now += 9
    relay.cycle()
    assert bench.transactions(sent.batch)[0].sends == 1
    bench.clock.now += 1
    relay.cycle()
    node.ask("evm_mine")
    until(relay, lambda: all_final(bench))
    [again] = bench.transactions(sent.batch)
    assert (again.raw, again.sends, again.status) == (sent.raw, 2, "final")
    settled(bench.office, vouchers)


def test_a_stuck_transaction_is_replaced_by_a_dearer_one_and_then_given_up_within_bounds(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    vouchers = bench.issue(1)
    relay = bench.relay(most_replacements=2)
    for _ in range(6):
        relay.cycle()
        bench.clock.now += 61
    sent = bench.transactions(bench.batches()[-1].number)
    assert len(sent) == 3
    for cheap, dear in pairwise(sent):
        assert dear.fee * 4 >= cheap.fee * 5
        assert int(dear.tip or 0) * 4 >= int(cheap.tip or 0) * 5
    assert bench.items() == ["sent"]  # no block was made: the chain is stalled, not the transaction
    for each in sent:
        node.ask("anvil_dropTransaction", "0x" + each.tx_hash.hex())
    node.ask("evm_mine")  # a block without it
    relay.cycle()
    assert bench.items() == ["unknown"]
    more = bench.issue(1)
    relay.cycle()
    assert bench.items() == ["unknown", "signed"]  # behind it, it would wait in vain
    bench.clock.now += 10
    relay.cycle()
    node.ask("evm_setAutomine", True)
    node.ask("evm_mine")
    until(relay, lambda: all_final(bench))
    settled(bench.office, [*vouchers, *more])


def test_a_price_that_the_network_no_longer_takes_is_raised_at_once(here: tuple[Bench, Node]) -> None:
    bench, node = here
    [voucher] = bench.issue(1)
    relay = bench.relay()
    relay._look()  # the price is known from here on
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(relay.fees.highest * 3))  # type: ignore[union-attr]
    node.ask("evm_mine")
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(relay.fees.highest * 3))  # type: ignore[union-attr]
    until(relay, lambda: all_final(bench))
    assert len(bench.transactions(bench.batches()[-1].number)) >= 1
    settled(bench.office, [voucher])


def test_above_the_highest_fee_nothing_is_offered(here: tuple[Bench, Node]) -> None:
    bench, _ = here
    bench.issue(1)
    relay = bench.relay(highest_fee=10)
    for _ in range(3):
        relay.cycle()
        bench.clock.now += 61
    [sent] = bench.transactions(bench.batches()[-1].number)
    assert (sent.fee, sent.status) == (10, "sent")
    assert bench.items() == ["unknown"]
    assert "10 wei" in str(hanging(bench.office.store)[0].why)


# ---- strangers -----------------------------------------------------------------------------------------------


def test_a_nonce_that_somebody_else_has_used_raises_an_alarm_and_the_items_go_again(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    vouchers = bench.issue(2)
    relay = bench.relay()
    relay.cycle()
    batch = bench.batches()[-1]
    [sent] = bench.transactions(batch.number)
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    thief = node.chain()  # the same key
    theirs = thief.sign(b"", to=thief.account, gas=21_000, nonce=batch.nonce, fees=thief.fees(), value=1)
    thief.send_raw(theirs)
    node.ask("evm_mine")
    node.ask("evm_setAutomine", True)
    until(relay, lambda: all_final(bench))
    settled(bench.office, vouchers)
    void, again = bench.batches()[-2:]
    assert (void.status, again.status, again.nonce) == ("void", "final", batch.nonce + 1)
    assert "not made here" in str(void.why)
    account = bench.account()
    assert account.foreign == 1
    assert "somebody else has its key" in alarms(bench.office.store)[account.account]


def test_a_key_that_is_used_elsewhere_is_noticed_before_anything_is_sent(here: tuple[Bench, Node]) -> None:
    bench, node = here
    thief = node.chain()
    thief.send(b"", to=thief.account, gas=21_000, value=1)
    vouchers = bench.issue(1)
    until(bench.relay(), lambda: all_final(bench))
    assert bench.account().foreign == 1
    assert "2 are known" not in str(bench.account().alarm)
    assert "used elsewhere" in str(bench.account().alarm)
    settled(bench.office, vouchers)


# ---- replies that get lost -----------------------------------------------------------------------------------


def test_a_reply_that_is_lost_after_the_node_took_the_transaction_changes_nothing(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = bench.issue(3)
    with hostile(node.url) as proxy:
        chain = RpcChain(proxy.url, key=node.keys[0])
        proxy.script("eth_sendRawTransaction", lost_reply)
        run(bench.office.store, chain)
    assert bench.items() == ["final"] * 3
    [sent] = bench.transactions(bench.batches()[-1].number)
    assert sent.status == "final"
    settled(bench.office, vouchers)


@pytest.mark.parametrize(
    "method", ["eth_getTransactionReceipt", "eth_getBlockByNumber", "eth_getTransactionCount"]
)
def test_a_node_that_answers_502_for_a_while_is_waited_for(here: tuple[Bench, Node], method: str) -> None:
    bench, node = here
    vouchers = bench.issue(2)
    with hostile(node.url) as proxy:
        chain = RpcChain(proxy.url, key=node.keys[0])
        for _ in range(3):
            proxy.script(method, status(502))
        with pytest.raises(ChainError):
            run(bench.office.store, chain, seconds=0)
        run(bench.office.store, chain)
    assert all_final(bench)
    settled(bench.office, vouchers)


def test_a_chain_that_makes_no_blocks_is_said_to_be_stalled(here: tuple[Bench, Node]) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    vouchers = bench.issue(2)
    with pytest.raises(ChainError, match=r"nothing has changed for 0\.3 s: 2 items, the first is 7"):
        run(bench.office.store, bench.office.chain, seconds=0.3)
    node.ask("evm_mine")
    node.ask("evm_setAutomine", True)
    bench.office.run()
    settled(bench.office, vouchers)


def test_a_receipt_that_leaves_out_logs_is_not_believed_and_stops_the_relay_in_the_end(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = bench.issue(2)
    with hostile(node.url) as proxy:
        chain = RpcChain(proxy.url, key=node.keys[0])
        proxy.script("eth_getTransactionReceipt", without_logs, times=3)
        run(bench.office.store, chain)
        settled(bench.office, vouchers)
        bench.issue(1)
        proxy.script("eth_getTransactionReceipt", without_logs, times=None)
        with pytest.raises(VerificationError, match="the node leaves out logs"):
            run(bench.office.store, chain, terms=Terms(foreign_after=1))
    assert bench.items()[-1] == "sent"
    bench.office.run()
    assert all_final(bench)


def test_however_often_it_is_looked_at_a_receipt_without_logs_is_a_node_s_slowness_for_some_seconds(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    bench.issue(1)
    with hostile(node.url) as proxy:
        relay = bench.relay(RpcChain(proxy.url, key=node.keys[0]), foreign_after=3)
        proxy.script("eth_getTransactionReceipt", without_logs, times=None)
        for _ in range(20):
            relay.cycle()
        bench.clock.now += 3
        with pytest.raises(VerificationError, match="the node leaves out logs"):
            relay.cycle()


# ---- reorganisations -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3, 20])
@pytest.mark.parametrize("confirmed", [False, True])
def test_what_a_reorganisation_took_away_is_sent_again_with_the_same_bytes(
    here: tuple[Bench, Node], depth: int, confirmed: bool
) -> None:
    bench, node = here
    vouchers = bench.issue(2)
    bench.office.put(bench.office.issue_of(supplier=B), A, B)  # refused, in the same batch
    relay = bench.relay(depth=0 if confirmed else depth + 1)
    landed = ["final" if confirmed else "mined"] * 2
    until(relay, lambda: bench.items() == [*landed, "refused"])
    [first] = bench.transactions(bench.batches()[-1].number)
    if depth > 1:
        node.ask("anvil_mine", hex(depth - 1))
        relay.cycle()
    node.ask("anvil_reorg", depth, [])
    relay.cycle()
    until(bench.relay(depth=0), lambda: bench.items() == ["final", "final", "refused"])
    [again] = bench.transactions(first.batch)
    assert again.raw == first.raw
    assert again.block_hash != first.block_hash
    settled(bench.office, vouchers)


def test_a_node_that_lost_its_youngest_blocks_gets_everything_again(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with on_anvil(tmp_path, state=state) as (bench, node):
        node.stop()
        older = tmp_path / "older.json"
        older.write_bytes(state.read_bytes())
        node.restart()
        vouchers = bench.issue(3)
        until(bench.relay(), lambda: all_final(bench))
        node.restart(state=older)
        more = bench.issue(1)
        until(bench.relay(), lambda: all_final(bench))
        settled(bench.office, [*vouchers, *more])
