"""What went wrong in comparable systems, by their own threads and code: none of it happens here.

One group per defect, named after it: frozen value bypassed, frozen value lowered, a limit released twice, a reservation
ignored, half of a linked set void. Those of payments and endings: `test_peers_defects_of_payments.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.agreements import Invoice, Issue
from ledger.errors import Refusal
from ledger.members import Contract
from ledger.signing import child_id, declare_overdue_calldata, root_id
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    ENDS,
    FACE,
    TERM,
    award,
    award_of,
    contested,
    issued,
    overdue,
    pay,
    pledge_of,
    pledged,
)
from tests.contract.paying import (
    cancel_of,
    confirm_of,
    disbursing,
    discounted,
    freeze,
    freeze_of,
    locks,
    refuses,
    settlement_of,
    settling,
    withdraw_of,
)
from tests.contract.ready import issue_revocation
from tests.contract.words import Issuer
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    GRACE,
    ISSUER,
    LINE,
    REGISTRAR,
    WINDOW,
    YUAN,
    A,
    B,
    C,
    D,
    Rig,
    Sent,
    fingerprint,
)

PART = 250_000 * YUAN
LIMIT = 10_000_000 * YUAN


def names_refused(rig: Rig, sent: Sent) -> dict[int, str]:
    """The items of a batch that were refused, by index, and why."""
    return {index: refusal.name for index, refusal in rig.refused(sent).items()}


# Duplicate ids in one batch bypass a freeze


def test_the_same_frozen_voucher_twice_in_one_batch_moves_neither_time(rig: Rig) -> None:
    voucher = issued(rig)
    freeze(rig, voucher)
    moves = [
        rig.call(rig.transfer_of(voucher, to, sequence=at), A, to) for at, to in ((1, B), (1, C), (2, B))
    ]
    parts = rig.call(rig.split_of(voucher, (A, PART)), A, A)
    sent = rig.batch(Contract.LEDGER, [moves[0], parts, *moves])
    assert names_refused(rig, sent) == dict.fromkeys(range(4), "InFreeze") | {4: "WrongSequence"}
    assert rig.voucher(voucher).holder == A


def test_a_freeze_that_lands_between_two_moves_of_one_batch_stops_the_second(rig: Rig) -> None:
    voucher = issued(rig)
    items = [
        rig.call(rig.transfer_of(voucher, B), A, B),
        rig.call(freeze_of(rig, voucher), REGISTRAR),
        rig.call(rig.transfer_of(voucher, C, sequence=2), B, C),
        rig.call(rig.split_of(voucher, (B, PART), sequence=2), B, B),
    ]
    assert names_refused(rig, rig.batch(Contract.LEDGER, items)) == {2: "InFreeze", 3: "InFreeze"}
    assert rig.voucher(voucher).holder == B


def test_a_voucher_frozen_twice_in_one_batch_stays_frozen_to_the_later_day(rig: Rig) -> None:
    voucher = issued(rig)
    orders = ((30, b"\x01"), (5, b"\x02"), (20, b"\x01"))
    items = [
        rig.call(freeze_of(rig, voucher, days=days, order=order * 32), REGISTRAR) for days, order in orders
    ]
    assert names_refused(rig, rig.batch(Contract.LEDGER, items)) == {2: "OrderSpent"}
    rig.pass_days(30)
    with refuses("InFreeze", voucher=voucher, until=rig.today):
        rig.transfer(voucher, B)


def test_the_same_voucher_twice_in_one_batch_is_overdue_once(rig: Rig) -> None:
    voucher, other = issued(rig), issued(rig)
    rig.pass_days(TERM + GRACE + 1)
    items = [declare_overdue_calldata(each) for each in (voucher, voucher, other, voucher)]  # type: ignore[arg-type]
    sent = rig.batch(Contract.LEDGER, items)
    assert names_refused(rig, sent) == {1: "AlreadyOverdue", 3: "AlreadyOverdue"}
    assert words.issuer(rig, ISSUER) == Issuer(2 * FACE, False)


def test_the_same_voucher_twice_in_one_batch_is_pledged_once(rig: Rig) -> None:
    voucher = issued(rig)
    items = [
        rig.call(pledge_of(rig, voucher, sequence=at, pledgee=to), A, to)
        for at, to in ((1, FACTOR), (2, BANK))
    ]
    assert names_refused(rig, rig.batch(Contract.LEDGER, items)) == {1: "Locked"}
    assert words.pledge(rig, voucher).pledgee == FACTOR


# What is frozen or secured is lowered by a transfer to oneself


@pytest.mark.parametrize("face", [PART, FACE])
def test_nobody_lowers_what_is_frozen_by_parting_with_it_to_itself(rig: Rig, face: int) -> None:
    voucher = issued(rig)
    freeze(rig, voucher)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.do(rig.split_of(voucher, (A, face)), A, A)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.transfer(voucher, A)
    assert rig.voucher(voucher).face == FACE


@pytest.mark.parametrize("face", [PART, FACE])
def test_nobody_lowers_what_secures_a_pledge_by_parting_with_it_to_itself(rig: Rig, face: int) -> None:
    voucher = pledged(rig)
    with refuses("Locked", voucher=voucher, locks=Lock.PLEDGE):
        rig.do(rig.split_of(voucher, (A, face)), A, A)
    with refuses("Locked", voucher=voucher, locks=Lock.PLEDGE):
        rig.transfer(voucher, A)
    assert words.pledge(rig, voucher).secured <= rig.voucher(voucher).face == FACE


def test_a_part_to_oneself_lowers_nothing_of_what_is_owed_overdue(rig: Rig) -> None:
    voucher = overdue(rig)
    rig.do(rig.split_of(voucher, (A, PART), overdue=True), A, A)
    part = child_id(voucher, 2, 0)  # type: ignore[arg-type]
    assert (locks(rig, voucher), locks(rig, part)) == (Lock.OVERDUE, Lock.OVERDUE)
    assert words.issuer(rig, ISSUER).overdue == rig.voucher(voucher).face + rig.voucher(part).face == FACE


def test_a_transfer_to_oneself_voids_no_agreement_and_moves_no_tier(rig: Rig) -> None:
    voucher = issued(rig)
    for _ in range(3):
        with refuses("SameParty", party=A):
            rig.transfer(voucher, A)
    assert (rig.voucher(voucher).sequence, rig.voucher(voucher).tier) == (1, 1)


# A limit is released twice


@pytest.mark.parametrize("first", ENDS)
@pytest.mark.parametrize("second", ENDS)
def test_what_has_ended_does_not_end_again_in_any_other_way(rig: Rig, first: str, second: str) -> None:
    voucher, other = issued(rig), issued(rig)
    ENDS[first](rig, voucher)
    drawn = rig.drawn()
    assert drawn == (2 * FACE if first == "split up" else FACE)
    with refuses("VoucherEnded", voucher=voucher):
        ENDS[second](rig, voucher)
    assert rig.drawn() == drawn
    assert rig.voucher(other).face == FACE


def test_one_settlement_frees_the_line_once_however_often_it_is_said(rig: Rig) -> None:
    other, voucher = issued(rig), settling(rig)
    answer, whole = confirm_of(rig, voucher), rig.voucher(voucher).face
    items = [rig.call(answer, A), rig.call(answer, A), rig.call(settlement_of(rig, voucher), BANK, A)]
    sent = rig.batch(Contract.LEDGER, items)
    assert names_refused(rig, sent) == {1: "VoucherEnded", 2: "VoucherEnded"}
    assert rig.drawn() == 2 * FACE - whole
    with refuses("VoucherEnded", voucher=voucher):
        rig.complete(voucher)
    assert rig.drawn() == rig.voucher(other).face


def test_parts_paid_and_a_cancellation_free_the_line_of_each_fen_once(rig: Rig) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=FACE)
    voucher = overdue(rig, line=sub_line)
    for paid in (1, PART):
        pay(rig, voucher, paid)
    left = FACE - 1 - PART
    assert [rig.drawn(sub_line), rig.drawn(), words.issuer(rig, ISSUER).overdue] == [left] * 3
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    assert [rig.drawn(sub_line), rig.drawn(), words.issuer(rig, ISSUER).overdue] == [0] * 3
    assert (words.promise(rig, voucher).live, words.promise(rig, voucher).settled) == (0, 1 + PART)


def test_what_was_awarded_is_not_completed_confirmed_or_withdrawn_as_well(rig: Rig) -> None:
    voucher = contested(rig)
    rig.pass_days(30)
    early = [confirm_of(rig, voucher), withdraw_of(rig, voucher), award_of(rig, voucher, paid=True)]
    award(rig, voucher, paid=False)
    for agreement, signers in zip(early, ((A,), (BANK,), (REGISTRAR, ARBITER)), strict=True):
        with refuses("WrongSequence", id=voucher, given=3, present=4):
            rig.do(agreement, *signers)
    with refuses("NoPayment", voucher=voucher):
        rig.complete(voucher)
    assert rig.drawn() == FACE


# A reservation is ignored; a rejected one is committed later


def test_what_is_drawn_under_a_sub_line_is_not_available_under_its_parent(rig: Rig) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=LIMIT)
    rig.issued(LIMIT - FACE, line=sub_line, smallest_part=10_000 * YUAN)
    with refuses("LimitExceeded", line=LINE, asked=FACE + 1, available=FACE):
        rig.issued(FACE + 1)
    rig.issued(FACE)
    with refuses("LimitExceeded", line=LINE, asked=100 * YUAN, available=0):
        rig.issued(100 * YUAN, line=sub_line)


@pytest.mark.parametrize("start", [settling, contested, pledged, discounted, disbursing, overdue])
def test_a_line_is_held_until_the_money_counts(rig: Rig, start: Callable[[Rig], int]) -> None:
    start(rig)
    assert rig.drawn() == FACE
    if start is not overdue:
        with refuses("LimitExceeded", line=LINE, asked=LIMIT - FACE + 1, available=LIMIT - FACE):
            rig.issued(LIMIT - FACE + 1, smallest_part=10_000 * YUAN)


def test_two_issues_that_fit_alone_do_not_both_fit(rig: Rig) -> None:
    issues = [rig.issue_of(6_000_000 * YUAN, smallest_part=10_000 * YUAN) for _ in range(2)]
    sent = rig.batch(Contract.LEDGER, [rig.call(issue, ISSUER, A) for issue in issues])
    assert names_refused(rig, sent) == {1: "LimitExceeded"}
    assert rig.drawn() == 6_000_000 * YUAN


def test_an_issue_that_was_revoked_never_lands(rig: Rig) -> None:
    revocation = issue_revocation(rig)
    revocation.land(rig)
    assert isinstance(revocation.issued, Issue)
    voucher = root_id(revocation.issued, rig.domain(Contract.LEDGER))
    with refuses("VoucherTaken", voucher=voucher):
        rig.do(revocation.issued, ISSUER, A)
    assert rig.drawn() == 0


def test_a_payment_that_was_withdrawn_completes_never(rig: Rig) -> None:
    voucher = settling(rig)
    early = confirm_of(rig, voucher)
    rig.do(withdraw_of(rig, voucher), BANK)
    rig.pass_days(WINDOW + 1)
    with refuses("NoPayment", voucher=voucher):
        rig.complete(voucher)
    with refuses("WrongSequence", id=voucher, given=2, present=3):
        rig.do(early, A)


# Of a linked set one leg is void and the others stand


def test_of_a_split_with_one_bad_consent_nothing_happens(rig: Rig) -> None:
    voucher = issued(rig)
    with refuses("BadSignature", party=D):
        rig.do(rig.split_of(voucher, (B, PART), (C, PART), (D, PART)), A, B, C, C)
    assert rig.voucher(voucher).face == FACE
    assert [rig.voucher(child_id(voucher, 1, place)).sequence for place in range(3)] == [0, 0, 0]  # type: ignore[arg-type]


def test_of_a_batch_that_is_all_or_nothing_no_item_stands_where_one_is_refused(rig: Rig) -> None:
    first, second = issued(rig), issued(rig)
    head = rig.head()
    items = [
        rig.call(pledge_of(rig, first), A, FACTOR),
        rig.call(rig.transfer_of(second, B), A, B),
        rig.call(rig.transfer_of(first, B, sequence=2), A, B),
    ]
    with pytest.raises(Refusal) as said:
        rig.batch(Contract.LEDGER, items, whole=True)
    assert (said.value.name, said.value.facts["index"]) == ("BatchStopped", 2)
    assert rig.head() == head
    assert (locks(rig, first), rig.voucher(second).holder) == (Lock(0), A)


def test_of_ten_invoices_the_last_one_over_its_total_takes_all_uses_back(rig: Rig) -> None:
    invoices = [Invoice(fingerprint(900 + n), PART, PART) for n in range(3)]  # type: ignore[arg-type]
    invoices.append(Invoice(fingerprint(903), PART, PART - 1))  # type: ignore[arg-type]
    with refuses(
        "InvoiceExceeded", fingerprint="0x" + fingerprint(903).hex(), asked=PART, available=PART - 1
    ):
        rig.issued(4 * PART, invoices=tuple(invoices))
    assert [words.invoice_use(rig, ISSUER, each.fingerprint) for each in invoices] == [(0, 0)] * 4


# A limit that nobody asked for until late


@pytest.mark.parametrize("over", [0, 1])
def test_the_last_fen_of_a_limit_can_be_issued_and_not_one_more(rig: Rig, over: int) -> None:
    face = LIMIT + over
    if over:
        with refuses("LimitExceeded", line=LINE, asked=face, available=LIMIT):
            rig.issued(face, smallest_part=10_000 * YUAN)
    else:
        rig.issued(face, smallest_part=10_000 * YUAN)
        assert rig.drawn() == LIMIT
