"""A pledged voucher is paid in two assertions: first the pledgee, up to the secured sum, then the holder.

Both have to confirm what is paid to the pledgee, each may contest it, and neither's silence counts without the other's.
"""

from __future__ import annotations

import pytest

from ledger.events import PaymentAsserted, PaymentCompleted
from ledger.members import Purpose
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    FACE,
    REST,
    SECURED,
    TERM,
    declare,
    issued,
    pay,
    pledge,
    pledged,
    pledged_and_due,
    secured_settlement_of,
)
from tests.contract.paying import (
    confirm_of,
    contest_of,
    finish_recovery,
    happened,
    locks,
    refuses,
    settlement_of,
    shown,
    start_recovery,
    withdraw_of,
)
from tests.contract.recovering import to_first_second, to_last_second
from tests.contract.words import Issuer, Pledge
from tests.rig import (
    BANK,
    FACTOR,
    GRACE,
    ISSUER,
    OTHER_BANK,
    WINDOW,
    YUAN,
    A,
    B,
    C,
    Rig,
    VoucherWord,
)

PART = 250_000 * YUAN


# A pledged voucher: the pledgee first


@pytest.mark.parametrize("amount", [1, SECURED])
def test_while_pledged_nothing_is_paid_to_the_holder(rig: Rig, amount: int) -> None:
    voucher = pledged_and_due(rig)
    for signers in ((BANK,), (BANK, A), (BANK, FACTOR, A)):
        with refuses("WrongPayee", given=A, expected=FACTOR):
            rig.do(settlement_of(rig, voucher, amount=amount), *signers)
    for stranger in (B, OTHER_BANK, BANK):
        with refuses("WrongPayee", given=stranger, expected=FACTOR):
            rig.do(settlement_of(rig, voucher, amount=amount, payee=stranger), BANK)


@pytest.mark.parametrize("amount", [SECURED + 1, FACE])
def test_the_pledgee_is_paid_the_secured_sum_and_no_fen_more(rig: Rig, amount: int) -> None:
    voucher = pledged_and_due(rig)
    with refuses("WrongAmount", given=amount, expected=SECURED):
        rig.do(secured_settlement_of(rig, voucher, amount), BANK)
    with refuses("ZeroAmount"):
        rig.do(secured_settlement_of(rig, voucher, 0), BANK)


