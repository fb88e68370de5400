"""Defects of the relay that rounds of the simulator have found, each as a test of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger import crash_points
from ledger.calendar import Timestamp
from ledger.outbox_tables import OutboxRow
from tests.engines import Node
from tests.ledger.office import LATER, A, B, C
from tests.ledger.relaying import Bench, on_anvil, settled, until


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Bench, Node]]:
    with on_anvil(tmp_path) as opened:
        yield opened
    crash_points.hook = None


def all_final(bench: Bench) -> bool:
    return set(bench.items()) == {"final"}


def test_an_item_that_was_refused_before_an_older_one_landed_goes_again_though_that_one_is_final_by_now(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    [voucher] = bench.issue(1)
    first = bench.relay()
    first.cycle()
    bench.office.put(bench.office.transfer_of(voucher, 1, B), A, B)
    second = bench.relay_beside(node.chain(1))
    second.cycle()
    [slow] = bench.transactions(bench.batches()[-2].number)
    node.ask("anvil_dropTransaction", "0x" + slow.tx_hash.hex())
    node.ask("evm_mine")
    bench.clock.now += 10
    first.cycle()
    node.ask("evm_mine")  # and now the issue
    until(first, lambda: bench.items()[0] == "final")
    assert bench.items() == ["final", "sent"]
    node.ask("evm_setAutomine", True)
    until(second, lambda: bench.items()[1] != "sent")
    until(second, lambda: all_final(bench))
    settled(bench.office, [voucher])


def test_a_block_that_goes_in_the_middle_of_a_cycle_leaves_no_hole_that_wants_a_filler(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    vouchers = bench.issue(1)
    working, gone = bench.relay(), list[str]()
    until(working, lambda: all_final(bench))
    vouchers += bench.issue(1)

    def another_chain(point: str) -> None:
        if point == "relay: batch claimed" and not gone:
            gone.append(point)
            node.ask(
                "anvil_reorg", 1, []
            )  # the nonce below has no transaction any more, and its batch is final

    crash_points.hook = another_chain
    working.cycle()
    assert gone
    until(working, lambda: all_final(bench))
    assert [batch.items for batch in bench.batches()[-2:]] == [[7], [8]]
    settled(bench.office, vouchers)


def test_an_agreement_with_a_bad_signature_is_not_taken_for_its_like_in_the_next_batch_of_the_same_block(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    [voucher] = bench.issue(1)
    until(bench.relay(), lambda: all_final(bench))
    office, transfer = bench.office, bench.office.transfer_of(voucher, 1, C)
    office.put(replace(transfer, deadline=Timestamp(LATER - 1)), B, C)  # it is not B's
    office.put(transfer, A, C)
    node.ask("evm_setAutomine", False)
    working = bench.relay(gas_budget=1)
    working.cycle()
    assert [batch.items for batch in bench.batches()[-2:]] == [[8], [9]]
    node.ask("evm_mine")
    node.ask("evm_setAutomine", True)
    until(working, lambda: bench.items() == ["final", "refused", "final"])
    with office.store.reading() as session:
        rows = session.execute(select(OutboxRow.number, OutboxRow.log_index).order_by(OutboxRow.number))
        places = {number: index for number, index in rows if number >= 8}
    assert places[8] is None and places[9] is not None
    settled(office, [voucher])
