"""`vetoRekey` and `withdrawRekey`: the old signer objects, the proposers take it back."""

from __future__ import annotations

from eth_utils.crypto import keccak

from tests.contract.paying import refuses, reinstate, suspend
from tests.contract.recovering import (
    NONE,
    propose,
    veto_of,
    withdrawal,
)
from tests.contract.words import (
    RECOVERING,
    detail,
    party,
    recovery,
)
from tests.rig import (
    BANK,
    REGISTRAR,
    A,
    B,
    Rig,
    key_of,
)

# vetoRekey


def test_only_the_old_signer_objects(rig: Rig) -> None:
    propose(rig)
    for signer in (REGISTRAR, BANK, B, key_of(A, 1)):
        with refuses("BadSignature", party=A):
            rig.do(veto_of(rig), signer)


def test_without_a_recovery_there_is_nothing_to_object_to(rig: Rig) -> None:
    with refuses("NoRecovery", party=A):
        rig.do(veto_of(rig), A)


def test_a_veto_names_the_present_sequence_and_so_only_this_proposal(rig: Rig) -> None:
    early = rig.call(veto_of(rig), A)  # signed before the proposal, names the sequence before it
    propose(rig)
    with refuses("WrongSequence", id=A, given=1, present=2):
        rig.send(rig.registry, early)


def test_the_registrar_cannot_outrun_a_veto_by_moving_the_party_s_sequence(rig: Rig) -> None:
    propose(rig)
    veto = rig.call(veto_of(rig), A)
    for outrun in (suspend, reinstate):
        with refuses("PartyRecovering", party=A):
            outrun(rig, A)
    rig.send(rig.registry, veto)
    assert recovery(rig, A).vetoed


def test_the_old_signer_objects_once(rig: Rig) -> None:
    propose(rig)
    rig.do(veto_of(rig), A)
    with refuses("AlreadyVetoed", party=A):
        rig.do(veto_of(rig), A)


def test_a_withdrawal_is_no_veto_though_their_members_are_the_same(rig: Rig) -> None:
    propose(rig)
    consents = rig.consents(withdrawal(rig), [A])
    with refuses("BadSignature", party=A):
        rig.do(veto_of(rig), *consents)


def test_a_veto_makes_it_thirty_days_from_the_day_of_the_veto(rig: Rig) -> None:
    propose(rig)
    rig.pass_days(6)
    day = rig.today
    sent = rig.do(veto_of(rig), A)
    assert (recovery(rig, A).vetoed, recovery(rig, A).ready_on) == (True, day + 30)
    assert (party(rig, A).status, party(rig, A).sequence) == (RECOVERING, 3)
    topic = keccak(b"RekeyVetoed(uint32,uint32,uint24)")
    data = (3).to_bytes(32, "big") + (day + 30).to_bytes(32, "big")
    assert sent.logs == ((rig.registry, (topic, A.to_bytes(32, "big")), data),)


def test_a_suspended_party_objects_too(rig: Rig) -> None:
    suspend(rig, A)
    propose(rig)
    rig.do(veto_of(rig), A)
    assert recovery(rig, A).vetoed


# withdrawRekey


def test_only_the_proposers_take_it_back_together(rig: Rig) -> None:
    propose(rig)
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(withdrawal(rig), A, BANK)
    with refuses("BadSignature", party=BANK):
        rig.do(withdrawal(rig), REGISTRAR, A)
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(withdrawal(rig), REGISTRAR)


def test_without_a_recovery_there_is_nothing_to_take_back(rig: Rig) -> None:
    with refuses("NoRecovery", party=A):
        rig.do(withdrawal(rig), REGISTRAR, BANK)


def test_after_a_withdrawal_the_old_signer_acts_and_the_proposed_one_is_spent(rig: Rig) -> None:
    root = rig.issued()
    propose(rig)
    rig.do(veto_of(rig), A)
    sent = rig.do(withdrawal(rig), REGISTRAR, BANK)
    topic = keccak(b"RekeyWithdrawn(uint32,uint32,uint24)")
    data = (4).to_bytes(32, "big") + int(rig.today).to_bytes(32, "big")
    assert sent.logs == ((rig.registry, (topic, A.to_bytes(32, "big")), data),)
    assert (recovery(rig, A), party(rig, A).status) == (NONE, 0)
    assert detail(rig, A).recovered_on == rig.today
    rig.transfer(root, B)
    with refuses("SignerInUse", party=A):
        propose(rig)
    propose(rig, generation=2)
    assert not recovery(rig, A).vetoed
