"""Discounts and the one payment rule, with each window at its exact edge."""

from __future__ import annotations

import pytest

from ledger.agreements import (
    FinishRekey,
    PartyNumber,
    Purpose,
    Transfer,
)
from ledger.calendar import Day
from ledger.events import PaymentAsserted, PaymentCompleted
from ledger.invariants import invariants
from ledger.world import Lock, Voucher, promise_of
from tests import states
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FIRST_DAY,
    FOREVER,
    FUNDER,
    HOLDER,
    PAY_BY,
    WINDOW,
    Attempt,
    ModelStage,
    judged,
    of,
    propose,
    refused,
    suspend,
)


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


# Discount


def test_the_price_is_due_early_enough_for_the_window_to_end_before_the_due_day(stage: ModelStage) -> None:
    s = states.live(stage)
    latest = Day(DUE_DAY - WINDOW - 2)
    refused(
        stage,
        states.discounting(s, pay_by=Day(FIRST_DAY - 1)),
        "PayByPassed",
        payBy=FIRST_DAY - 1,
        today=FIRST_DAY,
    )
    refused(
        stage,
        states.discounting(s, pay_by=Day(latest + 1)),
        "PayByTooLate",
        payBy=latest + 1,
        latest=latest,
    )
    stage.play(states.discounting(s, pay_by=latest))
    assert (of(stage, s).funder, of(stage, s).pay_by) == (FUNDER, latest)


def test_a_disbursement_is_asserted_until_the_day_after_pay_by_and_then_rescinded(stage: ModelStage) -> None:
    s = states.discounted(stage).on(PAY_BY + 1)
    assert judged(stage, states.disbursing(s, FUNDER), True) is None
    refused(stage, states.rescinding(s, HOLDER), "RescindTooEarly", from_=PAY_BY + 2, today=PAY_BY + 1)
    s.on(PAY_BY + 2)
    refused(stage, states.disbursing(s, FUNDER), "AssertTooLate", lastDay=PAY_BY + 1, today=PAY_BY + 2)
    refused(stage, states.rescinding(s, BUYER), "NotConcerned", voucher=s.voucher, party=BUYER)
    stage.play(states.rescinding(s, HOLDER))
    assert of(stage, s) == Voucher(face=FACE, holder=HOLDER, tier=1, sequence=3)


def test_the_holder_rescinds_at_once_while_the_funder_is_suspended(stage: ModelStage) -> None:
    s = states.discounted(stage)
    stage.play(suspend(FUNDER))
    stage.play(states.rescinding(s, HOLDER))


# Payment


def test_silence_completes_a_disbursement_the_day_after_the_window(stage: ModelStage) -> None:
    s = states.disbursement_asserted(stage).on(FIRST_DAY + WINDOW)
    assert judged(stage, states.contesting(s), True) is None
    refused(stage, states.completing(s), "WindowOpen", from_=FIRST_DAY + WINDOW + 1, today=FIRST_DAY + WINDOW)
    s.on(FIRST_DAY + WINDOW + 1)
    refused(
        stage,
        states.contesting(s),
        "WindowEnded",
        lastDay=FIRST_DAY + WINDOW,
        today=FIRST_DAY + WINDOW + 1,
    )
    stage.play(states.completing(s))
    assert of(stage, s) == Voucher(face=FACE, holder=FUNDER, tier=1, sequence=4)
    assert s.voucher not in stage.world.payments


def test_a_payee_whose_key_is_being_recovered_is_not_silent(stage: ModelStage) -> None:
    s = states.disbursement_asserted(stage)
    stage.play(propose(stage, HOLDER))
    s.on(FIRST_DAY + 10)
    refused(stage, states.completing(s), "PayeeRecovering", payee=HOLDER)
    assert judged(stage, states.contesting(s), True) is None
    stage.play(Attempt(FinishRekey(HOLDER, 2, PartyNumber(0), FOREVER)))
    s.on(FIRST_DAY + 10 + WINDOW)
    refused(
        stage,
        states.completing(s),
        "WindowOpen",
        from_=FIRST_DAY + 11 + WINDOW,
        today=FIRST_DAY + 10 + WINDOW,
    )
    s.on(FIRST_DAY + 11 + WINDOW)
    stage.play(states.completing(s))


def test_a_settlement_is_at_most_the_face_to_the_holder_and_not_ahead_of_its_value_day(
    stage: ModelStage,
) -> None:
    s = states.live(stage).on(DUE_DAY)
    attempt = states.settling(s, BANK)

    refused(
        stage, attempt.changed(value_day=DUE_DAY + 1), "ValueDayAhead", valueDay=DUE_DAY + 1, today=DUE_DAY
    )
    refused(stage, attempt.changed(amount=FACE + 1), "WrongAmount", given=FACE + 1, expected=FACE)
    refused(stage, attempt.changed(payee=BUYER), "WrongPayee", given=BUYER, expected=HOLDER)
    stage.play(attempt)
    assert of(stage, s).locks == Lock.PAYMENT


def test_before_the_due_day_a_settlement_needs_the_holder(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY - 1)
    refused(stage, states.settling(s, BANK), "HolderMustSign", dueDay=DUE_DAY, today=DUE_DAY - 1)
    stage.play(states.settling(s, BANK, HOLDER))
    assert of(stage, s).face == 0
    assert stage.world.promises[promise_of(s.voucher)].settled == FACE
    assert isinstance(stage.events[-1][0], PaymentAsserted)


def test_a_bank_that_holds_the_voucher_pays_itself_at_once(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(Attempt(Transfer(s.voucher, 1, BANK, False, FOREVER, ()), (HOLDER, BANK)))
    attempt = states.settling(s, BANK)
    stage.play(attempt.changed(payee=BANK))
    assert of(stage, s).face == 0


def test_a_contested_payment_lives_on_until_it_is_confirmed_anew(stage: ModelStage) -> None:
    s = states.disbursement_contested(stage).on(FIRST_DAY + 3)
    first = stage.world.payments[s.voucher].contested_on
    stage.play(states.disbursing(s, FUNDER))
    assert stage.world.payments[s.voucher].contested_on == first
    refused(stage, states.completing(s), "PaymentIsContested", voucher=s.voucher)
    stage.play(states.confirming(s))
    assert of(stage, s).holder == FUNDER
    # not frozen: one event says it all
    assert stage.events[-1][0] == PaymentCompleted(s.voucher, HOLDER, Purpose.DISBURSEMENT, 0)


def test_on_the_due_day_a_settlement_overtakes_an_unpaid_sale(stage: ModelStage) -> None:
    s = states.discounted(stage).on(DUE_DAY)
    stage.play(states.settling(s, BANK))
    assert (of(stage, s).locks, of(stage, s).funder) == (Lock.PAYMENT, 0)


@pytest.mark.parametrize("payee", [HOLDER, FUNDER])
def test_an_unfinished_disbursement_is_settled_to_whom_holder_and_funder_name(
    stage: ModelStage, payee: PartyNumber
) -> None:
    s = states.disbursement_contested(stage).on(DUE_DAY)
    attempt = states.settling(s, BANK, HOLDER, FUNDER)
    named = attempt.changed(payee=payee)
    stranger = attempt.changed(payee=BUYER)
    refused(stage, stranger, "WrongPayee", given=BUYER, expected=HOLDER)
    stage.play(named)
    assert of(stage, s).face == 0 and s.voucher not in stage.world.payments
    assert invariants(stage.world) == []
