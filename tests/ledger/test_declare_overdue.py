"""Default: from which day a voucher is overdue, what its issuer may still do, and recourse back up the chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.agreements import ResizeLine, VoucherId
from ledger.calendar import Timestamp, start_of_day
from ledger.invariants import invariants, invariants_of_step
from ledger.overdue import overdue_from
from ledger.world import IssuerRecord, Lock, promise_of
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import LAST_OF_GRACE, OVERDUE_FROM, declaring
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FIRST_DAY,
    FOREVER,
    HOLDER,
    ISSUER,
    LIMIT,
    LINE,
    PAY_BY,
    Attempt,
    ModelStage,
    Situation,
    judged,
    of,
    refused,
)
from tests.states import an_issue, grant


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


def owed(stage: ModelStage) -> int:
    return stage.world.issuers[ISSUER].overdue


# Declaring


def test_what_is_unknown_or_ended_is_not_overdue(stage: ModelStage) -> None:
    s = states.unknown(stage)
    refused(stage, declaring(s), "UnknownVoucher", voucher=s.voucher)
    stage.play(states.issuing(s))
    stage.play(states.cancelling(s))
    s.on(OVERDUE_FROM)
    refused(stage, declaring(s), "VoucherEnded", voucher=s.voucher)


def test_a_voucher_is_not_overdue_on_its_due_day_nor_on_the_last_day_of_grace(stage: ModelStage) -> None:
    s = states.live(stage)
    for day in (DUE_DAY, DUE_DAY + 1, LAST_OF_GRACE):
        s.on(day)
        refused(stage, declaring(s), "NotYetOverdue", from_=OVERDUE_FROM, today=day)
    stage.timestamp = Timestamp(start_of_day(OVERDUE_FROM) - 1)
    refused(stage, declaring(s), "NotYetOverdue", from_=OVERDUE_FROM, today=LAST_OF_GRACE)
    s.on(OVERDUE_FROM)
    assert overdue_from(stage.world, s.voucher) == OVERDUE_FROM
    stage.play(declaring(s))
    assert of(stage, s).locks == Lock.OVERDUE and of(stage, s).sequence == 2
    assert stage.world.issuers == {ISSUER: IssuerRecord(overdue=FACE)}
    assert invariants(stage.world, today=stage.today) == []


def test_the_grace_is_that_of_the_line(stage: ModelStage) -> None:
    states.unknown(stage)
    stage.play(grant(line=LINE + 1, grace=30))
    issue = an_issue(line=LINE + 1)
    s = Situation(stage, issue, stage.root(Attempt(issue)) or VoucherId(0))
    stage.play(states.issuing(s))
    s.on(DUE_DAY + 30)
    refused(stage, declaring(s), "NotYetOverdue", from_=DUE_DAY + 31, today=DUE_DAY + 30)
    s.on(DUE_DAY + 31)
    assert judged(stage, declaring(s)) is None


def test_once_is_enough(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    refused(stage, declaring(s), "AlreadyOverdue", voucher=s.voucher)


def test_an_asserted_or_contested_payment_keeps_a_voucher_from_being_overdue(stage: ModelStage) -> None:
    s = states.settlement_asserted(stage).on(OVERDUE_FROM)
    refused(stage, declaring(s), "PaymentPending", voucher=s.voucher)
    other = ModelStage()
    t = states.settlement_contested(other).on(OVERDUE_FROM)
    refused(other, declaring(t), "PaymentPending", voucher=t.voucher)
    other.play(states.withdrawing(t))
    other.play(declaring(t))
    assert of(other, t).locks == Lock.OVERDUE


def test_a_frozen_voucher_is_declared_overdue_after_its_freeze(stage: ModelStage) -> None:
    s = states.live(stage)
    stage.play(states.freezing(s, days=OVERDUE_FROM - FIRST_DAY))
    s.on(OVERDUE_FROM)
    refused(stage, declaring(s), "InFreeze", voucher=s.voucher, until=OVERDUE_FROM)
    s.on(OVERDUE_FROM + 1)
    stage.play(declaring(s))
    assert of(stage, s).locks == Lock.OVERDUE and not stage.world.freezes


def test_a_sale_with_nothing_asserted_ends_with_the_default(stage: ModelStage) -> None:
    s = defaulting.overdue(stage, states.discounted)
    v = of(stage, s)
    assert (v.locks, v.funder, v.pay_by, v.holder) == (Lock.OVERDUE, 0, 0, HOLDER)
    refused(stage, states.rescinding(s, HOLDER), "NotDiscounted", voucher=s.voucher)
    assert PAY_BY < OVERDUE_FROM and invariants(stage.world) == []


def test_a_pledge_outlives_the_default(stage: ModelStage) -> None:
    s = defaulting.overdue(stage, defaulting.pledged)
    assert of(stage, s).locks == Lock.OVERDUE | Lock.PLEDGE
    assert stage.world.pledges[s.voucher].secured == defaulting.SECURED
    assert invariants(stage.world) == []


# What it does to the issuer


def test_an_issuer_with_an_overdue_voucher_cannot_issue_until_it_has_paid(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    fresh = an_issue(
        issuer_reference=b"\x09" * 32,
        due_day=OVERDUE_FROM + 90,
        invoices=(replace(an_issue().invoices[0], fingerprint=b"\x07" * 32),),
    )
    attempt = Attempt(fresh, (ISSUER, HOLDER))
    stage.play(Attempt(ResizeLine(LINE, 1, LIMIT, OVERDUE_FROM, FOREVER), (BANK,)))
    refused(stage, attempt, "IssuerOverdue", issuer=ISSUER, overdue=FACE)
    stage.play(defaulting.paying(s, FACE - 1, BANK, HOLDER))
    refused(stage, attempt, "IssuerOverdue", issuer=ISSUER, overdue=1)
    stage.play(defaulting.paying(s, 1, BANK, HOLDER))
    assert owed(stage) == 0
    stage.play(attempt)


def test_cancelling_an_overdue_voucher_takes_it_off_what_is_overdue(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    stage.play(defaulting.cancelling(s))
    assert owed(stage) == 0 and of(stage, s).face == 0
    assert invariants(stage.world) == []


def test_a_payment_in_part_lowers_what_is_overdue_by_what_was_paid(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    stage.play(defaulting.paying(s, FACE // 2))
    assert owed(stage) == FACE, "asserted is not paid"
    stage.play(states.confirming(s))
    assert owed(stage) == of(stage, s).face == FACE - FACE // 2
    assert of(stage, s).locks == Lock.OVERDUE
    assert invariants(stage.world) == []


# Recourse


def test_an_overdue_voucher_moves_only_to_who_signed_for_an_overdue_one(stage: ModelStage) -> None:
    s = defaulting.overdue(stage)
    blind = defaulting.giving_back(s, BUYER, by=HOLDER, overdue=False)
    refused(stage, blind, "OverdueDiffers", voucher=s.voucher, overdue=True)
    refused(stage, states.discounting(s), "OverdueDiffers", voucher=s.voucher, overdue=True)
    refused(stage, defaulting.pledging(s), "OverdueDiffers", voucher=s.voucher, overdue=True)


def test_nobody_can_be_given_an_overdue_voucher_before_it_is_declared(stage: ModelStage) -> None:
    s = states.live(stage)
    early = defaulting.giving_back(s, BUYER, by=HOLDER)
    refused(stage, early, "OverdueDiffers", voucher=s.voucher, overdue=False)
    s.on(OVERDUE_FROM)
    refused(stage, early, "OverdueDiffers", voucher=s.voucher, overdue=False)


def test_recourse_keeps_the_tier_and_what_is_overdue(stage: ModelStage) -> None:
    s = defaulting.passed_on_and_overdue(stage)
    assert of(stage, s).tier == 2
    before = stage.world
    stage.play(defaulting.giving_back(s, HOLDER, by=BUYER))
    v = of(stage, s)
    assert (v.holder, v.tier, v.locks) == (HOLDER, 2, Lock.OVERDUE)
    assert owed(stage) == FACE
    assert invariants(stage.world, today=stage.today) == invariants_of_step(before, stage.world) == []


def test_recourse_needs_no_tier_above_the_highest(stage: ModelStage) -> None:
    s = states.unknown(stage)
    issue = an_issue(highest_tier=1)
    s = replace(s, issue=issue, voucher=stage.root(Attempt(issue)) or s.voucher)
    stage.play(states.issuing(s))
    s.on(OVERDUE_FROM).play(declaring(s))
    stage.play(defaulting.giving_back(s, BUYER, by=HOLDER))
    assert (of(stage, s).holder, of(stage, s).tier) == (BUYER, 1)


def test_a_part_given_back_is_overdue_too_and_is_paid_and_counted_by_itself(stage: ModelStage) -> None:
    s = defaulting.passed_on_and_overdue(stage)
    stage.play(defaulting.giving_back_part(s, HOLDER, FACE // 4, by=BUYER))
    (child,) = (number for number in stage.world.vouchers if number != s.voucher)
    part = stage.world.vouchers[child]
    assert (part.holder, part.tier, part.locks, part.face) == (HOLDER, 2, Lock.OVERDUE, FACE // 4)
    assert owed(stage) == FACE
    t = replace(s, voucher=child)
    refused(stage, declaring(t), "AlreadyOverdue", voucher=child)
    stage.play(defaulting.paying(t, FACE // 4, BANK, HOLDER))
    assert owed(stage) == FACE - FACE // 4
    assert stage.world.promises[promise_of(s.voucher)].settled == FACE // 4
    assert invariants(stage.world) == []
