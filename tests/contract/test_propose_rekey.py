"""`proposeRekey`: registrar and sponsor bank start a recovery; nothing of the party moves meanwhile."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import Rekey
from tests.contract.paying import contest_of, refuses, settlement_of, suspend
from tests.contract.recovering import (
    address_of,
    finish_of,
    proposal,
    propose,
)
from tests.contract.words import (
    RECOVERING,
    SUSPENDED,
    WALLET,
    Recovery,
    party,
    party_of_signer,
    recovery,
)
from tests.rig import (
    BANK,
    LATER,
    OTHER_BANK,
    REGISTRAR,
    A,
    B,
    F,
    Rig,
    key_of,
)

# Refused


def test_registrar_and_sponsor_bank_propose_together(rig: Rig) -> None:
    new = key_of(A, 1)
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(proposal(rig), BANK, BANK, new)
    with refuses("BadSignature", party=BANK):
        rig.do(proposal(rig), REGISTRAR, REGISTRAR, new)
    with refuses("BadSignature", party=BANK):
        rig.do(proposal(rig), REGISTRAR, OTHER_BANK, new)
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(proposal(rig), REGISTRAR, new)


def test_the_sponsor_is_the_partys_own(rig: Rig) -> None:
    with refuses("BadSignature", party=OTHER_BANK):
        propose(rig, F, sponsor=BANK)
    propose(rig, F, sponsor=OTHER_BANK)
    assert party(rig, F).status == RECOVERING


def test_the_proposed_signer_proves_that_it_can_sign(rig: Rig) -> None:
    with refuses("BadSignature", party=A):
        rig.do(proposal(rig), REGISTRAR, BANK, A)


def test_the_party_itself_is_not_asked_but_cannot_stand_for_the_registrar(rig: Rig) -> None:
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(proposal(rig), A, BANK, key_of(A, 1))


def test_who_has_no_sponsor_has_no_recovery(rig: Rig) -> None:
    with refuses("NoSponsor", party=REGISTRAR):
        propose(rig, REGISTRAR)


def test_an_unknown_party_has_no_recovery(rig: Rig) -> None:
    with refuses("UnknownParty", party=99):
        propose(rig, 99)


@pytest.mark.parametrize("sequence", [0, 2])
def test_a_proposal_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    with refuses("WrongSequence", id=A, given=sequence, present=1):
        rig.do(proposal(rig, sequence=sequence), REGISTRAR, BANK, key_of(A, 1))


def test_there_is_one_recovery_at_a_time(rig: Rig) -> None:
    propose(rig)
    with refuses("PartyRecovering", party=A):
        propose(rig, generation=2)


def test_a_rekey_by_the_old_signer_is_no_proposal_though_the_members_are_the_same(rig: Rig) -> None:
    rekey = Rekey(A, 1, 0, LATER, address_of(A, 1))  # type: ignore[arg-type]
    consents = rig.consents(rekey, [REGISTRAR, BANK, key_of(A, 1)])
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(proposal(rig), *consents)


def test_a_used_signer_is_not_proposed(rig: Rig) -> None:
    with refuses("SignerInUse", party=B):
        rig.do(proposal(rig, signer=address_of(B, 0)), REGISTRAR, BANK, B)
    with refuses("SignerInUse", party=A):
        rig.do(proposal(rig, signer=address_of(A, 0)), REGISTRAR, BANK, A)


def test_a_suspended_sponsor_proposes_nothing(rig: Rig) -> None:
    suspend(rig, BANK)
    with refuses("PartySuspended", party=BANK):
        propose(rig)


def test_one_second_after_its_deadline_a_proposal_is_expired(rig: Rig) -> None:
    deadline = rig.engine.now() + 10
    data = rig.call(proposal(rig, deadline=deadline), REGISTRAR, BANK, key_of(A, 1))
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.send(rig.registry, data)


# Done


def test_a_proposal_waits_seven_days_and_the_old_signer_stays(rig: Rig) -> None:
    day, old = rig.today, party(rig, A).signer
    sent = propose(rig)
    new = int.from_bytes(address_of(A, 1), "big")
    assert recovery(rig, A) == Recovery(new, WALLET, 0, day + 7, vetoed=False)
    assert (party(rig, A).signer, party(rig, A).status, party(rig, A).sequence) == (old, RECOVERING, 2)
    assert party_of_signer(rig, address_of(A, 1)) == A
    topic = keccak(b"RekeyProposed(uint32,uint32,uint160,uint8,uint32,uint24)")
    data = b"".join(word.to_bytes(32, "big") for word in (2, new, WALLET, 0, day + 7))
    assert sent.logs == ((rig.registry, (topic, A.to_bytes(32, "big")), data),)


def test_nothing_of_the_party_moves_while_its_key_is_being_recovered(rig: Rig) -> None:
    root, other = rig.issued(), rig.issued(supplier=B)
    propose(rig)
    with refuses("PartyRecovering", party=A):
        rig.transfer(root, B)
    with refuses("PartyRecovering", party=A):
        rig.split(root, (B, 100_000))
    with refuses("PartyRecovering", party=A):
        rig.transfer(other, A)
    with refuses("PartyRecovering", party=A):
        rig.issued()
    rekey = Rekey(A, 2, 0, LATER, address_of(A, 2))  # type: ignore[arg-type]
    with refuses("PartyRecovering", party=A):
        rig.do(rekey, A, key_of(A, 2))


def test_a_bank_whose_key_is_being_recovered_neither_grants_nor_sponsors(rig: Rig) -> None:
    propose(rig, BANK, sponsor=OTHER_BANK)
    with refuses("PartyRecovering", party=BANK):
        rig.grant(BANK << 32 | 2)
    with refuses("PartyRecovering", party=BANK):
        rig.admit(77, 0)
    with refuses("PartyRecovering", party=BANK):
        propose(rig)


def test_a_party_under_recovery_is_paid_and_contests_with_its_old_signer(rig: Rig) -> None:
    root = rig.issued(due_day=rig.today + 60)
    rig.pass_days(60)
    propose(rig)
    rig.do(settlement_of(rig, root), BANK)
    with refuses("BadSignature", party=A):
        rig.do(contest_of(rig, root, A), key_of(A, 1))
    rig.do(contest_of(rig, root, A), A)
    rig.do(settlement_of(rig, root), BANK, A)
    assert rig.voucher(root).face == 0


def test_a_suspended_party_can_be_recovered_and_stays_suspended(rig: Rig) -> None:
    suspend(rig, A)
    propose(rig)
    assert party(rig, A).status == SUSPENDED | RECOVERING
    rig.pass_days(7)
    rig.do(finish_of(rig))
    assert party(rig, A).status == SUSPENDED
