"""Pledge, release, and how a pledged voucher is paid: first the pledgee, up to the secured sum, then the holder."""

from __future__ import annotations

import pytest

from ledger.agreements import FinishRekey, PartyNumber
from ledger.calendar import Day, Timestamp, start_of_day
from ledger.errors import Refusal
from ledger.invariants import invariants, invariants_of_step
from ledger.voucher import signers
from ledger.world import Lock, PledgeRecord, promise_of
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import END_DAY, SECURED, confirming, contesting, paying, pledging, releasing
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FIRST_DAY,
    FOREVER,
    FUNDER,
    HOLDER,
    WINDOW,
    Attempt,
    ModelStage,
    judged,
    of,
    propose,
    refused,
    suspend,
)

REST = FACE - SECURED


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


# Pledge


def test_a_pledge_secures_at_least_a_fen_and_at_most_the_face(stage: ModelStage) -> None:
    s = states.live(stage)
    for secured in (0, FACE + 1):
        refused(
            stage,
            pledging(s, secured=secured),
            "SecuredOutOfRange",
            given=secured,
            lowest=1,
            highest=FACE,
        )
    assert judged(stage, pledging(s, secured=1), True, True) is None
    assert judged(stage, pledging(s, secured=FACE), True, True) is None


def test_a_pledge_ends_today_or_later(stage: ModelStage) -> None:
    s = states.live(stage)
    refused(
        stage, pledging(s, end_day=Day(FIRST_DAY - 1)), "EndDayPassed", endDay=FIRST_DAY - 1, today=FIRST_DAY
    )
    stage.play(pledging(s, end_day=FIRST_DAY))
    assert of(stage, s).locks == Lock.PLEDGE
    record = PledgeRecord(pledgee=FUNDER, secured=SECURED, end_day=FIRST_DAY)
    assert stage.world.pledges == {s.voucher: record}
    assert record.word() == FUNDER | SECURED << 32 | FIRST_DAY << 96
    assert invariants(stage.world) == []


def test_nobody_pledges_to_itself_and_only_a_funder_takes_a_pledge(stage: ModelStage) -> None:
    s = states.live(stage)
    refused(stage, pledging(s, pledgee=HOLDER), "SameParty", party=HOLDER)
    to_buyer = Attempt(pledging(s, pledgee=BUYER).agreement, (HOLDER, BUYER))
    refused(stage, to_buyer, "MissingRole", party=BUYER, role=4)
    # the rules of the verb come before consents, the day after the sum
    wrong = pledging(s, secured=0, end_day=Day(FIRST_DAY - 1))
    refused(stage, wrong, "SecuredOutOfRange", given=0, lowest=1, highest=FACE)


def test_a_voucher_is_pledged_before_its_due_day_and_under_no_lock(stage: ModelStage) -> None:
    s = states.discounted(stage)
    refused(stage, pledging(s), "Locked", voucher=s.voucher, locks=1)
    other = ModelStage()
    t = states.live(other).on(DUE_DAY - 1)
    other.timestamp = Timestamp(start_of_day(DUE_DAY) - 1)
    assert judged(other, pledging(t, end_day=DUE_DAY), True, True) is None
    t.on(DUE_DAY)
    refused(other, pledging(t), "RecordDay", voucher=t.voucher, dueDay=DUE_DAY, today=DUE_DAY)


def test_a_pledged_voucher_neither_moves_nor_is_sold_nor_pledged_again(stage: ModelStage) -> None:
    s = defaulting.pledged(stage)
    for attempt in (
        states.transferring(s),
        states.splitting(s),
        states.discounting(s),
        states.cancelling(s),
        states.revoking(s),
        pledging(s),
    ):
        refused(stage, attempt, "Locked", voucher=s.voucher, locks=16)
    # and before the due day it is not paid either
    early = paying(s, SECURED, BANK, FUNDER, HOLDER, payee=FUNDER)
    refused(stage, early, "Locked", voucher=s.voucher, locks=16)


# Release


def test_who_is_neither_pledgee_nor_holder_releases_nothing(stage: ModelStage) -> None:
    s = states.live(stage)
    refused(stage, releasing(s, FUNDER), "NotPledged", voucher=s.voucher)
    stage.play(pledging(s))
    refused(stage, releasing(s, BANK), "NotConcerned", voucher=s.voucher, party=BANK)


def test_the_holder_releases_from_the_day_after_the_end_day_the_pledgee_at_any_time(
    stage: ModelStage,
) -> None:
    s = defaulting.pledged(stage).on(END_DAY)
    assert judged(stage, releasing(s, FUNDER), True) is None
    refused(stage, releasing(s, HOLDER), "ReleaseTooEarly", from_=END_DAY + 1, today=END_DAY)
    s.on(END_DAY + 1)
    before = stage.world
    stage.play(releasing(s, HOLDER))
    assert of(stage, s).locks == 0 and of(stage, s).sequence == 3 and not stage.world.pledges
    assert invariants(stage.world) == invariants_of_step(before, stage.world) == []
    stage.play(states.transferring(s))


