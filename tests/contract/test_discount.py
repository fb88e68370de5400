"""`discount` and `rescind`: a voucher is sold to a funder subject to disbursement, or the sale comes to nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.agreements import Cancel, Revoke
from ledger.events import Discounted, Rescinded
from ledger.world import Lock
from tests.contract.paying import (
    QUOTE,
    cancel_of,
    confirm_of,
    disbursement_of,
    disbursing,
    discount_of,
    discounted,
    freeze,
    happened,
    locks,
    refuses,
    reinstate,
    rescind_of,
    revoke_of,
    sell,
    settling,
    start_recovery,
    suspend,
    withdraw_of,
)
from tests.rig import BANK, FACTOR, ISSUER, OTHER_BANK, REGISTRAR, WINDOW, YUAN, A, B, F, Rig, VoucherWord

FACE = 1_000_000 * YUAN

# Discount: refusals


def test_a_voucher_that_nobody_issued_is_not_sold(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(discount_of(rig, 77, sequence=1), A, FACTOR)


def test_a_cancelled_voucher_is_not_sold(rig: Rig) -> None:
    voucher = rig.issued()
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(discount_of(rig, voucher), A, FACTOR)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_sale_names_the_voucher_s_present_sequence(rig: Rig, off: int) -> None:
    voucher = rig.issued()
    with refuses("WrongSequence", id=voucher, given=1 + off, present=1):
        rig.do(discount_of(rig, voucher, sequence=1 + off), A, FACTOR)


def test_a_sale_signed_for_until_yesterday_is_not_done_today(rig: Rig) -> None:
    voucher = rig.issued()
    now = rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(discount_of(rig, voucher, deadline=now - 1), A, FACTOR)


def test_nobody_sells_to_itself(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("SameParty", party=A):
        rig.do(discount_of(rig, voucher, funder=A), A, A)


def test_the_price_cannot_be_due_yesterday(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("PayByPassed", payBy=rig.today - 1, today=rig.today):
        rig.do(discount_of(rig, voucher, pay_by=rig.today - 1), A, FACTOR)


@pytest.mark.parametrize(("reference", "window"), [(2, 1), (1, WINDOW), (3, 15)])
def test_the_price_is_due_early_enough_that_a_contest_ends_before_the_due_day(
    rig: Rig, reference: int, window: int
) -> None:
    line = BANK << 32 | reference
    if reference != 1:
        rig.grant(line, window=window, grace=16)
    voucher = rig.issued(line=line)
    latest = rig.today + 120 - window - 2  # latest + 1 + window is the day before the due day
    with refuses("PayByTooLate", payBy=latest + 1, latest=latest):
        rig.do(discount_of(rig, voucher, pay_by=latest + 1), A, FACTOR)
    rig.do(discount_of(rig, voucher, pay_by=latest), A, FACTOR)


def test_only_a_funder_buys(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("MissingRole", party=B, role=4):
        rig.do(discount_of(rig, voucher, funder=B), A, B)


def test_a_funder_that_was_never_admitted_does_not_buy(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("UnknownParty", party=99):
        rig.do(discount_of(rig, voucher, funder=99), A, A)


def test_somebody_else_s_signature_does_not_sell_a_holder_s_voucher(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("BadSignature", party=A):
        rig.do(discount_of(rig, voucher), B, FACTOR)


def test_a_funder_that_did_not_sign_bought_nothing(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("BadSignature", party=FACTOR):
        rig.do(discount_of(rig, voucher), A, A)
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(discount_of(rig, voucher), A)


def test_a_pay_by_that_was_tampered_with_is_not_what_was_signed(rig: Rig) -> None:
    voucher = rig.issued()
    signed = rig.consents(discount_of(rig, voucher, pay_by=rig.today + 3), [A, FACTOR])
    with refuses("BadSignature", party=A):
        rig.do(discount_of(rig, voucher, pay_by=rig.today + 9), *signed)


def test_a_voucher_is_not_sold_twice(rig: Rig) -> None:
    voucher = discounted(rig)
    with refuses("Locked", voucher=voucher, locks=Lock.DISCOUNT):
        rig.do(discount_of(rig, voucher, funder=BANK), A, BANK)


def test_a_voucher_under_payment_is_not_sold(rig: Rig) -> None:
    voucher = disbursing(rig)
    with refuses("Locked", voucher=voucher, locks=Lock.DISCOUNT | Lock.PAYMENT):
        rig.do(discount_of(rig, voucher, funder=BANK), A, BANK)


def test_a_frozen_voucher_is_not_sold(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.do(discount_of(rig, voucher), A, FACTOR)


def test_on_the_due_day_nothing_is_sold_any_more(rig: Rig) -> None:
    voucher = rig.issued()
    rig.pass_days(120)
    with refuses("RecordDay", voucher=voucher, dueDay=rig.today, today=rig.today):
        rig.do(discount_of(rig, voucher), A, FACTOR)


@pytest.mark.parametrize("funder", [FACTOR, OTHER_BANK])
def test_a_suspended_holder_sells_to_nobody_but_its_sponsor(rig: Rig, funder: int) -> None:
    voucher = rig.issued()
    suspend(rig, A)
    with refuses("PartySuspended", party=A):
        rig.do(discount_of(rig, voucher, funder=funder), A, funder)


def test_a_suspended_funder_does_not_buy(rig: Rig) -> None:
    voucher = rig.issued()
    suspend(rig, FACTOR)
    with refuses("PartySuspended", party=FACTOR):
        rig.do(discount_of(rig, voucher), A, FACTOR)


@pytest.mark.parametrize("funder", [FACTOR, BANK])
def test_while_the_holder_s_key_is_recovered_not_even_the_sponsor_buys(rig: Rig, funder: int) -> None:
    voucher = rig.issued()
    start_recovery(rig, A)
    with refuses("PartyRecovering", party=A):
        rig.do(discount_of(rig, voucher, funder=funder), A, funder)


# Discount: what it does


def test_a_sale_locks_the_voucher_and_leaves_it_with_its_holder(rig: Rig) -> None:
    voucher = rig.issued()
    sent = sell(rig, voucher)
    assert happened(sent) == [Discounted(voucher, FACTOR, QUOTE, rig.today + 3)]  # type: ignore[arg-type]
    assert len(sent.logs) == 1  # no Transfer: nothing has changed hands
    assert rig.voucher(voucher) == VoucherWord(FACE, A, FACTOR, 2, rig.today + 3, 1, Lock.DISCOUNT)
    assert rig.drawn() == FACE


def test_the_price_may_be_due_today(rig: Rig) -> None:
    voucher = discounted(rig, pay_by=rig.today)
    assert locks(rig, voucher) == Lock.DISCOUNT


def test_a_suspended_holder_sells_to_its_sponsor_bank(rig: Rig) -> None:
    voucher = rig.issued()
    suspend(rig, A)
    sell(rig, voucher, funder=BANK)
    assert rig.voucher(voucher).counterparty == BANK


def test_the_sponsor_that_counts_is_the_seller_s_own(rig: Rig) -> None:
    voucher = rig.issued()
    rig.transfer(voucher, F)
    suspend(rig, F)
    with refuses("PartySuspended", party=F):
        rig.do(discount_of(rig, voucher, funder=BANK), F, BANK)
    sell(rig, voucher, funder=OTHER_BANK)
    assert rig.voucher(voucher).counterparty == OTHER_BANK


def test_a_sold_voucher_cannot_be_moved_split_cancelled_or_revoked(rig: Rig) -> None:
    voucher = discounted(rig)
    tries = [
        (rig.transfer_of(voucher, B), (A, B)),
        (rig.split_of(voucher, (B, 1_000 * YUAN)), (A, B)),
        (cancel_of(rig, voucher), (ISSUER, A)),
        (revoke_of(rig, voucher), (A,)),
    ]
    assert {type(agreement) for agreement, _ in tries} >= {Cancel, Revoke}
    for agreement, signers in tries:
        with refuses("Locked", voucher=voucher, locks=Lock.DISCOUNT):
            rig.do(agreement, *signers)


# Rescind: refusals


def test_a_voucher_that_was_not_sold_has_no_sale_to_rescind(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("NotDiscounted", voucher=voucher):
        rig.do(rescind_of(rig, voucher, A), A)


def test_a_completed_sale_is_not_rescinded(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(confirm_of(rig, voucher), A)
    with refuses("NotDiscounted", voucher=voucher):
        rig.do(rescind_of(rig, voucher, FACTOR), FACTOR)


@pytest.mark.parametrize("by", [ISSUER, BANK, REGISTRAR, B])
def test_nobody_but_holder_and_funder_rescinds(rig: Rig, by: int) -> None:
    voucher = discounted(rig)
    with refuses("NotConcerned", voucher=voucher, party=by):
        rig.do(rescind_of(rig, voucher, by), by)


def test_the_holder_waits_through_the_day_after_pay_by(rig: Rig) -> None:
    voucher = discounted(rig, pay_by=rig.today + 3)
    first = rig.today + 5
    for days in (0, 3, 1):  # today, the pay-by day, the day on which the funder may still assert
        rig.pass_days(days)
        with refuses("RescindTooEarly", from_=first, today=rig.today):
            rig.do(rescind_of(rig, voucher, A), A)
    rig.pass_days(1)
    assert rig.today == first
    rig.do(rescind_of(rig, voucher, A), A)


@pytest.mark.parametrize("by", [A, FACTOR])
def test_once_the_funder_says_it_paid_nobody_rescinds(rig: Rig, by: int) -> None:
    voucher = disbursing(rig)
    rig.pass_days(10)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(rescind_of(rig, voucher, by), by)


def test_a_sale_that_the_due_day_has_overtaken_is_not_rescinded(rig: Rig) -> None:
    voucher = settling(rig)
    with refuses("NotDiscounted", voucher=voucher):
        rig.do(rescind_of(rig, voucher, A), A)


@pytest.mark.parametrize(("by", "signer"), [(A, FACTOR), (FACTOR, A)])
def test_who_rescinds_has_signed_itself(rig: Rig, by: int, signer: int) -> None:
    voucher = discounted(rig)
    rig.pass_days(5)
    with refuses("BadSignature", party=by):
        rig.do(rescind_of(rig, voucher, by), signer)


def test_a_rescission_names_the_present_sequence(rig: Rig) -> None:
    voucher = discounted(rig)
    early = rescind_of(rig, voucher, FACTOR)
    rig.do(early, FACTOR)
    sell(rig, voucher)
    with refuses("WrongSequence", id=voucher, given=2, present=4):
        rig.do(early, FACTOR)


def test_reinstated_a_funder_has_its_days_again(rig: Rig) -> None:
    voucher = discounted(rig)
    suspend(rig, FACTOR)
    reinstate(rig, FACTOR)
    with refuses("RescindTooEarly", from_=rig.today + 5, today=rig.today):
        rig.do(rescind_of(rig, voucher, A), A)


# Rescind: what it does


def test_rescinded_the_voucher_is_as_free_as_before_and_can_be_sold_again(rig: Rig) -> None:
    voucher = discounted(rig)
    sent = rig.do(rescind_of(rig, voucher, FACTOR), FACTOR)
    assert happened(sent) == [Rescinded(voucher, FACTOR)]  # type: ignore[arg-type]
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, 0)
    sell(rig, voucher, funder=BANK)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, BANK, 4, rig.today + 3, 1, Lock.DISCOUNT)


def test_the_holder_of_a_suspended_funder_s_promise_to_buy_rescinds_at_once(rig: Rig) -> None:
    voucher = discounted(rig)
    suspend(rig, FACTOR)
    rig.do(rescind_of(rig, voucher, A), A)
    assert locks(rig, voucher) == 0


@pytest.mark.parametrize("trouble", [suspend, start_recovery])
@pytest.mark.parametrize("by", [A, FACTOR])
def test_suspension_and_recovery_do_not_take_rescission_away(
    rig: Rig, by: int, trouble: Callable[[Rig, int], None]
) -> None:
    voucher = discounted(rig)
    rig.pass_days(5)
    trouble(rig, by)
    rig.do(rescind_of(rig, voucher, by), by)
    assert locks(rig, voucher) == 0


def test_a_freeze_does_not_take_rescission_away_and_stays(rig: Rig) -> None:
    voucher = discounted(rig)
    freeze(rig, voucher)
    rig.do(rescind_of(rig, voucher, FACTOR), FACTOR)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, Lock.FREEZE)


def test_on_the_due_day_a_sale_left_behind_can_still_be_rescinded(rig: Rig) -> None:
    voucher = discounted(rig)
    rig.pass_days(120)
    rig.do(rescind_of(rig, voucher, A), A)
    assert locks(rig, voucher) == 0


def test_a_withdrawn_disbursement_late_in_the_day_leaves_a_sale_that_the_holder_rescinds(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(5)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    with refuses("AssertTooLate", lastDay=rig.today - 1, today=rig.today):
        rig.do(disbursement_of(rig, voucher), FACTOR)
    rig.do(rescind_of(rig, voucher, A), A)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 5, 0, 1, 0)
