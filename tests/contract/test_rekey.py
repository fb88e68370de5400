"""`rekey`: the old signer hands over to a new one, at once, and is never accepted again."""

from __future__ import annotations

from typing import Any

import pytest
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from ledger.agreements import Rekey
from tests.contract.paying import confirm_of, refuses, settlement_of
from tests.contract.words import WALLET, detail, party, party_of_signer
from tests.rig import BANK, ISSUER, LATER, REGISTRAR, A, B, Rig, key_of


def address_of(key: PrivateKey) -> bytes:
    return bytes(key.public_key.to_canonical_address())


def rekeying(number: int = A, sequence: int = 1, *, generation: int = 1, **terms: Any) -> Rekey:
    values: dict[str, Any] = {
        "signature_gas": 0,
        "deadline": LATER,
        "signer": address_of(key_of(number, generation)),
    } | terms
    return Rekey(number, sequence, **values)  # type: ignore[arg-type]


def rekey(rig: Rig, number: int = A, *, generation: int = 1) -> None:
    new = key_of(number, generation)
    rig.do(rekeying(number, party(rig, number).sequence, generation=generation), number, new)
    rig.keys[number] = new


# Refused


@pytest.mark.parametrize("signer", [REGISTRAR, BANK, B])
def test_nobody_else_replaces_a_signer(rig: Rig, signer: int) -> None:
    with refuses("BadSignature", party=A):
        rig.do(rekeying(), signer, key_of(A, 1))


def test_the_new_signer_proves_that_it_can_sign(rig: Rig) -> None:
    for proof in (A, key_of(A, 2), b""):
        with refuses("BadSignature", party=A):
            rig.do(rekeying(), A, proof)


def test_the_new_signer_alone_is_not_enough(rig: Rig) -> None:
    with refuses("BadSignature", party=A):
        rig.do(rekeying(), key_of(A, 1), key_of(A, 1))
    with refuses("ConsentCount", expected=1, given=0):
        rig.do(rekeying(), key_of(A, 1))


def test_no_more_is_signed_than_what_is_asked(rig: Rig) -> None:
    with refuses("ConsentCount", expected=1, given=2):
        rig.do(rekeying(), A, REGISTRAR, key_of(A, 1))


def test_an_unknown_party_has_no_signer_to_replace(rig: Rig) -> None:
    with refuses("UnknownParty", party=99):
        rig.do(rekeying(99, 0), key_of(99), key_of(99, 1))


@pytest.mark.parametrize("sequence", [0, 2, 4_294_967_295])
def test_a_rekey_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    with refuses("WrongSequence", id=A, given=sequence, present=1):
        rig.do(rekeying(sequence=sequence), A, key_of(A, 1))


def test_one_second_after_its_deadline_a_rekey_is_expired(rig: Rig) -> None:
    deadline = rig.engine.now() + 10
    data = rig.call(rekeying(deadline=deadline), A, key_of(A, 1))
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.send(rig.registry, data)


def test_the_new_signer_is_the_one_that_was_signed_for(rig: Rig) -> None:
    (old,) = rig.consents(rekeying(), [A])
    other = rekeying(generation=2)
    with refuses("BadSignature", party=A):
        rig.do(other, old, key_of(A, 2))


@pytest.mark.parametrize("owner", [REGISTRAR, BANK, B])
def test_the_signer_of_another_party_is_not_taken(rig: Rig, owner: int) -> None:
    with refuses("SignerInUse", party=owner):
        rig.do(rekeying(signer=address_of(rig.keys[owner])), A, owner)


def test_the_present_signer_is_not_taken_again(rig: Rig) -> None:
    with refuses("SignerInUse", party=A):
        rig.do(rekeying(signer=address_of(rig.keys[A])), A, A)


def test_a_replaced_signer_comes_back_neither_here_nor_elsewhere(rig: Rig) -> None:
    old = rig.keys[A]
    rekey(rig)
    with refuses("SignerInUse", party=A):
        rig.do(rekeying(sequence=2, signer=address_of(old)), A, old)
    with refuses("SignerInUse", party=A):
        rig.do(rekeying(B, signer=address_of(old)), B, old)


@pytest.mark.parametrize("signer", [b"", b"\x01" * 19, b"\x01" * 1_025], ids=len)
def test_a_signer_is_an_address_or_one_with_key_bytes_behind_it(rig: Rig, signer: bytes) -> None:
    with refuses("SignerNotAllowed", length=len(signer)):
        rig.do(rekeying(signer=signer), A, key_of(A, 1))


