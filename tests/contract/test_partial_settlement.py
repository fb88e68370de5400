"""Parts of a claim that are paid: at or after the due day less than the face.

What is not paid stays owed, to the same holder and under the same locks. What is pledged: `test_paying_pledgee.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import PaymentAsserted, PaymentCompleted
from ledger.members import Purpose
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    FACE,
    TERM,
    declare,
    due,
    issued,
    overdue,
    pay,
)
from tests.contract.paying import (
    NOTHING_ASSERTED,
    REFERENCE,
    PaymentWord,
    cancel_of,
    cancel_whole_of,
    confirm_of,
    contest_of,
    freeze,
    happened,
    refuses,
    sell,
    settlement_of,
    shown,
    suspend,
    withdraw_of,
)
from tests.contract.recovering import to_first_second, to_last_second
from tests.contract.words import Issuer
from tests.rig import (
    BANK,
    GRACE,
    ISSUER,
    LINE,
    WINDOW,
    YUAN,
    A,
    B,
    Rig,
    VoucherWord,
)

PART = 250_000 * YUAN


# Refused


@pytest.mark.parametrize("amount", [1, PART, FACE - 1, FACE + 1])
def test_until_the_last_second_before_the_due_day_only_the_whole_is_paid(rig: Rig, amount: int) -> None:
    voucher = issued(rig)
    due_day = rig.today + TERM
    to_last_second(rig, due_day - 1)
    with refuses("WrongAmount", given=amount, expected=FACE):
        pay(rig, voucher, amount)
    to_first_second(rig, due_day)
    pay(rig, voucher, min(amount, FACE))
    assert rig.voucher(voucher).face == FACE - min(amount, FACE)


@pytest.mark.parametrize("start", [due, overdue])
def test_nothing_at_all_is_no_payment_and_more_than_is_owed_neither(
    rig: Rig, start: Callable[[Rig], int]
) -> None:
    voucher = start(rig)
    with refuses("ZeroAmount"):
        pay(rig, voucher, 0)
    with refuses("WrongAmount", given=FACE + 1, expected=FACE):
        pay(rig, voucher, FACE + 1)
    pay(rig, voucher, PART)
    with refuses("WrongAmount", given=FACE, expected=FACE - PART):
        pay(rig, voucher, FACE)


def test_a_part_goes_to_the_holder_too(rig: Rig) -> None:
    voucher = due(rig)
    with refuses("WrongPayee", given=B, expected=A):
        rig.do(settlement_of(rig, voucher, amount=PART, payee=B), BANK, B)


def test_one_payment_at_a_time(rig: Rig) -> None:
    voucher = due(rig)
    rig.do(settlement_of(rig, voucher, amount=PART), BANK)
    with refuses("PaymentPending", voucher=voucher):
        rig.do(settlement_of(rig, voucher, amount=PART), BANK)
    with refuses("PaymentPending", voucher=voucher):
        pay(rig, voucher, FACE - PART)


def test_what_was_paid_in_part_is_not_cancelled_whole(rig: Rig) -> None:
    issue = rig.issue_of(FACE, due_day=rig.today + TERM)
    voucher = happened(rig.do(issue, ISSUER, A))[-1].voucher  # type: ignore[union-attr]
    rig.pass_days(TERM + GRACE + 1)
    declare(rig, voucher)
    pay(rig, voucher, 1)
    with refuses("NotUndivided", voucher=voucher):
        rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (0, 1)


# What a part does


def test_a_part_that_the_bank_alone_asserts_extinguishes_nothing_yet(rig: Rig) -> None:
    voucher = due(rig)
    day = rig.today
    sent = rig.do(settlement_of(rig, voucher, amount=PART), BANK)
    assert happened(sent) == [
        PaymentAsserted(voucher, Purpose.SETTLEMENT, A, PART, day, REFERENCE, False, day)  # type: ignore[arg-type]
    ]
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 2, 0, 1, Lock.PAYMENT)
    assert PaymentWord.read(rig, voucher) == PaymentWord(PART, A, day, 0, Purpose.SETTLEMENT)
    assert rig.drawn() == FACE


@pytest.mark.parametrize("silent", [False, True])
def test_once_it_counts_the_face_shrinks_and_line_parent_and_promise_with_it(rig: Rig, silent: bool) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=FACE)
    voucher = due(rig, line=sub_line)
    rig.do(settlement_of(rig, voucher, amount=PART), BANK)
    if silent:
        rig.pass_days(WINDOW + 1)
        sent = rig.complete(voucher)
    else:
        sent = rig.do(confirm_of(rig, voucher), A)
    assert happened(sent) == [PaymentCompleted(voucher, A, Purpose.SETTLEMENT, PART)]  # type: ignore[arg-type]
    assert shown(rig, sent) == []  # the holder still holds it
    assert rig.voucher(voucher) == VoucherWord(FACE - PART, A, 0, 3, 0, 1, 0)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    assert (rig.drawn(sub_line), rig.drawn()) == (FACE - PART, FACE - PART)
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (FACE - PART, PART)


def test_bank_and_holder_together_pay_part_after_part_until_nothing_is_owed(rig: Rig) -> None:
    voucher = due(rig)
    paid = 0
    for sequence, amount in enumerate((1, PART, FACE - PART - 2), start=2):
        sent = pay(rig, voucher, amount)
        paid += amount
        assert shown(rig, sent) == []
        assert rig.voucher(voucher) == VoucherWord(FACE - paid, A, 0, sequence, 0, 1, 0)
        assert rig.drawn() == FACE - paid
    sent = pay(rig, voucher, 1)  # less than the smallest part was left
    assert shown(rig, sent) == [(A, 0, voucher)]
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 5, 0, 1, 0)
    assert rig.drawn() == 0
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (0, FACE)
    with refuses("VoucherEnded", voucher=voucher):
        pay(rig, voucher, 1)


def test_what_is_left_is_as_much_on_its_record_day_as_before(rig: Rig) -> None:
    voucher = due(rig)
    due_day = rig.today
    pay(rig, voucher, PART)
    with refuses("RecordDay", voucher=voucher, dueDay=due_day, today=due_day):
        rig.transfer(voucher, B)
    with refuses("NotYetOverdue", from_=due_day + GRACE + 1, today=due_day):
        declare(rig, voucher)


def test_of_an_overdue_voucher_the_rest_stays_overdue_and_the_issuer_owes_less(rig: Rig) -> None:
    voucher = overdue(rig)
    pay(rig, voucher, PART)
    assert rig.voucher(voucher) == VoucherWord(FACE - PART, A, 0, 3, 0, 1, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER) == Issuer(FACE - PART, False)
    pay(rig, voucher, FACE - PART)
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 4, 0, 1, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER) == Issuer(0, False)


def test_a_returned_payment_of_a_part_is_withdrawn_and_everything_is_owed_again(rig: Rig) -> None:
    voucher = overdue(rig)
    rig.do(settlement_of(rig, voucher, amount=PART), BANK)
    rig.do(withdraw_of(rig, voucher), BANK)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 4, 0, 1, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER).overdue == rig.drawn() == FACE


def test_a_contest_of_a_part_ends_by_asserting_another_amount_that_both_sign(rig: Rig) -> None:
    voucher = due(rig)
    rig.do(settlement_of(rig, voucher, amount=PART), BANK)
    rig.do(contest_of(rig, voucher, A), A)
    rig.do(settlement_of(rig, voucher, amount=PART - 1), BANK, A)
    assert rig.voucher(voucher) == VoucherWord(FACE - PART + 1, A, 0, 4, 0, 1, 0)


def test_a_part_that_both_signed_in_a_freeze_counts_when_it_has_ended(rig: Rig) -> None:
    voucher = due(rig)
    freeze(rig, voucher, days=2)
    pay(rig, voucher, PART)
    assert rig.voucher(voucher).face == FACE
    with refuses("InFreeze", voucher=voucher, until=rig.today + 2):
        rig.complete(voucher)
    rig.pass_days(3)
    rig.complete(voucher)
    assert rig.voucher(voucher) == VoucherWord(FACE - PART, A, 0, 3, 0, 1, 0)


def test_a_sale_that_the_due_day_has_overtaken_ends_with_the_first_part(rig: Rig) -> None:
    voucher = issued(rig)
    sell(rig, voucher)
    rig.pass_days(TERM)
    pay(rig, voucher, PART)
    assert rig.voucher(voucher) == VoucherWord(FACE - PART, A, 0, 3, 0, 1, 0)


@pytest.mark.parametrize("party", [A, BANK, ISSUER])
def test_who_is_suspended_pays_and_is_paid_in_parts_like_others(rig: Rig, party: int) -> None:
    voucher = overdue(rig)
    suspend(rig, party)
    pay(rig, voucher, PART)
    assert rig.voucher(voucher).face == FACE - PART
