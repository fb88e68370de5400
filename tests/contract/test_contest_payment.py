"""`contestPayment`: the payee does not have the money; from then on silence says nothing any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.calendar import Day, start_of_day
from ledger.events import PaymentContested
from ledger.world import Lock
from tests.contract.paying import (
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
    withdraw_of,
)
from tests.rig import BANK, FACTOR, ISSUER, REGISTRAR, WINDOW, ZERO, A, B, Rig

# Refusals


def test_where_nothing_is_asserted_nothing_is_contested(rig: Rig) -> None:
    live, sold = rig.issued(), discounted(rig)
    for voucher in (live, sold):
        with refuses("NoPayment", voucher=voucher):
            rig.do(contest_of(rig, voucher, A), A)


@pytest.mark.parametrize("by", [FACTOR, BANK, ISSUER, REGISTRAR, B])
def test_nobody_but_the_payee_contests(rig: Rig, by: int) -> None:
    voucher = disbursing(rig)
    with refuses("NotConcerned", voucher=voucher, party=by):
        rig.do(contest_of(rig, voucher, by), by)


@pytest.mark.parametrize("signer", [FACTOR, BANK])
def test_nobody_contests_in_the_payee_s_name(rig: Rig, signer: int) -> None:
    voucher = disbursing(rig)
    with refuses("BadSignature", party=A):
        rig.do(contest_of(rig, voucher, A), signer)


def test_a_contested_payment_is_not_contested_again(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(contest_of(rig, voucher, A), A)
    with refuses("PaymentIsContested", voucher=voucher):
        rig.do(contest_of(rig, voucher, A), A)


def test_not_even_after_a_new_assertion(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.do(disbursement_of(rig, voucher), FACTOR)
    with refuses("PaymentIsContested", voucher=voucher):
        rig.do(contest_of(rig, voucher, A), A)


def test_what_the_payee_has_confirmed_it_cannot_contest(rig: Rig) -> None:
    voucher = disbursing(rig)
    freeze(rig, voucher)
    rig.do(confirm_of(rig, voucher), A)
    with refuses("PaymentIsConfirmed", voucher=voucher):
        rig.do(contest_of(rig, voucher, A), A)


def test_a_contest_names_the_assertion_that_it_answers(rig: Rig) -> None:
    voucher = disbursing(rig)
    answer = contest_of(rig, voucher, A)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    rig.do(disbursement_of(rig, voucher), FACTOR)
    with refuses("WrongSequence", id=voucher, given=3, present=5):
        rig.do(answer, A)


@pytest.mark.parametrize(("reference", "window"), [(2, 1), (1, WINDOW), (3, 15)])
def test_the_window_is_open_through_its_last_second_and_then_closed(
    rig: Rig, reference: int, window: int
) -> None:
    line = BANK << 32 | reference
    if reference != 1:
        rig.grant(line, window=window, grace=16)
    vouchers = [rig.issued(line=line, due_day=rig.today + 40) for _ in range(2)]
    rig.pass_days(40)
    for voucher in vouchers:
        rig.do(settlement_of(rig, voucher), BANK)
    asserted_on = rig.today
    closed = start_of_day(Day(asserted_on + window + 1))
    rig.engine.travel(closed - 1)
    rig.do(contest_of(rig, vouchers[0], A), A)
    rig.engine.travel(closed)
    with refuses("WindowEnded", lastDay=asserted_on + window, today=asserted_on + window + 1):
        rig.do(contest_of(rig, vouchers[1], A), A)


# What it does


def test_a_contest_is_put_on_record_with_its_day_and_moves_nothing(rig: Rig) -> None:
    voucher = disbursing(rig)
    asserted_on = rig.today
    rig.pass_days(2)
    sent = rig.do(contest_of(rig, voucher, A), A)
    assert happened(sent) == [PaymentContested(voucher, A, ZERO, rig.today)]  # type: ignore[arg-type]
    assert rig.voucher(voucher).holder == A
    assert locks(rig, voucher) == Lock.DISCOUNT | Lock.PAYMENT | Lock.CONTESTED
    paid = PaymentWord.read(rig, voucher)
    assert (paid.asserted_on, paid.contested_on) == (asserted_on, rig.today)


@pytest.mark.parametrize("start", [disbursing, settling])
@pytest.mark.parametrize("days", [WINDOW + 1, 200])
def test_silence_never_completes_what_was_contested(rig: Rig, days: int, start: Callable[[Rig], int]) -> None:
    voucher = start(rig)
    rig.do(contest_of(rig, voucher, A), A)
    face, drawn = rig.voucher(voucher).face, rig.drawn()
    rig.pass_days(days)
    with refuses("PaymentIsContested", voucher=voucher):
        rig.complete(voucher)
    assert (rig.voucher(voucher).face, rig.drawn()) == (face, drawn)


def test_not_even_when_it_is_asserted_anew(rig: Rig) -> None:
    voucher = settling(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.pass_days(200)
    with refuses("PaymentIsContested", voucher=voucher):
        rig.complete(voucher)


def test_an_assertion_after_a_withdrawal_can_be_contested_again(rig: Rig) -> None:
    voucher = settling(rig)
    rig.do(contest_of(rig, voucher, A), A)
    rig.do(withdraw_of(rig, voucher), BANK)
    rig.do(settlement_of(rig, voucher), BANK)
    assert locks(rig, voucher) == Lock.PAYMENT
    assert PaymentWord.read(rig, voucher).contested_on == 0
    rig.do(contest_of(rig, voucher, A), A)


@pytest.mark.parametrize("trouble", [suspend, start_recovery, freeze])
def test_suspension_recovery_and_freeze_do_not_take_the_contest_away(
    rig: Rig, trouble: Callable[[Rig, int], object]
) -> None:
    voucher = disbursing(rig)
    trouble(rig, voucher if trouble is freeze else A)
    rig.do(contest_of(rig, voucher, A), A)
    assert Lock.CONTESTED in locks(rig, voucher)


def test_while_its_key_is_being_recovered_a_payee_can_contest_after_the_window(rig: Rig) -> None:
    voucher = disbursing(rig)
    start_recovery(rig, A)
    rig.pass_days(WINDOW + 20)
    rig.do(contest_of(rig, voucher, A), A)
    assert Lock.CONTESTED in locks(rig, voucher)


def test_with_its_new_key_the_payee_has_one_more_window(rig: Rig) -> None:
    contested, missed = disbursing(rig), disbursing(rig)
    start_recovery(rig, A)
    rig.pass_days(7)
    finish_recovery(rig, A)
    recovered_on = rig.today
    rig.pass_days(WINDOW)
    rig.do(contest_of(rig, contested, A), A)
    rig.pass_days(1)
    with refuses("WindowEnded", lastDay=recovered_on + WINDOW, today=recovered_on + WINDOW + 1):
        rig.do(contest_of(rig, missed, A), A)
