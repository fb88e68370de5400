"""A pin says which contracts a database belongs to, and refuses every other chain, contract or registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from eth_utils.address import to_checksum_address

from ledger.chain import NOBODY, Address, Hash
from ledger.deployment import deploy, deploy_successor
from ledger.embedded import EmbeddedChain
from ledger.errors import ChainError
from ledger.pin import Pin, check_pin, pin_of, predecessor_of
from ledger.rpc_chain import RpcChain
from tests.engines import anvil, embedded
from tests.ledger.office import BANK, REGISTRAR, founder
from tests.ledger.till import till

NOWHERE: Address = to_checksum_address("0x" + "11" * 20)
Engine = EmbeddedChain | RpcChain


@pytest.fixture(scope="module", params=["embedded", "anvil"])
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param == "embedded":
        with embedded(tmp_path_factory.mktemp("chain")) as kept:
            yield kept
    else:
        with anvil() as node:
            yield node.chain()


@pytest.fixture(scope="module")
def pin(chain: Engine) -> Pin:
    return deploy(chain, registrar=founder(REGISTRAR), banks=[founder(BANK)])


def test_where_there_is_no_contract_nothing_can_be_pinned(chain: Engine, pin: Pin) -> None:
    for registry, ledger in ((NOWHERE, pin.ledger), (pin.registry, NOWHERE)):
        with pytest.raises(ChainError, match="no contract at 0x1111"):
            pin_of(chain, registry=registry, ledger=ledger)


def test_a_contract_that_is_no_ledger_is_refused(chain: Engine, pin: Pin) -> None:
    stranger = chain.deploy(till(), [NOWHERE]).address
    for other in (stranger, pin.registry):
        with pytest.raises(ChainError, match=f"{other} is no ledger of this product"):
            pin_of(chain, registry=pin.registry, ledger=other)
    with pytest.raises(ChainError, match="no ledger of this product"):
        predecessor_of(chain, NOWHERE)


def test_a_ledger_on_another_registry_is_refused(chain: Engine, pin: Pin) -> None:
    other = deploy(chain, registrar=founder(REGISTRAR), banks=[founder(BANK)])
    with pytest.raises(ChainError, match=f"works on the registry {other.registry}, not on {pin.registry}"):
        pin_of(chain, registry=pin.registry, ledger=other.ledger)


def test_each_mismatch_with_a_pin_is_named(chain: Engine, pin: Pin) -> None:
    check_pin(chain, pin)
    other = dataclasses.replace(pin, chain_id=1, genesis_hash=Hash(bytes(32)), ledger_code=Hash(bytes(32)))
    with pytest.raises(ChainError) as refused:
        check_pin(chain, other)
    message = str(refused.value)
    assert f"chain id: pinned 1, found {chain.chain_id}" in message
    assert "genesis block" in message
    assert f"code of the ledger {pin.ledger}" in message
    assert "registry" not in message
    gone = dataclasses.replace(pin, registry=NOWHERE)
    with pytest.raises(ChainError, match=f"code of the registry {NOWHERE}"):
        check_pin(chain, gone)


def test_a_ledger_under_another_one_s_pin_is_refused_by_its_code_which_holds_its_predecessor(
    chain: Engine, pin: Pin
) -> None:
    later = deploy_successor(chain, predecessor=pin)
    with pytest.raises(ChainError, match="code of the ledger"):
        check_pin(chain, dataclasses.replace(pin, ledger=later.ledger))


def test_a_pin_knows_the_ledger_that_its_own_succeeds(chain: Engine, pin: Pin) -> None:
    later = deploy_successor(chain, predecessor=pin)
    assert (pin.predecessor, later.predecessor, later.registry) == (NOBODY, pin.ledger, pin.registry)
    assert pin_of(chain, registry=pin.registry, ledger=later.ledger) == later
