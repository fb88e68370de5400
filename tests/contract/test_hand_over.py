"""`handOver` and `acceptHandOver`: the registrar's office passes on, in two steps and seven days."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import Suspend
from ledger.events import HandOverAccepted, HandOverProposed
from ledger.members import Contract
from tests.contract.handing_over import NEXT, NOTICE, acceptance, hand_over_to, handed_over, offer
from tests.contract.paying import freeze, freeze_of, happened, refuses, reinstate, start_recovery, suspend
from tests.contract.recovering import proposal, to_first_second, to_last_second
from tests.contract.verifying import list_verifier, verifier_at
from tests.contract.words import RegistrySettings, party, registry_settings
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    REGISTRAR,
    ROLE_ARBITER,
    ROLE_BANK,
    ROLE_FUNDER,
    ROLE_ISSUER,
    ZERO,
    A,
    B,
    Rig,
    key_of,
)

# handOver, refused


def test_only_the_registrar_offers_its_office(rig: Rig) -> None:
    for signer in (NEXT, BANK, A):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(hand_over_to(rig, NEXT), signer)
    with refuses("ConsentCount", expected=1, given=2):
        rig.do(hand_over_to(rig, NEXT), REGISTRAR, NEXT)
    assert registry_settings(rig) == RegistrySettings(REGISTRAR, 0, 0, 0)


@pytest.mark.parametrize("to", [0, 99, 2**32 - 1])
def test_the_office_is_not_offered_to_nobody(rig: Rig, to: int) -> None:
    with refuses("UnknownParty", party=to):
        offer(rig, to)


@pytest.mark.parametrize(
    ("to", "roles"),
    [
        (BANK, ROLE_BANK | ROLE_FUNDER),
        (FACTOR, ROLE_FUNDER),
        (ARBITER, ROLE_ARBITER),
        (ISSUER, ROLE_ISSUER),
    ],
)
def test_who_has_a_role_cannot_be_registrar(rig: Rig, to: int, roles: int) -> None:
    with refuses("RegistrarUnfit", party=to, roles=roles):
        offer(rig, to)


@pytest.mark.parametrize("given", [1, 2**32 - 1])
def test_an_offer_names_the_present_sequence_of_the_settings(rig: Rig, given: int) -> None:
    with refuses("WrongSequence", id=0, given=given, present=0):
        rig.do(hand_over_to(rig, NEXT, sequence=given), REGISTRAR)


def test_an_offer_that_landed_cannot_land_again(rig: Rig) -> None:
    data = rig.call(hand_over_to(rig, NEXT), REGISTRAR)
    rig.send(rig.registry, data)
    with refuses("WrongSequence", id=0, given=0, present=1):
        rig.send(rig.registry, data)


def test_an_offer_signed_before_a_verifier_was_listed_is_void_after(rig: Rig) -> None:
    data = rig.call(hand_over_to(rig, NEXT), REGISTRAR)
    list_verifier(rig, verifier_at(rig, "ERC7913P256Verifier"))
    with refuses("WrongSequence", id=0, given=0, present=1):
        rig.send(rig.registry, data)


def test_the_office_goes_to_whom_it_was_signed_for(rig: Rig) -> None:
    consents = rig.consents(hand_over_to(rig, NEXT), [REGISTRAR])
    for changed in (hand_over_to(rig, A), hand_over_to(rig, NEXT, deadline=LATER - 1)):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(changed, *consents)


def test_one_second_after_its_deadline_an_offer_is_expired(rig: Rig) -> None:
    deadline = rig.engine.now() + 60
    data = rig.call(hand_over_to(rig, NEXT, deadline=deadline), REGISTRAR)
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.send(rig.registry, data)


def test_a_recovery_of_the_registrar_s_own_key_holds_everything(rig: Rig) -> None:
    handed_over(rig)  # the first registrar has no sponsor
    rig.do(proposal(rig, NEXT), NEXT, BANK, key_of(NEXT, 1))
    with refuses("PartyRecovering", party=NEXT):
        rig.do(hand_over_to(rig, A), NEXT)


# acceptHandOver, refused


def test_without_an_offer_there_is_nothing_to_take(rig: Rig) -> None:
    for signer in (NEXT, REGISTRAR):
        with refuses("NoHandOver"):
            rig.do(acceptance(rig), signer)


def test_until_the_seventh_day_the_office_cannot_be_taken(rig: Rig) -> None:
    day = rig.today
    offer(rig)
    with refuses("HandOverNotReady", from_=day + NOTICE, today=day):
        rig.do(acceptance(rig), NEXT)
    to_last_second(rig, day + NOTICE - 1)
    with refuses("HandOverNotReady", from_=day + NOTICE, today=day + NOTICE - 1):
        rig.do(acceptance(rig), NEXT)


def test_only_whom_it_is_offered_to_takes_it(rig: Rig) -> None:
    offer(rig)
    rig.pass_days(NOTICE)
    for signer in (REGISTRAR, A, BANK):
        with refuses("BadSignature", party=NEXT):
            rig.do(acceptance(rig), signer)
    with refuses("ConsentCount", expected=1, given=0):
        rig.do(acceptance(rig))


def test_an_acceptance_names_the_present_sequence_of_the_settings(rig: Rig) -> None:
    offer(rig)
    early = rig.call(acceptance(rig), NEXT)
    rig.pass_days(NOTICE)
    list_verifier(rig, verifier_at(rig, "ERC7913P256Verifier"))
    with refuses("WrongSequence", id=0, given=1, present=2):
        rig.send(rig.registry, early)


def test_what_was_taken_cannot_be_taken_again(rig: Rig) -> None:
    offer(rig)
    rig.pass_days(NOTICE)
    data = rig.call(acceptance(rig), NEXT)
    rig.send(rig.registry, data)
    with refuses("WrongSequence", id=0, given=1, present=2):
        rig.send(rig.registry, data)
    with refuses("NoHandOver"):
        rig.do(acceptance(rig), NEXT)


def test_an_offer_that_was_taken_back_cannot_be_taken(rig: Rig) -> None:
    offer(rig)
    early = rig.call(acceptance(rig), NEXT)
    rig.pass_days(NOTICE)
    offer(rig, REGISTRAR)
    with refuses("WrongSequence", id=0, given=1, present=2):
        rig.send(rig.registry, early)
    with refuses("NoHandOver"):
        rig.do(acceptance(rig), NEXT)


def test_a_second_offer_takes_the_place_of_the_first_and_its_days_begin_anew(rig: Rig) -> None:
    offer(rig, A)
    rig.pass_days(6)
    day = rig.today
    offer(rig)
    rig.pass_days(1)
    with refuses("HandOverNotReady", from_=day + NOTICE, today=day + 1):
        rig.do(acceptance(rig), A)
    rig.pass_days(6)
    with refuses("BadSignature", party=NEXT):
        rig.do(acceptance(rig), A)
    rig.do(acceptance(rig), NEXT)


def test_who_is_suspended_or_recovering_cannot_take_it_until_that_has_ended(rig: Rig) -> None:
    offer(rig)
    rig.pass_days(NOTICE)
    suspend(rig, NEXT)
    with refuses("PartySuspended", party=NEXT):
        rig.do(acceptance(rig), NEXT)
    reinstate(rig, NEXT)
    start_recovery(rig, NEXT)
    with refuses("PartyRecovering", party=NEXT):
        rig.do(acceptance(rig), NEXT)


def test_one_second_after_its_deadline_an_acceptance_is_expired(rig: Rig) -> None:
    offer(rig)
    rig.pass_days(NOTICE)
    deadline = rig.engine.now() + 60
    data = rig.call(acceptance(rig, deadline=deadline), NEXT)
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.send(rig.registry, data)


def test_the_order_is_sequence_offer_day_and_the_signature_last(rig: Rig) -> None:
    with refuses("WrongSequence", id=0, given=5, present=0):
        rig.do(acceptance(rig, sequence=5), A)
    with refuses("NoHandOver"):
        rig.do(acceptance(rig), A)
    day = rig.today
    offer(rig)
    with refuses("HandOverNotReady", from_=day + NOTICE, today=day):
        rig.do(acceptance(rig), A)


# Done


def test_an_offer_changes_nothing_but_that_it_stands(rig: Rig) -> None:
    day = rig.today
    sent = offer(rig)
    assert registry_settings(rig) == RegistrySettings(REGISTRAR, 1, NEXT, day + NOTICE)
    assert happened(sent) == [HandOverProposed(NEXT, 1, day + NOTICE)]  # type: ignore[arg-type]
    rig.pass_days(NOTICE + 400)
    suspend(rig, A)
    assert registry_settings(rig).registrar == REGISTRAR


def test_to_itself_the_registrar_takes_an_offer_back(rig: Rig) -> None:
    offer(rig)
    sent = offer(rig, REGISTRAR)
    assert registry_settings(rig) == RegistrySettings(REGISTRAR, 2, 0, 0)
    assert happened(sent) == [HandOverProposed(REGISTRAR, 2, 0)]  # type: ignore[arg-type]


def test_on_the_first_second_of_the_seventh_day_the_office_is_taken(rig: Rig) -> None:
    day = rig.today
    offer(rig)
    to_first_second(rig, day + NOTICE)
    sent = rig.do(acceptance(rig), NEXT)
    assert registry_settings(rig) == RegistrySettings(NEXT, 2, 0, 0)
    assert happened(sent) == [HandOverAccepted(NEXT, 2)]  # type: ignore[arg-type]


def test_the_steps_are_in_the_journal(rig: Rig) -> None:
    head = rig.head(Contract.REGISTRY)
    day = rig.today
    sent = offer(rig)
    ((_, topics, data),) = sent.logs
    assert topics == (keccak(b"HandOverProposed(uint32,uint32,uint24)"), NEXT.to_bytes(32))
    assert data == (1).to_bytes(32) + (day + NOTICE).to_bytes(32)
    head = keccak(head + keccak(b"".join(topics) + data))
    rig.pass_days(NOTICE)
    sent = rig.do(acceptance(rig), NEXT)
    ((_, topics, data),) = sent.logs
    assert (topics, data) == (
        (keccak(b"HandOverAccepted(uint32,uint32)"), NEXT.to_bytes(32)),
        (2).to_bytes(32),
    )
    assert rig.head(Contract.REGISTRY) == keccak(head + keccak(b"".join(topics) + data))


def test_from_then_on_the_new_registrar_and_no_longer_the_old_one_is_asked(rig: Rig) -> None:
    voucher = rig.issued()
    early = rig.call(freeze_of(rig, voucher), REGISTRAR)
    handed_over(rig)
    with refuses("BadSignature", party=NEXT):
        rig.send(rig.ledger, early)
    with refuses("BadSignature", party=NEXT):
        freeze(rig, voucher)
    with refuses("BadSignature", party=NEXT):
        suspend(rig, A)
    rig.do(freeze_of(rig, voucher), NEXT)
    offer(rig, A, registrar=NEXT)


def test_the_old_registrar_is_a_party_like_others_and_the_new_one_cannot_suspend_itself(rig: Rig) -> None:
    handed_over(rig)
    rig.do(Suspend(REGISTRAR, party(rig, REGISTRAR).sequence, ZERO, LATER), NEXT)  # type: ignore[arg-type]
    with refuses("RegistrarStays", party=NEXT):
        rig.do(Suspend(NEXT, party(rig, NEXT).sequence, ZERO, LATER), NEXT)  # type: ignore[arg-type]


def test_the_office_comes_back_the_same_way(rig: Rig) -> None:
    handed_over(rig)
    offer(rig, REGISTRAR, registrar=NEXT)
    rig.pass_days(NOTICE)
    rig.do(acceptance(rig), REGISTRAR)
    assert registry_settings(rig) == RegistrySettings(REGISTRAR, 4, 0, 0)
    suspend(rig, B)
