"""A successor joins an installation: only the next one in order, on the same registry and chain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from ledger.agreements import PartyNumber, StopIssue
from ledger.artifacts import load
from ledger.chain import NOBODY
from ledger.deployment import deploy, deploy_successor, pin_successor
from ledger.errors import ChainError, InputError, Refusal
from ledger.indexer import follow
from ledger.store import followed, open_store, pins
from ledger.tables import CursorRow
from tests.engines import embedded
from tests.ledger.office import BANK, LATER, REGISTRAR, Office, founder, office_in, some_hash


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as opened:
        yield opened


def pinned(office: Office) -> list[str]:
    with office.store.reading() as session:
        return [pin.ledger for pin in pins(session)]


def stop(office: Office) -> StopIssue:
    return StopIssue(0, PartyNumber(0), True, some_hash("run-off"), LATER)


# ---- refusals ----------------------------------------------------------------------------------------------


def test_founders_are_refused_where_one_key_is_to_serve_two(office: Office) -> None:
    with pytest.raises(InputError, match="at least one founding bank"):
        deploy(office.chain, registrar=founder(REGISTRAR), banks=[])
    with pytest.raises(Refusal, match="SignerInUse"):
        deploy(office.chain, registrar=founder(REGISTRAR), banks=[founder(BANK), founder(BANK)])


def test_a_successor_of_a_ledger_on_another_registry_is_refused_by_the_contract(office: Office) -> None:
    other = deploy(office.chain, registrar=founder(REGISTRAR), banks=[founder(BANK)])
    with pytest.raises(Refusal) as refused:
        office.chain.deploy(load("VoucherLedger"), [other.registry, office.pin.ledger])
    assert refused.value == Refusal("PredecessorUnfit", {"predecessor": office.pin.ledger})


def test_nobody_s_successor_and_another_one_s_are_not_pinned(office: Office) -> None:
    fresh = office.chain.deploy(load("VoucherLedger"), [office.pin.registry, NOBODY]).address
    with pytest.raises(ChainError, match=f"{fresh} is nobody's successor, but the last ledger here is"):
        pin_successor(office.store, office.chain, ledger=fresh)
    second = deploy_successor(office.chain, predecessor=office.pin)
    office.do(stop(office), REGISTRAR)
    third = deploy_successor(office.chain, predecessor=second)
    with pytest.raises(ChainError, match=f"{third.ledger} is the successor of {second.ledger}, but the last"):
        pin_successor(office.store, office.chain, ledger=third.ledger)
    assert pinned(office) == [office.pin.ledger]


def test_two_successors_of_one_ledger_cannot_both_be_pinned(office: Office) -> None:
    one, other = (deploy_successor(office.chain, predecessor=office.pin) for _ in range(2))
    pin_successor(office.store, office.chain, ledger=one.ledger)
    with pytest.raises(ChainError, match=f"but the last ledger here is {one.ledger}"):
        pin_successor(office.store, office.chain, ledger=other.ledger)
    assert pinned(office) == [office.pin.ledger, one.ledger]


def test_a_ledger_on_another_registry_is_not_pinned(office: Office) -> None:
    other = deploy(office.chain, registrar=founder(REGISTRAR), banks=[founder(BANK)])
    later = deploy_successor(office.chain, predecessor=other)
    with pytest.raises(ChainError, match=f"works on the registry {other.registry}"):
        pin_successor(office.store, office.chain, ledger=later.ledger)
    assert pinned(office) == [office.pin.ledger]


def test_another_chain_is_refused_before_anything_is_sent(office: Office, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with embedded(tmp_path / "other") as other:
        with pytest.raises(ChainError, match="not the chain that the database belongs to"):
            deploy_successor(other, predecessor=office.pin)
        assert other.height() == 0
        with pytest.raises(ChainError, match="not the chain that the database belongs to"):
            pin_successor(office.store, other, ledger=office.pin.ledger)


def test_where_no_ledger_is_pinned_none_can_be_succeeded(office: Office, tmp_path: Path) -> None:
    later = deploy_successor(office.chain, predecessor=office.pin)
    with (
        open_store(f"sqlite:///{tmp_path / 'empty.db'}") as empty,
        pytest.raises(ChainError, match="names no ledger that another could succeed"),
    ):
        pin_successor(empty, office.chain, ledger=later.ledger)


def test_what_is_no_ledger_is_not_pinned(office: Office) -> None:
    for address in (office.pin.registry, to_checksum_address("0x" + "11" * 20)):
        with pytest.raises(ChainError, match=r"no ledger of this product|no contract at"):
            pin_successor(office.store, office.chain, ledger=address)


# ---- what is pinned ----------------------------------------------------------------------------------------


def test_a_successor_is_followed_from_the_block_that_made_it_on(office: Office) -> None:
    office.pass_days(1)
    later = deploy_successor(office.chain, predecessor=office.pin)
    made_in = office.chain.height()
    office.pass_days(1)
    assert pin_successor(office.store, office.chain, ledger=later.ledger) == later
    with office.store.reading() as session:
        assert pins(session) == [office.pin, later]
        assert [each.first_block for each in followed(session)] == [0, 0, made_in]
        assert session.get_one(CursorRow, later.ledger).block == made_in - 1


def test_pinning_a_successor_again_changes_nothing(office: Office) -> None:
    later = deploy_successor(office.chain, predecessor=office.pin)
    pin_successor(office.store, office.chain, ledger=later.ledger)
    follow(office.store, office.chain)
    assert pin_successor(office.store, office.chain, ledger=later.ledger) == later
    assert pinned(office) == [office.pin.ledger, later.ledger]


def test_a_third_ledger_succeeds_the_second_once_the_first_is_in_run_off(office: Office) -> None:
    second = deploy_successor(office.chain, predecessor=office.pin)
    with pytest.raises(Refusal) as refused:
        deploy_successor(office.chain, predecessor=second)
    assert refused.value == Refusal("PredecessorIssues", {"predecessor": office.pin.ledger})
    office.do(stop(office), REGISTRAR)
    third = deploy_successor(office.chain, predecessor=second)
    for pin in (second, third):
        pin_successor(office.store, office.chain, ledger=pin.ledger)
    assert pinned(office) == [office.pin.ledger, second.ledger, third.ledger]
