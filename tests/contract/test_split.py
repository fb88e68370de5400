"""`split`: the holder passes on parts, the rest stays; no face is made or lost, no part is too small or too far."""

from __future__ import annotations

import pytest

from ledger.agreements import Part, Split
from ledger.calendar import Day, start_of_day
from ledger.events import Parted
from ledger.signing import child_id
from tests.contract.paying import cancel_of, discounted, freeze, happened, refuses, settlement_of, suspend
from tests.contract.words import promise
from tests.rig import BANK, ISSUER, LATER, LINE, YUAN, A, B, C, D, E, Rig, VoucherWord

MILLION = 1_000_000 * YUAN
THOUSAND = 1_000 * YUAN
LEAST = 100 * YUAN


def standing(face: int, holder: int, *, tier: int, sequence: int = 1) -> VoucherWord:
    return VoucherWord(
        face=face, holder=holder, counterparty=0, sequence=sequence, pay_by=0, tier=tier, locks=0
    )


# Refused


def test_an_unknown_voucher_is_not_split(rig: Rig) -> None:
    unknown = 7 << 96
    with refuses("UnknownVoucher", voucher=unknown):
        rig.do(rig.split_of(unknown, (B, THOUSAND)), A, B)


def test_an_ended_voucher_is_not_split(rig: Rig) -> None:
    root = rig.issued()
    rig.do(cancel_of(rig, root), ISSUER, A)
    with refuses("VoucherEnded", voucher=root):
        rig.do(rig.split_of(root, (B, THOUSAND)), A, B)


@pytest.mark.parametrize("sequence", [0, 2])
def test_a_split_names_the_present_sequence(rig: Rig, sequence: int) -> None:
    root = rig.issued()
    with refuses("WrongSequence", id=root, given=sequence, present=1):
        rig.do(rig.split_of(root, (B, THOUSAND), sequence=sequence), A, B)


def test_a_split_lands_once(rig: Rig) -> None:
    root = rig.issued()
    data = rig.call(rig.split_of(root, (B, THOUSAND)), A, B)
    rig.send(rig.ledger, data)
    with refuses("WrongSequence", id=root, given=1, present=2):
        rig.send(rig.ledger, data)


def test_a_split_has_one_to_twenty_parts(rig: Rig) -> None:
    root = rig.issued()
    with refuses("PartCount", given=0, highest=20):
        rig.do(rig.split_of(root), A)
    with refuses("PartCount", given=21, highest=20):
        rig.do(rig.split_of(root, *[(B, THOUSAND)] * 21), A, *[B] * 21)


def test_parts_are_together_at_most_the_face(rig: Rig) -> None:
    root = rig.issued()
    with refuses("PartsExceedFace", asked=MILLION + 1, face=MILLION):
        rig.do(rig.split_of(root, (B, MILLION + 1)), A, B)
    with refuses("PartsExceedFace", asked=400_001 * YUAN, face=400_000 * YUAN):
        rig.do(rig.split_of(root, (B, 600_000 * YUAN), (C, 400_001 * YUAN)), A, B, C)
    with refuses("PartsExceedFace", asked=LEAST, face=0):
        rig.do(rig.split_of(root, (B, MILLION), (C, LEAST)), A, B, C)


def test_parts_that_run_over_sixty_four_bits_are_not_taken_for_the_face(rig: Rig) -> None:
    root, highest = rig.issued(), 2**64 - 1
    with refuses("PartsExceedFace", asked=highest, face=MILLION - LEAST):
        rig.do(rig.split_of(root, (B, LEAST), (C, highest)), A, B, C)


@pytest.mark.parametrize("face", [0, 1, LEAST - 1])
def test_no_part_is_below_the_smallest(rig: Rig, face: int) -> None:
    root = rig.issued()
    with refuses("PartTooSmall", given=face, lowest=LEAST):
        rig.do(rig.split_of(root, (B, face)), A, B)
    with refuses("PartTooSmall", given=face, lowest=LEAST):
        rig.do(rig.split_of(root, (B, THOUSAND), (C, face)), A, B, C)


