"""Nothing of this holds money: no way into either contract takes ether along, so there is none to send or to lose."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from ledger import artifacts
from ledger.abi import creation_data
from ledger.members import Contract
from ledger.signing import batch_calldata, complete_payment_calldata
from tests.contract.paying import disbursing
from tests.contract.ready import READY
from tests.rig import SENDER, WINDOW, Revm, Rig, compiled, key_of


def paid(rig: Rig, to: str, data: bytes, value: int = 1) -> bool:
    """Whether the call went through with so many wei."""
    engine = rig.engine
    assert isinstance(engine, Revm)
    engine.evm.reset_transient_storage()
    try:
        engine.evm.message_call(SENDER, to, data, value=value)
    except RuntimeError:
        return False
    return True


def balance(rig: Rig) -> int:
    assert isinstance(rig.engine, Revm)
    return sum(int(rig.engine.evm.get_balance(address)) for address in (rig.registry, rig.ledger))


@pytest.mark.parametrize("name", artifacts.PUBLISHED)
def test_no_function_is_payable_and_none_takes_bare_ether(name: str) -> None:
    abi = compiled()[name].abi
    assert [entry for entry in abi if entry.get("stateMutability") == "payable"] == []
    assert [entry for entry in abi if entry["type"] in {"receive", "fallback"}] == []


@pytest.mark.parametrize("contract", Contract)
@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01\x02\x03\x04"])
def test_bare_ether_is_refused(rig: Rig, contract: Contract, data: bytes) -> None:
    assert not paid(rig, rig.address(contract), data)
    assert balance(rig) == 0


@pytest.mark.parametrize("verb", READY)
def test_a_good_agreement_that_brings_ether_is_refused_and_lands_without(rig: Rig, verb: str) -> None:
    ready = READY[verb](rig)
    data = rig.call(ready.agreement, *ready.signers, issued=ready.issued)
    to = rig.address(ready.agreement.contract)
    assert not paid(rig, to, data)
    assert not paid(rig, to, batch_calldata([data], False))
    assert balance(rig) == 0
    assert paid(rig, to, data, value=0)


def test_a_completion_that_brings_ether_is_refused_and_lands_without(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(WINDOW + 1)
    data = complete_payment_calldata(voucher)  # type: ignore[arg-type]
    assert not paid(rig, rig.ledger, data)
    assert paid(rig, rig.ledger, data, value=0)


def test_not_even_a_view_takes_ether(rig: Rig) -> None:
    data = keccak(b"journalHead()")[:4]
    for contract in Contract:
        assert not paid(rig, rig.address(contract), data)
        assert paid(rig, rig.address(contract), data, value=0)


@pytest.mark.parametrize("name", artifacts.CONTRACTS)
def test_neither_is_founded_with_ether(rig: Rig, name: str) -> None:
    engine = rig.engine
    assert isinstance(engine, Revm)
    founder = (key_of(95).public_key.to_checksum_address(), 0, bytes(32))
    args = [founder, []] if name == "PartyRegistry" else [rig.registry, "0x" + "00" * 20]
    code = creation_data(compiled()[name], args)
    with pytest.raises(RuntimeError):
        engine.evm.deploy(SENDER, code, value=1)
    engine.deploy(code)
