"""`admit`: who becomes a party, who has to agree, and which signers are never taken."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import Admit
from tests.contract.paying import refuses
from tests.contract.words import (
    WALLET,
    Detail,
    PartyWord,
    detail,
    party,
    party_of_signer,
)
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    OTHER_BANK,
    REGISTRAR,
    ROLE_ARBITER,
    ROLE_BANK,
    ROLE_FUNDER,
    ROLE_ISSUER,
    ZERO,
    A,
    Revm,
    Rig,
    key_of,
)

NEW = 77
PROFILE = keccak(b"who this is, salted")


@pytest.fixture(autouse=True)
def new_key(rig: Rig) -> None:
    rig.keys[NEW] = key_of(NEW)


def address_of(number: int, generation: int = 0) -> bytes:
    return bytes(key_of(number, generation).public_key.to_canonical_address())


def admission(**terms: Any) -> Admit:
    values: dict[str, Any] = {
        "party": NEW,
        "roles": ROLE_ISSUER,
        "sponsor": BANK,
        "signature_gas": 0,
        "profile": PROFILE,
        "deadline": LATER,
        "signer": address_of(NEW),
    } | terms
    return Admit(**values)


# Refused


def test_a_registrar_alone_admits_nobody() -> None:
    rig = Rig(Revm(), admitted=False)
    key = key_of(A)
    agreement = Admit(A, 0, BANK, 0, ZERO, LATER, key.public_key.to_canonical_address())  # type: ignore[arg-type]
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(agreement, REGISTRAR, key)
    rig.do(agreement, REGISTRAR, BANK, key)
    assert party(rig, A).sequence == 1


@pytest.mark.parametrize("taken", [REGISTRAR, BANK, A])
def test_a_number_is_given_once(rig: Rig, taken: int) -> None:
    with refuses("PartyNumberTaken", party=taken):
        rig.do(admission(party=taken), REGISTRAR, BANK, NEW)


def test_nobody_is_number_zero(rig: Rig) -> None:
    with refuses("PartyNumberTaken", party=0):
        rig.do(admission(party=0), REGISTRAR, BANK, NEW)


def test_an_admission_that_landed_cannot_land_again(rig: Rig) -> None:
    data = rig.call(admission(), REGISTRAR, BANK, NEW)
    rig.send(rig.registry, data)
    with refuses("PartyNumberTaken", party=NEW):
        rig.send(rig.registry, data)


def test_one_second_after_its_deadline_an_admission_is_expired(rig: Rig) -> None:
    deadline = rig.engine.now() + 60
    data = rig.call(admission(deadline=deadline), REGISTRAR, BANK, NEW)
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.send(rig.registry, data)


def test_in_the_last_second_of_its_deadline_an_admission_lands(rig: Rig) -> None:
    deadline = rig.engine.now() + 60
    data = rig.call(admission(deadline=deadline), REGISTRAR, BANK, NEW)
    rig.engine.travel(deadline)
    rig.send(rig.registry, data)
    assert party(rig, NEW).sequence == 1


@pytest.mark.parametrize("signers", [(BANK, BANK, NEW), (A, BANK, NEW), (NEW, BANK, NEW)])
def test_only_the_registrar_admits(rig: Rig, signers: tuple[int, ...]) -> None:
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(admission(), *signers)


def test_the_named_sponsor_signs_and_no_other_bank(rig: Rig) -> None:
    with refuses("BadSignature", party=BANK):
        rig.do(admission(), REGISTRAR, OTHER_BANK, NEW)


def test_the_new_signer_proves_that_it_can_sign(rig: Rig) -> None:
    with refuses("BadSignature", party=NEW):
        rig.do(admission(), REGISTRAR, BANK, A)
    with refuses("BadSignature", party=NEW):
        rig.do(admission(), REGISTRAR, BANK, b"")


def test_the_proof_is_not_one_of_the_packed_consents(rig: Rig) -> None:
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(admission(), REGISTRAR, NEW)
    with refuses("ConsentCount", expected=2, given=3):
        rig.do(admission(), REGISTRAR, BANK, NEW, NEW)


@pytest.mark.parametrize("sponsor", [FACTOR, ARBITER, ISSUER, A, REGISTRAR])
def test_only_a_bank_sponsors(rig: Rig, sponsor: int) -> None:
    with refuses("MissingRole", party=sponsor, role=ROLE_BANK):
        rig.do(admission(sponsor=sponsor), REGISTRAR, sponsor, NEW)


@pytest.mark.parametrize("besides", [0, ROLE_BANK, ROLE_FUNDER])
def test_who_owes_does_not_judge_whether_it_has_paid(rig: Rig, besides: int) -> None:
    roles = ROLE_ISSUER | ROLE_ARBITER | besides
    with refuses("RolesUnfit", roles=roles):
        rig.do(admission(roles=roles), REGISTRAR, BANK, NEW)
    rig.do(admission(roles=ROLE_ARBITER | besides), REGISTRAR, BANK, NEW)


@pytest.mark.parametrize("sponsor", [0, NEW, 4_294_967_295])
def test_a_sponsor_is_there_before_and_never_oneself(rig: Rig, sponsor: int) -> None:
    with refuses("UnknownParty", party=sponsor):
        rig.do(admission(sponsor=sponsor, roles=ROLE_BANK), REGISTRAR, NEW, NEW)


def test_what_was_signed_is_what_lands(rig: Rig) -> None:
    consents = rig.consents(admission(), [REGISTRAR, BANK, NEW])
    for change in (
        {"roles": ROLE_ISSUER | ROLE_BANK},
        {"signature_gas": 30_000},
        {"party": NEW + 1},
        {"profile": bytes(32)},
        {"deadline": LATER - 1},
        {"signer": address_of(NEW, 1)},
    ):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(admission(**change), *consents)


@pytest.mark.parametrize("owner", [REGISTRAR, BANK, A])
def test_a_signer_serves_one_party(rig: Rig, owner: int) -> None:
    with refuses("SignerInUse", party=owner):
        rig.do(admission(signer=address_of(owner)), REGISTRAR, BANK, owner)


@pytest.mark.parametrize("signer", [b"", b"\x01" * 19, b"\x01" * 1_025], ids=len)
def test_a_signer_is_an_address_or_one_with_key_bytes_behind_it(rig: Rig, signer: bytes) -> None:
    with refuses("SignerNotAllowed", length=len(signer)):
        rig.do(admission(signer=signer), REGISTRAR, BANK, NEW)


@pytest.mark.parametrize("signer", [b"\x01" * 21, b"\x01" * 84, b"\x01" * 1_024], ids=len)
def test_key_bytes_stand_behind_the_address_of_a_listed_verifier(rig: Rig, signer: bytes) -> None:
    with refuses("VerifierNotAllowed", verifier="0x" + "01" * 20):
        rig.do(admission(signer=signer), REGISTRAR, BANK, NEW)


def test_the_zero_address_is_no_signer(rig: Rig) -> None:
    with refuses("SignerNotAllowed", length=20):
        rig.do(admission(signer=bytes(20)), REGISTRAR, BANK, b"")


def test_a_signature_check_costs_no_more_than_half_a_million_gas(rig: Rig) -> None:
    with refuses("SignatureGasTooHigh", given=500_001, highest=500_000):
        rig.do(admission(signature_gas=500_001), REGISTRAR, BANK, NEW)


def test_a_refused_admission_leaves_number_and_signer_free(rig: Rig) -> None:
    with refuses("BadSignature", party=NEW):
        rig.do(admission(), REGISTRAR, BANK, A)
    assert party(rig, NEW) == PartyWord(0, 0, 0, 0, 0, 0)
    assert party_of_signer(rig, address_of(NEW)) == 0


# Done


def test_a_party_is_admitted_with_what_was_agreed(rig: Rig) -> None:
    rig.do(admission(roles=ROLE_ISSUER | ROLE_FUNDER), REGISTRAR, BANK, NEW)
    assert party(rig, NEW) == PartyWord(
        signer=int.from_bytes(address_of(NEW), "big"),
        kind=WALLET,
        status=0,
        roles=ROLE_ISSUER | ROLE_FUNDER,
        sponsor=BANK,
        sequence=1,
    )
    assert detail(rig, NEW) == Detail(signature_gas=0, recovered_on=0)
    assert party_of_signer(rig, address_of(NEW)) == NEW


def test_an_admission_is_in_the_journal(rig: Rig) -> None:
    sent = rig.do(admission(), REGISTRAR, BANK, NEW)
    (at, topics, data) = sent.logs[0]
    assert (len(sent.logs), at) == (1, rig.registry)
    assert topics == (
        keccak(b"PartyAdmitted(uint32,uint16,uint32,uint160,uint8,uint32,bytes32)"),
        NEW.to_bytes(32, "big"),
    )
    words = [ROLE_ISSUER, BANK, int.from_bytes(address_of(NEW), "big"), WALLET, 0]
    assert data == b"".join(word.to_bytes(32, "big") for word in words) + PROFILE


def test_a_new_bank_can_sponsor_at_once(rig: Rig) -> None:
    rig.do(admission(roles=ROLE_BANK), REGISTRAR, BANK, NEW)
    rig.admit(78, 0, sponsor=NEW)
    assert party(rig, 78).sponsor == NEW


def test_the_highest_number_can_be_given(rig: Rig) -> None:
    highest = 4_294_967_295
    rig.do(admission(party=highest), REGISTRAR, BANK, NEW)
    assert party(rig, highest).sequence == 1


def test_founding_banks_sponsor_one_another_and_the_registrar_has_no_sponsor() -> None:
    rig = Rig(Revm(), admitted=False)
    founders = [(party(rig, n).roles, party(rig, n).sponsor, party(rig, n).sequence) for n in (1, 2, 3)]
    banks = ROLE_BANK | ROLE_FUNDER
    assert founders == [(0, 0, 1), (banks, OTHER_BANK, 1), (banks, BANK, 1)]
    assert party(rig, 4).sequence == 0
