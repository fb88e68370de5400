"""`confirmPayment`: the payee has the money, and the payment takes effect."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import PaymentCompleted, PaymentConfirmed
from ledger.members import Purpose
from ledger.world import Lock
from tests.contract.paying import (
    NOTHING_ASSERTED,
    PaymentWord,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    discounted,
    freeze,
    happened,
    locks,
    refuses,
    settlement_of,
    settling,
    start_recovery,
    suspend,
    withdraw_of,
)
from tests.contract.words import promise
from tests.rig import BANK, FACTOR, ISSUER, LINE, REGISTRAR, WINDOW, YUAN, A, B, Rig, VoucherWord, key_of

FACE = 1_000_000 * YUAN

# Refusals


def test_where_nothing_is_asserted_nothing_is_confirmed(rig: Rig) -> None:
    live, sold = rig.issued(), discounted(rig)
    for voucher in (live, sold):
        with refuses("NoPayment", voucher=voucher):
            rig.do(confirm_of(rig, voucher), A)


def test_what_was_withdrawn_is_not_confirmed(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    with refuses("NoPayment", voucher=voucher):
        rig.do(confirm_of(rig, voucher), A)


def test_what_has_taken_effect_is_not_confirmed_again(rig: Rig) -> None:
    sold, settled = disbursing(rig), settling(rig)
    rig.do(confirm_of(rig, sold), A)
    rig.do(confirm_of(rig, settled), A)
    with refuses("NoPayment", voucher=sold):
        rig.do(confirm_of(rig, sold), A)
    with refuses("VoucherEnded", voucher=settled):
        rig.do(confirm_of(rig, settled), A)


@pytest.mark.parametrize("signer", [FACTOR, BANK, ISSUER, REGISTRAR, B])
def test_nobody_confirms_for_the_payee(rig: Rig, signer: int) -> None:
    voucher = disbursing(rig)
    with refuses("BadSignature", party=A):
        rig.do(confirm_of(rig, voucher), signer)


def test_a_confirmation_names_the_assertion_that_it_answers(rig: Rig) -> None:
    voucher = disbursing(rig)
    answer = confirm_of(rig, voucher)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    rig.do(disbursement_of(rig, voucher), FACTOR)
    with refuses("WrongSequence", id=voucher, given=3, present=5):
        rig.do(answer, A)


def test_what_is_confirmed_and_waits_for_a_freeze_is_not_confirmed_again(rig: Rig) -> None:
    voucher = disbursing(rig)
    freeze(rig, voucher)
    rig.do(confirm_of(rig, voucher), A)
    with refuses("PaymentIsConfirmed", voucher=voucher):
        rig.do(confirm_of(rig, voucher), A)


def test_what_both_signed_while_frozen_needs_no_confirmation(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    rig.do(settlement_of(rig, voucher), BANK, A)
    with refuses("PaymentIsConfirmed", voucher=voucher):
        rig.do(confirm_of(rig, voucher), A)


def test_a_key_that_is_only_proposed_does_not_confirm(rig: Rig) -> None:
    voucher = disbursing(rig)
    start_recovery(rig, A)
    with refuses("BadSignature", party=A):
        rig.do(confirm_of(rig, voucher), key_of(A, 1))


# What it does


def test_a_confirmed_disbursement_makes_the_funder_the_holder(rig: Rig) -> None:
    voucher = disbursing(rig)
    sent = rig.do(confirm_of(rig, voucher), A)
    assert happened(sent) == [PaymentCompleted(voucher, A, Purpose.DISBURSEMENT, 0)]  # type: ignore[arg-type]
    assert rig.voucher(voucher) == VoucherWord(FACE, FACTOR, 0, 4, 0, 1, 0)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    assert rig.drawn() == FACE


def test_a_confirmed_settlement_extinguishes_the_face_and_frees_line_and_parent(rig: Rig) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=FACE)
    voucher = rig.issued(line=sub_line)
    rig.pass_days(120)
    rig.do(settlement_of(rig, voucher), BANK)
    assert (rig.drawn(sub_line), rig.drawn()) == (FACE, FACE)
    sent = rig.do(confirm_of(rig, voucher), A)
    assert happened(sent) == [PaymentCompleted(voucher, A, Purpose.SETTLEMENT, FACE)]  # type: ignore[arg-type]
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 3, 0, 1, 0)
    assert (rig.drawn(sub_line), rig.drawn()) == (0, 0)
    assert (promise(rig, voucher).live, promise(rig, voucher).settled) == (0, FACE)


@pytest.mark.parametrize("start", [disbursing, settling])
def test_the_payee_may_confirm_after_all_what_it_has_contested(rig: Rig, start: Callable[[Rig], int]) -> None:
    voucher = start(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(100)
    rig.do(confirm_of(rig, voucher), A)
    assert locks(rig, voucher) == 0
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED


def test_the_payee_may_confirm_after_the_window(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(WINDOW + 30)
    rig.do(confirm_of(rig, voucher), A)
    assert rig.voucher(voucher).holder == FACTOR


def test_on_the_due_day_a_disbursement_can_still_be_confirmed_and_the_funder_is_paid(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(120)
    rig.do(confirm_of(rig, voucher), A)
    rig.do(settlement_of(rig, voucher), BANK)
    assert PaymentWord.read(rig, voucher).payee == FACTOR


@pytest.mark.parametrize("trouble", [suspend, start_recovery])
def test_a_suspended_or_recovering_payee_still_confirms(
    rig: Rig, trouble: Callable[[Rig, int], None]
) -> None:
    voucher = disbursing(rig)
    trouble(rig, A)
    rig.do(confirm_of(rig, voucher), A)
    assert rig.voucher(voucher).holder == FACTOR


@pytest.mark.parametrize("contested", [False, True])
def test_while_frozen_a_confirmation_is_taken_down_and_moves_nothing(rig: Rig, contested: bool) -> None:
    voucher = disbursing(rig)
    if contested:
        rig.do(contest_of(rig, voucher, A), A)
    freeze(rig, voucher)
    before = locks(rig, voucher)
    sent = rig.do(confirm_of(rig, voucher), A)
    assert happened(sent) == [PaymentConfirmed(voucher, A)]  # type: ignore[arg-type]
    assert len(sent.logs) == 1
    assert rig.voucher(voucher).holder == A
    assert locks(rig, voucher) == before | Lock.CONFIRMED


def test_after_the_last_day_of_a_freeze_a_confirmation_takes_effect_at_once(rig: Rig) -> None:
    voucher = disbursing(rig)
    freeze(rig, voucher, days=3)
    rig.pass_days(4)
    rig.do(confirm_of(rig, voucher), A)
    assert rig.voucher(voucher) == VoucherWord(FACE, FACTOR, 0, 4, 0, 1, 0)
    assert rig.word("freezeOf", voucher) == 0
