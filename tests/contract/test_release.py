"""`release`: the pledgee ends a pledge at any time but the record day, the holder alone after its last day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import PledgeReleased
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    FACE,
    PLEDGE_DAYS,
    TERM,
    declare,
    issued,
    pledge,
    pledged,
    pledged_and_due,
    release_of,
    secured_settlement_of,
)
from tests.contract.paying import (
    cancel_of,
    confirm_of,
    contest_of,
    freeze,
    happened,
    locks,
    refuses,
    start_recovery,
    suspend,
    unfreeze_of,
    withdraw_of,
)
from tests.contract.recovering import to_first_second, to_last_second
from tests.rig import (
    BANK,
    FACTOR,
    GRACE,
    ISSUER,
    OTHER_BANK,
    REGISTRAR,
    A,
    B,
    Rig,
    VoucherWord,
)


def pledged_and_overdue(rig: Rig, **terms: object) -> int:
    voucher = pledged_and_due(rig, **terms)
    rig.pass_days(GRACE + 1)
    declare(rig, voucher)
    return voucher


# Refused


def test_what_never_was_or_has_ended_is_released_from_nothing(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(release_of(rig, 77, FACTOR, sequence=1), FACTOR)
    voucher = issued(rig)
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(release_of(rig, voucher, A), A)


@pytest.mark.parametrize("sequence", [1, 3])
def test_a_release_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    voucher = pledged(rig)
    with refuses("WrongSequence", id=voucher, given=sequence, present=2):
        rig.do(release_of(rig, voucher, FACTOR, sequence=sequence), FACTOR)


@pytest.mark.parametrize("by", [A, FACTOR, B])
def test_what_is_not_pledged_is_not_released(rig: Rig, by: int) -> None:
    voucher = issued(rig)
    with refuses("NotPledged", voucher=voucher):
        rig.do(release_of(rig, voucher, by), by)


def test_nothing_is_released_twice(rig: Rig) -> None:
    voucher = pledged(rig)
    rig.do(release_of(rig, voucher, FACTOR), FACTOR)
    with refuses("NotPledged", voucher=voucher):
        rig.do(release_of(rig, voucher, FACTOR), FACTOR)


def test_what_a_court_has_frozen_stays_pledged(rig: Rig) -> None:
    voucher = pledged(rig)
    freeze(rig, voucher, days=5)
    for by in (FACTOR, A, B):
        with refuses("InFreeze", voucher=voucher, until=rig.today + 5):
            rig.do(release_of(rig, voucher, by), by)
    rig.do(unfreeze_of(rig, voucher), REGISTRAR)
    rig.do(release_of(rig, voucher, FACTOR), FACTOR)


@pytest.mark.parametrize("contested", [False, True])
def test_while_a_payment_is_under_way_the_pledge_stays(rig: Rig, contested: bool) -> None:
    voucher = pledged_and_overdue(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    if contested:
        rig.do(contest_of(rig, voucher, A), A)
    for by in (FACTOR, A):
        with refuses("PaymentPending", voucher=voucher):
            rig.do(release_of(rig, voucher, by), by)
    rig.do(withdraw_of(rig, voucher), BANK)
    rig.do(release_of(rig, voucher, FACTOR), FACTOR)


@pytest.mark.parametrize("by", [A, FACTOR])
def test_from_the_first_second_of_the_due_day_nobody_releases(rig: Rig, by: int) -> None:
    early, late = pledged(rig), pledged(rig)
    due_day = rig.today + TERM
    to_last_second(rig, due_day - 1)
    rig.do(release_of(rig, early, by), by)
    to_first_second(rig, due_day)
    with refuses("RecordDay", voucher=late, dueDay=due_day, today=due_day):
        rig.do(release_of(rig, late, by), by)
    rig.pass_days(GRACE + 5)  # not declared overdue: still the record day
    with refuses("RecordDay", voucher=late, dueDay=due_day, today=due_day + GRACE + 5):
        rig.do(release_of(rig, late, by), by)


@pytest.mark.parametrize("by", [BANK, OTHER_BANK, ISSUER, B, REGISTRAR, 0, 99])
def test_who_is_neither_pledgee_nor_holder_releases_nothing(rig: Rig, by: int) -> None:
    voucher = pledged(rig)
    for days in (0, PLEDGE_DAYS + 1):
        rig.pass_days(days)
        with refuses("NotConcerned", voucher=voucher, party=by):
            rig.do(release_of(rig, voucher, by), A)


def test_the_holder_alone_releases_from_the_first_second_after_the_last_day(rig: Rig) -> None:
    voucher = pledged(rig)
    last = rig.today + PLEDGE_DAYS
    with refuses("ReleaseTooEarly", from_=last + 1, today=rig.today):
        rig.do(release_of(rig, voucher, A), A)
    to_last_second(rig, last)
    with refuses("ReleaseTooEarly", from_=last + 1, today=last):
        rig.do(release_of(rig, voucher, A), A)
    to_first_second(rig, last + 1)
    rig.do(release_of(rig, voucher, A), A)
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, 0)


@pytest.mark.parametrize("pledge_days", [1, PLEDGE_DAYS, 300])
def test_once_the_issuer_has_failed_the_holder_alone_releases_nothing(rig: Rig, pledge_days: int) -> None:
    voucher = pledged_and_overdue(rig, end_day=rig.today + pledge_days)
    with refuses("OverdueDiffers", voucher=voucher, overdue=True):
        rig.do(release_of(rig, voucher, A), A)


@pytest.mark.parametrize("signer", [A, BANK, B])
def test_the_pledgee_s_release_is_signed_by_the_pledgee(rig: Rig, signer: int) -> None:
    voucher = pledged(rig)
    rig.pass_days(PLEDGE_DAYS + 1)
    with refuses("BadSignature", party=FACTOR):
        rig.do(release_of(rig, voucher, FACTOR), signer)
    with refuses("BadSignature", party=A):
        rig.do(release_of(rig, voucher, A), FACTOR)
    for count in (0, 2):
        with refuses("ConsentCount", expected=1, given=count):
            rig.do(release_of(rig, voucher, FACTOR), *(FACTOR, A)[:count])


@pytest.mark.parametrize("by", [A, FACTOR])
@pytest.mark.parametrize(
    ("trouble", "error"), [(suspend, "PartySuspended"), (start_recovery, "PartyRecovering")]
)
def test_who_is_suspended_or_recovers_its_key_releases_nothing(
    rig: Rig, by: int, trouble: Callable[[Rig, int], None], error: str
) -> None:
    voucher = pledged(rig)
    rig.pass_days(PLEDGE_DAYS + 1)
    trouble(rig, by)
    with refuses(error, party=by):
        rig.do(release_of(rig, voucher, by), by)


def test_a_release_has_a_deadline(rig: Rig) -> None:
    voucher, now = pledged(rig), rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(release_of(rig, voucher, FACTOR, deadline=now - 1), FACTOR)
    rig.do(release_of(rig, voucher, FACTOR, deadline=now), FACTOR)


def test_a_release_for_an_earlier_pledge_is_void_for_the_next(rig: Rig) -> None:
    voucher = pledged(rig)
    early = rig.call(release_of(rig, voucher, FACTOR), FACTOR)
    rig.send(rig.ledger, early)
    pledge(rig, voucher)
    with refuses("WrongSequence", id=voucher, given=2, present=4):
        rig.send(rig.ledger, early)


# What it does


def test_the_pledge_is_gone_and_nothing_else(rig: Rig) -> None:
    voucher = pledged(rig)
    sent = rig.do(release_of(rig, voucher, FACTOR), FACTOR)
    assert happened(sent) == [PledgeReleased(voucher, FACTOR)]  # type: ignore[arg-type]
    assert len(sent.logs) == 1
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 3, 0, 1, 0)
    assert words.pledge(rig, voucher) == words.NO_PLEDGE


def test_what_was_released_moves_and_is_pledged_again(rig: Rig) -> None:
    voucher = pledged(rig)
    rig.do(release_of(rig, voucher, FACTOR), FACTOR)
    rig.transfer(voucher, B)
    pledge(rig, voucher, pledgee=OTHER_BANK, secured=1)
    assert words.pledge(rig, voucher).pledgee == OTHER_BANK


def test_of_an_overdue_voucher_the_pledgee_releases_and_it_is_recourse_s(rig: Rig) -> None:
    voucher = pledged_and_overdue(rig)
    rig.do(release_of(rig, voucher, FACTOR), FACTOR)
    assert locks(rig, voucher) == Lock.OVERDUE
    rig.do(rig.transfer_of(voucher, B, overdue=True), A, B)
    assert rig.voucher(voucher).holder == B


def test_a_pledge_that_was_paid_out_is_not_released(rig: Rig) -> None:
    voucher = pledged_and_overdue(rig)
    rig.do(secured_settlement_of(rig, voucher), BANK)
    rig.do(confirm_of(rig, voucher), FACTOR, A)
    with refuses("NotPledged", voucher=voucher):
        rig.do(release_of(rig, voucher, FACTOR), FACTOR)
