"""The award: registrar and arbiter end a contest that its parties do not end, from 30 days after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.agreements import PartyNumber
from ledger.calendar import Day, Timestamp, start_of_day
from ledger.errors import Refusal
from ledger.invariants import invariants, invariants_of_step
from ledger.payment import award_from
from ledger.voucher import signers
from ledger.world import Lock, Party, RegistrySettings, Role, World, promise_of
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import ARBITER, SECURED, awarding, contesting, paying
from tests.stage import (
    BANK,
    BUYER,
    DUE_DAY,
    FACE,
    FIRST_DAY,
    FUNDER,
    HOLDER,
    REGISTRAR,
    WINDOW,
    ModelStage,
    Situation,
    judged,
    of,
    refused,
    suspend,
)

FIRST = Day(DUE_DAY + 30)


@pytest.fixture
def stage() -> ModelStage:
    return ModelStage()


def with_role(stage: ModelStage, party: PartyNumber, role: Role) -> None:
    """As if it had been admitted with that role too."""
    admitted: Party = stage.world.parties[party]
    parties = {**stage.world.parties, party: replace(admitted, roles=admitted.roles | role)}
    stage.world = replace(stage.world, parties=parties)


# When


def test_there_is_no_award_without_a_payment(stage: ModelStage) -> None:
    s = states.live(stage)
    refused(stage, awarding(s, paid=True), "NoPayment", voucher=s.voucher)
    wrong = awarding(s, paid=True).changed(sequence=7)
    refused(stage, wrong, "WrongSequence", id=s.voucher, given=7, present=1)


def test_what_nobody_contested_is_not_awarded_however_long_it_takes(stage: ModelStage) -> None:
    s = states.settlement_asserted(stage).on(DUE_DAY + 300)
    refused(stage, awarding(s, paid=False), "NotContested", voucher=s.voucher)


def test_what_was_confirmed_is_not_awarded(stage: ModelStage) -> None:
    s = states.frozen_settlement_contested_and_confirmed(stage).on(DUE_DAY + 31)
    refused(stage, awarding(s, paid=False), "PaymentIsConfirmed", voucher=s.voucher)


def test_the_thirtieth_day_after_the_first_contest_is_the_first_of_an_award(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(DUE_DAY + 29)
    stage.timestamp = Timestamp(start_of_day(FIRST) - 1)
    refused(stage, awarding(s, paid=True), "AwardTooEarly", from_=FIRST, today=DUE_DAY + 29)
    s.on(FIRST)
    assert award_from(stage.world.payments[s.voucher]) == FIRST
    assert judged(stage, awarding(s, paid=True), True, True) is None


def test_a_new_assertion_does_not_put_the_award_off(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(DUE_DAY + 29)
    stage.play(states.settling(s, BANK))
    refused(stage, awarding(s, paid=True), "AwardTooEarly", from_=FIRST, today=DUE_DAY + 29)
    s.on(FIRST)
    assert judged(stage, awarding(s, paid=True), True, True) is None


# Who


@pytest.mark.parametrize("arbiter", [BANK, HOLDER])
def test_asserter_and_payee_are_no_arbiters(stage: ModelStage, arbiter: PartyNumber) -> None:
    s = defaulting.contested(stage).on(FIRST)
    refused(stage, awarding(s, paid=True, arbiter=arbiter), "ArbiterConcerned", party=arbiter)


def test_the_registrar_is_no_arbiter_since_it_has_no_role(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(FIRST)
    refused(stage, awarding(s, paid=True, arbiter=REGISTRAR), "MissingRole", party=REGISTRAR, role=8)


@pytest.mark.parametrize("arbiter", [BANK, FUNDER, HOLDER])
def test_while_pledged_the_holder_and_the_pledgee_are_concerned(
    stage: ModelStage, arbiter: PartyNumber
) -> None:
    s = defaulting.pledged_and_due(stage)
    stage.play(paying(s, SECURED, payee=FUNDER))
    stage.play(contesting(s, HOLDER))
    s.on(FIRST)
    refused(stage, awarding(s, paid=True, arbiter=arbiter), "ArbiterConcerned", party=arbiter)


def test_the_funder_is_concerned_in_its_disbursement_and_the_line_s_bank_is_not(stage: ModelStage) -> None:
    s = states.disbursement_contested(stage).on(FIRST_DAY + 30)
    refused(stage, awarding(s, paid=True, arbiter=FUNDER), "ArbiterConcerned", party=FUNDER)
    with_role(stage, BANK, Role.ARBITER)
    stage.play(awarding(s, paid=True, arbiter=BANK))
    assert of(stage, s).holder == FUNDER


def test_a_registrar_that_holds_the_voucher_awards_nothing(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(FIRST)
    stage.world = replace(stage.world, registry_settings=RegistrySettings(registrar=HOLDER))
    refused(stage, awarding(s, paid=False), "ArbiterConcerned", party=HOLDER)
    # the arbiter is looked at first
    refused(stage, awarding(s, paid=False, arbiter=BANK), "ArbiterConcerned", party=BANK)


def test_the_present_registrar_signs_not_the_founding_one(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(FIRST)
    stage.world = replace(stage.world, registry_settings=RegistrySettings(registrar=BUYER))
    wanted = signers(stage.world, awarding(s, paid=True).agreement, timestamp=stage.timestamp)
    assert wanted == (BUYER, ARBITER)
    # who was registrar is an arbiter like any other now, but for the role
    refused(stage, awarding(s, paid=True, arbiter=REGISTRAR), "MissingRole", party=REGISTRAR, role=8)


def test_both_sign_and_the_arbiter_has_its_role(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(FIRST)
    attempt = awarding(s, paid=True)
    assert judged(stage, attempt, True, False) == Refusal("BadSignature", {"party": ARBITER})
    refused(stage, awarding(s, paid=True, arbiter=BUYER), "MissingRole", party=BUYER, role=8)
    stage.play(suspend(ARBITER))
    refused(stage, attempt, "PartySuspended", party=ARBITER)


# What it does


def test_paid_completes_the_settlement_and_not_paid_takes_it_away(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(FIRST)
    before = stage.world

    def played(paid: bool) -> World:
        stage.world = before
        stage.play(awarding(s, paid=paid))
        assert s.voucher not in stage.world.payments
        assert invariants(stage.world) == invariants_of_step(before, stage.world) == []
        return stage.world

    paid, unpaid = played(True), played(False)
    assert paid.vouchers[s.voucher].face == 0
    assert paid.promises[promise_of(s.voucher)].settled == FACE
    assert (unpaid.vouchers[s.voucher].face, unpaid.vouchers[s.voucher].locks) == (FACE, 0)


def test_an_award_says_it_in_one_event_and_the_bank_may_assert_anew(stage: ModelStage) -> None:
    s = defaulting.contested(stage).on(FIRST)
    count = len(stage.events)
    stage.play(awarding(s, paid=False))
    assert len(stage.events) == count + 1
    stage.play(states.settling(s, BANK))
    refused(stage, awarding(s, paid=True), "NotContested", voucher=s.voucher)
    assert stage.world.payments[s.voucher].contested_on == 0


def test_not_paid_leaves_a_sale_that_can_be_rescinded(stage: ModelStage) -> None:
    s = states.disbursement_contested(stage)
    stage.play(states.admission(stage, ARBITER, roles=Role.ARBITER))
    s.on(FIRST_DAY + 30).play(awarding(s, paid=False))
    assert of(stage, s).locks == Lock.DISCOUNT
    stage.play(states.rescinding(s, HOLDER))


def test_in_a_freeze_nothing_is_awarded_as_paid_but_what_was_not_paid_is(stage: ModelStage) -> None:
    s = defaulting.contested(stage)
    stage.play(states.freezing(s, days=30))
    s.on(FIRST)
    refused(stage, awarding(s, paid=True), "InFreeze", voucher=s.voucher, until=FIRST)
    # the freeze is named before who is concerned
    refused(stage, awarding(s, paid=True, arbiter=BANK), "InFreeze", voucher=s.voucher, until=FIRST)
    assert judged(stage, awarding(s, paid=False), True, True) is None
    s.on(FIRST + 1).play(awarding(s, paid=True))
    assert of(stage, s).face == 0


def test_an_award_to_the_pledgee_lowers_the_secured_sum(stage: ModelStage) -> None:
    s: Situation = defaulting.pledged_and_due(stage)
    stage.play(states.admission(stage, ARBITER, roles=Role.ARBITER))
    stage.play(paying(s, SECURED - 1, payee=FUNDER))
    s.on(DUE_DAY + WINDOW).play(contesting(s, FUNDER))
    s.on(DUE_DAY + WINDOW + 30).play(awarding(s, paid=True))
    assert stage.world.pledges[s.voucher].secured == 1
    assert of(stage, s).locks == Lock.PLEDGE and invariants(stage.world) == []
