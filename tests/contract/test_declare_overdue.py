"""`declareOverdue`: after due day and grace anybody may say that a voucher is not paid, and never a day earlier."""

from __future__ import annotations

import pytest

from ledger.agreements import FreezeLine
from ledger.events import VoucherOverdue
from ledger.members import Contract
from ledger.signing import declare_overdue_calldata
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import FACE, TERM, declare, due, issued, overdue, pay, pledge, pledged
from tests.contract.paying import (
    cancel_of,
    confirm_of,
    contest_of,
    disbursement_of,
    discount_of,
    freeze,
    happened,
    locks,
    refuses,
    rescind_of,
    settlement_of,
    settling,
    unfreeze_of,
    withdraw_of,
)
from tests.contract.recovering import to_first_second, to_last_second
from tests.rig import (
    BANK,
    FACTOR,
    GRACE,
    ISSUER,
    LATER,
    LINE,
    OTHER_ISSUER,
    REGISTRAR,
    YUAN,
    ZERO,
    A,
    B,
    Rig,
    VoucherWord,
)

HALF = FACE // 2


def grace_over(rig: Rig, **terms: object) -> int:
    """A voucher on the first day on which it can be declared overdue."""
    voucher = due(rig, **terms)
    rig.pass_days(GRACE + 1)
    return voucher


# What is not declared overdue


def test_what_never_was_or_has_ended_is_not_overdue(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        declare(rig, 77)
    paid, cancelled, divided = (issued(rig) for _ in range(3))
    pay(rig, paid, FACE)
    rig.do(cancel_of(rig, cancelled), ISSUER, A)
    rig.split(divided, (B, FACE))
    rig.pass_days(TERM + GRACE + 1)
    for ended in (paid, cancelled, divided):
        with refuses("VoucherEnded", voucher=ended):
            declare(rig, ended)


def test_what_was_paid_on_its_due_day_is_never_overdue(rig: Rig) -> None:
    voucher = due(rig)
    pay(rig, voucher, FACE)
    rig.pass_days(GRACE + 1)
    with refuses("VoucherEnded", voucher=voucher):
        declare(rig, voucher)


@pytest.mark.parametrize("days", [0, TERM - 1, TERM, TERM + 1, TERM + GRACE - 1, TERM + GRACE])
def test_neither_the_due_day_nor_any_day_of_grace_is_late(rig: Rig, days: int) -> None:
    voucher = issued(rig)
    first = rig.today + TERM + GRACE + 1
    rig.pass_days(days)
    with refuses("NotYetOverdue", from_=first, today=first - TERM - GRACE - 1 + days):
        declare(rig, voucher)


@pytest.mark.parametrize("grace", [10, 11, 30])
def test_the_last_second_of_grace_is_not_late_and_the_first_after_it_is(rig: Rig, grace: int) -> None:
    line = LINE + 1
    rig.grant(line, grace=grace)
    voucher = issued(rig, line=line)
    last = rig.today + TERM + grace
    to_last_second(rig, last)
    with refuses("NotYetOverdue", from_=last + 1, today=last):
        declare(rig, voucher)
    to_first_second(rig, last + 1)
    declare(rig, voucher)
    assert locks(rig, voucher) == Lock.OVERDUE


def test_what_a_court_has_frozen_is_not_declared_overdue_until_the_day_after(rig: Rig) -> None:
    voucher = due(rig)
    until = rig.today + GRACE + 5
    freeze(rig, voucher, days=GRACE + 5)
    for day in (until - 1, until):
        to_last_second(rig, day)
        with refuses("InFreeze", voucher=voucher, until=until):
            declare(rig, voucher)
    to_first_second(rig, until + 1)
    declare(rig, voucher)
    assert locks(rig, voucher) == Lock.OVERDUE
    assert rig.word("freezeOf", voucher) == 0


def test_a_freeze_that_the_court_lifts_is_no_obstacle(rig: Rig) -> None:
    voucher = grace_over(rig)
    freeze(rig, voucher)
    rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    declare(rig, voucher)
    assert locks(rig, voucher) == Lock.OVERDUE
    assert words.issuer(rig, ISSUER) == words.Issuer(FACE, False)


def test_nothing_is_declared_overdue_twice(rig: Rig) -> None:
    voucher = overdue(rig)
    for days in (0, 1, 300):
        rig.pass_days(days)
        with refuses("AlreadyOverdue", voucher=voucher):
            declare(rig, voucher)
    assert words.issuer(rig, ISSUER) == words.Issuer(FACE, False)


@pytest.mark.parametrize("contested", [False, True])
def test_while_a_payment_is_asserted_or_contested_nothing_is_overdue(rig: Rig, contested: bool) -> None:
    voucher = settling(rig)
    if contested:
        rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(GRACE + 1)
    with refuses("PaymentPending", voucher=voucher):
        declare(rig, voucher)
    rig.do(withdraw_of(rig, voucher), BANK)  # a returned payment
    declare(rig, voucher)
    assert locks(rig, voucher) == Lock.OVERDUE


def test_a_sale_whose_price_is_asserted_is_not_declared_overdue(rig: Rig) -> None:
    voucher = issued(rig)
    rig.do(discount_of(rig, voucher, pay_by=rig.today + TERM - 7), A, FACTOR)
    rig.pass_days(3)
    rig.do(disbursement_of(rig, voucher), FACTOR)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(TERM + GRACE)
    with refuses("PaymentPending", voucher=voucher):
        declare(rig, voucher)


def test_a_court_s_order_comes_first_then_the_state_then_the_payment_then_the_day(rig: Rig) -> None:
    early, late = issued(rig), issued(rig)
    rig.pass_days(TERM)
    rig.do(settlement_of(rig, early), BANK)
    with refuses("PaymentPending", voucher=early):
        declare(rig, early)
    rig.pass_days(GRACE + 1)
    declare(rig, late)
    rig.do(settlement_of(rig, late), BANK)
    with refuses("AlreadyOverdue", voucher=late):
        declare(rig, late)
    freeze(rig, late)
    with refuses("InFreeze", voucher=late, until=rig.today + 30):
        declare(rig, late)


# What it does


def test_a_voucher_declared_overdue_is_owed_as_before_and_its_issuer_owes_it_late(rig: Rig) -> None:
    voucher = grace_over(rig)
    sent = declare(rig, voucher)
    assert happened(sent) == [VoucherOverdue(voucher, FACE, rig.today)]  # type: ignore[arg-type]
    assert len(sent.logs) == 1
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 2, 0, 1, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER) == words.Issuer(FACE, False)
    assert rig.drawn() == FACE
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (FACE, 0)


