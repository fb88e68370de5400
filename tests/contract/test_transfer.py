"""`transfer`: a voucher goes whole to one who signed for it, one tier down."""

from __future__ import annotations

import pytest

from ledger.agreements import Invoice
from ledger.calendar import Day, start_of_day
from ledger.events import Transferred
from tests.contract.paying import (
    cancel_of,
    discounted,
    freeze,
    happened,
    refuses,
    settlement_of,
    shown,
    suspend,
)
from tests.contract.words import promise
from tests.rig import BANK, FACTOR, ISSUER, LATER, YUAN, A, B, C, D, Rig, VoucherWord, fingerprint

MILLION = 1_000_000 * YUAN


# Refused


def test_an_unknown_voucher_is_not_passed_on(rig: Rig) -> None:
    for unknown in (0, 7 << 96, rig.issued() + 1):
        with refuses("UnknownVoucher", voucher=unknown):
            rig.do(rig.transfer_of(unknown, B), A, B)


def test_an_ended_voucher_is_not_passed_on(rig: Rig) -> None:
    cancelled, divided = rig.issued(), rig.issued()
    rig.do(cancel_of(rig, cancelled), ISSUER, A)
    rig.split(divided, (B, MILLION))
    for ended in (cancelled, divided):
        with refuses("VoucherEnded", voucher=ended):
            rig.do(rig.transfer_of(ended, B), A, B)


@pytest.mark.parametrize("sequence", [0, 2, 4_294_967_295])
def test_a_transfer_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    root = rig.issued()
    with refuses("WrongSequence", id=root, given=sequence, present=1):
        rig.do(rig.transfer_of(root, B, sequence=sequence), A, B)


def test_of_two_transfers_of_one_voucher_the_first_to_land_wins(rig: Rig) -> None:
    root = rig.issued()
    to_b, to_c = (rig.call(rig.transfer_of(root, to), A, to) for to in (B, C))
    rig.send(rig.ledger, to_c)
    with refuses("WrongSequence", id=root, given=1, present=2):
        rig.send(rig.ledger, to_b)
    assert rig.voucher(root).holder == C


def test_nothing_is_passed_on_to_oneself(rig: Rig) -> None:
    with refuses("SameParty", party=A):
        rig.transfer(rig.issued(), A)


def test_someone_elses_voucher_is_not_passed_on(rig: Rig) -> None:
    root = rig.issued()
    for thief in (B, C, ISSUER, BANK):
        with refuses("BadSignature", party=A):
            rig.do(rig.transfer_of(root, C), thief, C)


def test_a_voucher_never_lands_on_who_did_not_sign_for_it(rig: Rig) -> None:
    root = rig.issued()
    for signer in (A, C):
        with refuses("BadSignature", party=B):
            rig.do(rig.transfer_of(root, B), A, signer)
    with refuses("BadSignature", party=B):
        rig.do(rig.transfer_of(root, B), A, b"")
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(rig.transfer_of(root, B), A)


def test_who_passed_it_on_holds_it_no_more(rig: Rig) -> None:
    root = rig.issued()
    rig.transfer(root, B)
    with refuses("BadSignature", party=B):
        rig.do(rig.transfer_of(root, C), A, C)


def test_an_unknown_or_suspended_recipient_gets_nothing(rig: Rig) -> None:
    root = rig.issued()
    for unknown in (0, 99):
        with refuses("UnknownParty", party=unknown):
            rig.do(rig.transfer_of(root, unknown), A, B)
    suspend(rig, B)
    with refuses("PartySuspended", party=B):
        rig.transfer(root, B)


def test_a_transfer_lands_in_the_last_second_of_its_deadline_and_not_after(rig: Rig) -> None:
    root, other, deadline = rig.issued(), rig.issued(), rig.engine.now() + 60
    rig.engine.travel(deadline)
    rig.do(rig.transfer_of(root, B, deadline=deadline), A, B)
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.do(rig.transfer_of(other, B, deadline=deadline), A, B)


