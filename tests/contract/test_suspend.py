"""`suspend` and `reinstate`: what a party may no longer do, what nobody can take from it, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from ledger.agreements import (
    AssertPayment,
    ConfirmPayment,
    ContestPayment,
    Discount,
    Purpose,
    Reinstate,
    Rekey,
    Revoke,
    Suspend,
    WithdrawPayment,
)
from tests.contract.paying import refuses
from tests.contract.words import SUSPENDED, party
from tests.rig import (
    BANK,
    FACTOR,
    ISSUER,
    LATER,
    OTHER_BANK,
    REGISTRAR,
    YUAN,
    ZERO,
    A,
    B,
    F,
    Rig,
    key_of,
)

REASON = keccak(b"why, salted")


def suspension(number: int, sequence: int = 1, **terms: Any) -> Suspend:
    return Suspend(number, sequence, **({"reason": REASON, "deadline": LATER} | terms))  # type: ignore[arg-type]


def reinstatement(number: int, sequence: int = 2, **terms: Any) -> Reinstate:
    return Reinstate(number, sequence, **({"reason": REASON, "deadline": LATER} | terms))  # type: ignore[arg-type]


def suspend(rig: Rig, number: int) -> None:
    rig.do(suspension(number, party(rig, number).sequence), REGISTRAR)


# Refused


@pytest.mark.parametrize("signer", [BANK, A, B])
def test_only_the_registrar_suspends_and_reinstates(rig: Rig, signer: int) -> None:
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(suspension(A), signer)
    suspend(rig, A)
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(reinstatement(A), signer)


def test_an_unknown_party_is_neither_suspended_nor_reinstated(rig: Rig) -> None:
    with refuses("UnknownParty", party=99):
        rig.do(suspension(99, 0), REGISTRAR)
    with refuses("UnknownParty", party=99):
        rig.do(reinstatement(99, 0), REGISTRAR)


@pytest.mark.parametrize("sequence", [0, 2, 4_294_967_295])
def test_a_suspension_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    with refuses("WrongSequence", id=A, given=sequence, present=1):
        rig.do(suspension(A, sequence), REGISTRAR)
    with refuses("WrongSequence", id=A, given=sequence, present=1):
        rig.do(reinstatement(A, sequence), REGISTRAR)


def test_a_suspended_party_is_not_suspended_again(rig: Rig) -> None:
    suspend(rig, A)
    with refuses("AlreadySuspended", party=A):
        rig.do(suspension(A, 2), REGISTRAR)


def test_who_is_not_suspended_is_not_reinstated(rig: Rig) -> None:
    with refuses("NotSuspended", party=A):
        rig.do(reinstatement(A, 1), REGISTRAR)


def test_the_registrar_does_not_suspend_itself(rig: Rig) -> None:
    with refuses("RegistrarStays", party=REGISTRAR):
        rig.do(suspension(REGISTRAR), REGISTRAR)


def test_one_second_after_their_deadline_both_are_expired(rig: Rig) -> None:
    deadline = rig.engine.now() + 10
    suspending = rig.call(suspension(A, deadline=deadline), REGISTRAR)
    reinstating = rig.call(reinstatement(B, 1, deadline=deadline), REGISTRAR)
    rig.engine.travel(deadline + 1)
    for data in (suspending, reinstating):
        with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
            rig.send(rig.registry, data)


def test_a_suspension_is_no_reinstatement_though_their_members_are_the_same(rig: Rig) -> None:
    consents = rig.consents(suspension(A, 2), [REGISTRAR])
    suspend(rig, A)
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(reinstatement(A, 2), *consents)


def test_a_suspension_that_landed_cannot_land_after_the_reinstatement(rig: Rig) -> None:
    data = rig.call(suspension(A), REGISTRAR)
    rig.send(rig.registry, data)
    rig.do(reinstatement(A), REGISTRAR)
    with refuses("WrongSequence", id=A, given=1, present=3):
        rig.send(rig.registry, data)


def test_a_suspended_issuer_does_not_issue(rig: Rig) -> None:
    suspend(rig, ISSUER)
    with refuses("PartySuspended", party=ISSUER):
        rig.issued()


def test_a_suspended_supplier_receives_nothing(rig: Rig) -> None:
    root = rig.issued()
    suspend(rig, B)
    with refuses("PartySuspended", party=B):
        rig.issued(supplier=B)
    with refuses("PartySuspended", party=B):
        rig.transfer(root, B)
    with refuses("PartySuspended", party=B):
        rig.split(root, (B, 1_000 * YUAN))


def test_a_suspended_holder_passes_nothing_on(rig: Rig) -> None:
    root = rig.issued()
    suspend(rig, A)
    with refuses("PartySuspended", party=A):
        rig.transfer(root, B)
    with refuses("PartySuspended", party=A):
        rig.split(root, (B, 1_000 * YUAN))


def test_what_was_signed_before_the_suspension_does_not_land_during_it(rig: Rig) -> None:
    data = rig.call(rig.transfer_of(rig.issued(), B), A, B)
    suspend(rig, A)
    with refuses("PartySuspended", party=A):
        rig.send(rig.ledger, data)


def test_a_suspended_holder_sells_to_its_sponsor_bank_alone(rig: Rig) -> None:
    root, funders = rig.issued(), (OTHER_BANK, FACTOR)
    suspend(rig, A)  # whose sponsor is BANK
    for funder in funders:
        with refuses("PartySuspended", party=A):
            rig.do(Discount(root, 1, funder, REASON, rig.today, LATER), A, funder)  # type: ignore[arg-type]
    rig.do(Discount(root, 1, BANK, REASON, rig.today, LATER), A, BANK)  # type: ignore[arg-type]
    assert rig.voucher(root).counterparty == BANK


def test_a_suspended_bank_grants_nothing_and_sponsors_nobody(rig: Rig) -> None:
    suspend(rig, BANK)
    with refuses("PartySuspended", party=BANK):
        rig.grant(BANK << 32 | 2)
    with refuses("PartySuspended", party=BANK):
        rig.admit(77, 0)


def test_a_suspended_party_keeps_its_signer(rig: Rig) -> None:
    suspend(rig, A)
    new = key_of(A, 1)
    rekey = Rekey(A, 2, 0, LATER, bytes(new.public_key.to_canonical_address()))  # type: ignore[arg-type]
    with refuses("PartySuspended", party=A):
        rig.do(rekey, A, new)


# Done


def test_a_suspension_and_its_end_are_marked_counted_and_logged(rig: Rig) -> None:
    topic = keccak(b"PartySuspension(uint32,uint32,bool,bytes32)")
    for agreement, status, sequence, flag in (
        (suspension(A), SUSPENDED, 2, 1),
        (reinstatement(A), 0, 3, 0),
    ):
        sent = rig.do(agreement, REGISTRAR)
        assert (party(rig, A).status, party(rig, A).sequence) == (status, sequence)
        words = sequence.to_bytes(32, "big") + flag.to_bytes(32, "big") + REASON
        assert sent.logs == ((rig.registry, (topic, A.to_bytes(32, "big")), words),)


def test_a_suspension_changes_neither_signer_nor_roles_nor_sponsor(rig: Rig) -> None:
    before = party(rig, ISSUER)
    suspend(rig, ISSUER)
    after = party(rig, ISSUER)
    assert (after.signer, after.kind, after.roles, after.sponsor) == (
        before.signer,
        before.kind,
        before.roles,
        before.sponsor,
    )


def test_a_suspended_payee_is_paid_and_answers(rig: Rig) -> None:
    root = rig.issued()
    rig.pass_days(120)
    suspend(rig, A)
    asserted = AssertPayment(root, 1, Purpose.SETTLEMENT, A, 1_000_000 * YUAN, rig.today, ZERO, LATER)  # type: ignore[arg-type]
    rig.do(asserted, BANK)
    rig.do(ContestPayment(root, 2, A, REASON, LATER), A)  # type: ignore[arg-type]
    rig.do(ConfirmPayment(root, 3, LATER), A)  # type: ignore[arg-type]
    assert rig.voucher(root).face == 0


def test_a_suspended_bank_still_pays_and_takes_its_word_back(rig: Rig) -> None:
    root = rig.issued()
    rig.pass_days(120)
    suspend(rig, BANK)
    asserted = AssertPayment(root, 1, Purpose.SETTLEMENT, A, 1_000_000 * YUAN, rig.today, ZERO, LATER)  # type: ignore[arg-type]
    rig.do(asserted, BANK)
    rig.do(WithdrawPayment(root, 2, LATER), BANK)  # type: ignore[arg-type]
    assert (rig.voucher(root).face, rig.voucher(root).locks) == (1_000_000 * YUAN, 0)


def test_a_suspended_holder_voids_what_it_signed_before(rig: Rig) -> None:
    root = rig.issued()
    data = rig.call(rig.transfer_of(root, B), A, B)
    suspend(rig, A)
    rig.do(Revoke(root, 1, LATER), A)  # type: ignore[arg-type]
    rig.do(reinstatement(A), REGISTRAR)
    with refuses("WrongSequence", id=root, given=1, present=2):
        rig.send(rig.ledger, data)


def test_after_the_reinstatement_everything_moves_again(rig: Rig) -> None:
    root = rig.issued()
    suspend(rig, A)
    rig.do(reinstatement(A), REGISTRAR)
    rig.transfer(root, F)
    assert rig.voucher(root).holder == F