def test_anybody_may_say_so_even_who_is_no_party_and_in_a_batch(rig: Rig) -> None:
    first, second, third = (issued(rig) for _ in range(3))
    rig.pass_days(TERM + GRACE + 1)
    data = [declare_overdue_calldata(voucher) for voucher in (first, second, second, third)]  # type: ignore[arg-type]
    rig.send(rig.ledger, data[0], sender="0x" + "ab" * 20)
    sent = rig.batch(Contract.LEDGER, data[1:])
    refused = rig.refused(sent)
    assert [refused[at].name for at in refused] == ["AlreadyOverdue"]
    assert words.issuer(rig, ISSUER) == words.Issuer(3 * FACE, False)


def test_each_part_is_declared_by_itself(rig: Rig) -> None:
    root = issued(rig)
    (part,) = rig.split(root, (B, 300_000 * YUAN))
    rig.pass_days(TERM + GRACE + 1)
    declare(rig, part)
    assert (locks(rig, root), locks(rig, part)) == (Lock(0), Lock.OVERDUE)
    assert words.issuer(rig, ISSUER).overdue == 300_000 * YUAN
    declare(rig, root)
    assert words.issuer(rig, ISSUER).overdue == FACE


def test_what_was_paid_in_part_is_overdue_with_its_rest(rig: Rig) -> None:
    voucher = due(rig)
    pay(rig, voucher, HALF + 1)
    rig.pass_days(GRACE + 1)
    sent = declare(rig, voucher)
    assert happened(sent) == [VoucherOverdue(voucher, HALF - 1, rig.today)]  # type: ignore[arg-type]
    assert words.issuer(rig, ISSUER).overdue == HALF - 1


