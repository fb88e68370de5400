"""`freeze` and `unfreeze`: a court order stops a voucher through its last day, whoever tries to outrun it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.calendar import Day, start_of_day
from ledger.events import VoucherFrozen, VoucherUnfrozen
from ledger.world import Lock
from tests.contract.paying import (
    ORDER,
    cancel_of,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    discount_of,
    discounted,
    freeze,
    freeze_of,
    happened,
    locks,
    refuses,
    revoke_of,
    settling,
    unfreeze_of,
)
from tests.rig import BANK, FACTOR, ISSUER, REGISTRAR, YUAN, ZERO, A, B, C, Rig, VoucherWord

FACE = 1_000_000 * YUAN
OTHER_ORDER = b"\x74" * 32

# Freeze: refusals


def test_a_voucher_that_nobody_issued_is_not_frozen(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(freeze_of(rig, 77), REGISTRAR)


def test_a_voucher_that_has_ended_is_not_frozen(rig: Rig) -> None:
    voucher = rig.issued()
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(freeze_of(rig, voucher), REGISTRAR)


@pytest.mark.parametrize("days", [-1, 367])
def test_a_freeze_ends_between_today_and_366_days_from_now(rig: Rig, days: int) -> None:
    voucher = rig.issued()
    until, earliest, latest = rig.today + days, rig.today, rig.today + 366
    with refuses("FreezeOutOfRange", until=until, earliest=earliest, latest=latest):
        rig.do(freeze_of(rig, voucher, days=days), REGISTRAR)


@pytest.mark.parametrize("signer", [ISSUER, BANK, A])
def test_nobody_but_the_registrar_freezes(rig: Rig, signer: int) -> None:
    voucher = rig.issued()
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(freeze_of(rig, voucher), signer)


def test_an_order_freezes_a_voucher_once_even_after_it_was_lifted(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    with refuses("OrderSpent", order="0x" + ORDER.hex()):
        freeze(rig, voucher, days=60)
    rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    with refuses("OrderSpent", order="0x" + ORDER.hex()):
        freeze(rig, voucher)


# Freeze: what it does


@pytest.mark.parametrize("days", [0, 366])
def test_a_freeze_stops_a_voucher_and_takes_nothing_from_its_holder(rig: Rig, days: int) -> None:
    voucher = rig.issued()
    sent = freeze(rig, voucher, days=days)
    until = rig.today + days
    assert happened(sent) == [VoucherFrozen(voucher, ORDER, until)]  # type: ignore[arg-type]
    assert len(sent.logs) == 1
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 1, 0, 1, Lock.FREEZE)
    assert rig.word("freezeOf", voucher) == until


def test_whatever_moves_a_voucher_is_refused_while_it_is_frozen(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    tries = [
        (rig.transfer_of(voucher, B), (A, B)),
        (rig.split_of(voucher, (B, 1_000 * YUAN)), (A, B)),
        (discount_of(rig, voucher), (A, FACTOR)),
        (cancel_of(rig, voucher), (ISSUER, A)),
        (revoke_of(rig, voucher), (A,)),
    ]
    for agreement, signers in tries:
        with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
            rig.do(agreement, *signers)


def test_a_freeze_names_no_sequence_so_that_nobody_outruns_it(rig: Rig) -> None:
    voucher = rig.issued()
    order = freeze_of(rig, voucher)
    rig.transfer(voucher, B)
    rig.do(order, REGISTRAR)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.transfer(voucher, C)


def test_what_was_signed_before_a_freeze_is_good_again_after_it(rig: Rig) -> None:
    voucher = rig.issued()
    move = rig.transfer_of(voucher, B)
    freeze(rig, voucher, days=0)
    with refuses("InFreeze", voucher=voucher, until=rig.today):
        rig.do(move, A, B)
    rig.pass_days(1)
    rig.do(move, A, B)


@pytest.mark.parametrize("lifted", [False, True])
def test_neither_a_freeze_nor_its_end_voids_a_contest_that_is_under_way(rig: Rig, lifted: bool) -> None:
    voucher = settling(rig)
    contest = contest_of(rig, voucher, A)
    freeze(rig, voucher, days=0)
    if lifted:
        rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    rig.do(contest, A)
    rig.pass_days(30)
    with refuses("PaymentIsContested", voucher=voucher):
        rig.complete(voucher)


def test_one_order_freezes_many_vouchers(rig: Rig) -> None:
    voucher = rig.issued()
    (part,) = rig.split(voucher, (B, 1_000 * YUAN))
    freeze(rig, voucher)
    freeze(rig, part)
    assert locks(rig, voucher) == locks(rig, part) == Lock.FREEZE


def test_the_freeze_of_one_part_leaves_the_others_free(rig: Rig) -> None:
    voucher = rig.issued()
    (part,) = rig.split(voucher, (B, 1_000 * YUAN))
    freeze(rig, part)
    rig.transfer(voucher, C)
    assert rig.voucher(voucher).holder == C


@pytest.mark.parametrize(("days", "until"), [(10, 30), (30, 30), (31, 31)])
def test_a_further_order_can_only_lengthen_a_freeze(rig: Rig, days: int, until: int) -> None:
    voucher = rig.issued()
    freeze(rig, voucher, days=30)
    sent = freeze(rig, voucher, days=days, order=OTHER_ORDER)
    assert rig.word("freezeOf", voucher) == rig.today + until
    assert happened(sent) == [VoucherFrozen(voucher, OTHER_ORDER, rig.today + until)]  # type: ignore[arg-type]


@pytest.mark.parametrize("start", [discounted, disbursing, settling])
def test_a_sale_and_a_payment_under_way_are_frozen_too(rig: Rig, start: Callable[[Rig], int]) -> None:
    voucher = start(rig)
    before = locks(rig, voucher)
    freeze(rig, voucher)
    assert locks(rig, voucher) == before | Lock.FREEZE


def test_a_sale_in_a_freeze_can_be_disbursed_and_takes_effect_after_it(rig: Rig) -> None:
    voucher = discounted(rig)
    freeze(rig, voucher, days=2)
    rig.do(disbursement_of(rig, voucher), FACTOR)
    rig.do(confirm_of(rig, voucher), A)
    assert rig.voucher(voucher).holder == A
    rig.pass_days(3)
    rig.complete(voucher)
    assert rig.voucher(voucher).holder == FACTOR


def test_a_freeze_ends_by_itself_when_its_last_day_is_over(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher, days=3)
    over = start_of_day(Day(rig.today + 4))
    rig.engine.travel(over - 1)
    with refuses("InFreeze", voucher=voucher, until=rig.today):
        rig.transfer(voucher, B)
    rig.engine.travel(over)
    rig.transfer(voucher, B)
    assert rig.voucher(voucher) == VoucherWord(FACE, B, 0, 2, 0, 2, 0)
    assert rig.word("freezeOf", voucher) == 0


def test_after_a_freeze_has_lapsed_a_shorter_one_is_as_short_as_it_says(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher, days=3)
    rig.pass_days(4)
    freeze(rig, voucher, days=1, order=OTHER_ORDER)
    assert rig.word("freezeOf", voucher) == rig.today + 1


# Unfreeze


def test_what_is_not_frozen_is_not_unfrozen(rig: Rig) -> None:
    voucher = rig.issued()
    with refuses("NotFrozen", voucher=voucher):
        rig.do(unfreeze_of(rig, voucher), REGISTRAR)


def test_what_has_lapsed_is_not_unfrozen(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher, days=0)
    rig.pass_days(1)
    with refuses("NotFrozen", voucher=voucher):
        rig.do(unfreeze_of(rig, voucher), REGISTRAR)


@pytest.mark.parametrize("signer", [ISSUER, BANK, A])
def test_nobody_but_the_registrar_unfreezes(rig: Rig, signer: int) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(unfreeze_of(rig, voucher), signer)


def test_an_order_lifts_once_and_is_then_spent(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    freeze(rig, voucher, order=OTHER_ORDER)
    with refuses("OrderSpent", order="0x" + ZERO.hex()):
        rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    assert locks(rig, voucher) == Lock.FREEZE


def test_the_order_that_froze_does_not_lift(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    with refuses("OrderSpent", order="0x" + ORDER.hex()):
        rig.do(unfreeze_of(rig, voucher, order=ORDER), REGISTRAR)


@pytest.mark.parametrize("start", [Rig.issued, discounted, disbursing, settling])
def test_unfrozen_a_voucher_is_as_before(rig: Rig, start: Callable[[Rig], int]) -> None:
    voucher = start(rig)
    before = rig.voucher(voucher)
    freeze(rig, voucher)
    sent = rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    assert happened(sent) == [VoucherUnfrozen(voucher, ZERO)]  # type: ignore[arg-type]
    after = rig.voucher(voucher)
    assert after.sequence == before.sequence
    assert (after.face, after.holder, after.locks) == (before.face, before.holder, before.locks)
    assert rig.word("freezeOf", voucher) == 0
