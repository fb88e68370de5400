"""`completePayment`: silence through the line's window completes a payment; anybody may say that it has ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.agreements import WithdrawRekey
from ledger.calendar import Day, start_of_day
from ledger.events import PaymentCompleted
from ledger.members import Purpose
from ledger.signing import complete_payment_calldata
from ledger.world import Lock
from tests.contract import words
from tests.contract.paying import (
    NOTHING_ASSERTED,
    PaymentWord,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    discounted,
    finish_recovery,
    freeze,
    happened,
    locks,
    refuses,
    settlement_of,
    settling,
    start_recovery,
    suspend,
    unfreeze_of,
    withdraw_of,
)
from tests.rig import BANK, FACTOR, LATER, LINE, REGISTRAR, WINDOW, YUAN, A, Rig, VoucherWord

FACE = 1_000_000 * YUAN

# Refusals


def test_where_nothing_is_asserted_nothing_is_completed(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.complete(77)
    live, sold = rig.issued(), discounted(rig)
    rig.pass_days(30)
    for voucher in (live, sold):
        with refuses("NoPayment", voucher=voucher):
            rig.complete(voucher)


def test_what_was_withdrawn_is_not_completed(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    rig.pass_days(WINDOW + 1)
    with refuses("NoPayment", voucher=voucher):
        rig.complete(voucher)


def test_what_is_contested_is_not_completed(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(WINDOW + 1)
    with refuses("PaymentIsContested", voucher=voucher):
        rig.complete(voucher)


def test_nothing_is_completed_twice(rig: Rig) -> None:
    sold, settled = disbursing(rig), settling(rig)
    rig.pass_days(WINDOW + 1)
    rig.complete(sold)
    rig.complete(settled)
    with refuses("NoPayment", voucher=sold):
        rig.complete(sold)
    with refuses("VoucherEnded", voucher=settled):
        rig.complete(settled)


@pytest.mark.parametrize(("reference", "window"), [(2, 1), (1, WINDOW), (3, 15)])
@pytest.mark.parametrize(
    "late", [0, 86_399], ids=["asserted at midnight", "asserted in the day's last second"]
)
def test_asserted_on_a_day_with_a_window_of_n_days_it_completes_from_that_day_plus_n_plus_1(
    rig: Rig, reference: int, window: int, late: int
) -> None:
    line = BANK << 32 | reference
    if reference != 1:
        rig.grant(line, window=window, grace=16)
    voucher = rig.issued(line=line, due_day=rig.today + 40)
    asserted_on = rig.today + 40
    rig.engine.travel(start_of_day(Day(asserted_on)) + late)
    rig.do(settlement_of(rig, voucher), BANK)
    completable = start_of_day(Day(asserted_on + window + 1))
    rig.engine.travel(completable - 1)
    with refuses("WindowOpen", from_=asserted_on + window + 1, today=asserted_on + window):
        rig.complete(voucher)
    rig.engine.travel(completable)
    rig.complete(voucher)
    assert rig.voucher(voucher).face == 0


def test_a_freeze_stops_completion_on_its_last_day_too(rig: Rig) -> None:
    voucher = disbursing(rig)
    freeze(rig, voucher, days=20)
    until = rig.today + 20
    for days in (WINDOW + 1, 20 - WINDOW - 1):
        rig.pass_days(days)
        with refuses("InFreeze", voucher=voucher, until=until):
            rig.complete(voucher)
    rig.pass_days(1)
    rig.complete(voucher)
    assert rig.voucher(voucher) == VoucherWord(FACE, FACTOR, 0, 4, 0, 1, 0)
    assert rig.word("freezeOf", voucher) == 0


# A payee whose key is being recovered is not silent


def test_while_the_payee_s_key_is_being_recovered_silence_completes_nothing(rig: Rig) -> None:
    voucher = disbursing(rig)
    start_recovery(rig, A)
    for days in (WINDOW + 1, 100):
        rig.pass_days(days)
        with refuses("PayeeRecovering", payee=A):
            rig.complete(voucher)


@pytest.mark.parametrize("ending", ["finished", "withdrawn"])
def test_after_the_recovery_the_payee_has_one_more_window(rig: Rig, ending: str) -> None:
    voucher = disbursing(rig)
    start_recovery(rig, A)
    rig.pass_days(7)
    if ending == "finished":
        finish_recovery(rig, A)
    else:
        rig.do(WithdrawRekey(A, words.party(rig, A).sequence, LATER), REGISTRAR, BANK)  # type: ignore[arg-type]
    first = rig.today + WINDOW + 1
    for days in (0, WINDOW):
        rig.pass_days(days)
        with refuses("WindowOpen", from_=first, today=rig.today):
            rig.complete(voucher)
    rig.pass_days(1)
    rig.complete(voucher)
    assert rig.voucher(voucher).holder == FACTOR


def test_a_recovery_that_ended_before_the_assertion_adds_no_day(rig: Rig) -> None:
    start_recovery(rig, A)
    rig.pass_days(7)
    finish_recovery(rig, A)
    rig.pass_days(1)
    voucher = disbursing(rig)
    rig.pass_days(WINDOW + 1)
    rig.complete(voucher)
    assert rig.voucher(voucher).holder == FACTOR


def test_only_the_payee_s_own_recovery_counts(rig: Rig) -> None:
    voucher = disbursing(rig)
    start_recovery(rig, FACTOR)
    rig.pass_days(WINDOW + 1)
    rig.complete(voucher)
    assert rig.voucher(voucher).holder == FACTOR


def test_a_suspended_payee_is_silent_like_any_other(rig: Rig) -> None:
    voucher = disbursing(rig)
    suspend(rig, A)
    rig.pass_days(WINDOW + 1)
    rig.complete(voucher)
    assert rig.voucher(voucher).holder == FACTOR


# What it does


def test_a_disbursement_completed_by_silence_makes_the_funder_the_holder(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(WINDOW + 1)
    sent = rig.complete(voucher)
    assert happened(sent) == [PaymentCompleted(voucher, A, Purpose.DISBURSEMENT, 0)]  # type: ignore[arg-type]
    assert rig.voucher(voucher) == VoucherWord(FACE, FACTOR, 0, 4, 0, 1, 0)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    assert rig.drawn() == FACE


def test_a_settlement_completed_by_silence_ends_the_voucher_and_frees_line_and_parent(rig: Rig) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=FACE)
    voucher = rig.issued(line=sub_line)
    rig.pass_days(120)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.pass_days(WINDOW + 1)
    sent = rig.complete(voucher)
    assert happened(sent) == [PaymentCompleted(voucher, A, Purpose.SETTLEMENT, FACE)]  # type: ignore[arg-type]
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 3, 0, 1, 0)
    assert (rig.drawn(sub_line), rig.drawn()) == (0, 0)
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (0, FACE)


def test_anybody_may_complete_even_who_is_no_party(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(WINDOW + 1)
    data = complete_payment_calldata(voucher)  # type: ignore[arg-type]
    rig.send(rig.ledger, data, sender="0x" + "ab" * 20)
    assert rig.voucher(voucher).holder == FACTOR


def test_on_the_due_day_a_silent_disbursement_still_completes_and_the_funder_is_paid(rig: Rig) -> None:
    latest = rig.today + 120 - WINDOW - 2
    voucher = discounted(rig, pay_by=latest)
    rig.pass_days(120 - WINDOW - 1)  # the day after pay-by: the last one to assert
    rig.do(disbursement_of(rig, voucher), FACTOR)
    rig.pass_days(WINDOW)
    with refuses("WindowOpen", from_=rig.today + 1, today=rig.today):
        rig.complete(voucher)
    rig.pass_days(1)  # the due day: the window has just ended
    rig.complete(voucher)
    rig.do(settlement_of(rig, voucher), BANK)
    assert PaymentWord.read(rig, voucher).payee == FACTOR


@pytest.mark.parametrize("lapsed", [False, True])
def test_what_was_confirmed_in_a_freeze_completes_when_it_ends_without_waiting_for_the_window(
    rig: Rig, lapsed: bool
) -> None:
    voucher = disbursing(rig)
    freeze(rig, voucher, days=1)
    rig.do(confirm_of(rig, voucher), A)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 1):
        rig.complete(voucher)
    if lapsed:
        rig.pass_days(2)
    else:
        rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    rig.complete(voucher)
    assert rig.voucher(voucher).holder == FACTOR
    assert locks(rig, voucher) == 0


def test_what_both_signed_in_a_freeze_completes_when_it_ends(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher, days=1)
    rig.do(settlement_of(rig, voucher), BANK, A)
    rig.pass_days(2)
    rig.complete(voucher)
    assert rig.voucher(voucher).face == rig.drawn() == 0


def test_a_contest_that_was_taken_back_by_confirming_completes_after_the_freeze(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(contest_of(rig, voucher, A), A)
    freeze(rig, voucher, days=1)
    rig.do(confirm_of(rig, voucher), A)
    assert Lock.CONTESTED in locks(rig, voucher)
    rig.pass_days(2)
    rig.complete(voucher)
    assert rig.voucher(voucher) == VoucherWord(FACE, FACTOR, 0, 6, 0, 1, 0)


@pytest.mark.parametrize("start", [disbursing, settling])
def test_a_new_assertion_after_a_withdrawal_starts_a_new_window(
    rig: Rig, start: Callable[[Rig], int]
) -> None:
    voucher = start(rig)
    sale = start is disbursing
    rig.pass_days(3)
    rig.do(withdraw_of(rig, voucher), FACTOR if sale else BANK)
    again = disbursement_of(rig, voucher) if sale else settlement_of(rig, voucher)
    rig.do(again, FACTOR if sale else BANK)
    rig.pass_days(WINDOW)
    with refuses("WindowOpen", from_=rig.today + 1, today=rig.today):
        rig.complete(voucher)
    rig.pass_days(1)
    rig.complete(voucher)
