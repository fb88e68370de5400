"""The registrar's settings in the model: the verifiers' allow-list, signers that name one, the office handed over."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.agreements import (
    AcceptHandOver,
    FinishRekey,
    HandOver,
    ListVerifier,
    PartyNumber,
    ProposeRekey,
    Rekey,
    Suspend,
    VetoRekey,
)
from ledger.calendar import Day
from ledger.errors import Refusal
from ledger.events import HandOverAccepted, HandOverProposed, VerifierListed
from ledger.voucher import may, signers
from ledger.world import RegistrySettings, SignerKind, VerifierRecord
from tests import states
from tests.stage import (
    BANK,
    BUYER,
    FIRST_DAY,
    FOREVER,
    HOLDER,
    ISSUER,
    NOTHING,
    REGISTRAR,
    Attempt,
    ModelStage,
    judged,
    propose,
    refused,
    suspend,
)

VERIFIER = bytes.fromhex("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
TEXT = to_checksum_address(VERIFIER)
CODE = b"\xc0" * 32
KEY = VERIFIER + b"\x07" * 64
NEW = PartyNumber(7)
ACTIVE_ON = Day(FIRST_DAY + 7)


@pytest.fixture
def stage() -> ModelStage:
    stage = ModelStage()
    states.live(stage)
    return stage


def listing(**changes: Any) -> Attempt:
    return Attempt(ListVerifier(0, VERIFIER, 400_000, CODE, FOREVER), (REGISTRAR,)).changed(**changes)


def offer(to: PartyNumber = HOLDER, sequence: int = 0, by: PartyNumber = REGISTRAR) -> Attempt:
    return Attempt(HandOver(sequence, to, FOREVER), (by,))


def acceptance(by: PartyNumber = HOLDER, sequence: int = 1) -> Attempt:
    return Attempt(AcceptHandOver(sequence, FOREVER), (by,))


def listed(stage: ModelStage) -> ModelStage:
    """The verifier is on the list, and the day on which it holds has come."""
    stage.play(listing())
    stage.travel(ACTIVE_ON)
    return stage


# The allow-list


def test_a_setting_names_the_present_sequence_before_anything_else(stage: ModelStage) -> None:
    for attempt in (
        listing(sequence=1, signature_gas=0),
        offer(PartyNumber(99), 1),
        acceptance(sequence=1),
    ):
        refused(stage, attempt, "WrongSequence", id=0, given=1, present=0)


@pytest.mark.parametrize("cap", [0, 500_001])
def test_the_cap_of_a_check_is_from_one_to_half_a_million_gas(stage: ModelStage, cap: int) -> None:
    refused(stage, listing(signature_gas=cap), "SignatureGasOutOfRange", given=cap, lowest=1, highest=500_000)
    for good in (1, 500_000):
        assert judged(stage, listing(signature_gas=good), True) is None


def test_a_verifier_is_listed_once_whatever_its_code_is_now(stage: ModelStage) -> None:
    stage.play(listing())
    again = listing(sequence=1, signature_gas=7, code_hash=b"\xc1" * 32)
    refused(stage, again, "VerifierTaken", verifier=TEXT)
    refused(
        stage, again.changed(signature_gas=0), "SignatureGasOutOfRange", given=0, lowest=1, highest=500_000
    )


@pytest.mark.parametrize("present", [b"\xc1" * 32, bytes(32), keccak(b"")])
def test_a_verifier_whose_code_is_another_or_none_is_not_listed(stage: ModelStage, present: bytes) -> None:
    attempt = listing()
    said = may(stage.world, attempt.agreement, timestamp=stage.timestamp, code_hash=present)
    assert said == Refusal(
        "VerifierCodeDiffers",
        {"verifier": TEXT, "present": "0x" + present.hex(), "given": "0x" + CODE.hex()},
    )
    assert may(stage.world, attempt.agreement, timestamp=stage.timestamp, code_hash=CODE) is None


@pytest.mark.parametrize("named", [bytes(32), keccak(b"")])
def test_an_agreement_that_names_no_code_is_refused_even_where_there_is_none(
    stage: ModelStage, named: bytes
) -> None:
    text = "0x" + named.hex()
    attempt = listing(code_hash=named)
    refused(stage, attempt, "VerifierCodeDiffers", verifier=TEXT, present=text, given=text)
    assert may(stage.world, attempt.agreement, timestamp=stage.timestamp, code_hash=named) is not None


def test_the_registrar_alone_lists_a_verifier_and_it_is_active_on_the_seventh_day(stage: ModelStage) -> None:
    assert judged(stage, listing(), False) == Refusal("BadSignature", {"party": REGISTRAR})
    assert judged(stage, listing()) == Refusal("ConsentCount", {"expected": 1, "given": 0})
    stage.play(listing())
    number = int.from_bytes(VERIFIER)
    assert stage.events[-1][0] == VerifierListed(number, 1, 400_000, CODE, ACTIVE_ON)
    record = VerifierRecord(signature_gas=400_000, active_on=ACTIVE_ON, code_hash=CODE)
    assert stage.world.verifiers == {number: record}
    assert record.word() == 400_000 | ACTIVE_ON << 32 | int.from_bytes(CODE[:25]) << 56
    assert stage.world.registry_settings == RegistrySettings(sequence=1)


# Signers that name a verifier


@pytest.mark.parametrize(
    "signer", [b"", b"\x01" * 19, bytes(20), bytes(20) + b"\x07" * 64, VERIFIER + b"\x07" * 1005]
)
def test_a_signer_of_another_length_or_from_nowhere_is_refused(stage: ModelStage, signer: bytes) -> None:
    listed(stage)
    odd = states.admission(stage, NEW).changed(signer=signer, signature_gas=500_001)
    refused(stage, odd, "SignerNotAllowed", length=len(signer))


def test_a_signer_of_1024_bytes_is_the_longest(stage: ModelStage) -> None:
    listed(stage)
    long = states.admission(stage, NEW).changed(signer=VERIFIER + b"\x07" * 1004)
    assert judged(stage, long, True, True, True) is None


def test_a_verifier_that_is_not_listed_or_not_yet_active_serves_nobody(stage: ModelStage) -> None:
    attempts = (
        states.admission(stage, NEW).changed(signer=KEY, signature_gas=1),
        Attempt(Rekey(HOLDER, 1, 1, FOREVER, KEY), (HOLDER, HOLDER)),
        Attempt(ProposeRekey(HOLDER, 1, 1, FOREVER, KEY), (REGISTRAR, BANK, HOLDER)),
    )
    for attempt in attempts:
        refused(stage, attempt, "VerifierNotAllowed", verifier=TEXT)
    stage.play(listing())
    stage.travel(Day(ACTIVE_ON - 1))
    for attempt in attempts:
        refused(stage, attempt, "VerifierNotAllowed", verifier=TEXT)
    stage.travel(ACTIVE_ON)
    for attempt in attempts:
        refused(stage, attempt, "SignatureGasTooHigh", given=1, highest=0)
        assert judged(stage, attempt.changed(signature_gas=0), *[True] * len(attempt.signers)) is None


def test_a_signer_s_consents_come_before_what_it_is(stage: ModelStage) -> None:
    attempt = states.admission(stage, NEW).changed(signer=b"")
    assert judged(stage, attempt, True, False, True) == Refusal("BadSignature", {"party": BANK})


def test_of_a_long_signer_the_end_of_its_hash_is_kept_and_it_serves_one_party(stage: ModelStage) -> None:
    listed(stage)
    stage.play(states.admission(stage, NEW).changed(signer=KEY))
    party = stage.world.parties[NEW]
    number = int.from_bytes(keccak(KEY)[-20:])
    assert (party.signer, party.kind, party.signature_gas) == (number, SignerKind.VERIFIER, 0)
    other = states.admission(stage, PartyNumber(8))
    refused(stage, other.changed(signer=KEY), "SignerInUse", party=NEW)
    assert judged(stage, other.changed(signer=KEY + b"\0"), True, True, True) is None
    assert judged(stage, other.changed(signer=KEY), True, True, False) == Refusal(
        "SignerInUse", {"party": NEW}
    )


def test_a_recovery_puts_a_verifier_s_key_in_place(stage: ModelStage) -> None:
    listed(stage)
    stage.play(Attempt(ProposeRekey(HOLDER, 1, 0, FOREVER, KEY), (REGISTRAR, BANK, HOLDER)))
    stage.travel(Day(ACTIVE_ON + 7))
    stage.play(Attempt(FinishRekey(HOLDER, 2, PartyNumber(0), FOREVER)))
    party = stage.world.parties[HOLDER]
    assert (party.kind, party.signer) == (SignerKind.VERIFIER, int.from_bytes(keccak(KEY)[-20:]))


# The registrar's office


def test_the_office_is_offered_to_a_party_that_there_is_and_that_has_no_role(stage: ModelStage) -> None:
    refused(stage, offer(PartyNumber(99)), "UnknownParty", party=99)
    refused(stage, offer(PartyNumber(0)), "UnknownParty", party=0)
    refused(stage, offer(BANK), "RegistrarUnfit", party=BANK, roles=6)
    refused(stage, offer(ISSUER), "RegistrarUnfit", party=ISSUER, roles=1)
    assert judged(stage, offer(), False) == Refusal("BadSignature", {"party": REGISTRAR})


def test_an_office_that_is_not_offered_cannot_be_taken(stage: ModelStage) -> None:
    refused(stage, acceptance(sequence=0), "NoHandOver")
    stage.play(offer())
    stage.play(offer(REGISTRAR, 1))
    assert stage.events[-1][0] == HandOverProposed(REGISTRAR, 2, Day(0))
    stage.travel(Day(FIRST_DAY + 30))
    refused(stage, acceptance(sequence=2), "NoHandOver")


def test_the_office_is_taken_on_the_seventh_day_and_not_before(stage: ModelStage) -> None:
    stage.play(offer())
    assert stage.events[-1][0] == HandOverProposed(HOLDER, 1, Day(FIRST_DAY + 7))
    stage.travel(Day(FIRST_DAY + 6))
    refused(stage, acceptance(), "HandOverNotReady", from_=FIRST_DAY + 7, today=FIRST_DAY + 6)
    stage.travel(Day(FIRST_DAY + 7))
    assert signers(stage.world, acceptance().agreement, timestamp=stage.timestamp) == (HOLDER,)
    assert judged(stage, acceptance(), False) == Refusal("BadSignature", {"party": HOLDER})
    stage.play(acceptance())
    assert [event for event, _ in stage.events[-1:]] == [HandOverAccepted(HOLDER, 2)]
    assert stage.world.registry_settings == RegistrySettings(registrar=HOLDER, sequence=2)


def test_a_second_offer_takes_the_place_of_the_first_and_starts_its_days_anew(stage: ModelStage) -> None:
    stage.play(offer())
    stage.travel(Day(FIRST_DAY + 5))
    stage.play(offer(BUYER, 1))
    stage.travel(Day(FIRST_DAY + 7))
    refused(
        stage,
        acceptance(BUYER, 2),
        "HandOverNotReady",
        from_=FIRST_DAY + 12,
        today=FIRST_DAY + 7,
    )
    stage.travel(Day(FIRST_DAY + 12))
    assert signers(stage.world, acceptance(sequence=2).agreement, timestamp=stage.timestamp) == (BUYER,)


def test_a_suspended_party_or_one_whose_key_is_being_recovered_does_not_take_the_office(
    stage: ModelStage,
) -> None:
    stage.play(offer())
    stage.travel(Day(FIRST_DAY + 7))
    stage.play(suspend(HOLDER))
    refused(stage, acceptance(), "PartySuspended", party=HOLDER)
    stage.play(offer(BUYER, 1))
    stage.travel(Day(FIRST_DAY + 14))
    stage.play(propose(stage, BUYER))
    refused(stage, acceptance(BUYER, 2), "PartyRecovering", party=BUYER)


def test_after_the_hand_over_the_new_registrar_has_every_power_and_the_old_one_none(
    stage: ModelStage,
) -> None:
    stage.play(offer())
    stage.travel(Day(FIRST_DAY + 7))
    stage.play(acceptance())
    by_new = Attempt(Suspend(REGISTRAR, 1, NOTHING, FOREVER), (HOLDER,))
    assert judged(stage, by_new, False) == Refusal("BadSignature", {"party": HOLDER})
    himself = Attempt(Suspend(HOLDER, 1, NOTHING, FOREVER), (HOLDER,))
    refused(stage, himself, "RegistrarStays", party=HOLDER)
    stage.play(by_new)
    for attempt in (
        states.admission(stage, NEW),
        listing(sequence=2),
        offer(BUYER, 2, by=HOLDER),
        propose(stage, BUYER),
    ):
        wanted = signers(stage.world, attempt.agreement, timestamp=stage.timestamp)
        assert wanted[0] == HOLDER


def test_the_present_registrar_is_concerned_in_a_recovery_and_the_former_one_is_not(
    stage: ModelStage,
) -> None:
    stage.play(offer())
    stage.travel(Day(FIRST_DAY + 7))
    stage.play(acceptance())
    stage.play(Attempt(propose(stage, BUYER).agreement, (HOLDER, BANK, BUYER)))
    stage.play(Attempt(VetoRekey(BUYER, 2, FOREVER), (BUYER,)))
    stage.travel(Day(FIRST_DAY + 37))
    finish = Attempt(FinishRekey(BUYER, 3, HOLDER, FOREVER), (HOLDER,))
    refused(stage, finish, "ArbiterConcerned", party=HOLDER)
    refused(stage, finish.changed(arbiter=REGISTRAR), "MissingRole", party=REGISTRAR, role=8)