def test_from_the_due_day_until_the_default_nothing_is_released(stage: ModelStage) -> None:
    s = defaulting.pledged(stage).on(DUE_DAY - 1)
    assert judged(stage, releasing(s, HOLDER), True) is None
    s.on(DUE_DAY)
    for by in (HOLDER, FUNDER, BANK):
        refused(stage, releasing(s, by), "RecordDay", voucher=s.voucher, dueDay=DUE_DAY, today=DUE_DAY)
    s.on(defaulting.OVERDUE_FROM).play(defaulting.declaring(s))
    refused(stage, releasing(s, HOLDER), "OverdueDiffers", voucher=s.voucher, overdue=True)
    stage.play(releasing(s, FUNDER))
    assert of(stage, s).locks == Lock.OVERDUE


def test_the_default_is_named_to_the_holder_before_the_end_day(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(pledging(s, end_day=Day(DUE_DAY + 500)))
    s.on(defaulting.OVERDUE_FROM).play(defaulting.declaring(s))
    refused(stage, releasing(s, HOLDER), "OverdueDiffers", voucher=s.voucher, overdue=True)


def test_a_frozen_or_asserted_pledge_is_not_released(stage: ModelStage) -> None:
    s = defaulting.pledged(stage)
    stage.play(states.freezing(s, days=3))
    refused(stage, releasing(s, FUNDER), "InFreeze", voucher=s.voucher, until=FIRST_DAY + 3)
    s.on(DUE_DAY).play(paying(s, SECURED, payee=FUNDER))
    refused(stage, releasing(s, FUNDER), "PaymentPending", voucher=s.voucher)


# Paying


def test_the_pledgee_is_paid_first_and_at_most_the_secured_sum(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    refused(stage, paying(s, SECURED), "WrongPayee", given=HOLDER, expected=FUNDER)
    refused(stage, paying(s, 0, payee=FUNDER), "ZeroAmount")
    refused(stage, paying(s, SECURED + 1, payee=FUNDER), "WrongAmount", given=SECURED + 1, expected=SECURED)
    # the sum is looked at before the payee
    refused(stage, paying(s, FACE), "WrongAmount", given=FACE, expected=SECURED)
    assert judged(stage, paying(s, SECURED, payee=FUNDER), True) is None


def test_a_pledged_voucher_is_paid_in_two_assertions(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, BANK, FUNDER, HOLDER, payee=FUNDER))
    v = of(stage, s)
    assert (v.face, v.locks, v.holder) == (REST, 0, HOLDER) and not stage.world.pledges
    refused(stage, paying(s, REST, payee=FUNDER), "WrongPayee", given=FUNDER, expected=HOLDER)
    stage.play(paying(s, REST, BANK, HOLDER))
    assert of(stage, s).face == 0
    assert stage.world.promises[promise_of(s.voucher)].settled == FACE
    assert invariants(stage.world) == []


def test_a_pledge_paid_in_part_stands_for_the_rest(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    before = stage.world
    stage.play(paying(s, SECURED - 1, BANK, FUNDER, HOLDER, payee=FUNDER))
    assert stage.world.pledges[s.voucher].secured == 1
    assert (of(stage, s).face, of(stage, s).locks) == (REST + 1, Lock.PLEDGE)
    assert invariants(stage.world) == invariants_of_step(before, stage.world) == []
    refused(stage, paying(s, 2, payee=FUNDER), "WrongAmount", given=2, expected=1)


def test_while_pledged_bank_pledgee_and_holder_sign_what_is_to_count_at_once(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    attempt = paying(s, SECURED, payee=FUNDER)
    assert judged(stage, attempt, True, True) == Refusal("ConsentCount", {"expected": 3, "given": 2})
    assert judged(stage, attempt, True, True, False) == Refusal("BadSignature", {"party": HOLDER})
    three = (True, True, True)
    wanted = signers(stage.world, attempt.agreement, timestamp=stage.timestamp, consents=three)
    assert wanted == (BANK, FUNDER, HOLDER)


def test_the_pledgee_s_word_that_it_was_paid_needs_the_holder_s_beside_it(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, payee=FUNDER))
    refused(stage, confirming(s, FUNDER), "ConsentCount", expected=2, given=1)
    stage.play(confirming(s, FUNDER, HOLDER))
    assert of(stage, s).face == REST


@pytest.mark.parametrize("by", [FUNDER, HOLDER])
def test_pledgee_and_holder_may_each_contest(stage: ModelStage, by: PartyNumber) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, payee=FUNDER))
    refused(stage, contesting(s, BUYER), "NotConcerned", voucher=s.voucher, party=BUYER)
    stage.play(contesting(s, by))
    s.on(DUE_DAY + 29)
    refused(stage, states.completing(s), "PaymentIsContested", voucher=s.voucher)
    stage.play(paying(s, SECURED - 1, payee=FUNDER))
    assert stage.world.payments[s.voucher].contested_on == DUE_DAY
    s.on(DUE_DAY + 100)
    refused(stage, states.completing(s), "PaymentIsContested", voucher=s.voucher)
    refused(stage, paying(s, SECURED, payee=FUNDER), "PaymentPending", voucher=s.voucher)
    assert invariants(stage.world) == []


