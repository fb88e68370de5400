"""Parties with a verifier and a key as their signer: what they can do, how it is replaced, and whose code it is.

What is not taken as a signer, a proof or a consent is in `test_verifier_signers.py`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from ledger.abi import creation_data
from ledger.events import PartyAdmitted, PartyRekeyed
from ledger.members import Contract
from ledger.world import Role, SignerKind
from tests.contract.paying import cancel_of, happened, refuses, settlement_of, suspend
from tests.contract.recovering import finish_of, proposal, veto_of
from tests.contract.verifying import (
    BACKED_UP,
    ELIGIBLE,
    KEYS,
    KINDS,
    PRESENT,
    VERIFIED,
    Held,
    Key,
    P256Key,
    Passkey,
    admission,
    admit,
    allow,
    another,
    held,
    packed_consent,
    rekey_of,
    verifier_at,
)
from tests.contract.words import VERIFIER, WALLET, Detail, detail, party, party_of_signer, recovery
from tests.rig import (
    BANK,
    REGISTRAR,
    ROLE_ISSUER,
    YUAN,
    A,
    B,
    Revm,
    Rig,
    Sent,
    compiled,
    key_of,
)

FIRM, OTHER_FIRM = 77, 78
every_kind = pytest.mark.parametrize("key", KEYS, ids=KINDS)


def receive(rig: Rig, voucher: int, signer: Held | bytes | int) -> Sent:
    return rig.do(rig.transfer_of(voucher, FIRM), A, signer)


# Whose code changes


@every_kind
def test_a_verifier_whose_code_has_changed_vouches_for_nobody(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    signer = admit(open_rig, FIRM, key)
    (good,) = open_rig.consents(open_rig.transfer_of(root, FIRM), [FIRM])
    put_code(open_rig, verifier_at(open_rig, key.verifier), verifier_at(open_rig, "HostileVerifier"))
    for consent in (good, packed_consent(signer.signer, b"y")):
        with refuses("BadSignature", party=FIRM):
            receive(open_rig, root, consent)
    fresh = packed_consent(held(open_rig, another(key)).signer, b"y")
    with refuses("BadSignature", party=OTHER_FIRM):
        open_rig.do(admission(OTHER_FIRM, fresh[2:-1]), REGISTRAR, BANK, fresh)


def test_where_the_code_comes_back_so_do_its_parties(open_rig: Rig) -> None:
    root = open_rig.issued()
    admit(open_rig, FIRM, P256Key(1))
    address = verifier_at(open_rig, "ERC7913P256Verifier")
    same = open_rig.engine.deploy(creation_data_of("ERC7913P256Verifier"))
    put_code(open_rig, address, verifier_at(open_rig, "HostileVerifier"))
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, FIRM)
    put_code(open_rig, address, same)
    receive(open_rig, root, FIRM)
    assert open_rig.voucher(root).holder == FIRM


def creation_data_of(name: str) -> bytes:
    return creation_data(compiled()[name], [])


def put_code(rig: Rig, address: str, source: str) -> None:
    """The code of one address is from now on at another too, as after an EIP-7702 account changed its delegate."""
    engine = rig.engine
    assert isinstance(engine, Revm)
    engine.evm.insert_account_info(address, engine.evm.basic(source))


# Signers that are replaced


@every_kind
def test_a_replaced_key_is_never_accepted_again(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    old = admit(open_rig, FIRM, key)
    new = held(open_rig, another(key))
    open_rig.do(rekey_of(open_rig, FIRM, new.signer), old, new)
    with refuses("BadSignature", party=FIRM):
        receive(open_rig, root, old)
    for number, consents in ((FIRM, (new, old)), (B, (B, old))):
        with refuses("SignerInUse", party=FIRM):
            open_rig.do(rekey_of(open_rig, number, old.signer), *consents)
    with refuses("SignerInUse", party=FIRM):
        open_rig.do(admission(OTHER_FIRM, old.signer), REGISTRAR, BANK, old)
    with refuses("SignerInUse", party=FIRM):
        open_rig.do(proposal(open_rig, FIRM, signer=old.signer), REGISTRAR, BANK, old)
    receive(open_rig, root, new)


@every_kind
def test_a_suspended_party_s_key_cannot_be_replaced_by_itself(open_rig: Rig, key: Key) -> None:
    old = admit(open_rig, FIRM, key)
    new = held(open_rig, another(key))
    suspend(open_rig, FIRM)
    with refuses("PartySuspended", party=FIRM):
        open_rig.do(rekey_of(open_rig, FIRM, new.signer), old, new)


# Done


@every_kind
def test_a_party_is_admitted_with_the_end_of_its_signer_s_hash(open_rig: Rig, key: Key) -> None:
    signer = held(open_rig, key)
    number = int.from_bytes(keccak(signer.signer)[-20:])
    sent = open_rig.do(admission(FIRM, signer.signer, roles=ROLE_ISSUER), REGISTRAR, BANK, signer)
    assert (party(open_rig, FIRM).signer, party(open_rig, FIRM).kind) == (number, VERIFIER)
    assert detail(open_rig, FIRM) == Detail(0, 0)
    assert party_of_signer(open_rig, signer.signer) == FIRM
    event = PartyAdmitted(FIRM, Role.ISSUER, BANK, number, SignerKind.VERIFIER, 0, bytes(32))  # type: ignore[arg-type]
    assert happened(sent) == [event]


@every_kind
def test_a_key_receives_splits_and_passes_on(open_rig: Rig, key: Key) -> None:
    root = open_rig.issued()
    admit(open_rig, FIRM, key)
    open_rig.transfer(root, FIRM)
    (part,) = open_rig.split(root, (B, 1_000 * YUAN))
    open_rig.transfer(root, A)
    assert (open_rig.voucher(part).holder, open_rig.voucher(root).holder) == (B, A)


@every_kind
def test_a_key_agrees_to_a_payment(open_rig: Rig, key: Key) -> None:
    admit(open_rig, FIRM, key)
    root = open_rig.issued()
    open_rig.transfer(root, FIRM)
    open_rig.do(settlement_of(open_rig, root), BANK, FIRM)
    assert open_rig.voucher(root).face == 0


@every_kind
def test_a_key_issues_and_cancels(open_rig: Rig, key: Key) -> None:
    admit(open_rig, FIRM, key, roles=ROLE_ISSUER)
    line = BANK << 32 | 9
    open_rig.grant(line, issuer=FIRM)
    root = open_rig.issued(issuer=FIRM, line=line)
    open_rig.do(cancel_of(open_rig, root), FIRM, A)
    assert open_rig.voucher(root).face == 0


@every_kind
def test_a_backed_up_passkey_and_every_other_key_may_send_through_anybody(open_rig: Rig, key: Key) -> None:
    if isinstance(key, Passkey):
        key = replace(key, flags=PRESENT | VERIFIED | ELIGIBLE | BACKED_UP)
    root = open_rig.issued()
    admit(open_rig, FIRM, key)
    open_rig.do(open_rig.transfer_of(root, FIRM), A, FIRM, sender="0x" + "99" * 20)
    assert open_rig.voucher(root).holder == FIRM


@every_kind
def test_a_party_changes_from_a_wallet_key_to_this_kind_and_back(open_rig: Rig, key: Key) -> None:
    root, new = open_rig.issued(), held(open_rig, key)
    sent = open_rig.do(rekey_of(open_rig, A, new.signer), A, new)
    number = int.from_bytes(keccak(new.signer)[-20:])
    assert happened(sent) == [PartyRekeyed(A, 2, number, SignerKind.VERIFIER, 0, 0)]  # type: ignore[arg-type]
    with refuses("BadSignature", party=A):
        open_rig.do(open_rig.transfer_of(root, B), key_of(A), B)
    open_rig.do(open_rig.transfer_of(root, B), new, B)
    back = key_of(A, 1)
    address = bytes(back.public_key.to_canonical_address())
    open_rig.do(rekey_of(open_rig, A, address), new, back)
    assert party(open_rig, A).kind == WALLET
    open_rig.do(open_rig.transfer_of(root, A), B, back)


@every_kind
def test_a_lost_key_is_recovered_into_this_kind(open_rig: Rig, key: Key) -> None:
    root, new = open_rig.issued(), held(open_rig, key)
    open_rig.do(proposal(open_rig, signer=new.signer), REGISTRAR, BANK, new)
    assert recovery(open_rig, A).kind == VERIFIER
    assert recovery(open_rig, A).signer == int.from_bytes(keccak(new.signer)[-20:])
    open_rig.pass_days(7)
    open_rig.do(finish_of(open_rig))
    with refuses("BadSignature", party=A):
        open_rig.do(open_rig.transfer_of(root, B), A, B)
    open_rig.do(open_rig.transfer_of(root, B), new, B)


@every_kind
def test_a_key_objects_to_its_own_recovery(open_rig: Rig, key: Key) -> None:
    signer = admit(open_rig, FIRM, key)
    open_rig.do(proposal(open_rig, FIRM), REGISTRAR, BANK, key_of(FIRM, 1))
    open_rig.do(veto_of(open_rig, FIRM), signer)
    assert recovery(open_rig, FIRM).vetoed


def test_a_party_of_the_longest_signer_can_act(open_rig: Rig) -> None:
    """1,024 bytes, for a verifier that reads none of them."""
    allow(open_rig, "HostileVerifier")
    root = open_rig.issued()
    signer = bytes.fromhex(verifier_at(open_rig, "HostileVerifier")[2:]).ljust(1_024, b"\x01")
    yes = packed_consent(signer, b"y")
    open_rig.do(admission(FIRM, signer), REGISTRAR, BANK, yes)
    open_rig.do(open_rig.transfer_of(root, FIRM), A, yes)
    assert open_rig.voucher(root).holder == FIRM


def test_parties_of_all_kinds_agree_in_one_batch(open_rig: Rig) -> None:
    firms = range(FIRM, FIRM + len(KEYS))
    for number, key in zip(firms, KEYS, strict=True):
        admit(open_rig, number, key)
    roots = [open_rig.issued() for _ in KEYS]
    there = [open_rig.call(open_rig.transfer_of(r, f), A, f) for r, f in zip(roots, firms, strict=True)]
    around = [
        open_rig.call(open_rig.transfer_of(r, f, sequence=2), g, f)
        for r, g, f in zip(roots, firms, [*firms[1:], firms[0]], strict=True)
    ]
    sent = open_rig.batch(Contract.LEDGER, [*there, *around])
    assert open_rig.refused(sent) == {}
    assert [open_rig.voucher(root).holder for root in roots] == [FIRM + 1, FIRM + 2, FIRM]
