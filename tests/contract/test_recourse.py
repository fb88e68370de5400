"""Recourse: an overdue voucher goes back up the chain, tier by tier, to whoever signed that it is overdue."""

from __future__ import annotations

import pytest

from ledger.agreements import Invoice
from ledger.events import Parted, Transferred
from ledger.signing import child_id
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import FACE, TERM, declare, issued, overdue, pay, pledged_and_due
from tests.contract.paying import (
    cancel_of,
    discount_of,
    freeze,
    happened,
    refuses,
    settlement_of,
    shown,
    start_recovery,
    suspend,
)
from tests.contract.words import Issuer
from tests.rig import (
    BANK,
    FACTOR,
    GRACE,
    ISSUER,
    YUAN,
    A,
    B,
    C,
    D,
    Rig,
    Sent,
    VoucherWord,
    fingerprint,
)

PART = 300_000 * YUAN


def passed_down(rig: Rig, **terms: object) -> int:
    """Issued to A, passed on to B, C and D, and overdue at the fourth tier, which is the highest."""
    voucher = issued(rig, highest_tier=4, **terms)
    for recipient in (B, C, D):
        rig.transfer(voucher, recipient)
    rig.pass_days(TERM + GRACE + 1)
    declare(rig, voucher)
    return voucher


def give_back(rig: Rig, voucher: int, recipient: int, **terms: object) -> Sent:
    agreement = rig.transfer_of(voucher, recipient, **({"overdue": True} | terms))
    return rig.do(agreement, rig.voucher(voucher).holder, recipient)


# Refused


def test_who_did_not_sign_that_it_is_overdue_does_not_get_an_overdue_voucher(rig: Rig) -> None:
    voucher = overdue(rig)
    with refuses("OverdueDiffers", voucher=voucher, overdue=True):
        rig.transfer(voucher, B)
    with refuses("OverdueDiffers", voucher=voucher, overdue=True):
        rig.split(voucher, (B, PART))
    unaware = rig.consents(rig.transfer_of(voucher, B), [A, B])
    with refuses("BadSignature", party=A):
        rig.do(rig.transfer_of(voucher, B, overdue=True), *unaware)


@pytest.mark.parametrize("days", [0, TERM, TERM + GRACE + 1])
def test_what_nobody_has_declared_overdue_does_not_move_as_if_it_were(rig: Rig, days: int) -> None:
    voucher = issued(rig)
    rig.pass_days(days)
    with refuses("OverdueDiffers", voucher=voucher, overdue=False):
        give_back(rig, voucher, B)


def test_recourse_is_signed_by_who_gives_and_by_who_takes_back(rig: Rig) -> None:
    voucher = passed_down(rig)
    agreement = rig.transfer_of(voucher, C, overdue=True)
    for giver in (C, A, BANK, ISSUER):
        with refuses("BadSignature", party=D):
            rig.do(agreement, giver, C)
    for taker in (D, B):
        with refuses("BadSignature", party=C):
            rig.do(agreement, D, taker)
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(agreement, D)


def test_nobody_takes_a_voucher_back_from_itself(rig: Rig) -> None:
    voucher = overdue(rig)
    with refuses("SameParty", party=A):
        give_back(rig, voucher, A)


def test_who_is_suspended_or_recovers_its_key_neither_gives_nor_takes_back(rig: Rig) -> None:
    voucher = overdue(rig)
    suspend(rig, B)
    with refuses("PartySuspended", party=B):
        give_back(rig, voucher, B)
    start_recovery(rig, A)
    with refuses("PartyRecovering", party=A):
        give_back(rig, voucher, C)


def test_what_is_frozen_pledged_or_under_payment_stays(rig: Rig) -> None:
    pledged = pledged_and_due(rig)
    paid, frozen = issued(rig), issued(rig)
    rig.pass_days(TERM + GRACE + 1)
    for voucher in (pledged, paid, frozen):
        declare(rig, voucher)
    rig.do(settlement_of(rig, paid, amount=1), BANK)
    freeze(rig, frozen)
    with refuses("Locked", voucher=pledged, locks=Lock.OVERDUE | Lock.PLEDGE):
        give_back(rig, pledged, B)
    with refuses("Locked", voucher=paid, locks=Lock.OVERDUE | Lock.PAYMENT):
        give_back(rig, paid, B)
    with refuses("InFreeze", voucher=frozen, until=rig.today + 30):
        give_back(rig, frozen, B)


def test_an_overdue_voucher_is_not_sold(rig: Rig) -> None:
    voucher = overdue(rig)
    with refuses("OverdueDiffers", voucher=voucher, overdue=True):
        rig.do(discount_of(rig, voucher), A, FACTOR)


@pytest.mark.parametrize("face", [0, 1, 99 * YUAN])
def test_in_recourse_as_elsewhere_no_part_is_below_the_smallest(rig: Rig, face: int) -> None:
    voucher = overdue(rig)
    with refuses("PartTooSmall", given=face, lowest=100 * YUAN):
        rig.do(rig.split_of(voucher, (B, face), overdue=True), A, B)


# Back up the chain


