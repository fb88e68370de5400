"""A debt that is paid in part: on and after the due day, overdue or not; the rest stays owed under its locks."""

from __future__ import annotations

import pytest

from ledger.events import PaymentAsserted
from ledger.invariants import invariants, invariants_of_step
from ledger.world import Lock, promise_of
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import OVERDUE_FROM, declaring, paying
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FUNDER,
    HOLDER,
    LINE,
    WINDOW,
    ModelStage,
    of,
    refused,
)

PART = 300_000_00


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


def test_before_the_due_day_a_settlement_is_of_the_whole_face(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY - 1)
    for amount in (0, FACE - 1, FACE + 1):
        refused(stage, paying(s, amount, BANK, HOLDER), "WrongAmount", given=amount, expected=FACE)
    # the sum is looked at before the holder's consent, and that before the payee
    refused(stage, paying(s, PART), "WrongAmount", given=PART, expected=FACE)
    refused(stage, paying(s, FACE, payee=BUYER), "HolderMustSign", dueDay=DUE_DAY, today=DUE_DAY - 1)


def test_from_the_due_day_on_any_part_of_the_face_but_nothing_above_it(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY)
    refused(stage, paying(s, 0), "ZeroAmount")
    refused(stage, paying(s, FACE + 1), "WrongAmount", given=FACE + 1, expected=FACE)
    refused(stage, paying(s, PART, payee=BUYER), "WrongPayee", given=BUYER, expected=HOLDER)
    stage.play(paying(s, 1, BANK, HOLDER))
    assert of(stage, s).face == FACE - 1


def test_an_asserted_part_waits_like_any_payment_and_the_rest_stays_owed(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY)
    stage.play(paying(s, PART))
    assert stage.world.payments[s.voucher].amount == PART
    assert (of(stage, s).face, of(stage, s).locks) == (FACE, Lock.PAYMENT)
    assert invariants(stage.world) == []
    before = stage.world
    s.on(DUE_DAY + WINDOW + 1).play(states.completing(s))
    v, promise = of(stage, s), stage.world.promises[promise_of(s.voucher)]
    assert (v.face, v.holder, v.locks) == (FACE - PART, HOLDER, 0)
    assert (promise.live, promise.settled) == (FACE - PART, PART)
    assert stage.world.lines[LINE].drawn == FACE - PART
    assert invariants(stage.world) == invariants_of_step(before, stage.world) == []


def test_one_payment_at_a_time_and_then_the_next(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY)
    stage.play(paying(s, PART))
    refused(stage, paying(s, FACE - PART), "PaymentPending", voucher=s.voucher)
    stage.play(states.confirming(s))
    refused(stage, paying(s, FACE), "WrongAmount", given=FACE, expected=FACE - PART)
    stage.play(paying(s, FACE - PART, BANK, HOLDER))
    assert of(stage, s).face == 0 and stage.world.lines[LINE].drawn == 0


def test_a_contested_part_is_asserted_anew_with_another_amount(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY)
    stage.play(paying(s, PART))
    stage.play(states.contesting(s))
    stage.play(paying(s, PART - 1))
    stage.play(states.confirming(s))
    assert of(stage, s).face == FACE - PART + 1


def test_a_returned_part_is_withdrawn_by_who_asserted_it(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY)
    stage.play(paying(s, PART))
    stage.play(states.withdrawing(s))
    assert (of(stage, s).face, of(stage, s).locks) == (FACE, 0)


def test_what_is_left_after_a_part_becomes_overdue_with_its_face(stage: ModelStage) -> None:
    s = states.live(stage).on(DUE_DAY)
    stage.play(paying(s, PART, BANK, HOLDER))
    s.on(OVERDUE_FROM).play(declaring(s))
    issuer = stage.world.promises[promise_of(s.voucher)].issuer
    assert stage.world.issuers[issuer].overdue == FACE - PART
    stage.play(paying(s, FACE - PART, BANK, HOLDER))
    assert stage.world.issuers[issuer].overdue == 0
    assert of(stage, s).locks == Lock.OVERDUE, "ended for good, as it was"
    assert invariants(stage.world, today=stage.today) == []


def test_a_paid_in_part_promise_is_not_undivided(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    stage.play(paying(s, PART, BANK, HOLDER))
    refused(stage, states.cancelling_whole(s), "NotUndivided", voucher=s.voucher)


def test_a_sale_that_the_due_day_has_overtaken_is_settled_in_part_too(stage: ModelStage) -> None:
    s = states.discounted(stage).on(DUE_DAY)
    stage.play(paying(s, PART, BANK, HOLDER))
    assert (of(stage, s).face, of(stage, s).locks, of(stage, s).funder) == (FACE - PART, 0, 0)


def test_an_unfinished_disbursement_is_settled_whole_or_not_at_all(stage: ModelStage) -> None:
    s = states.disbursement_contested(stage).on(DUE_DAY)
    three = (BANK, HOLDER, FUNDER)
    refused(stage, paying(s, PART, *three), "WrongAmount", given=PART, expected=FACE)
    # the sum before the freeze, the freeze before the payee
    stage.play(states.freezing(s, days=3))
    refused(stage, paying(s, PART, *three), "WrongAmount", given=PART, expected=FACE)
    refused(stage, paying(s, FACE, *three, payee=BUYER), "InFreeze", voucher=s.voucher, until=DUE_DAY + 3)
    s.on(DUE_DAY + 4).play(paying(s, FACE, *three, payee=FUNDER))
    assert of(stage, s).face == 0
    assert isinstance(stage.events[-1][0], PaymentAsserted)


def test_a_bank_that_holds_an_overdue_voucher_pays_itself_in_part_at_once(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    stage.play(defaulting.giving_back(s, BANK, by=HOLDER))
    stage.play(paying(s, PART, payee=BANK))
    assert (of(stage, s).face, of(stage, s).locks) == (FACE - PART, Lock.OVERDUE)
