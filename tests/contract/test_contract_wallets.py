"""Parties whose signer is an ERC-1271 wallet: asked under the gas cap of its admission, or sender itself."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ledger.abi import creation_data
from ledger.agreements import Admit, ProposeRekey, Rekey
from ledger.errors import Refusal
from tests.contract.paying import refuses
from tests.contract.recovering import finish_of
from tests.contract.words import CONTRACT, WALLET, Detail, detail, party
from tests.rig import BANK, LATER, REGISTRAR, YUAN, ZERO, A, B, Rig, Sent, compiled, key_of

FIRM = 77
OTHER_FIRM = 78
CAP = 30_000
OWNER = key_of(700)
OTHER_OWNER = key_of(701)


def deployed(rig: Rig, name: str, *args: object) -> str:
    return rig.engine.deploy(creation_data(compiled()[name], list(args)))


def owned(rig: Rig, owner: PrivateKey = OWNER) -> str:
    return deployed(rig, "OwnedWallet", owner.public_key.to_checksum_address())


def admission(wallet: str, number: int = FIRM, **terms: Any) -> Admit:
    values: dict[str, Any] = {"signature_gas": CAP, "deadline": LATER} | terms
    signer = bytes.fromhex(wallet[2:])
    return Admit(number, 0, BANK, profile=ZERO, signer=signer, **values)  # type: ignore[arg-type]


def admitted(rig: Rig, number: int = FIRM, *, owner: PrivateKey = OWNER) -> str:
    """A wallet of the owner's, admitted as a party; what the party signs is signed with the owner's key."""
    wallet = owned(rig, owner)
    rig.do(admission(wallet, number), REGISTRAR, BANK, owner)
    rig.keys[number] = owner
    return wallet


def passed(rig: Rig, wallet: str, to: str, data: bytes, *, owner: PrivateKey = OWNER) -> Sent:
    """The owner has the wallet itself send a call."""
    call = keccak(b"pass(address,bytes)")[:4] + abi_encode(["address", "bytes"], [to, data])
    return rig.send(wallet, call, sender=owner.public_key.to_checksum_address())


# Refused


def test_a_wallet_that_says_no_is_not_admitted(rig: Rig) -> None:
    wallet = owned(rig)
    for proof in (OTHER_OWNER, A, b"", b"\x01", bytes(65)):
        with refuses("BadSignature", party=FIRM):
            rig.do(admission(wallet), REGISTRAR, BANK, proof)


@pytest.mark.parametrize("cap", [1, 100, 2_000])
def test_a_wallet_that_needs_more_gas_than_its_cap_is_not_admitted(rig: Rig, cap: int) -> None:
    with refuses("BadSignature", party=FIRM):
        rig.do(admission(owned(rig), signature_gas=cap), REGISTRAR, BANK, OWNER)


def test_a_wallet_that_burns_more_than_its_cap_is_not_admitted(rig: Rig) -> None:
    slow = deployed(rig, "SlowWallet", 100_000)
    with refuses("BadSignature", party=FIRM):
        rig.do(admission(slow, signature_gas=100_000), REGISTRAR, BANK, b"yes")
    rig.do(admission(slow, signature_gas=120_000), REGISTRAR, BANK, b"yes")
    assert party(rig, FIRM).kind == CONTRACT


def test_a_contract_that_is_no_wallet_is_not_admitted(rig: Rig) -> None:
    for contract in (rig.ledger, rig.registry):
        with refuses("BadSignature", party=FIRM):
            rig.do(admission(contract), REGISTRAR, BANK, OWNER)


def test_a_wallet_serves_one_party(rig: Rig) -> None:
    wallet = admitted(rig)
    with refuses("SignerInUse", party=FIRM):
        rig.do(admission(wallet, OTHER_FIRM), REGISTRAR, BANK, OWNER)


def test_a_wallet_declared_as_a_key_cannot_prove_itself_by_its_owners_signature(rig: Rig) -> None:
    with refuses("BadSignature", party=FIRM):
        rig.do(admission(owned(rig), signature_gas=0), REGISTRAR, BANK, OWNER)


def test_nobody_but_the_owner_signs_for_a_wallet(rig: Rig) -> None:
    root = rig.issued()
    admitted(rig)
    for wrong in (OTHER_OWNER, A, REGISTRAR, b"", bytes(65)):
        with refuses("BadSignature", party=FIRM):
            rig.do(rig.transfer_of(root, FIRM), A, wrong)


def test_what_the_owner_signed_is_what_lands(rig: Rig) -> None:
    root, other = rig.issued(), rig.issued()
    admitted(rig)
    rig.transfer(root, FIRM)
    (consent,) = rig.consents(rig.transfer_of(root, B), [FIRM])
    with refuses("BadSignature", party=FIRM):
        rig.do(rig.transfer_of(root, A), consent, A)
    rig.do(rig.transfer_of(root, B), consent, B)
    with refuses("BadSignature", party=FIRM):
        rig.do(rig.transfer_of(other, FIRM), A, consent)


def test_the_owner_who_sends_is_not_the_wallet(rig: Rig) -> None:
    root = rig.issued()
    admitted(rig)
    rig.transfer(root, FIRM)
    with refuses("BadSignature", party=FIRM):
        rig.do(rig.transfer_of(root, B), b"", B, sender=OWNER.public_key.to_checksum_address())


def test_a_wallet_that_sends_speaks_for_itself_alone(rig: Rig) -> None:
    root = rig.issued()
    admitted(rig)
    other = admitted(rig, OTHER_FIRM, owner=OTHER_OWNER)
    rig.transfer(root, FIRM)
    data = rig.call(rig.transfer_of(root, OTHER_FIRM), b"", b"")
    with refuses("BadSignature", party=FIRM):
        passed(rig, other, rig.ledger, data, owner=OTHER_OWNER)


def test_too_little_gas_for_the_cap_says_nothing_about_the_signature(rig: Rig) -> None:
    root = rig.issued()
    wallet = owned(rig)
    rig.do(admission(wallet, signature_gas=500_000), REGISTRAR, BANK, OWNER)
    rig.keys[FIRM] = OWNER
    data = rig.call(rig.transfer_of(root, FIRM), A, FIRM)
    with pytest.raises(Refusal, match="GasTooLow") as said:
        rig.send(rig.ledger, data, gas=400_000)
    assert said.value.facts["needed"] == 500_000
    rig.send(rig.ledger, data, gas=800_000)
    assert rig.voucher(root).holder == FIRM


# Done


def test_a_wallet_is_admitted_with_its_cap(rig: Rig) -> None:
    wallet = admitted(rig)
    assert (party(rig, FIRM).signer, party(rig, FIRM).kind) == (int(wallet, 16), CONTRACT)
    assert detail(rig, FIRM) == Detail(signature_gas=CAP, recovered_on=0)


def test_a_wallet_receives_splits_and_passes_on_by_its_owners_signature(rig: Rig) -> None:
    root = rig.issued()
    admitted(rig)
    rig.transfer(root, FIRM)
    (part,) = rig.split(root, (B, 1_000 * YUAN))
    rig.transfer(root, A)
    assert (rig.voucher(part).holder, rig.voucher(root).holder) == (B, A)


def test_a_wallet_that_sends_need_not_sign(rig: Rig) -> None:
    root = rig.issued()
    wallet = admitted(rig)
    passed(rig, wallet, rig.ledger, rig.call(rig.transfer_of(root, FIRM), A, b""))
    assert rig.voucher(root).holder == FIRM
    passed(rig, wallet, rig.ledger, rig.call(rig.transfer_of(root, B), b"", B))
    assert rig.voucher(root).holder == B


def test_a_wallet_that_sends_proves_itself_at_its_admission(rig: Rig) -> None:
    wallet = owned(rig)
    data = rig.call(admission(wallet), REGISTRAR, BANK, b"")
    passed(rig, wallet, rig.registry, data)
    assert party(rig, FIRM).kind == CONTRACT


def test_a_wallet_declared_as_a_key_speaks_only_as_sender(rig: Rig) -> None:
    root, wallet = rig.issued(), owned(rig)
    passed(rig, wallet, rig.registry, rig.call(admission(wallet, signature_gas=0), REGISTRAR, BANK, b""))
    assert party(rig, FIRM).kind == WALLET
    with refuses("BadSignature", party=FIRM):
        rig.do(rig.transfer_of(root, FIRM), A, OWNER)
    passed(rig, wallet, rig.ledger, rig.call(rig.transfer_of(root, FIRM), A, b""))
    assert rig.voucher(root).holder == FIRM


def test_a_key_declared_as_a_wallet_signs_as_a_key_does(rig: Rig) -> None:
    root, key = rig.issued(), key_of(FIRM)
    address = key.public_key.to_checksum_address()
    rig.do(admission(address), REGISTRAR, BANK, key)
    rig.do(rig.transfer_of(root, FIRM), A, key)
    assert (party(rig, FIRM).kind, rig.voucher(root).holder) == (CONTRACT, FIRM)


def test_a_party_changes_from_a_key_to_a_wallet_and_back(rig: Rig) -> None:
    root, wallet, key = rig.issued(), owned(rig), key_of(A, 1)
    to_wallet = Rekey(A, 1, CAP, LATER, bytes.fromhex(wallet[2:]))  # type: ignore[arg-type]
    rig.do(to_wallet, A, OWNER)
    assert (party(rig, A).kind, detail(rig, A).signature_gas) == (CONTRACT, CAP)
    rig.do(rig.transfer_of(root, B), OWNER, B)
    to_key = Rekey(A, 2, 0, LATER, bytes(key.public_key.to_canonical_address()))  # type: ignore[arg-type]
    rig.do(to_key, OWNER, key)
    assert (party(rig, A).kind, detail(rig, A).signature_gas) == (WALLET, 0)
    rig.do(rig.transfer_of(root, A), B, key)
    assert rig.voucher(root).holder == A


def test_a_lost_key_is_recovered_into_a_wallet(rig: Rig) -> None:
    root, wallet = rig.issued(), owned(rig)
    proposal = ProposeRekey(A, 1, CAP, LATER, bytes.fromhex(wallet[2:]))  # type: ignore[arg-type]
    rig.do(proposal, REGISTRAR, BANK, OWNER)
    assert detail(rig, A).signature_gas == 0  # until the end the old key signs
    rig.pass_days(7)
    rig.do(finish_of(rig))
    assert (party(rig, A).kind, detail(rig, A)) == (CONTRACT, Detail(CAP, rig.today))
    rig.do(rig.transfer_of(root, B), OWNER, B)
    assert rig.voucher(root).holder == B
