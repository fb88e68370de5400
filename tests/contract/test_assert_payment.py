"""`assertPayment`: who paid says so. Alone it moves nothing; with the payee's signature it takes effect at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import PaymentAsserted
from ledger.members import Purpose
from ledger.world import Lock
from tests.contract.paying import (
    NOTHING_ASSERTED,
    REFERENCE,
    PaymentWord,
    cancel_of,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    discounted,
    freeze,
    happened,
    locks,
    refuses,
    sell,
    settlement_of,
    settling,
    start_recovery,
    suspend,
)
from tests.contract.words import promise
from tests.rig import BANK, FACTOR, ISSUER, LINE, OTHER_BANK, YUAN, A, B, Rig, VoucherWord

FACE = 1_000_000 * YUAN

# Refusals of either purpose


def test_what_was_confirmed_after_a_contest_gives_way_to_no_new_assertion(rig: Rig) -> None:
    voucher = settling(rig)
    rig.do(contest_of(rig, voucher, A), A)
    freeze(rig, voucher)
    rig.do(confirm_of(rig, voucher), A)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(settlement_of(rig, voucher), BANK)


def test_in_a_freeze_holder_and_funder_do_not_say_who_is_to_be_paid(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(120)
    freeze(rig, voucher, days=30)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.do(settlement_of(rig, voucher, payee=FACTOR), BANK, A, FACTOR)


def test_nobody_pays_a_voucher_that_nobody_issued(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(settlement_of(rig, 77, sequence=1), BANK, A)


def test_nobody_pays_a_cancelled_voucher(rig: Rig) -> None:
    voucher = rig.issued()
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(settlement_of(rig, voucher), BANK, A)


def test_an_assertion_names_the_voucher_s_present_sequence(rig: Rig) -> None:
    voucher = discounted(rig)
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.do(disbursement_of(rig, voucher, sequence=1), FACTOR)


def test_an_assertion_has_a_deadline(rig: Rig) -> None:
    voucher, now = rig.issued(), rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(settlement_of(rig, voucher, deadline=now - 1), BANK, A)
    rig.do(settlement_of(rig, voucher, deadline=now), BANK, A)


def test_nobody_has_paid_tomorrow(rig: Rig) -> None:
    voucher = discounted(rig)
    with refuses("ValueDayAhead", valueDay=rig.today + 1, today=rig.today):
        rig.do(disbursement_of(rig, voucher, value_day=rig.today + 1), FACTOR)


# Refusals of a disbursement


def test_there_is_no_price_to_pay_for_a_voucher_that_was_not_sold(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("NotDiscounted", voucher=voucher):
        rig.do(disbursement_of(rig, voucher), FACTOR)


def test_the_day_after_pay_by_is_the_last_one_to_assert_a_disbursement(rig: Rig) -> None:
    early, late = (discounted(rig, pay_by=rig.today + 3) for _ in range(2))
    rig.pass_days(4)
    rig.do(disbursement_of(rig, early), FACTOR)
    rig.pass_days(1)
    with refuses("AssertTooLate", lastDay=rig.today - 1, today=rig.today):
        rig.do(disbursement_of(rig, late), FACTOR)


@pytest.mark.parametrize("payee", [B, FACTOR, ISSUER, 0])
def test_the_price_goes_to_the_holder(rig: Rig, payee: int) -> None:
    voucher = discounted(rig)
    with refuses("WrongPayee", given=payee, expected=A):
        rig.do(disbursement_of(rig, voucher, payee=payee), FACTOR)


def test_a_disbursement_carries_no_amount(rig: Rig) -> None:
    voucher = discounted(rig)
    with refuses("WrongAmount", given=1, expected=0):
        rig.do(disbursement_of(rig, voucher, amount=1), FACTOR)


@pytest.mark.parametrize("signer", [A, BANK, ISSUER])
def test_only_the_funder_says_that_the_funder_paid(rig: Rig, signer: int) -> None:
    voucher = discounted(rig)
    with refuses("BadSignature", party=FACTOR):
        rig.do(disbursement_of(rig, voucher), signer)


def test_a_second_consent_is_the_payee_s_and_nobody_else_s(rig: Rig) -> None:
    voucher = discounted(rig)
    with refuses("BadSignature", party=A):
        rig.do(disbursement_of(rig, voucher), FACTOR, FACTOR)


@pytest.mark.parametrize(("count", "expected"), [(0, 1), (3, 2)])
def test_neither_none_nor_three_sign_a_disbursement(rig: Rig, count: int, expected: int) -> None:
    voucher = discounted(rig)
    with refuses("ConsentCount", expected=expected, given=count):
        rig.do(disbursement_of(rig, voucher), *(FACTOR, A, A)[:count])


def test_a_disbursement_is_not_asserted_twice(rig: Rig) -> None:
    voucher = disbursing(rig)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(disbursement_of(rig, voucher), FACTOR)


# Refusals of a settlement


@pytest.mark.parametrize("amount", [0, 1, FACE - 1, FACE + 1])
def test_a_settlement_is_of_the_whole_face(rig: Rig, amount: int) -> None:
    voucher = rig.issued()
    with refuses("WrongAmount", given=amount, expected=FACE):
        rig.do(settlement_of(rig, voucher, amount=amount), BANK, A)


@pytest.mark.parametrize("payee", [B, ISSUER, BANK])
def test_a_settlement_goes_to_the_holder(rig: Rig, payee: int) -> None:
    voucher = rig.issued()
    with refuses("WrongPayee", given=payee, expected=A):
        rig.do(settlement_of(rig, voucher, payee=payee), BANK, payee)


def test_before_the_due_day_the_holder_signs_an_early_settlement(rig: Rig) -> None:
    voucher = rig.issued()
    for days in (0, 119):
        rig.pass_days(days)
        with refuses("HolderMustSign", dueDay=rig.today + 120 - days, today=rig.today):
            rig.do(settlement_of(rig, voucher), BANK)


@pytest.mark.parametrize("signer", [OTHER_BANK, ISSUER, A])
def test_only_the_line_s_bank_says_that_a_promise_was_paid(rig: Rig, signer: int) -> None:
    voucher = rig.issued()
    rig.pass_days(120)
    with refuses("BadSignature", party=BANK):
        rig.do(settlement_of(rig, voucher), signer)


def test_a_sold_voucher_is_not_settled_before_its_due_day(rig: Rig) -> None:
    voucher = discounted(rig)
    with refuses("Locked", voucher=voucher, locks=Lock.DISCOUNT):
        rig.do(settlement_of(rig, voucher), BANK, A)


def test_a_settlement_is_not_asserted_twice(rig: Rig) -> None:
    voucher = settling(rig)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(settlement_of(rig, voucher), BANK)


def test_while_a_settlement_is_contested_none_but_a_settlement_is_asserted(rig: Rig) -> None:
    voucher = settling(rig)
    rig.do(contest_of(rig, voucher, A), A)
    with refuses("NotDiscounted", voucher=voucher):
        rig.do(disbursement_of(rig, voucher), FACTOR)


@pytest.mark.parametrize("contested", [False, True])
def test_before_the_due_day_a_disbursement_under_way_keeps_a_settlement_out(
    rig: Rig, contested: bool
) -> None:
    voucher = disbursing(rig)
    if contested:
        rig.do(contest_of(rig, voucher, A), A)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(settlement_of(rig, voucher), BANK, A)


# An unfinished disbursement on the due day: holder and funder say together who is to be paid


def unfinished(rig: Rig, *, contested: bool) -> int:
    voucher = disbursing(rig)
    if contested:
        rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(120)
    return voucher


@pytest.mark.parametrize("contested", [False, True])
@pytest.mark.parametrize("signers", [(BANK,), (BANK, A), (BANK, FACTOR)])
def test_the_bank_does_not_choose_between_holder_and_funder(
    rig: Rig, signers: tuple[int, ...], contested: bool
) -> None:
    voucher = unfinished(rig, contested=contested)
    agreement = settlement_of(rig, voucher)
    name = "BadSignature" if FACTOR in signers else "ConsentCount"
    facts = {"party": A} if FACTOR in signers else {"expected": 3, "given": len(signers)}
    with refuses(name, **facts):
        rig.do(agreement, *signers)


def test_holder_and_funder_name_one_of_themselves(rig: Rig) -> None:
    voucher = unfinished(rig, contested=True)
    with refuses("WrongPayee", given=B, expected=A):
        rig.do(settlement_of(rig, voucher, payee=B), BANK, A, FACTOR)


def test_on_the_day_before_even_all_three_together_cannot(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(119)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(settlement_of(rig, voucher), BANK, A, FACTOR)


@pytest.mark.parametrize("contested", [False, True])
@pytest.mark.parametrize("payee", [A, FACTOR])
def test_bank_holder_and_funder_end_an_unfinished_disbursement_by_paying_the_one_they_name(
    rig: Rig, payee: int, contested: bool
) -> None:
    voucher = unfinished(rig, contested=contested)
    sent = rig.do(settlement_of(rig, voucher, payee=payee), BANK, A, FACTOR)
    assert [event.payee for event in happened(sent) if isinstance(event, PaymentAsserted)] == [payee]
    assert rig.voucher(voucher).face == 0
    assert locks(rig, voucher) == 0
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    assert rig.drawn() == 0


# What an assertion does


def test_a_disbursement_that_only_the_funder_asserts_locks_and_moves_nothing(rig: Rig) -> None:
    voucher = discounted(rig)
    sent = rig.do(disbursement_of(rig, voucher), FACTOR)
    day = rig.today
    assert happened(sent) == [
        PaymentAsserted(voucher, Purpose.DISBURSEMENT, A, 0, day, REFERENCE, False, day)  # type: ignore[arg-type]
    ]
    assert len(sent.logs) == 1
    assert rig.voucher(voucher) == VoucherWord(FACE, A, FACTOR, 3, day + 3, 1, Lock.DISCOUNT | Lock.PAYMENT)
    assert PaymentWord.read(rig, voucher) == PaymentWord(0, A, day, 0, Purpose.DISBURSEMENT)


def test_a_disbursement_that_the_holder_signs_too_makes_the_funder_the_holder_at_once(rig: Rig) -> None:
    voucher = discounted(rig)
    sent = rig.do(disbursement_of(rig, voucher), FACTOR, A)
    day = rig.today
    assert happened(sent) == [
        PaymentAsserted(voucher, Purpose.DISBURSEMENT, A, 0, day, REFERENCE, True, day)  # type: ignore[arg-type]
    ]
    assert rig.voucher(voucher) == VoucherWord(FACE, FACTOR, 0, 3, 0, 1, 0)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    assert rig.drawn() == FACE  # the issuer owes as before, to somebody else


def test_on_the_due_day_the_bank_asserts_alone_and_nothing_is_extinguished_yet(rig: Rig) -> None:
    voucher = settling(rig)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 2, 0, 1, Lock.PAYMENT)
    assert PaymentWord.read(rig, voucher) == PaymentWord(FACE, A, rig.today, 0, Purpose.SETTLEMENT)
    assert rig.drawn() == FACE
    assert (promise(rig, voucher).live, promise(rig, voucher).settled) == (FACE, 0)


@pytest.mark.parametrize("days", [0, 119, 120, 300])
def test_bank_and_holder_together_settle_on_any_day(rig: Rig, days: int) -> None:
    voucher = rig.issued()
    rig.pass_days(days)
    rig.do(settlement_of(rig, voucher), BANK, A)
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 2, 0, 1, 0)
    assert rig.drawn() == 0
    assert (promise(rig, voucher).live, promise(rig, voucher).settled) == (0, FACE)


def test_settlement_of_one_part_leaves_the_others_owed(rig: Rig) -> None:
    voucher = rig.issued()
    (part,) = rig.split(voucher, (B, 300_000 * YUAN))
    rig.do(settlement_of(rig, part), BANK, B)
    assert rig.drawn() == 700_000 * YUAN
    assert (promise(rig, voucher).live, promise(rig, voucher).settled) == (700_000 * YUAN, 300_000 * YUAN)
    assert rig.voucher(voucher).face == 700_000 * YUAN


def test_settlement_frees_line_and_parent_line(rig: Rig) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=FACE)
    voucher = rig.issued(line=sub_line)
    assert (rig.drawn(sub_line), rig.drawn()) == (FACE, FACE)
    rig.do(settlement_of(rig, voucher), BANK, A)
    assert (rig.drawn(sub_line), rig.drawn()) == (0, 0)


@pytest.mark.parametrize("days", [0, 120])
def test_a_bank_that_holds_the_voucher_itself_settles_at_once_and_alone(rig: Rig, days: int) -> None:
    voucher = rig.issued()
    rig.transfer(voucher, BANK)
    rig.pass_days(days)
    sent = rig.do(settlement_of(rig, voucher), BANK)
    assert [event.agreed for event in happened(sent) if isinstance(event, PaymentAsserted)] == [True]
    assert rig.voucher(voucher).face == 0
    assert rig.drawn() == 0


def test_on_the_due_day_a_settlement_ends_a_sale_that_nobody_disbursed(rig: Rig) -> None:
    voucher = discounted(rig)
    rig.pass_days(120)
    rig.do(settlement_of(rig, voucher), BANK)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, Lock.PAYMENT)


def test_what_was_contested_is_asserted_anew_and_the_first_contest_stays_on_record(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(2)
    rig.do(contest_of(rig, voucher, A), A)
    first = rig.today
    rig.pass_days(20)  # long after pay-by: what is contested stays open
    rig.do(disbursement_of(rig, voucher), FACTOR)
    assert locks(rig, voucher) == Lock.DISCOUNT | Lock.PAYMENT | Lock.CONTESTED
    assert PaymentWord.read(rig, voucher) == PaymentWord(0, A, rig.today, first, Purpose.DISBURSEMENT)
    rig.do(disbursement_of(rig, voucher), FACTOR, A)
    assert rig.voucher(voucher).holder == FACTOR
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED


def test_a_contested_settlement_is_asserted_anew_too(rig: Rig) -> None:
    voucher = settling(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.do(settlement_of(rig, voucher), BANK)
    assert locks(rig, voucher) == Lock.PAYMENT | Lock.CONTESTED


def test_while_frozen_a_payment_that_both_signed_waits_for_the_freeze_to_end(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    rig.do(settlement_of(rig, voucher), BANK, A)
    assert locks(rig, voucher) == Lock.PAYMENT | Lock.CONFIRMED | Lock.FREEZE
    assert rig.voucher(voucher).face == rig.drawn() == FACE
    assert PaymentWord.read(rig, voucher).payee == A


@pytest.mark.parametrize("trouble", [suspend, start_recovery])
@pytest.mark.parametrize("party", [FACTOR, A])
def test_suspension_and_recovery_take_nothing_away_from_a_disbursement(
    rig: Rig, party: int, trouble: Callable[[Rig, int], None]
) -> None:
    voucher = discounted(rig)
    trouble(rig, party)
    rig.do(disbursement_of(rig, voucher), FACTOR, A)
    assert rig.voucher(voucher).holder == FACTOR


def test_a_suspended_bank_still_says_that_it_paid(rig: Rig) -> None:
    voucher = rig.issued()
    suspend(rig, BANK)
    rig.pass_days(120)
    rig.do(settlement_of(rig, voucher), BANK)
    assert locks(rig, voucher) == Lock.PAYMENT


def test_a_funder_that_became_the_holder_can_sell_on(rig: Rig) -> None:
    voucher = discounted(rig)
    rig.do(disbursement_of(rig, voucher), FACTOR, A)
    sell(rig, voucher, funder=OTHER_BANK)
    rig.do(disbursement_of(rig, voucher), OTHER_BANK, FACTOR)
    assert rig.voucher(voucher) == VoucherWord(FACE, OTHER_BANK, 0, 5, 0, 1, 0)