def test_with_the_pledgee_the_holder_signs_as_third(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    agreement = secured_settlement_of(rig, voucher)
    with refuses("ConsentCount", expected=3, given=2):
        rig.do(agreement, BANK, FACTOR)
    with refuses("BadSignature", party=FACTOR):
        rig.do(agreement, BANK, A)
    with refuses("BadSignature", party=A):
        rig.do(agreement, BANK, FACTOR, FACTOR)
    with refuses("ConsentCount", expected=3, given=4):
        rig.do(agreement, BANK, FACTOR, A, A)
    rig.do(agreement, BANK, FACTOR, A)


def test_pledgee_and_holder_confirm_together(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    agreement = confirm_of(rig, voucher)
    for alone in (FACTOR, A):
        party, name = (A, "ConsentCount") if alone == FACTOR else (FACTOR, "BadSignature")
        facts = {"expected": 2, "given": 1} if name == "ConsentCount" else {"party": party}
        with refuses(name, **facts):
            rig.do(agreement, alone)
    with refuses("BadSignature", party=A):
        rig.do(agreement, FACTOR, FACTOR)
    rig.do(agreement, FACTOR, A)
    assert rig.voucher(voucher).face == REST


@pytest.mark.parametrize("by", [A, FACTOR])
def test_pledgee_and_holder_each_contest(rig: Rig, by: int) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    for stranger in (B, BANK, OTHER_BANK):
        with refuses("NotConcerned", voucher=voucher, party=stranger):
            rig.do(contest_of(rig, voucher, stranger), stranger)
    rig.do(contest_of(rig, voucher, by), by)
    assert locks(rig, voucher) == Lock.PLEDGE | Lock.PAYMENT | Lock.CONTESTED
    rig.pass_days(WINDOW + 1)
    with refuses("PaymentIsContested", voucher=voucher):
        rig.complete(voucher)


def test_after_the_secured_sum_the_pledge_is_gone_and_the_holder_is_paid_the_rest(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK, FACTOR, A)
    assert rig.voucher(voucher) == VoucherWord(REST, A, 0, 3, 0, 1, 0)
    assert words.pledge(rig, voucher) == words.NO_PLEDGE
    assert rig.drawn() == REST
    with refuses("WrongPayee", given=FACTOR, expected=A):
        rig.do(settlement_of(rig, voucher, payee=FACTOR), BANK)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.do(confirm_of(rig, voucher), A)
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 5, 0, 1, 0)
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (0, FACE)


def test_parts_of_the_secured_sum_lower_it_until_it_is_paid(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    end_day = words.pledge(rig, voucher).end_day
    rig.do(secured_settlement_of(rig, voucher, PART), BANK)
    assert words.pledge(rig, voucher).secured == SECURED  # not before it counts
    rig.pass_days(WINDOW + 1)
    sent = rig.complete(voucher)
    assert happened(sent) == [PaymentCompleted(voucher, FACTOR, Purpose.SETTLEMENT, PART)]  # type: ignore[arg-type]
    assert words.pledge(rig, voucher) == Pledge(FACTOR, SECURED - PART, end_day)
    assert rig.voucher(voucher) == VoucherWord(FACE - PART, A, 0, 4, 0, 1, Lock.PLEDGE)
    with refuses("WrongAmount", given=SECURED, expected=SECURED - PART):
        rig.do(secured_settlement_of(rig, voucher), BANK)
    rig.do(secured_settlement_of(rig, voucher, SECURED - PART), BANK, FACTOR, A)
    assert rig.voucher(voucher) == VoucherWord(REST, A, 0, 5, 0, 1, 0)


def test_a_pledge_of_the_whole_face_ends_with_the_voucher(rig: Rig) -> None:
    voucher = pledged_and_due(rig, secured=FACE)
    sent = rig.do(secured_settlement_of(rig, voucher, FACE), BANK, FACTOR, A)
    assert shown(rig, sent) == [(A, 0, voucher)]
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 3, 0, 1, 0)
    assert words.pledge(rig, voucher) == words.NO_PLEDGE


def test_a_withdrawn_payment_leaves_the_secured_sum_as_it_was(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    before = words.pledge(rig, voucher)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    rig.do(withdraw_of(rig, voucher), BANK)
    assert words.pledge(rig, voucher) == before
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 4, 0, 1, Lock.PLEDGE)


def test_of_an_overdue_pledged_voucher_each_payment_lowers_what_the_issuer_owes(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    rig.pass_days(GRACE + 1)
    declare(rig, voucher)
    rig.do(secured_settlement_of(rig, voucher), BANK, FACTOR, A)
    assert rig.voucher(voucher) == VoucherWord(REST, A, 0, 4, 0, 1, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER) == Issuer(REST, False)
    pay(rig, voucher, REST)
    assert words.issuer(rig, ISSUER) == Issuer(0, False)


def test_a_bank_that_is_the_pledgee_does_not_answer_for_the_holder(rig: Rig) -> None:
    voucher = pledged_and_due(rig, pledgee=BANK)
    sent = rig.do(secured_settlement_of(rig, voucher), BANK)
    assert [event.agreed for event in happened(sent) if isinstance(event, PaymentAsserted)] == [False]
    assert rig.voucher(voucher).face == FACE
    with refuses("BadSignature", party=A):
        rig.do(confirm_of(rig, voucher), BANK, BANK)
    rig.do(contest_of(rig, voucher, A), A)
    rig.do(secured_settlement_of(rig, voucher), BANK, BANK, A)
    assert rig.voucher(voucher).face == REST


# Whose silence counts


@pytest.mark.parametrize("party", [A, FACTOR])
def test_while_pledgee_or_holder_recovers_its_key_silence_completes_nothing(rig: Rig, party: int) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    start_recovery(rig, party)
    rig.pass_days(WINDOW + 30)
    with refuses("PayeeRecovering", payee=party):
        rig.complete(voucher)
    rig.do(contest_of(rig, voucher, party), party)  # by its old key, long after the window


def test_where_both_recover_the_pledgee_is_named_and_then_the_holder(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    start_recovery(rig, FACTOR)
    start_recovery(rig, A)
    with refuses("PayeeRecovering", payee=FACTOR):
        rig.complete(voucher)
    rig.pass_days(7)
    finish_recovery(rig, FACTOR)
    with refuses("PayeeRecovering", payee=A):
        rig.complete(voucher)


@pytest.mark.parametrize(("first", "last"), [(A, FACTOR), (FACTOR, A)])
def test_one_more_window_counts_from_the_later_of_the_two_recoveries(rig: Rig, first: int, last: int) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    for party in (first, last):
        start_recovery(rig, party)
    rig.pass_days(7)
    finish_recovery(rig, first)
    rig.pass_days(4)
    finish_recovery(rig, last)
    completable = rig.today + WINDOW + 1
    to_last_second(rig, completable - 1)
    with refuses("WindowOpen", from_=completable, today=completable - 1):
        rig.complete(voucher)
    to_first_second(rig, completable)
    rig.complete(voucher)
    assert rig.voucher(voucher).face == REST


def test_once_the_pledge_is_paid_the_pledgee_s_recovery_delays_nothing(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK, FACTOR, A)
    start_recovery(rig, FACTOR)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.pass_days(WINDOW + 1)
    rig.complete(voucher)
    assert rig.voucher(voucher).face == 0


def test_parts_of_one_promise_are_paid_and_pledged_each_by_itself(rig: Rig) -> None:
    root = issued(rig)
    first, second = rig.split(root, (B, PART), (C, PART))
    pledge(rig, first, secured=PART)
    rig.pass_days(TERM)
    pay(rig, second, PART - 1)
    pay(rig, root, 1)
    rig.do(secured_settlement_of(rig, first, PART), BANK, FACTOR, B)
    faces = [rig.voucher(each).face for each in (root, first, second)]
    assert faces == [2 * PART - 1, 0, 1]
    assert rig.drawn() == words.promise(rig, root).live == sum(faces)
    assert words.promise(rig, root).settled == FACE - sum(faces)


def test_a_pledge_that_has_run_out_still_pays_the_pledgee_first(rig: Rig) -> None:
    voucher = pledged(rig)
    rig.pass_days(TERM)  # its last day was 20 days ago, and nobody released it
    assert words.pledge(rig, voucher).end_day < rig.today
    with refuses("WrongPayee", given=A, expected=FACTOR):
        pay(rig, voucher, 1)
    rig.do(secured_settlement_of(rig, voucher), BANK, FACTOR, A)
