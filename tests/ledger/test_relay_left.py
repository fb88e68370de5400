"""What an operator takes out of an open batch, and batches of accounts whose key is gone: what can still land is said,
no account is dead in silence, and each agreement lands once at most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger import crash_points
from ledger.agreements import VoucherId
from ledger.database import DatabaseBusy
from ledger.outbox_acts import acts_on_account, alarms, clear_alarm, hanging, retry, withdraw
from ledger.outbox_tables import TransactionRow
from ledger.relay import run
from ledger.tables import EventRow
from ledger.verification import verify
from tests.engines import Node
from tests.ledger.office import FACE, ISSUER, A
from tests.ledger.relaying import Bench, Killed, dying_at, on_anvil, settled, until


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Bench, Node]]:
    with on_anvil(tmp_path) as opened:
        yield opened


def forgotten(bench: Bench, node: Node) -> TransactionRow:
    """What was put in is sent, the node forgets it, and the relay gives it up and hands the bytes over once more."""
    relay = bench.relay(most_replacements=0)
    relay.cycle()
    [sent] = bench.transactions(bench.batches()[-1].number)
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    node.ask("evm_mine")
    bench.clock.now += 61
    relay.cycle()
    return sent


def given_up(bench: Bench, node: Node, count: int) -> list[VoucherId]:
    """Issues whose transaction is on no node, and which the relay has given up."""
    node.ask("evm_setAutomine", False)
    vouchers = bench.issue(count)
    sent = forgotten(bench, node)
    assert bench.items() == ["unknown"] * count
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())  # its bytes were sent again
    node.ask("evm_setAutomine", True)
    return vouchers


def pull(bench: Bench, number: int) -> object:
    return withdraw(bench.office.store, number, who="wang", reason="signed anew elsewhere", clock=bench.clock)


def landed(bench: Bench, vouchers: list[VoucherId]) -> int:
    bench.office.follow()
    with bench.office.store.reading() as session:
        found = set(session.scalars(select(EventRow.subject).where(EventRow.name == "Issued")))
    return len(found & {voucher.to_bytes(32) for voucher in vouchers})


def test_bytes_of_withdrawn_items_are_handed_over_no_more_and_a_filler_uses_up_their_nonce(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = given_up(bench, node, 3)
    batch = bench.batches()[-1]
    for number in (7, 8, 9):
        assert "may still land under nonce" in str(pull(bench, number))
    shown = hanging(bench.office.store)
    assert [each.status for each in shown] == ["withdrawn"] * 3
    assert all("may still land under nonce" in str(each.why) for each in shown)
    more = bench.issue(1)
    relay = bench.relay()
    until(relay, lambda: bench.items()[-1] == "final")
    assert bench.items() == [*["withdrawn"] * 3, "final"]
    first, filler = bench.transactions(batch.number)
    assert (first.status, filler.filler, filler.status) == ("replaced", True, "final")
    assert filler.fee * 4 >= first.fee * 5
    assert hanging(bench.office.store) == []
    assert landed(bench, vouchers) == 0
    assert alarms(bench.office.store) == {}
    settled(bench.office, more)


def test_who_is_not_withdrawn_stays_unknown_until_somebody_lets_it_go_on(here: tuple[Bench, Node]) -> None:
    bench, node = here
    vouchers = given_up(bench, node, 3)
    pull(bench, 8)
    run(bench.office.store, bench.office.chain, clock=bench.clock)
    bench.relay().cycle()
    assert bench.items() == ["unknown", "withdrawn", "unknown"]
    retry(bench.office.store, 9, who="wang", reason="these two are good", clock=bench.clock)
    until(bench.relay(), lambda: bench.items() == ["final", "withdrawn", "final"])
    assert landed(bench, [vouchers[1]]) == 0
    settled(bench.office, [vouchers[0], vouchers[2]])


def test_a_withdrawn_item_that_lands_all_the_same_is_final_and_an_alarm_says_so(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = given_up(bench, node, 2)
    pull(bench, 7)
    [sent] = bench.transactions(bench.batches()[-1].number)
    node.ask("eth_sendRawTransaction", "0x" + sent.raw.hex())  # another node had it all the time
    until(bench.relay(), lambda: bench.items() == ["final"] * 2)
    said = alarms(bench.office.store)[bench.office.chain.account]
    assert "item 7 (issue) was withdrawn, and landed all the same in block" in said
    clear_alarm(bench.office.store, bench.office.chain.account, who="wang", reason="told them")
    assert [act.cleared for act in acts_on_account(bench.office.store, bench.office.chain.account)] == [said]
    settled(bench.office, vouchers)


def test_an_agreement_that_was_put_in_again_has_what_its_withdrawn_item_s_bytes_did(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    issue = bench.office.issue_of(FACE // 100)
    bench.office.put(issue, ISSUER, A)
    sent = forgotten(bench, node)
    pull(bench, 7)
    bench.office.put(issue, ISSUER, A)
    node.ask("evm_setAutomine", True)
    until(bench.relay(), lambda: bench.items() == ["withdrawn", "final"])
    assert "was withdrawn, and landed all the same" in alarms(bench.office.store)[bench.office.chain.account]
    assert bench.transactions(sent.batch)[0].status == "final"
    bench.office.follow()
    assert verify(bench.office.store, bench.office.chain).findings == ()
    with bench.office.store.reading() as session:
        assert len(list(session.scalars(select(EventRow.block).where(EventRow.name == "Issued")))) == 1


def test_an_agreement_that_is_put_in_again_while_its_withdrawn_item_is_judged_stops_no_relay(
    here: tuple[Bench, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, node = here
    office = bench.office
    node.ask("evm_setAutomine", False)
    issue = office.issue_of(FACE // 100)
    office.put(issue, ISSUER, A)
    forgotten(bench, node)
    pull(bench, 7)
    node.ask("evm_mine")  # its bytes were sent again before
    put_again: list[int] = []

    def put_in_again(point: str) -> None:
        if point == "relay: batch judged" and not put_again:
            put_again.append(office.put(issue, ISSUER, A))

    monkeypatch.setattr(crash_points, "hook", put_in_again)
    other = bench.relay()
    with pytest.raises(DatabaseBusy, match=r"withdrawn as item \[7\] was put in again: looking anew"):
        until(other, lambda: False)
    assert bench.items() == ["withdrawn", "signed"]
    node.ask("evm_setAutomine", True)
    other.forget()
    until(other, lambda: bench.items() == ["withdrawn", "final"])
    office.follow()
    assert verify(office.store, office.chain).findings == ()


def test_a_reorganisation_brings_back_the_filler_and_never_the_withdrawn_items(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = given_up(bench, node, 1)
    pull(bench, 7)
    more = bench.issue(1)
    relay = bench.relay(depth=4)
    until(relay, lambda: bench.items() == ["withdrawn", "mined"])
    node.ask("anvil_reorg", 2, [])
    until(bench.relay(depth=0), lambda: bench.items() == ["withdrawn", "final"])
    assert landed(bench, vouchers) == 0
    settled(bench.office, more)


def test_what_landed_though_it_was_withdrawn_is_withdrawn_again_when_its_block_has_gone(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = given_up(bench, node, 1)
    pull(bench, 7)
    [sent] = bench.transactions(bench.batches()[-1].number)
    node.ask("eth_sendRawTransaction", "0x" + sent.raw.hex())
    until(bench.relay(depth=4), lambda: bench.items() == ["mined"])
    node.ask("anvil_reorg", 1, [])
    relay = bench.relay(depth=0)
    until(relay, lambda: bench.items() == ["withdrawn"] and hanging(bench.office.store) == [])
    assert landed(bench, vouchers) == 0


def test_tried_again_items_go_in_new_batches_cut_as_the_node_takes_them(here: tuple[Bench, Node]) -> None:
    bench, node = here
    vouchers = bench.issue(10)
    node.ask("evm_setBlockGasLimit", "0x16e360")  # 1,500,000
    relay = bench.relay()
    for _ in range(8):
        relay.cycle()
        bench.clock.now += 10
    assert bench.items() == ["unknown"] * 10
    more = bench.issue(1)
    relay.cycle()
    assert bench.items()[-1] == "signed"
    waits = str(hanging(bench.office.store)[-1].why)
    assert waits.startswith(f"waits behind batch {bench.batches()[-1].number} (nonce ") and "refused" in waits
    retry(bench.office.store, 7, who="wang", reason="smaller batches now", clock=bench.clock)
    assert bench.items() == ["signed"] * 11
    relay = bench.relay(gas_budget=1_000_000)
    until(
        relay, lambda: node.ask("evm_mine") and set(bench.items()) == {"final"}
    )  # a block does not hold them all
    settled(bench.office, [*vouchers, *more])


def test_a_filler_that_costs_more_than_is_allowed_keeps_nobody_waiting_in_silence(
    here: tuple[Bench, Node],
) -> None:
    bench, _ = here
    vouchers = bench.issue(1)
    relay = bench.relay(highest_fee=10)
    for _ in range(3):
        relay.cycle()
        bench.clock.now += 61
    pull(bench, 7)
    more = bench.issue(1)
    for _ in range(6):
        relay.cycle()
        bench.clock.now += 61
    assert bench.items()[0] == "withdrawn"
    shown = hanging(bench.office.store)
    assert "may still land" in str(shown[0].why)
    assert "waits behind batch" in str(shown[1].why) and "10 are allowed" in str(shown[1].why)
    assert len(str(shown[1].why)) < 1_000  # and not longer with every cycle
    until(bench.relay(), lambda: bench.items() == ["withdrawn", "final"])
    assert landed(bench, vouchers) == 0
    settled(bench.office, more)


def test_batches_of_an_account_whose_key_is_gone_are_given_up_and_another_account_sends_them(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    vouchers = bench.issue(2)
    gone = bench.relay(node.chain(1))
    with dying_at("relay: sight marked"), pytest.raises(Killed):
        gone.cycle()
    [sent] = bench.transactions(bench.batches()[-1].number)
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    other = bench.relay()
    for _ in range(4):
        other.cycle()
        bench.clock.now += 60
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    node.ask("evm_mine")
    assert bench.items() == ["sent"] * 2
    bench.clock.now += 60
    other.cycle()
    assert bench.items() == ["unknown"] * 2
    assert f"account {node.chain(1).account} has to pay more" in str(hanging(bench.office.store)[0].why)
    node.ask("anvil_dropTransaction", "0x" + sent.tx_hash.hex())
    retry(bench.office.store, 7, who="wang", reason="the key is lost", clock=bench.clock)
    node.ask("evm_setAutomine", True)
    sends = bench.transactions(sent.batch)[0].sends
    until(other, lambda: bench.items() == ["final"] * 2)
    bench.clock.now += 60
    other.cycle()
    assert bench.transactions(sent.batch)[0].sends == sends
    settled(bench.office, vouchers)
    back = bench.relay(node.chain(1))  # and the key is found: its nonce is used up
    until(back, lambda: bench.batches()[sent.batch - 1].status == "final")
    assert bench.transactions(sent.batch)[-1].filler is True
    settled(bench.office, vouchers)
