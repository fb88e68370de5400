"""What went wrong in comparable systems, by their own threads and code: none of it happens here.

One group per defect, named after it: a payment on the due day called late, a spent reference taken anew, settlements
of parts that collide, strangers, amounts zeroed too early, pending sales. The others: `test_peers_defects.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.events import PaymentAsserted
from ledger.members import Contract
from ledger.signing import root_id
from ledger.world import Lock
from tests.contract import words
from tests.contract.failing import (
    ENDS,
    FACE,
    TERM,
    award,
    declare,
    due,
    issued,
    overdue,
    pay,
    pledged,
    release_of,
)
from tests.contract.paying import (
    REFERENCE,
    cancel_of,
    cancel_whole_of,
    confirm_of,
    contest_of,
    disbursement_of,
    disbursing,
    discounted,
    freeze,
    happened,
    refuses,
    rescind_of,
    revoke_of,
    settlement_of,
    withdraw_of,
)
from tests.contract.recovering import to_first_second, to_last_second
from tests.contract.words import Issuer
from tests.rig import (
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
)

PART = 250_000 * YUAN
LIMIT = 10_000_000 * YUAN


# A payment on the due day is called late


def test_a_payment_on_the_due_day_is_in_time_from_its_first_second_to_its_last(rig: Rig) -> None:
    first, last = issued(rig), issued(rig)
    due_day = rig.today + TERM
    to_first_second(rig, due_day)
    rig.do(settlement_of(rig, first), BANK)
    to_last_second(rig, due_day)
    rig.do(settlement_of(rig, last), BANK)
    for voucher in (first, last):
        with refuses("PaymentPending", voucher=voucher):
            declare(rig, voucher)
        rig.do(confirm_of(rig, voucher), A)
    assert words.issuer(rig, ISSUER) == Issuer(0, False)
    rig.issued()


def test_a_payment_asserted_on_the_last_day_of_grace_keeps_the_voucher_from_being_late(rig: Rig) -> None:
    voucher = due(rig)
    to_last_second(rig, rig.today + GRACE)
    rig.do(settlement_of(rig, voucher), BANK)
    rig.pass_days(1)
    with refuses("PaymentPending", voucher=voucher):
        declare(rig, voucher)
    rig.pass_days(WINDOW)
    rig.complete(voucher)
    assert words.issuer(rig, ISSUER) == Issuer(0, False)


def days(count: int) -> Callable[..., None]:
    return lambda rig, _: rig.pass_days(count)


def said(rig: Rig, voucher: int) -> Sent:
    return rig.do(settlement_of(rig, voucher), BANK)


PAYMENTS: dict[str, tuple[Callable[[Rig, int], object], ...]] = {
    "both sign": (lambda rig, v: pay(rig, v, FACE),),
    "confirmed": (said, lambda rig, v: rig.do(confirm_of(rig, v), A)),
    "silence": (said, days(WINDOW + 1), Rig.complete),
    "confirmed in a freeze": (
        lambda rig, v: freeze(rig, v, days=1),
        lambda rig, v: pay(rig, v, FACE),
        days(2),
        Rig.complete,
    ),
    "award": (said, lambda rig, v: rig.do(contest_of(rig, v, A), A), days(30), award),
    "bank is holder": (lambda rig, v: rig.do(rig.transfer_of(v, BANK, overdue=True), A, BANK), said),
}


@pytest.mark.parametrize("how", PAYMENTS)
def test_whichever_way_a_payment_comes_to_count_the_issuer_owes_less(rig: Rig, how: str) -> None:
    """A peer had two ways to pay, and only one of them looked at what was due."""
    voucher = overdue(rig)
    for step in PAYMENTS[how]:
        step(rig, voucher)
    assert rig.voucher(voucher).face == rig.drawn() == 0
    assert words.issuer(rig, ISSUER) == Issuer(0, False)
    rig.issued()


# A reference is registered again after its end


@pytest.mark.parametrize("end", ["cancelled", "cancelled whole", "settled", "split up", "overdue and paid"])
def test_an_issue_that_has_ended_does_not_begin_again(rig: Rig, end: str) -> None:
    issue = rig.issue_of(FACE, due_day=rig.today + 300, tenor_reason=b"\x01" * 32)
    rig.do(issue, ISSUER, A)
    voucher = root_id(issue, rig.domain(Contract.LEDGER))
    match end:
        case "cancelled whole":
            rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)
        case "overdue and paid":
            rig.pass_days(300 + GRACE + 1)
            declare(rig, voucher)
            pay(rig, voucher, FACE)
        case _:
            ENDS[end](rig, voucher)
    expected = "DueDayPassed" if end == "overdue and paid" else "VoucherTaken"
    facts = (
        {"dueDay": issue.due_day, "today": rig.today} if expected == "DueDayPassed" else {"voucher": voucher}
    )
    with refuses(expected, **facts):
        rig.do(issue, ISSUER, A)
    assert words.promise(rig, voucher).settled in (0, FACE)


def test_the_number_of_a_part_is_never_given_again(rig: Rig) -> None:
    voucher = issued(rig)
    first = rig.split(voucher, (B, PART), (C, PART))
    rig.do(cancel_of(rig, first[0]), ISSUER, B)
    second = rig.split(voucher, (B, PART))
    assert len({voucher, *first, *second}) == 4
    assert rig.voucher(first[0]).face == 0


# Settlements of parts collide


def test_parts_of_one_split_are_settled_each_by_itself_on_one_day_under_one_reference(rig: Rig) -> None:
    root = issued(rig)
    parts = rig.split(root, (B, PART), (C, PART), (D, PART))
    rig.pass_days(TERM)
    vouchers = [*parts, root]
    assertions = [settlement_of(rig, voucher) for voucher in vouchers]
    assert {(each.amount, each.payment_reference, each.value_day) for each in assertions} == {
        (PART, REFERENCE, rig.today)
    }
    sent = rig.batch(Contract.LEDGER, [rig.call(each, BANK) for each in assertions])
    asserted = [each.voucher for each in happened(sent) if isinstance(each, PaymentAsserted)]
    assert asserted == vouchers
    assert rig.drawn() == FACE
    rig.do(contest_of(rig, parts[1], C), C)
    rig.pass_days(WINDOW + 1)
    for voucher in (parts[0], parts[2], root):
        rig.complete(voucher)
    with refuses("PaymentIsContested", voucher=parts[1]):
        rig.complete(parts[1])
    assert rig.drawn() == words.promise(rig, root).live == rig.voucher(parts[1]).face == PART
    assert words.promise(rig, root).settled == 3 * PART


def test_a_part_is_not_settled_with_the_root_s_assertion_nor_the_root_with_a_part_s(rig: Rig) -> None:
    root = issued(rig)
    (part,) = rig.split(root, (A, FACE // 2))
    rig.pass_days(TERM)
    of_root, of_part = settlement_of(rig, root), settlement_of(rig, part)
    for agreement, other in ((of_root, of_part), (of_part, of_root)):
        signed = rig.consents(other, [BANK, A])
        with refuses("BadSignature", party=BANK):
            rig.do(agreement, *signed)


@pytest.mark.parametrize("overdue_one", [False, True])
def test_an_empty_list_of_parts_is_no_split(rig: Rig, overdue_one: bool) -> None:
    voucher = overdue(rig) if overdue_one else issued(rig)
    with refuses("PartCount", given=0, highest=20):
        rig.do(rig.split_of(voucher, overdue=overdue_one), A)


# Financed or confirmed by a stranger


@pytest.mark.parametrize("stranger", [B, BANK, ISSUER, REGISTRAR])
def test_no_stranger_finances_confirms_contests_or_ends(rig: Rig, stranger: int) -> None:
    sale = disbursing(rig)
    with refuses("BadSignature", party=A):
        rig.do(confirm_of(rig, sale), stranger)
    with refuses("NotConcerned", voucher=sale, party=stranger):
        rig.do(contest_of(rig, sale, stranger), stranger)
    with refuses("BadSignature", party=FACTOR):
        rig.do(withdraw_of(rig, sale), stranger)
    offered = discounted(rig)
    with refuses("BadSignature", party=FACTOR):
        rig.do(disbursement_of(rig, offered), stranger)
    with refuses("NotConcerned", voucher=offered, party=stranger):
        rig.do(rescind_of(rig, offered, stranger), stranger)
    secured = pledged(rig)
    with refuses("NotConcerned", voucher=secured, party=stranger):
        rig.do(release_of(rig, secured, stranger), stranger)


# Amounts are zeroed before the totals are reduced


@pytest.mark.parametrize("end", ["cancelled", "settled"])
def test_what_ends_takes_its_whole_face_out_of_every_total(rig: Rig, end: str) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=2 * FACE)
    voucher = overdue(rig, line=sub_line)
    ENDS[end](rig, voucher)
    other = issued(rig, line=sub_line)
    assert [rig.drawn(sub_line), rig.drawn(), words.promise(rig, voucher).live] == [FACE, FACE, 0]
    assert words.issuer(rig, ISSUER) == Issuer(0, False)
    assert rig.voucher(other).face == FACE


# A sale is pending when its claim is paid or bought back


def test_what_is_sold_is_not_bought_back_before_the_sale_is_settled(rig: Rig) -> None:
    for voucher, expected in (
        (discounted(rig), Lock.DISCOUNT),
        (disbursing(rig), Lock.DISCOUNT | Lock.PAYMENT),
    ):
        with refuses("Locked", voucher=voucher, locks=expected):
            rig.do(rig.transfer_of(voucher, A), FACTOR, A)
        with refuses("Locked", voucher=voucher, locks=expected):
            rig.do(revoke_of(rig, voucher), A)


def test_a_buy_back_is_not_dated_before_the_sale(rig: Rig) -> None:
    voucher = issued(rig)
    back = rig.call(rig.transfer_of(voucher, A, sequence=1), FACTOR, A)
    with refuses("SameParty", party=A):
        rig.send(rig.ledger, back)
    rig.transfer(voucher, FACTOR)
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.send(rig.ledger, back)


def test_a_payment_dated_tomorrow_is_none_today(rig: Rig) -> None:
    voucher = due(rig)
    with refuses("ValueDayAhead", valueDay=rig.today + 1, today=rig.today):
        rig.do(settlement_of(rig, voucher, value_day=rig.today + 1), BANK, A)


def test_a_sale_that_is_pending_on_the_due_day_is_not_paid_over_its_parties_heads(rig: Rig) -> None:
    voucher = disbursing(rig)
    rig.pass_days(120)
    with refuses("ConsentCount", expected=3, given=1):
        rig.do(settlement_of(rig, voucher), BANK)
    rig.complete(voucher)  # silence: the factor has become the holder
    with refuses("WrongPayee", given=A, expected=FACTOR):
        rig.do(settlement_of(rig, voucher, payee=A), BANK)