@pytest.mark.parametrize("rest", [1, LEAST - 1])
def test_no_rest_is_below_the_smallest(rig: Rig, rest: int) -> None:
    root = rig.issued()
    with refuses("PartTooSmall", given=rest, lowest=LEAST):
        rig.do(rig.split_of(root, (B, MILLION - rest)), A, B)


def test_the_smallest_part_is_the_promises_and_not_the_lines(rig: Rig) -> None:
    root = rig.issued(smallest_part=THOUSAND)
    with refuses("PartTooSmall", given=THOUSAND - 1, lowest=THOUSAND):
        rig.do(rig.split_of(root, (B, THOUSAND - 1)), A, B)


def test_the_holder_and_each_recipient_sign_in_their_order(rig: Rig) -> None:
    split = rig.split_of(rig.issued(), (B, THOUSAND), (C, THOUSAND))
    for signers, missing in (
        ((B, B, C), A),
        ((ISSUER, B, C), A),
        ((A, C, B), B),
        ((A, B, B), C),
        ((A, A, C), B),
    ):
        with refuses("BadSignature", party=missing):
            rig.do(split, *signers)
    with refuses("ConsentCount", expected=3, given=2):
        rig.do(split, A, B)
    with refuses("ConsentCount", expected=3, given=4):
        rig.do(split, A, B, C, C)


def test_a_recipient_of_two_parts_signs_for_each(rig: Rig) -> None:
    root = rig.issued()
    split = rig.split_of(root, (B, THOUSAND), (B, THOUSAND))
    with refuses("ConsentCount", expected=3, given=2):
        rig.do(split, A, B)
    rig.do(split, A, B, B)
    assert rig.voucher(root).face == MILLION - 2 * THOUSAND


def test_an_unknown_or_suspended_recipient_gets_no_part(rig: Rig) -> None:
    root = rig.issued()
    for unknown in (0, 99):
        with refuses("UnknownParty", party=unknown):
            rig.do(rig.split_of(root, (B, THOUSAND), (unknown, THOUSAND)), A, B, B)
    suspend(rig, C)
    with refuses("PartySuspended", party=C):
        rig.do(rig.split_of(root, (B, THOUSAND), (C, THOUSAND)), A, B, C)
    assert rig.voucher(root).face == MILLION


def test_one_second_after_its_deadline_a_split_is_expired(rig: Rig) -> None:
    root, now = rig.issued(), rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        rig.do(rig.split_of(root, (B, THOUSAND), deadline=now - 1), A, B)


def test_what_was_signed_is_what_lands(rig: Rig) -> None:
    root = rig.issued()
    split = rig.split_of(root, (B, THOUSAND), (C, THOUSAND))
    consents = rig.consents(split, [A, B, C])
    for parts in (
        ((B, 2 * THOUSAND), (C, THOUSAND)),
        ((B, THOUSAND), (D, THOUSAND)),
        ((C, THOUSAND), (B, THOUSAND)),
    ):
        with refuses("BadSignature", party=A):
            rig.do(rig.split_of(root, *parts), *consents)
    fewer = Split(split.voucher, 1, False, LATER, (Part(B, THOUSAND),), ())  # type: ignore[arg-type]
    with refuses("BadSignature", party=A):
        rig.do(fewer, *consents[:2])


def test_no_part_goes_beyond_the_highest_tier(rig: Rig) -> None:
    root = rig.issued(highest_tier=2)
    (part,) = rig.split(root, (B, 10 * THOUSAND))
    with refuses("TierTooHigh", tier=3, highest=2):
        rig.split(part, (C, THOUSAND))
    with refuses("TierTooHigh", tier=3, highest=2):
        rig.split(part, (B, THOUSAND), (C, THOUSAND))
    rig.split(part, (B, THOUSAND))


def test_a_voucher_under_a_lock_is_not_split(rig: Rig) -> None:
    sold, frozen, due = discounted(rig), rig.issued(), rig.issued(due_day=rig.today + 20)
    freeze(rig, frozen, days=30)
    with refuses("Locked", voucher=sold, locks=1):
        rig.split(sold, (B, THOUSAND))
    with refuses("InFreeze", voucher=frozen, until=rig.today + 30):
        rig.split(frozen, (B, THOUSAND))
    rig.pass_days(20)
    rig.do(settlement_of(rig, due), BANK)
    with refuses("Locked", voucher=due, locks=2):
        rig.split(due, (B, THOUSAND))


