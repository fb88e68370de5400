"""`finishRekey`: the recovered signer is put in place after 7 days, after a veto 30 and with an arbiter."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from tests.contract.paying import refuses, suspend
from tests.contract.recovering import (
    NONE,
    address_of,
    finish_of,
    propose,
    to_first_second,
    to_last_second,
    veto_of,
    vetoed_and_ready,
)
from tests.contract.words import (
    RECOVERING,
    WALLET,
    detail,
    party,
    recovery,
)
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    OTHER_BANK,
    REGISTRAR,
    ROLE_ARBITER,
    ROLE_BANK,
    A,
    B,
    Rig,
    key_of,
)


def test_without_a_recovery_there_is_nothing_to_finish(rig: Rig) -> None:
    with refuses("NoRecovery", party=A):
        rig.do(finish_of(rig))


def test_finishing_names_a_known_party_its_present_sequence_and_a_deadline_ahead(rig: Rig) -> None:
    propose(rig)
    rig.pass_days(7)
    now = rig.engine.now()
    with refuses("UnknownParty", party=99):
        rig.do(finish_of(rig, 99))
    with refuses("WrongSequence", id=A, given=1, present=2):
        rig.do(finish_of(rig, sequence=1))
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(finish_of(rig, deadline=now - 1))


def test_a_recovery_is_finished_once(rig: Rig) -> None:
    propose(rig)
    rig.pass_days(7)
    data = rig.call(finish_of(rig))
    rig.send(rig.registry, data)
    with refuses("WrongSequence", id=A, given=2, present=3):
        rig.send(rig.registry, data)
    with refuses("NoRecovery", party=A):
        rig.do(finish_of(rig))


def test_until_the_last_second_of_the_sixth_day_it_cannot_be_finished(rig: Rig) -> None:
    day = rig.today
    propose(rig)
    to_last_second(rig, day + 6)
    with refuses("RecoveryNotReady", readyOn=day + 7, today=day + 6):
        rig.do(finish_of(rig))


def test_from_the_first_second_of_the_seventh_day_anyone_finishes_it_without_a_signature(rig: Rig) -> None:
    root, day, old = rig.issued(), rig.today, rig.keys[A]
    propose(rig)
    to_first_second(rig, day + 7)
    sent = rig.do(finish_of(rig), sender="0x" + "99" * 20)
    new = int.from_bytes(address_of(A, 1), "big")
    assert (party(rig, A).signer, party(rig, A).status, party(rig, A).sequence) == (new, 0, 3)
    assert (recovery(rig, A), detail(rig, A).recovered_on) == (NONE, day + 7)
    topic = keccak(b"PartyRekeyed(uint32,uint32,uint160,uint8,uint32,uint24)")
    data = b"".join(word.to_bytes(32, "big") for word in (3, new, WALLET, 0, day + 7))
    assert sent.logs == ((rig.registry, (topic, A.to_bytes(32, "big")), data),)
    with refuses("BadSignature", party=A):
        rig.do(rig.transfer_of(root, B), old, B)
    rig.do(rig.transfer_of(root, B), key_of(A, 1), B)


def test_a_recovery_without_a_veto_wants_no_arbiter_and_no_consent(rig: Rig) -> None:
    propose(rig)
    rig.pass_days(7)
    with refuses("ArbiterExpected", vetoed=False, arbiter=ARBITER):
        rig.do(finish_of(rig, arbiter=ARBITER), ARBITER)
    with refuses("ConsentCount", expected=0, given=1):
        rig.do(finish_of(rig), REGISTRAR)


def test_a_vetoed_recovery_waits_for_the_last_second_of_the_twenty_ninth_day(rig: Rig) -> None:
    propose(rig)
    rig.pass_days(3)
    day = rig.today
    rig.do(veto_of(rig), A)
    to_last_second(rig, day + 29)
    with refuses("RecoveryNotReady", readyOn=day + 30, today=day + 29):
        rig.do(finish_of(rig, arbiter=ARBITER), ARBITER)
    to_first_second(rig, day + 30)
    rig.do(finish_of(rig, arbiter=ARBITER), ARBITER)
    assert party(rig, A).signer == int.from_bytes(address_of(A, 1), "big")


def test_a_vetoed_recovery_wants_an_arbiter_who_signs(rig: Rig) -> None:
    vetoed_and_ready(rig)
    with refuses("ArbiterExpected", vetoed=True, arbiter=0):
        rig.do(finish_of(rig))
    with refuses("BadSignature", party=ARBITER):
        rig.do(finish_of(rig, arbiter=ARBITER), REGISTRAR)
    with refuses("ConsentCount", expected=1, given=0):
        rig.do(finish_of(rig, arbiter=ARBITER))


@pytest.mark.parametrize("arbiter", [FACTOR, OTHER_BANK, B])
def test_an_arbiter_has_the_role(rig: Rig, arbiter: int) -> None:
    vetoed_and_ready(rig)
    with refuses("MissingRole", party=arbiter, role=ROLE_ARBITER):
        rig.do(finish_of(rig, arbiter=arbiter), arbiter)


def test_a_suspended_arbiter_decides_nothing(rig: Rig) -> None:
    vetoed_and_ready(rig)
    suspend(rig, ARBITER)
    with refuses("PartySuspended", party=ARBITER):
        rig.do(finish_of(rig, arbiter=ARBITER), ARBITER)


def test_party_sponsor_and_registrar_are_no_arbiters_even_with_the_role(rig: Rig) -> None:
    rig.admit(77, ROLE_BANK | ROLE_ARBITER)
    rig.admit(78, ROLE_ARBITER, sponsor=77)
    vetoed_and_ready(rig, 78, sponsor=77)
    for concerned in (77, 78, REGISTRAR):
        with refuses("ArbiterConcerned", party=concerned):
            rig.do(finish_of(rig, 78, arbiter=concerned), concerned)


def test_a_veto_after_the_seventh_day_still_counts_until_it_is_finished(rig: Rig) -> None:
    propose(rig)
    rig.pass_days(10)
    day = rig.today
    rig.do(veto_of(rig), A)
    with refuses("RecoveryNotReady", readyOn=day + 30, today=day):
        rig.do(finish_of(rig, arbiter=ARBITER), ARBITER)


def test_two_founding_banks_that_sponsor_one_another_recover_one_after_the_other(rig: Rig) -> None:
    propose(rig, BANK, sponsor=OTHER_BANK)
    with refuses("PartyRecovering", party=BANK):
        propose(rig, OTHER_BANK, sponsor=BANK)
    rig.pass_days(7)
    rig.do(finish_of(rig, BANK))
    rig.keys[BANK] = key_of(BANK, 1)
    propose(rig, OTHER_BANK, sponsor=BANK)
    assert party(rig, OTHER_BANK).status == RECOVERING