def test_a_sale_that_nobody_disbursed_ends(rig: Rig) -> None:
    voucher = issued(rig)
    rig.do(discount_of(rig, voucher), A, FACTOR)
    rig.pass_days(TERM + GRACE + 1)
    declare(rig, voucher)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, Lock.OVERDUE)
    with refuses("NotDiscounted", voucher=voucher):
        rig.do(rescind_of(rig, voucher, FACTOR), FACTOR)


def test_a_pledge_stays(rig: Rig) -> None:
    voucher = pledged(rig)
    before = words.pledge(rig, voucher)
    rig.pass_days(TERM + GRACE + 1)
    declare(rig, voucher)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, Lock.OVERDUE | Lock.PLEDGE)
    assert words.pledge(rig, voucher) == before


def test_what_was_signed_for_the_sequence_before_is_void(rig: Rig) -> None:
    voucher = grace_over(rig)
    early = rig.call(settlement_of(rig, voucher), BANK, A)
    declare(rig, voucher)
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.send(rig.ledger, early)
    pay(rig, voucher, FACE)


def test_a_frozen_line_changes_nothing_of_it(rig: Rig) -> None:
    voucher = grace_over(rig)
    rig.do(FreezeLine(LINE, 1, True, ZERO, LATER), BANK)  # type: ignore[arg-type]
    declare(rig, voucher)
    assert locks(rig, voucher) == Lock.OVERDUE


# What follows for the issuer


def test_an_issuer_with_an_overdue_promise_issues_nothing_until_it_is_paid(rig: Rig) -> None:
    voucher = overdue(rig)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE):
        rig.issued()
    pay(rig, voucher, FACE - 1)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=1):
        rig.issued()
    pay(rig, voucher, 1)
    assert words.issuer(rig, ISSUER) == words.Issuer(0, False)
    rig.issued()


def test_a_payment_that_is_only_asserted_does_not_free_the_issuer(rig: Rig) -> None:
    voucher = overdue(rig)
    rig.do(settlement_of(rig, voucher), BANK)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE):
        rig.issued()
    rig.do(confirm_of(rig, voucher), A)
    rig.issued()


def test_before_anybody_has_declared_it_the_issuer_can_still_issue(rig: Rig) -> None:
    grace_over(rig)
    rig.pass_days(100)
    rig.issued()
    assert words.issuer(rig, ISSUER) == words.Issuer(0, False)
    assert rig.drawn() == 2 * FACE


def test_cancelling_frees_the_issuer_as_well(rig: Rig) -> None:
    voucher = overdue(rig)
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    assert words.issuer(rig, ISSUER) == words.Issuer(0, False)
    assert rig.drawn() == 0
    rig.issued()


def test_each_issuer_answers_for_itself_under_all_its_lines(rig: Rig) -> None:
    other, second = BANK << 32 | 7, BANK << 32 | 8
    rig.grant(other, issuer=OTHER_ISSUER)
    rig.grant(second)
    overdue(rig)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE):
        rig.issued(line=second)
    rig.issued(line=other, issuer=OTHER_ISSUER)


def test_two_overdue_promises_are_both_to_be_paid(rig: Rig) -> None:
    first, second = issued(rig), issued(rig)
    rig.pass_days(TERM + GRACE + 1)
    for voucher in (first, second):
        declare(rig, voucher)
    pay(rig, first, FACE)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE):
        rig.issued()
    pay(rig, second, FACE)
    rig.issued()


def test_an_overdue_voucher_is_pledged_to_nobody(rig: Rig) -> None:
    voucher = overdue(rig)
    with refuses("OverdueDiffers", voucher=voucher, overdue=True):
        pledge(rig, voucher)
