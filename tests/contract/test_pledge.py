"""`pledge`: a voucher secures a debt of its holder, who keeps it; it cannot move, and the pledgee is paid first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import VoucherPledged
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    FACE,
    FILING,
    PLEDGE_DAYS,
    SECURED,
    TERM,
    issued,
    overdue,
    pledge,
    pledge_of,
    pledged,
)
from tests.contract.paying import (
    cancel_of,
    cancel_whole_of,
    discount_of,
    discounted,
    freeze,
    happened,
    locks,
    refuses,
    revoke_of,
    settlement_of,
    start_recovery,
    suspend,
)
from tests.contract.recovering import to_first_second, to_last_second
from tests.contract.words import Pledge
from tests.rig import (
    BANK,
    FACTOR,
    ISSUER,
    OTHER_BANK,
    ROLE_FUNDER,
    YUAN,
    A,
    B,
    Rig,
    VoucherWord,
)

# Refused


def test_what_never_was_or_has_ended_is_not_pledged(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(pledge_of(rig, 77, sequence=1), A, FACTOR)
    voucher = rig.issued()
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        pledge(rig, voucher)


@pytest.mark.parametrize("sequence", [0, 2])
def test_a_pledge_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    voucher = issued(rig)
    with refuses("WrongSequence", id=voucher, given=sequence, present=1):
        pledge(rig, voucher, sequence=sequence)


def test_what_a_court_has_frozen_is_not_pledged_on_the_last_day_either(rig: Rig) -> None:
    voucher = issued(rig)
    until = rig.today + 3
    freeze(rig, voucher, days=3)
    to_last_second(rig, until)
    with refuses("InFreeze", voucher=voucher, until=until):
        pledge(rig, voucher)
    to_first_second(rig, until + 1)
    pledge(rig, voucher)
    assert locks(rig, voucher) == Lock.PLEDGE


def test_what_is_sold_or_under_payment_is_not_pledged(rig: Rig) -> None:
    sold = discounted(rig)
    with refuses("Locked", voucher=sold, locks=Lock.DISCOUNT):
        pledge(rig, sold)
    paid = issued(rig)
    rig.pass_days(TERM)
    rig.do(settlement_of(rig, paid), BANK)
    with refuses("Locked", voucher=paid, locks=Lock.PAYMENT):
        pledge(rig, paid)


def test_nothing_is_pledged_twice_not_even_the_rest(rig: Rig) -> None:
    voucher = pledged(rig)
    for pledgee in (FACTOR, BANK, OTHER_BANK):
        with refuses("Locked", voucher=voucher, locks=Lock.PLEDGE):
            pledge(rig, voucher, pledgee=pledgee, secured=1)


def test_what_is_overdue_is_not_pledged(rig: Rig) -> None:
    voucher = overdue(rig)
    with refuses("OverdueDiffers", voucher=voucher, overdue=True):
        pledge(rig, voucher)


def test_from_the_first_second_of_the_due_day_nothing_is_pledged(rig: Rig) -> None:
    first, second = issued(rig), issued(rig)
    due_day = rig.today + TERM
    to_last_second(rig, due_day - 1)
    pledge(rig, first)
    to_first_second(rig, due_day)
    with refuses("RecordDay", voucher=second, dueDay=due_day, today=due_day):
        pledge(rig, second)


def test_nobody_pledges_to_itself(rig: Rig) -> None:
    voucher = issued(rig)
    rig.transfer(voucher, FACTOR)
    with refuses("SameParty", party=FACTOR):
        pledge(rig, voucher)


@pytest.mark.parametrize("secured", [0, FACE + 1, 2**64 - 1])
def test_a_pledge_secures_one_fen_at_least_and_the_face_at_most(rig: Rig, secured: int) -> None:
    voucher = issued(rig)
    with refuses("SecuredOutOfRange", given=secured, lowest=1, highest=FACE):
        pledge(rig, voucher, secured=secured)


def test_what_was_split_off_secures_nothing(rig: Rig) -> None:
    voucher = issued(rig)
    rig.split(voucher, (B, 600_000 * YUAN))
    with refuses("SecuredOutOfRange", given=SECURED, lowest=1, highest=400_000 * YUAN):
        pledge(rig, voucher)


def test_a_pledge_does_not_end_before_it_begins(rig: Rig) -> None:
    voucher = issued(rig)
    with refuses("EndDayPassed", endDay=rig.today - 1, today=rig.today):
        pledge(rig, voucher, end_day=rig.today - 1)
    pledge(rig, voucher, end_day=rig.today)


def test_it_takes_holder_and_pledgee_in_this_order(rig: Rig) -> None:
    voucher = issued(rig)
    agreement = pledge_of(rig, voucher)
    for first in (FACTOR, B, BANK, ISSUER):
        with refuses("BadSignature", party=A):
            rig.do(agreement, first, FACTOR)
    for second in (A, BANK):
        with refuses("BadSignature", party=FACTOR):
            rig.do(agreement, A, second)
    for count in (0, 1, 3):
        with refuses("ConsentCount", expected=2, given=count):
            rig.do(agreement, *(A, FACTOR, BANK)[:count])


def test_only_a_funder_takes_a_pledge(rig: Rig) -> None:
    voucher = issued(rig)
    for pledgee in (B, ISSUER):
        with refuses("MissingRole", party=pledgee, role=ROLE_FUNDER):
            pledge(rig, voucher, pledgee=pledgee)
    with refuses("UnknownParty", party=99):
        rig.do(pledge_of(rig, voucher, pledgee=99), A, FACTOR)


@pytest.mark.parametrize("party", [A, FACTOR])
@pytest.mark.parametrize(
    ("trouble", "error"), [(suspend, "PartySuspended"), (start_recovery, "PartyRecovering")]
)
def test_who_is_suspended_or_recovers_its_key_neither_gives_nor_takes_a_pledge(
    rig: Rig, party: int, trouble: Callable[[Rig, int], None], error: str
) -> None:
    voucher = issued(rig)
    trouble(rig, party)
    with refuses(error, party=party):
        pledge(rig, voucher)


def test_a_suspended_holder_does_not_pledge_to_its_sponsor_bank_either(rig: Rig) -> None:
    voucher = issued(rig)
    suspend(rig, A)
    with refuses("PartySuspended", party=A):
        pledge(rig, voucher, pledgee=BANK)
    rig.do(discount_of(rig, voucher, funder=BANK), A, BANK)  # to it a suspended party sells


def test_what_was_signed_is_what_is_pledged(rig: Rig) -> None:
    voucher = issued(rig)
    signed = rig.consents(pledge_of(rig, voucher), [A, FACTOR])
    for changed in (
        pledge_of(rig, voucher, secured=SECURED + 1),
        pledge_of(rig, voucher, end_day=rig.today + PLEDGE_DAYS + 1),
        pledge_of(rig, voucher, filing=bytes(32)),
        pledge_of(rig, voucher, pledgee=BANK),
    ):
        with refuses("BadSignature", party=A):
            rig.do(changed, *signed)


def test_a_pledge_has_a_deadline(rig: Rig) -> None:
    voucher, now = issued(rig), rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        pledge(rig, voucher, deadline=now - 1)
    pledge(rig, voucher, deadline=now)


# While it lasts


def test_a_pledged_voucher_neither_moves_nor_ends_whoever_signs(rig: Rig) -> None:
    voucher = pledged(rig)
    attempts = [
        (rig.transfer_of(voucher, B), (A, B)),
        (rig.transfer_of(voucher, FACTOR), (A, FACTOR)),
        (rig.split_of(voucher, (B, 1_000 * YUAN)), (A, B)),
        (discount_of(rig, voucher), (A, FACTOR)),
        (cancel_of(rig, voucher), (ISSUER, A)),
        (revoke_of(rig, voucher), (A,)),
    ]
    for agreement, signers in attempts:
        with refuses("Locked", voucher=voucher, locks=Lock.PLEDGE):
            rig.do(agreement, *signers)


def test_a_pledged_promise_is_not_cancelled_whole(rig: Rig) -> None:
    issue = rig.issue_of(FACE, due_day=rig.today + TERM)
    sent = rig.do(issue, ISSUER, A)
    (voucher,) = (event.voucher for event in happened(sent)[-1:])  # type: ignore[union-attr]
    pledge(rig, voucher)
    with refuses("Locked", voucher=voucher, locks=Lock.PLEDGE):
        rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)


@pytest.mark.parametrize("payee", [A, FACTOR])
def test_before_the_due_day_a_pledged_voucher_is_paid_to_nobody(rig: Rig, payee: int) -> None:
    voucher = pledged(rig)
    rig.pass_days(TERM - 1)
    for signers in ((BANK,), (BANK, payee), (BANK, FACTOR, A)):
        with refuses("Locked", voucher=voucher, locks=Lock.PLEDGE):
            rig.do(settlement_of(rig, voucher, payee=payee), *signers)


def test_a_part_that_was_split_off_before_is_free(rig: Rig) -> None:
    voucher = issued(rig)
    (part,) = rig.split(voucher, (A, 300_000 * YUAN))
    pledge(rig, voucher)
    rig.transfer(part, B)
    assert rig.voucher(part).holder == B


# What it does


@pytest.mark.parametrize("secured", [1, SECURED, FACE])
def test_the_pledge_is_recorded_and_holder_and_face_stay(rig: Rig, secured: int) -> None:
    voucher = issued(rig)
    sent = pledge(rig, voucher, secured=secured)
    end_day = rig.today + PLEDGE_DAYS
    assert happened(sent) == [VoucherPledged(voucher, FACTOR, secured, FILING, end_day)]  # type: ignore[arg-type]
    assert len(sent.logs) == 1  # nobody else holds it
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 2, 0, 1, Lock.PLEDGE)
    assert words.pledge(rig, voucher) == Pledge(FACTOR, secured, end_day)
    assert rig.drawn() == FACE


def test_a_bank_takes_a_pledge_also_of_what_it_has_to_pay(rig: Rig) -> None:
    voucher = pledged(rig, pledgee=BANK)
    assert words.pledge(rig, voucher).pledgee == BANK


def test_a_pledge_may_last_longer_than_the_voucher(rig: Rig) -> None:
    voucher = issued(rig)
    pledge(rig, voucher, end_day=rig.today + 20_000)
    assert words.pledge(rig, voucher).end_day == rig.today + 20_000


def test_a_suspension_of_the_pledgee_leaves_the_pledge(rig: Rig) -> None:
    voucher = pledged(rig)
    suspend(rig, FACTOR)
    with refuses("Locked", voucher=voucher, locks=Lock.PLEDGE):
        rig.transfer(voucher, B)