def test_tier_by_tier_it_goes_back_and_the_tier_stays(rig: Rig) -> None:
    voucher = passed_down(rig)
    assert rig.voucher(voucher) == VoucherWord(FACE, D, 0, 5, 0, 4, Lock.OVERDUE)
    giver = D
    for sequence, recipient in enumerate((C, B, A), start=6):
        sent = give_back(rig, voucher, recipient)
        assert happened(sent) == [Transferred(voucher, recipient)]  # type: ignore[arg-type]
        assert shown(rig, sent) == [(giver, recipient, voucher)]
        assert rig.voucher(voucher) == VoucherWord(FACE, recipient, 0, sequence, 0, 4, Lock.OVERDUE)
        giver = recipient
    assert words.issuer(rig, ISSUER) == Issuer(FACE, False)
    assert rig.drawn() == words.promise(rig, voucher).live == FACE


def test_whoever_took_it_back_last_is_paid(rig: Rig) -> None:
    voucher = passed_down(rig)
    give_back(rig, voucher, C)
    with refuses("WrongPayee", given=D, expected=C):
        rig.do(settlement_of(rig, voucher, payee=D), BANK)
    pay(rig, voucher, FACE)
    assert words.issuer(rig, ISSUER) == Issuer(0, False)


def test_who_has_it_back_can_pass_it_to_anybody_who_signs_an_overdue_one(rig: Rig) -> None:
    voucher = passed_down(rig)
    for recipient in (A, FACTOR, BANK):
        give_back(rig, voucher, recipient)
        assert rig.voucher(voucher).holder == recipient


def test_an_issuer_that_takes_its_own_promise_back_cancels_it(rig: Rig) -> None:
    voucher = overdue(rig)
    give_back(rig, voucher, ISSUER)
    assert words.issuer(rig, ISSUER) == Issuer(FACE, False)
    rig.do(cancel_of(rig, voucher), ISSUER, ISSUER)
    assert words.issuer(rig, ISSUER) == Issuer(0, False)
    rig.issued()


def test_parts_go_back_too_and_are_overdue_at_the_same_tier(rig: Rig) -> None:
    voucher = passed_down(rig)
    agreement = rig.split_of(voucher, (C, PART), (B, PART), (D, PART), overdue=True)
    sent = rig.do(agreement, D, C, B, D)
    parts = [child_id(voucher, 5, place) for place in range(3)]  # type: ignore[arg-type]
    recipients = (C, B, D)
    assert happened(sent) == [
        Parted(voucher, part, recipient, PART, 4, 6)  # type: ignore[arg-type]
        for part, recipient in zip(parts, recipients, strict=True)
    ]
    for part, recipient in zip(parts, recipients, strict=True):
        assert rig.voucher(part) == VoucherWord(PART, recipient, 0, 1, 0, 4, Lock.OVERDUE)
    assert rig.voucher(voucher) == VoucherWord(FACE - 3 * PART, D, 0, 6, 0, 4, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER) == Issuer(FACE, False)
    for voucher_or_part in (*parts, voucher):
        with refuses("AlreadyOverdue", voucher=voucher_or_part):
            declare(rig, voucher_or_part)


def test_each_part_that_is_paid_or_cancelled_frees_the_issuer_of_its_own_face(rig: Rig) -> None:
    voucher = overdue(rig)
    rig.do(rig.split_of(voucher, (B, PART), (C, PART), overdue=True), A, B, C)
    first, second = (child_id(voucher, 2, place) for place in range(2))  # type: ignore[arg-type]
    pay(rig, first, PART)
    assert words.issuer(rig, ISSUER) == Issuer(FACE - PART, False)
    rig.do(cancel_of(rig, second), ISSUER, C)
    assert words.issuer(rig, ISSUER) == Issuer(FACE - 2 * PART, False)
    pay(rig, voucher, FACE - 2 * PART)
    assert words.issuer(rig, ISSUER) == Issuer(0, False)
    assert rig.drawn() == 0


def test_a_voucher_that_is_split_whole_in_recourse_has_ended_and_its_parts_are_owed(rig: Rig) -> None:
    voucher = overdue(rig)
    sent = rig.do(rig.split_of(voucher, (B, FACE), overdue=True), A, B)
    (part,) = (child_id(voucher, 2, 0),)  # type: ignore[arg-type]
    assert shown(rig, sent) == [(0, B, part), (A, 0, voucher)]
    with refuses("VoucherEnded", voucher=voucher):
        give_back(rig, voucher, C, sequence=3)
    assert words.issuer(rig, ISSUER) == Issuer(FACE, False)


def test_after_a_partial_payment_the_rest_goes_back(rig: Rig) -> None:
    voucher = passed_down(rig)
    pay(rig, voucher, PART)
    give_back(rig, voucher, C)
    assert rig.voucher(voucher) == VoucherWord(FACE - PART, C, 0, 7, 0, 4, Lock.OVERDUE)
    pay(rig, voucher, FACE - PART)
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (0, FACE)


def test_invoices_of_a_step_back_are_those_of_who_gives(rig: Rig) -> None:
    voucher = passed_down(rig)
    invoice = Invoice(fingerprint(900), 5, 7)  # type: ignore[arg-type]
    give_back(rig, voucher, C, invoices=(invoice,))
    assert words.invoice_use(rig, D, fingerprint(900)) == (7, 5)


# The buy-back, before the due day: no recourse, but an ordinary step on


def test_before_the_due_day_a_funder_gives_back_by_an_ordinary_transfer(rig: Rig) -> None:
    voucher = issued(rig)
    rig.transfer(voucher, FACTOR)
    with refuses("OverdueDiffers", voucher=voucher, overdue=False):
        give_back(rig, voucher, A)
    rig.transfer(voucher, A)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 3, 0)
