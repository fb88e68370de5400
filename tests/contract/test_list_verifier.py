"""`listVerifier`: which code may judge signatures, under which gas cap, and from which day on."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.abi import creation_data
from ledger.events import VerifierListed
from ledger.members import Contract
from tests.contract.paying import happened, refuses
from tests.contract.recovering import proposal, to_first_second, to_last_second
from tests.contract.verifying import (
    CAP,
    NOTICE,
    P256Key,
    admission,
    held,
    list_verifier,
    listing,
    packed_consent,
    rekey_of,
    verifier_at,
)
from tests.contract.words import VERIFIER, Verifier, party, registry_settings, verifier
from tests.rig import ARBITER, BANK, LATER, REGISTRAR, ZERO, A, Revm, Rig, compiled

NEW = 77
KEY = P256Key(1)
NOT_LISTED = Verifier(0, 0, bytes(25))
EMPTY_CODE = keccak(b"")


@pytest.fixture
def p256(rig: Rig) -> str:
    """The address of the P-256 verifier, which nobody has listed."""
    return verifier_at(rig, KEY.verifier)


# Refused


def test_only_the_registrar_lists_a_verifier(rig: Rig, p256: str) -> None:
    for signer in (BANK, ARBITER, A):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(listing(rig, p256), signer)
    assert verifier(rig, p256) == NOT_LISTED


@pytest.mark.parametrize("given", [1, 2**32 - 1])
def test_a_listing_names_the_present_sequence_of_the_settings(rig: Rig, p256: str, given: int) -> None:
    with refuses("WrongSequence", id=0, given=given, present=0):
        list_verifier(rig, p256, sequence=given)


def test_a_listing_that_landed_cannot_land_again_for_another_reason_than_its_entry(
    rig: Rig, p256: str
) -> None:
    data = rig.call(listing(rig, p256), REGISTRAR)
    rig.send(rig.registry, data)
    with refuses("WrongSequence", id=0, given=0, present=1):
        rig.send(rig.registry, data)


@pytest.mark.parametrize("cap", [0, 500_001, 2**32 - 1])
def test_a_check_costs_something_and_at_most_half_a_million_gas(rig: Rig, p256: str, cap: int) -> None:
    with refuses("SignatureGasOutOfRange", given=cap, lowest=1, highest=500_000):
        list_verifier(rig, p256, signature_gas=cap)


@pytest.mark.parametrize("terms", [{}, {"signature_gas": 1}, {"signature_gas": 500_000}])
def test_what_is_listed_once_is_never_changed(rig: Rig, p256: str, terms: dict[str, Any]) -> None:
    list_verifier(rig, p256)
    before = verifier(rig, p256)
    for days in (0, NOTICE, 400):
        rig.pass_days(days)
        with refuses("VerifierTaken", verifier=p256):
            list_verifier(rig, p256, **terms)
    assert verifier(rig, p256) == before


@pytest.mark.parametrize("given", [ZERO, EMPTY_CODE])
def test_where_there_is_no_code_there_is_no_verifier(rig: Rig, given: bytes) -> None:
    nobody = "0x" + "77" * 20
    with refuses("VerifierCodeDiffers", verifier=nobody, present=_text(ZERO), given=_text(given)):
        list_verifier(rig, nobody, code_hash=given)


@pytest.mark.parametrize("given", [ZERO, EMPTY_CODE])
def test_an_account_of_a_key_is_no_verifier(rig: Rig, given: bytes) -> None:
    account = rig.keys[A].public_key.to_checksum_address()
    engine = rig.engine
    assert isinstance(engine, Revm)
    engine.evm.set_balance(account, 1)  # from now on the chain knows the account, and that it has no code
    with refuses("VerifierCodeDiffers", verifier=account, present=_text(EMPTY_CODE), given=_text(given)):
        list_verifier(rig, account, code_hash=given)


@pytest.mark.parametrize("place", [0, 24, 25, 31])
def test_the_code_is_the_one_that_the_registrar_looked_at_to_the_last_byte(
    rig: Rig, p256: str, place: int
) -> None:
    right = rig.engine.code_hash(p256)
    wrong = right[:place] + bytes([right[place] ^ 1]) + right[place + 1 :]
    with refuses("VerifierCodeDiffers", verifier=p256, present=_text(right), given=_text(wrong)):
        list_verifier(rig, p256, code_hash=wrong)


def test_what_was_signed_is_what_is_listed(rig: Rig, p256: str) -> None:
    other = rig.engine.deploy(creation_data(compiled()[KEY.verifier], []))
    consents = rig.consents(listing(rig, p256), [REGISTRAR])
    for changed in (
        listing(rig, other),
        listing(rig, p256, signature_gas=CAP + 1),
        listing(rig, p256, deadline=LATER - 1),
    ):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(changed, *consents)


def test_one_second_after_its_deadline_a_listing_is_expired(rig: Rig, p256: str) -> None:
    deadline = rig.engine.now() + 60
    data = rig.call(listing(rig, p256, deadline=deadline), REGISTRAR)
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.send(rig.registry, data)


def test_sequence_cap_entry_and_code_are_looked_at_in_this_order_and_the_signature_last(
    rig: Rig, p256: str
) -> None:
    list_verifier(rig, p256)
    everything_wrong: dict[str, Any] = {"sequence": 9, "signature_gas": 0, "code_hash": ZERO}
    with refuses("WrongSequence", id=0, given=9, present=1):
        rig.do(listing(rig, p256, **everything_wrong), A)
    del everything_wrong["sequence"]
    with refuses("SignatureGasOutOfRange", given=0, lowest=1, highest=500_000):
        rig.do(listing(rig, p256, **everything_wrong), A)
    del everything_wrong["signature_gas"]
    with refuses("VerifierTaken", verifier=p256):
        rig.do(listing(rig, p256, **everything_wrong), A)
    with refuses(
        "VerifierCodeDiffers", verifier=rig.ledger, present=_code(rig, rig.ledger), given=_text(ZERO)
    ):
        rig.do(listing(rig, rig.ledger, **everything_wrong), A)


# Seven days of notice


def test_until_its_seventh_day_no_signer_may_name_the_verifier(rig: Rig, p256: str) -> None:
    day = rig.today
    signer = held(rig, KEY)
    list_verifier(rig, p256)
    for wait in (False, True):
        if wait:
            to_last_second(rig, day + NOTICE - 1)
        with refuses("VerifierNotAllowed", verifier=p256):
            rig.do(admission(NEW, signer.signer), REGISTRAR, BANK, signer)
        with refuses("VerifierNotAllowed", verifier=p256):
            rig.do(rekey_of(rig, A, signer.signer), A, signer)
        with refuses("VerifierNotAllowed", verifier=p256):
            rig.do(proposal(rig, signer=signer.signer), REGISTRAR, BANK, signer)
    assert party(rig, NEW).sequence == 0


def test_from_the_first_second_of_its_seventh_day_on_signers_may_name_it(rig: Rig, p256: str) -> None:
    day = rig.today
    signer = held(rig, KEY)
    list_verifier(rig, p256)
    to_first_second(rig, day + NOTICE)
    rig.do(admission(NEW, signer.signer), REGISTRAR, BANK, signer)
    assert party(rig, NEW).kind == VERIFIER


def test_a_verifier_that_nobody_has_listed_is_not_allowed_however_long_it_waits(rig: Rig, p256: str) -> None:
    signer = held(rig, KEY)
    rig.pass_days(NOTICE)
    with refuses("VerifierNotAllowed", verifier=p256):
        rig.do(admission(NEW, signer.signer), REGISTRAR, BANK, signer)


# Done


@pytest.mark.parametrize("cap", [1, 500_000])
def test_a_verifier_is_listed_with_cap_day_and_the_hash_of_its_code(rig: Rig, p256: str, cap: int) -> None:
    day = rig.today
    code = rig.engine.code_hash(p256)
    sent = list_verifier(rig, p256, signature_gas=cap)
    assert verifier(rig, p256) == Verifier(cap, day + NOTICE, code[:25])
    assert happened(sent) == [VerifierListed(int(p256, 16), 1, cap, code, day + NOTICE)]  # type: ignore[arg-type]
    assert (registry_settings(rig).registrar, registry_settings(rig).sequence) == (REGISTRAR, 1)


def test_a_listing_is_in_the_journal(rig: Rig, p256: str) -> None:
    before = rig.head(Contract.REGISTRY)
    sent = list_verifier(rig, p256)
    ((at, topics, data),) = sent.logs
    assert (at, topics) == (
        rig.registry,
        (
            keccak(b"VerifierListed(address,uint32,uint32,bytes32,uint24)"),
            bytes(12) + bytes.fromhex(p256[2:]),
        ),
    )
    assert rig.head(Contract.REGISTRY) == keccak(before + keccak(topics[0] + topics[1] + data))


def test_each_listing_consumes_one_sequence_and_several_stand_side_by_side(rig: Rig) -> None:
    names = ("ERC7913P256Verifier", "RSAVerifier", "ERC7913WebAuthnVerifier")
    for before, name in enumerate(names):
        assert registry_settings(rig).sequence == before
        list_verifier(rig, verifier_at(rig, name), signature_gas=before + 1)
    assert [verifier(rig, verifier_at(rig, name)).signature_gas for name in names] == [1, 2, 3]


def test_a_contract_that_is_no_verifier_can_be_listed_and_says_no(rig: Rig) -> None:
    list_verifier(rig, rig.ledger)
    rig.pass_days(NOTICE)
    signer = bytes.fromhex(rig.ledger[2:]) + KEY.public
    with refuses("BadSignature", party=NEW):
        rig.do(admission(NEW, signer), REGISTRAR, BANK, packed_consent(signer, bytes(64)))


def _text(value: bytes) -> str:
    return "0x" + value.hex()


def _code(rig: Rig, address: str) -> str:
    return _text(rig.engine.code_hash(address))
