"""Numbers, health and readiness, read from a real database and a real chain while something is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import update

from ledger.agreements import Transfer
from ledger.monitoring import Pipeline, health, journal_mismatches, readiness, stalled
from ledger.outbox_acts import alarms, clear_alarm
from ledger.rpc_chain import RpcChain
from ledger.store import add_pin, open_store
from ledger.tables import CursorRow
from tests.engines import Node, anvil, postgres
from tests.hostile_node import EVERY, hostile, status
from tests.ledger.office import LATER, A, B
from tests.ledger.relaying import Bench, on_anvil, until


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Bench, Node]]:
    """A followed office with a clock that is set by hand."""
    with on_anvil(tmp_path) as opened:
        opened[0].office.follow()
        yield opened


def numbers(bench: Bench) -> CollectorRegistry:
    office = bench.office
    return Pipeline(office.store, office.chain, clock=bench.clock).registry()


def names_of(bench: Bench, **bounds: int) -> list[str]:
    office = bench.office
    found = readiness(office.store, office.chain, clock=bench.clock, **bounds)
    assert found.ready is (found.reasons == ())
    return [reason.name for reason in found.reasons]


# ---- what is wrong -----------------------------------------------------------------------------------------


def test_without_database_and_node_nothing_is_claimed(tmp_path: Path) -> None:
    registry = Pipeline().registry()
    assert registry.get_sample_value("tallystick_database_up") == 0
    assert registry.get_sample_value("tallystick_node_up") == 0
    assert registry.get_sample_value("tallystick_outbox_oldest_seconds") is None
    assert registry.get_sample_value("tallystick_journal_mismatch") is None


def test_a_node_that_does_not_answer_is_no_matter_of_health_but_of_readiness(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    with hostile(node.url) as proxy:
        chain = RpcChain(proxy.url, key=node.keys[0])
        proxy.script(EVERY, status(502), times=None)
        assert health(bench.office.store, chain).ok
        found = readiness(bench.office.store, chain, clock=bench.clock)
        assert [reason.name for reason in found.reasons] == ["node"]
        registry = Pipeline(bench.office.store, chain).registry()
        assert registry.get_sample_value("tallystick_node_up") == 0
        assert registry.get_sample_value("tallystick_database_up") == 1
        assert registry.get_sample_value("tallystick_outbox_items", {"status": "final"}) == 6
        assert registry.get_sample_value("tallystick_head_lag_blocks") is None


def test_another_chain_is_a_matter_of_health(here: tuple[Bench, Node]) -> None:
    bench, _ = here
    with anvil(chain_id=4_242) as other:
        [reason] = health(bench.office.store, other.chain()).reasons
    assert reason.name == "other_chain"
    assert "chain id: pinned 31337, found 4242" in reason.what


def test_a_database_that_is_away_is_a_matter_of_health_and_readiness(here: tuple[Bench, Node]) -> None:
    bench, _ = here
    with postgres({"fsync": "off"}) as server, server.fresh() as url, open_store(url) as store:
        add_pin(store, bench.office.pin)
        assert health(store, bench.office.chain).ok
        server.kill()
        for found in (health(store, bench.office.chain), readiness(store, bench.office.chain)):
            assert [reason.name for reason in found.reasons] == ["database"]
        registry = Pipeline(store, bench.office.chain).registry()
        assert registry.get_sample_value("tallystick_database_up") == 0
        assert registry.get_sample_value("tallystick_node_up") == 1
        assert registry.get_sample_value("tallystick_chain_head_block") == bench.office.chain.height()


def test_an_index_that_is_behind_is_not_ready_and_its_lag_is_told_in_blocks_and_seconds(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    assert names_of(bench) == []
    node.ask("anvil_mine", "0x15", "0x3c")  # 21 blocks, a minute each
    assert numbers(bench).get_sample_value("tallystick_head_lag_blocks") == 21
    assert (numbers(bench).get_sample_value("tallystick_head_lag_seconds") or 0) >= 20 * 60
    assert names_of(bench) == ["head_lag"]
    assert names_of(bench, depth=1) == []
    bench.office.follow()
    assert names_of(bench) == []
    assert numbers(bench).get_sample_value("tallystick_head_lag_blocks") == 0


def test_a_chain_that_makes_no_blocks_is_stalled_once_something_waits_for_it(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    bench.clock.now += 10_000
    assert names_of(bench) == []  # nothing waits: nobody has to make blocks
    bench.issue(2)
    relay = bench.relay(replace_after=10_000)
    relay.cycle()
    began = bench.clock.now
    bench.clock.now += 59
    assert names_of(bench) == []
    bench.clock.now += 1
    assert names_of(bench) == ["stalled"]
    assert numbers(bench).get_sample_value("tallystick_chain_stalled_seconds") == 60
    found = stalled(bench.office.store, bench.office.chain.height(), clock=bench.clock)
    assert found is not None
    assert (found.since, found.items) == (began, 2)
    node.ask("evm_mine")
    node.ask("evm_setAutomine", True)
    until(relay, lambda: set(bench.items()) == {"final"})
    assert names_of(bench) == []
    assert numbers(bench).get_sample_value("tallystick_chain_stalled_seconds") == 0


def test_one_transaction_that_is_stuck_while_blocks_are_made_is_not_called_a_stalled_chain(
    here: tuple[Bench, Node],
) -> None:
    bench, node = here
    node.ask("evm_setAutomine", False)
    bench.issue(1)
    bench.relay(replace_after=10_000).cycle()
    node.ask("anvil_dropAllTransactions")
    node.ask("anvil_mine", "0x1")
    bench.clock.now += 1_000
    assert names_of(bench) == []


def test_a_journal_head_that_is_not_the_contract_s_is_told(here: tuple[Bench, Node]) -> None:
    bench, _ = here
    assert numbers(bench).get_sample_value("tallystick_journal_mismatch") == 0
    ledger = bench.office.pin.ledger
    with bench.office.store.writing() as session:
        session.execute(update(CursorRow).where(CursorRow.contract == ledger).values(journal=bytes(32)))
    assert journal_mismatches(bench.office.store, bench.office.chain) == [ledger]
    assert numbers(bench).get_sample_value("tallystick_journal_mismatch") == 1
    assert names_of(bench) == ["journal_mismatch"]


def test_a_key_that_is_used_elsewhere_is_drift_and_then_an_alarm_until_it_is_cleared(
    here: tuple[Bench, Node],
) -> None:
    bench, _ = here
    chain = bench.office.chain
    account = {"account": str(chain.account)}
    assert numbers(bench).get_sample_value("tallystick_nonce_drift", account) == 0
    chain.wait(chain.send(b"", to=chain.account, gas=21_000))
    assert numbers(bench).get_sample_value("tallystick_nonce_drift", account) == 1
    bench.relay().cycle()
    assert numbers(bench).get_sample_value("tallystick_nonce_drift", account) == 0
    assert numbers(bench).get_sample_value("tallystick_account_alarm", account) == 1
    assert names_of(bench) == ["alarm"]
    clear_alarm(bench.office.store, chain.account, who="operator", reason="it was a test")
    assert alarms(bench.office.store) == {}
    assert numbers(bench).get_sample_value("tallystick_account_alarm", account) == 0
    assert names_of(bench) == []


# ---- what is there -----------------------------------------------------------------------------------------


def test_items_their_age_and_refusals_are_counted(here: tuple[Bench, Node]) -> None:
    bench, _ = here
    [voucher] = bench.issue(1)
    bench.office.run()
    bench.office.put(Transfer(voucher, 1, B, True, LATER, ()), A, B)
    bench.office.run()
    bench.issue(3)
    registry = numbers(bench)
    assert registry.get_sample_value("tallystick_outbox_items", {"status": "signed"}) == 3
    assert registry.get_sample_value("tallystick_outbox_items", {"status": "refused"}) == 1
    assert registry.get_sample_value("tallystick_outbox_items", {"status": "unknown"}) == 0
    assert registry.get_sample_value("tallystick_refused_total", {"error": "OverdueDiffers"}) == 1
    age = registry.get_sample_value("tallystick_outbox_oldest_seconds")
    bench.clock.now += 100
    assert age is not None
    assert registry.get_sample_value("tallystick_outbox_oldest_seconds") == age + 100
    bench.office.run()
    assert registry.get_sample_value("tallystick_outbox_oldest_seconds") == 0


def test_why_a_process_stops_is_told_while_it_does(here: tuple[Bench, Node]) -> None:
    pipeline = Pipeline(here[0].office.store, here[0].office.chain)
    assert pipeline.registry().get_sample_value("tallystick_halted", {"reason": "reorg_too_deep"}) is None
    pipeline.halted = "reorg_too_deep"
    assert pipeline.registry().get_sample_value("tallystick_halted", {"reason": "reorg_too_deep"}) == 1
    assert pipeline.registry().get_sample_value("tallystick_journal_mismatch") == 0
    pipeline.halted = "journal_mismatch"
    assert pipeline.registry().get_sample_value("tallystick_journal_mismatch") == 1


def test_every_number_has_one_name_and_one_help_text(here: tuple[Bench, Node]) -> None:
    said = generate_latest(numbers(here[0])).decode()
    helps = [line.split()[2] for line in said.splitlines() if line.startswith("# HELP")]
    assert len(helps) == len(set(helps))
    assert all(name.startswith("tallystick_") for name in helps)
    assert {
        "tallystick_head_lag_blocks",
        "tallystick_nonce_drift",
        "tallystick_chain_head_age_seconds",
    } <= set(helps)