def test_from_the_first_second_of_the_due_day_nothing_is_split(rig: Rig) -> None:
    due = Day(rig.today + 20)
    root = rig.issued(due_day=due)
    rig.engine.travel(start_of_day(due) - 1)
    (part,) = rig.split(root, (B, THOUSAND))
    rig.engine.travel(start_of_day(due))
    for voucher in (root, part):
        with refuses("RecordDay", voucher=voucher, dueDay=due, today=due):
            rig.split(voucher, (C, LEAST))


def test_what_is_not_overdue_is_not_split_as_if_it_were(rig: Rig) -> None:
    root = rig.issued()
    with refuses("OverdueDiffers", voucher=root, overdue=False):
        rig.do(rig.split_of(root, (B, THOUSAND), overdue=True), A, B)


# Done


def test_a_part_goes_one_tier_down_and_the_rest_stays_where_it_was(rig: Rig) -> None:
    root = rig.issued()
    (part,) = rig.split(root, (B, 300_000 * YUAN))
    assert part == child_id(root, 1, 0)  # type: ignore[arg-type]
    assert rig.voucher(part) == standing(300_000 * YUAN, B, tier=2)
    assert rig.voucher(root) == standing(700_000 * YUAN, A, tier=1, sequence=2)


def test_a_part_for_the_holder_itself_keeps_the_tier(rig: Rig) -> None:
    own, passed = rig.split(rig.issued(), (A, THOUSAND), (B, THOUSAND))
    assert (rig.voucher(own).tier, rig.voucher(passed).tier) == (1, 2)


def test_a_voucher_split_whole_is_closed_for_good(rig: Rig) -> None:
    root = rig.issued()
    first, second = rig.split(root, (B, 400_000 * YUAN), (C, 600_000 * YUAN))
    assert rig.voucher(root) == standing(0, A, tier=1, sequence=2)
    with refuses("VoucherEnded", voucher=root):
        rig.do(rig.split_of(root, (B, LEAST)), A, B)
    assert (rig.voucher(first).face, rig.voucher(second).face) == (400_000 * YUAN, 600_000 * YUAN)


def test_twenty_parts_of_the_smallest_size_and_a_smallest_rest(rig: Rig) -> None:
    root = rig.issued(21 * LEAST)
    parts = rig.split(root, *[(B, LEAST)] * 20)
    assert len(set(parts)) == 20
    assert {rig.voucher(part).face for part in (*parts, root)} == {LEAST}


def test_down_four_tiers_no_face_is_made_or_lost_and_the_line_does_not_move(rig: Rig) -> None:
    root = rig.issued()
    vouchers, passed = [root], root
    for recipient, face in ((B, 500_000), (C, 250_000), (D, 100_000), (E, 33_333)):
        (passed,) = rig.split(passed, (recipient, face * YUAN))
        vouchers.append(passed)
    assert [rig.voucher(v).face // YUAN for v in vouchers] == [500_000, 250_000, 150_000, 66_667, 33_333]
    assert [rig.voucher(v).tier for v in vouchers] == [1, 2, 3, 4, 5]
    assert (
        sum(rig.voucher(v).face for v in vouchers) == promise(rig, passed).live == rig.drawn(LINE) == MILLION
    )
    assert {v >> 96 for v in vouchers} == {root >> 96}


def test_the_same_split_of_the_rest_makes_another_id(rig: Rig) -> None:
    root = rig.issued()
    (first,) = rig.split(root, (B, THOUSAND))
    (second,) = rig.split(root, (B, THOUSAND))
    assert second == child_id(root, 2, 0) != first  # type: ignore[arg-type]


def test_each_part_is_in_the_journal_with_the_sequence_that_all_led_to(rig: Rig) -> None:
    root = rig.issued()
    sent = rig.do(rig.split_of(root, (A, THOUSAND), (B, 2 * THOUSAND)), A, A, B)
    assert happened(sent) == [
        Parted(root, child_id(root, 1, 0), A, THOUSAND, 1, 2),  # type: ignore[arg-type]
        Parted(root, child_id(root, 1, 1), B, 2 * THOUSAND, 2, 2),  # type: ignore[arg-type]
    ]