def test_silence_of_both_completes_a_payment_to_the_pledgee(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, payee=FUNDER))
    s.on(DUE_DAY + WINDOW)
    refused(stage, states.completing(s), "WindowOpen", from_=DUE_DAY + WINDOW + 1, today=DUE_DAY + WINDOW)
    s.on(DUE_DAY + WINDOW + 1)
    refused(stage, contesting(s, HOLDER), "WindowEnded", lastDay=DUE_DAY + WINDOW, today=DUE_DAY + WINDOW + 1)
    stage.play(states.completing(s))
    assert of(stage, s).face == REST and not stage.world.pledges


def test_whoever_of_the_two_recovers_its_key_is_not_silent(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, payee=FUNDER))
    stage.play(propose(stage, HOLDER))
    s.on(DUE_DAY + 20)
    refused(stage, states.completing(s), "PayeeRecovering", payee=HOLDER)
    stage.play(propose(stage, FUNDER, signer=0xDEF))
    refused(stage, states.completing(s), "PayeeRecovering", payee=FUNDER)
    s.on(DUE_DAY + 27)
    for party in (FUNDER, HOLDER):
        stage.play(Attempt(FinishRekey(party, 2, PartyNumber(0), FOREVER)))
    refused(stage, states.completing(s), "WindowOpen", from_=DUE_DAY + 28 + WINDOW, today=DUE_DAY + 27)
    s.on(DUE_DAY + 28 + WINDOW)
    stage.play(states.completing(s))


@pytest.mark.parametrize(("first", "last"), [(FUNDER, HOLDER), (HOLDER, FUNDER)])
def test_the_later_of_two_recoveries_counts(stage: ModelStage, first: PartyNumber, last: PartyNumber) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, payee=FUNDER))
    stage.play(propose(stage, HOLDER))
    stage.play(propose(stage, FUNDER, signer=0xDEF))
    s.on(DUE_DAY + 7).play(Attempt(FinishRekey(first, 2, PartyNumber(0), FOREVER)))
    s.on(DUE_DAY + 9).play(Attempt(FinishRekey(last, 2, PartyNumber(0), FOREVER)))
    refused(stage, states.completing(s), "WindowOpen", from_=DUE_DAY + 10 + WINDOW, today=DUE_DAY + 9)


def test_a_bank_that_is_pledgee_cannot_answer_for_the_holder(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(Attempt(pledging(s, pledgee=BANK).agreement, (HOLDER, BANK)))
    s.on(DUE_DAY).play(paying(s, SECURED, BANK, payee=BANK))
    assert of(stage, s).locks == Lock.PLEDGE | Lock.PAYMENT, "asserted, not agreed"
    refused(stage, confirming(s, BANK), "ConsentCount", expected=2, given=1)
    stage.play(contesting(s, HOLDER))
    assert of(stage, s).face == FACE and invariants(stage.world) == []


def test_suspension_takes_no_answer_away(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, payee=FUNDER))
    stage.play(suspend(FUNDER))
    stage.play(suspend(HOLDER))
    stage.play(confirming(s, FUNDER, HOLDER))
    assert of(stage, s).face == REST


def test_a_frozen_pledge_is_paid_after_the_freeze(stage: ModelStage) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(states.freezing(s, days=5))
    stage.play(paying(s, SECURED, BANK, FUNDER, HOLDER, payee=FUNDER))
    assert of(stage, s).locks == Lock.PLEDGE | Lock.FREEZE | Lock.PAYMENT | Lock.CONFIRMED
    assert invariants(stage.world) == []
    s.on(DUE_DAY + 6).play(states.completing(s))
    assert (of(stage, s).face, of(stage, s).locks) == (REST, 0)


def test_an_overdue_pledge_is_paid_and_then_the_voucher_goes_back(stage: ModelStage) -> None:
    s = defaulting.overdue(stage, defaulting.pledged)
    back = defaulting.giving_back(s, BUYER, by=HOLDER)
    refused(stage, back, "Locked", voucher=s.voucher, locks=16 | 64)
    stage.play(paying(s, SECURED, BANK, FUNDER, HOLDER, payee=FUNDER))
    assert stage.world.issuers[stage.world.promises[promise_of(s.voucher)].issuer].overdue == REST
    stage.play(defaulting.giving_back(s, BUYER, by=HOLDER))
    assert of(stage, s).holder == BUYER