def test_the_zero_address_is_no_signer(rig: Rig) -> None:
    with refuses("SignerNotAllowed", length=20):
        rig.do(rekeying(signer=bytes(20)), A, b"")


def test_a_signature_check_costs_no_more_than_half_a_million_gas(rig: Rig) -> None:
    with refuses("SignatureGasTooHigh", given=500_001, highest=500_000):
        rig.do(rekeying(signature_gas=500_001), A, key_of(A, 1))


def test_the_old_signer_signs_nothing_any_more(rig: Rig) -> None:
    root, old = rig.issued(), rig.keys[A]
    rekey(rig)
    with refuses("BadSignature", party=A):
        rig.do(rig.transfer_of(root, B), old, B)
    with refuses("BadSignature", party=A):
        rig.do(rekeying(sequence=2, generation=2), old, key_of(A, 2))


def test_what_the_old_signer_signed_before_does_not_land_any_more(rig: Rig) -> None:
    root = rig.issued()
    moving = rig.call(rig.transfer_of(root, B), A, B)
    issuing = rig.call(rig.issue_of(), ISSUER, A)
    rekey(rig)
    for data in (moving, issuing):
        with refuses("BadSignature", party=A):
            rig.send(rig.ledger, data)


def test_a_rekey_that_landed_cannot_land_again(rig: Rig) -> None:
    data = rig.call(rekeying(), A, key_of(A, 1))
    rig.send(rig.registry, data)
    with refuses("BadSignature", party=A):  # who signed it is the signer no more
        rig.send(rig.registry, data)


def test_a_refused_rekey_leaves_the_new_signer_free(rig: Rig) -> None:
    with refuses("WrongSequence", id=A, given=2, present=1):
        rig.do(rekeying(sequence=2), A, key_of(A, 1))
    assert party_of_signer(rig, address_of(key_of(A, 1))) == 0


# Done


def test_a_new_signer_takes_over_at_once_and_nothing_else_changes(rig: Rig) -> None:
    before = party(rig, ISSUER)
    rekey(rig, ISSUER)
    after, new = party(rig, ISSUER), address_of(key_of(ISSUER, 1))
    assert (after.signer, after.kind, after.sequence) == (int.from_bytes(new, "big"), WALLET, 2)
    assert (after.status, after.roles, after.sponsor) == (0, before.roles, before.sponsor)
    assert detail(rig, ISSUER).recovered_on == 0
    rig.issued()


def test_old_and_new_signer_both_stay_assigned_to_the_party(rig: Rig) -> None:
    rekey(rig)
    for generation in (0, 1):
        assert party_of_signer(rig, address_of(key_of(A, generation))) == A


def test_a_rekey_is_in_the_journal(rig: Rig) -> None:
    sent = rig.do(rekeying(), A, key_of(A, 1))
    topic = keccak(b"PartyRekeyed(uint32,uint32,uint160,uint8,uint32,uint24)")
    words = [2, int.from_bytes(address_of(key_of(A, 1)), "big"), WALLET, 0, 0]
    data = b"".join(word.to_bytes(32, "big") for word in words)
    assert sent.logs == ((rig.registry, (topic, A.to_bytes(32, "big")), data),)


def test_the_registrar_replaces_its_own_signer(rig: Rig) -> None:
    rekey(rig, REGISTRAR)
    rig.admit(77, 0)
    assert party(rig, 77).sequence == 1


def test_signers_are_replaced_as_often_as_wanted(rig: Rig) -> None:
    root = rig.issued()
    for generation in (1, 2, 3):
        rekey(rig, generation=generation)
    rig.transfer(root, B)
    assert (party(rig, A).sequence, rig.voucher(root).holder) == (4, B)


def test_a_payment_asserted_before_the_rekey_is_confirmed_by_the_new_signer(rig: Rig) -> None:
    root = rig.issued(due_day=rig.today + 60)
    rig.pass_days(60)
    rig.do(settlement_of(rig, root), BANK)
    old = rig.keys[A]
    rekey(rig)
    with refuses("BadSignature", party=A):
        rig.do(confirm_of(rig, root), old)
    rig.do(confirm_of(rig, root), A)
    assert rig.voucher(root).face == 0
