"""What an award does: the payment counts as if it had been confirmed, or is gone as if it had been withdrawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import PaymentAwarded
from ledger.members import Purpose
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    FACE,
    MONTH,
    REST,
    RULING,
    SECURED,
    award,
    award_of,
    contested_a_month,
    overdue,
    pledged_and_due,
    sale_contested_a_month,
    secured_settlement_of,
)
from tests.contract.paying import (
    NOTHING_ASSERTED,
    PaymentWord,
    contest_of,
    disbursement_of,
    happened,
    locks,
    refuses,
    rescind_of,
    settlement_of,
    shown,
    start_recovery,
    suspend,
)
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    ISSUER,
    OTHER_BANK,
    REGISTRAR,
    WINDOW,
    YUAN,
    A,
    Rig,
    VoucherWord,
)


def test_a_settlement_that_counts_ends_the_voucher_in_one_event(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    sent = award(rig, voucher)
    assert happened(sent) == [PaymentAwarded(voucher, ARBITER, True, RULING)]  # type: ignore[arg-type]
    assert shown(rig, sent) == [(A, 0, voucher)]
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 4, 0, 1, 0)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    assert rig.drawn() == 0
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (0, FACE)


def test_a_settlement_that_does_not_count_is_taken_away_in_one_event(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    sent = award(rig, voucher, paid=False)
    assert happened(sent) == [PaymentAwarded(voucher, ARBITER, False, RULING)]  # type: ignore[arg-type]
    assert shown(rig, sent) == []
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 4, 0, 1, 0)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    assert rig.drawn() == FACE


def test_a_disbursement_that_counts_makes_the_funder_the_holder(rig: Rig) -> None:
    voucher = sale_contested_a_month(rig)
    sent = award(rig, voucher)
    assert happened(sent) == [PaymentAwarded(voucher, ARBITER, True, RULING)]  # type: ignore[arg-type]
    assert shown(rig, sent) == [(A, FACTOR, voucher)]
    assert rig.voucher(voucher) == VoucherWord(FACE, FACTOR, 0, 5, 0, 1, 0)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED


def test_a_disbursement_that_does_not_count_leaves_the_sale_which_the_holder_may_rescind(rig: Rig) -> None:
    voucher = sale_contested_a_month(rig)
    award(rig, voucher, paid=False)
    assert locks(rig, voucher) == Lock.DISCOUNT
    with refuses("AssertTooLate", lastDay=rig.today - MONTH + 4, today=rig.today):
        rig.do(disbursement_of(rig, voucher), FACTOR)
    rig.do(rescind_of(rig, voucher, A), A)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 6, 0, 1, 0)


def test_after_it_was_taken_away_a_settlement_is_asserted_anew_with_a_new_window(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    award(rig, voucher, paid=False)
    rig.do(settlement_of(rig, voucher), BANK)
    assert PaymentWord.read(rig, voucher) == PaymentWord(FACE, A, rig.today, 0, Purpose.SETTLEMENT)
    rig.pass_days(WINDOW + 1)
    rig.complete(voucher)
    assert rig.voucher(voucher).face == 0


def test_of_a_pledged_voucher_the_secured_sum_is_decided_and_the_rest_stays_owed(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(MONTH)
    award(rig, voucher)
    assert rig.voucher(voucher) == VoucherWord(REST, A, 0, 5, 0, 1, 0)
    assert words.pledge(rig, voucher) == words.NO_PLEDGE
    assert rig.drawn() == REST


def test_an_award_against_the_bank_leaves_a_pledge_as_it_was(rig: Rig) -> None:
    voucher = pledged_and_due(rig)
    before = words.pledge(rig, voucher)
    rig.do(secured_settlement_of(rig, voucher, 1), BANK)
    rig.do(contest_of(rig, voucher, FACTOR), FACTOR)
    rig.pass_days(MONTH)
    award(rig, voucher, paid=False)
    assert words.pledge(rig, voucher) == before
    assert before.secured == SECURED
    assert locks(rig, voucher) == Lock.PLEDGE


@pytest.mark.parametrize("paid", [True, False])
def test_of_an_overdue_voucher_the_award_decides_what_its_issuer_still_owes(rig: Rig, paid: bool) -> None:
    voucher = overdue(rig)
    rig.do(settlement_of(rig, voucher, amount=400_000 * YUAN), BANK)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(MONTH)
    award(rig, voucher, paid=paid)
    left = FACE - (400_000 * YUAN if paid else 0)
    assert rig.voucher(voucher) == VoucherWord(left, A, 0, 5, 0, 1, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER) == words.Issuer(left, False)


@pytest.mark.parametrize("trouble", [suspend, start_recovery])
@pytest.mark.parametrize("party", [A, BANK])
def test_the_troubles_of_those_concerned_hold_no_award_up(
    rig: Rig, party: int, trouble: Callable[[Rig, int], None]
) -> None:
    voucher = contested_a_month(rig)
    if party == BANK and trouble is start_recovery:
        start_recovery(rig, BANK, sponsor=OTHER_BANK)
    else:
        trouble(rig, party)
    award(rig, voucher)
    assert rig.voucher(voucher).face == 0


def test_an_award_once_landed_does_not_land_again(rig: Rig) -> None:
    voucher = contested_a_month(rig)
    data = rig.call(award_of(rig, voucher, paid=False), REGISTRAR, ARBITER)
    rig.send(rig.ledger, data)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(MONTH)
    with refuses("WrongSequence", id=voucher, given=3, present=6):
        rig.send(rig.ledger, data)