def test_what_was_signed_is_what_lands(rig: Rig) -> None:
    root, other = rig.issued(), rig.issued()
    consents = rig.consents(rig.transfer_of(root, B), [A, B])
    invoice = Invoice(fingerprint(900), 1, 1)  # type: ignore[arg-type]
    for changed in (
        rig.transfer_of(root, C),
        rig.transfer_of(other, B),
        rig.transfer_of(root, B, deadline=LATER - 1),
        rig.transfer_of(root, B, invoices=(invoice,)),
    ):
        with refuses("BadSignature", party=A):
            rig.do(changed, *consents)


def test_nothing_goes_beyond_the_highest_tier(rig: Rig) -> None:
    only_first = rig.issued(highest_tier=1)
    with refuses("TierTooHigh", tier=2, highest=1):
        rig.transfer(only_first, B)
    root = rig.issued(highest_tier=3)
    rig.transfer(root, B)
    rig.transfer(root, C)
    with refuses("TierTooHigh", tier=4, highest=3):
        rig.transfer(root, D)


def test_a_voucher_under_a_lock_stays(rig: Rig) -> None:
    sold, frozen, due = discounted(rig), rig.issued(), rig.issued(due_day=rig.today + 20)
    freeze(rig, frozen, days=30)
    with refuses("Locked", voucher=sold, locks=1):
        rig.transfer(sold, B)
    with refuses("InFreeze", voucher=frozen, until=rig.today + 30):
        rig.transfer(frozen, B)
    rig.pass_days(20)
    rig.do(settlement_of(rig, due), BANK)
    with refuses("Locked", voucher=due, locks=2):
        rig.transfer(due, B)


def test_from_the_first_second_of_the_due_day_nothing_is_passed_on(rig: Rig) -> None:
    due = Day(rig.today + 20)
    root, other = rig.issued(due_day=due), rig.issued(due_day=due)
    rig.engine.travel(start_of_day(due) - 1)
    rig.transfer(root, B)
    rig.engine.travel(start_of_day(due))
    with refuses("RecordDay", voucher=other, dueDay=due, today=due):
        rig.transfer(other, B)
    rig.pass_days(3)
    with refuses("RecordDay", voucher=other, dueDay=due, today=due + 3):
        rig.transfer(other, B)


def test_what_is_not_overdue_does_not_move_as_if_it_were(rig: Rig) -> None:
    root = rig.issued()
    with refuses("OverdueDiffers", voucher=root, overdue=False):
        rig.do(rig.transfer_of(root, B, overdue=True), A, B)


# Done


def test_the_whole_voucher_has_a_new_holder_one_tier_down(rig: Rig) -> None:
    root = rig.issued()
    rig.transfer(root, B)
    assert rig.voucher(root) == VoucherWord(
        face=MILLION, holder=B, counterparty=0, sequence=2, pay_by=0, tier=2, locks=0
    )
    assert (promise(rig, root).live, rig.drawn()) == (MILLION, MILLION)


def test_any_admitted_party_receives_the_issuer_bank_and_funder_included(rig: Rig) -> None:
    root = rig.issued()
    for tier, recipient in enumerate((ISSUER, BANK, FACTOR), start=2):
        rig.transfer(root, recipient)
        assert (rig.voucher(root).holder, rig.voucher(root).tier) == (recipient, tier)


def test_each_way_back_counts_as_a_tier_and_a_sequence(rig: Rig) -> None:
    root = rig.issued()
    for recipient in (B, A, B, A):
        rig.transfer(root, recipient)
    assert (rig.voucher(root).tier, rig.voucher(root).sequence) == (5, 5)


def test_a_transfer_is_in_the_journal(rig: Rig) -> None:
    root = rig.issued()
    assert happened(rig.transfer(root, B)) == [Transferred(root, B)]  # type: ignore[arg-type]


def test_explorers_see_every_change_of_holder(rig: Rig) -> None:
    issue = rig.issue_of()
    sent = rig.do(issue, ISSUER, A)
    ((_, _, root),) = shown(rig, sent)
    assert shown(rig, sent) == [(0, A, root)]
    assert shown(rig, rig.transfer(root, B)) == [(A, B, root)]
    split = rig.split_of(root, (C, 400_000 * YUAN), (B, 600_000 * YUAN))
    parted = shown(rig, rig.do(split, B, C, B))
    assert [(source, target) for source, target, _ in parted] == [(0, C), (0, B), (B, 0)]
    assert parted[-1] == (B, 0, root)
