"""`withdrawPayment`: the asserter takes its word back; the voucher is as it was before it was given."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import PaymentWithdrawn
from ledger.world import Lock
from tests.contract.paying import (
    NOTHING_ASSERTED,
    PaymentWord,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    discounted,
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
from tests.rig import BANK, FACTOR, ISSUER, OTHER_BANK, REGISTRAR, WINDOW, YUAN, A, B, Rig, VoucherWord

FACE = 1_000_000 * YUAN

# Refusals


def test_where_nothing_is_asserted_nothing_is_withdrawn(rig: Rig) -> None:
    live, sold = rig.issued(), discounted(rig)
    with refuses("NoPayment", voucher=live):
        rig.do(withdraw_of(rig, live), BANK)
    with refuses("NoPayment", voucher=sold):
        rig.do(withdraw_of(rig, sold), FACTOR)


@pytest.mark.parametrize("signer", [A, BANK, ISSUER, REGISTRAR])
def test_nobody_but_the_funder_withdraws_a_disbursement(rig: Rig, signer: int) -> None:
    voucher = disbursing(rig)
    with refuses("BadSignature", party=FACTOR):
        rig.do(withdraw_of(rig, voucher), signer)


@pytest.mark.parametrize("signer", [A, OTHER_BANK, ISSUER, REGISTRAR])
def test_nobody_but_the_line_s_bank_withdraws_a_settlement(rig: Rig, signer: int) -> None:
    voucher = settling(rig)
    with refuses("BadSignature", party=BANK):
        rig.do(withdraw_of(rig, voucher), signer)


def test_what_has_taken_effect_is_not_withdrawn(rig: Rig) -> None:
    sold, settled = disbursing(rig), settling(rig)
    rig.do(confirm_of(rig, sold), A)
    rig.do(confirm_of(rig, settled), A)
    with refuses("NoPayment", voucher=sold):
        rig.do(withdraw_of(rig, sold), FACTOR)
    with refuses("VoucherEnded", voucher=settled):
        rig.do(withdraw_of(rig, settled), BANK)


def test_a_withdrawal_names_the_present_sequence_and_is_done_once(rig: Rig) -> None:
    voucher = disbursing(rig)
    withdrawal = withdraw_of(rig, voucher)
    rig.do(withdrawal, FACTOR)
    rig.do(disbursement_of(rig, voucher), FACTOR)
    with refuses("WrongSequence", id=voucher, given=3, present=5):
        rig.do(withdrawal, FACTOR)


# What it does


def test_a_withdrawn_disbursement_leaves_the_sale_as_it_was(rig: Rig) -> None:
    voucher = disbursing(rig)
    sent = rig.do(withdraw_of(rig, voucher), FACTOR)
    assert happened(sent) == [PaymentWithdrawn(voucher)]  # type: ignore[arg-type]
    assert rig.voucher(voucher) == VoucherWord(FACE, A, FACTOR, 4, rig.today + 3, 1, Lock.DISCOUNT)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED
    rig.do(disbursement_of(rig, voucher), FACTOR)


def test_a_withdrawn_settlement_leaves_the_voucher_owed_and_on_its_record_day(rig: Rig) -> None:
    voucher = settling(rig)
    rig.do(withdraw_of(rig, voucher), BANK)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, 0)
    assert rig.drawn() == FACE
    with refuses("RecordDay", voucher=voucher, dueDay=rig.today, today=rig.today):
        rig.transfer(voucher, B)
    rig.do(settlement_of(rig, voucher), BANK, A)
    assert rig.drawn() == 0


@pytest.mark.parametrize(("start", "asserter"), [(disbursing, FACTOR), (settling, BANK)])
@pytest.mark.parametrize("contested", [False, True])
def test_a_returned_payment_is_withdrawn_on_any_day_until_it_takes_effect(
    rig: Rig, contested: bool, start: Callable[[Rig], int], asserter: int
) -> None:
    voucher = start(rig)
    if contested:
        rig.do(contest_of(rig, voucher, A), A)
    rig.pass_days(WINDOW + 30)
    rig.do(withdraw_of(rig, voucher), asserter)
    assert not locks(rig, voucher) & (Lock.PAYMENT | Lock.CONTESTED)
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED


def test_what_waits_for_a_freeze_to_end_can_still_be_withdrawn(rig: Rig) -> None:
    voucher = disbursing(rig)
    freeze(rig, voucher)
    rig.do(confirm_of(rig, voucher), A)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    assert locks(rig, voucher) == Lock.DISCOUNT | Lock.FREEZE
    assert PaymentWord.read(rig, voucher) == NOTHING_ASSERTED


def test_a_sale_that_the_due_day_has_overtaken_does_not_come_back(rig: Rig) -> None:
    voucher = discounted(rig)
    rig.pass_days(120)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.do(withdraw_of(rig, voucher), BANK)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 4, 0, 1, 0)


@pytest.mark.parametrize("trouble", [suspend, start_recovery])
def test_a_suspended_or_recovering_asserter_still_withdraws(
    rig: Rig, trouble: Callable[[Rig, int], None]
) -> None:
    voucher = disbursing(rig)
    trouble(rig, FACTOR)
    rig.do(withdraw_of(rig, voucher), FACTOR)
    assert locks(rig, voucher) == Lock.DISCOUNT
