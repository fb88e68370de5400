"""`issue`: the issuer promises to pay; what the agreement must say, and which limit of which line binds."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.agreements import Issue, ResizeLine
from ledger.calendar import Day, start_of_day
from ledger.events import Issued
from ledger.members import Contract, line_id
from ledger.signing import root_id
from tests.contract.paying import cancel_of, happened, refuses, suspend
from tests.contract.words import PromiseWord, line, promise
from tests.rig import (
    BANK,
    ISSUER,
    LATER,
    LINE,
    OTHER_BANK,
    OTHER_ISSUER,
    REGISTRAR,
    YUAN,
    ZERO,
    A,
    B,
    Rig,
    VoucherWord,
    fingerprint,
)

MILLION = 1_000_000 * YUAN
SUB = line_id(BANK, 3)
WHY = b"\x77" * 32


def issuing(rig: Rig, face: int = MILLION, **terms: Any) -> None:
    rig.do(rig.issue_of(face, **terms), ISSUER, A)


def resize(rig: Rig, number: int, **terms: Any) -> None:
    now = line(rig, number)
    values = {"sequence": now.sequence, "limit": now.limit, "expiry": now.expiry, "deadline": LATER} | terms
    rig.do(ResizeLine(line=number, **values), BANK)  # type: ignore[arg-type]


# Refused: line and parties


def test_an_unknown_line_is_not_drawn(rig: Rig) -> None:
    for unknown in (0, line_id(BANK, 9), line_id(OTHER_BANK, 1)):
        with refuses("UnknownLine", line=unknown):
            issuing(rig, line=unknown)


def test_a_line_is_drawn_by_its_issuer_alone(rig: Rig) -> None:
    with refuses("WrongIssuer", line=LINE, issuer=ISSUER, given=OTHER_ISSUER):
        rig.do(rig.issue_of(issuer=OTHER_ISSUER), OTHER_ISSUER, A)


def test_an_issuer_owes_nothing_to_itself(rig: Rig) -> None:
    with refuses("SameParty", party=ISSUER):
        rig.do(rig.issue_of(supplier=ISSUER), ISSUER, ISSUER)


def test_issuer_and_supplier_both_sign(rig: Rig) -> None:
    issue = rig.issue_of()
    for signers, missing in (((A, A), ISSUER), ((BANK, A), ISSUER), ((ISSUER, B), A), ((ISSUER, ISSUER), A)):
        with refuses("BadSignature", party=missing):
            rig.do(issue, *signers)
    with refuses("ConsentCount", expected=2, given=1):
        rig.do(issue, ISSUER)


def test_the_bank_does_not_sign_where_the_line_does_not_countersign(rig: Rig) -> None:
    with refuses("ConsentCount", expected=2, given=3):
        rig.do(rig.issue_of(), ISSUER, A, BANK)


def test_the_bank_signs_where_the_line_countersigns(rig: Rig) -> None:
    rig.grant(SUB, countersign=True)
    issue = rig.issue_of(line=SUB)
    with refuses("ConsentCount", expected=3, given=2):
        rig.do(issue, ISSUER, A)
    for signer in (OTHER_BANK, REGISTRAR, ISSUER):
        with refuses("BadSignature", party=BANK):
            rig.do(issue, ISSUER, A, signer)
    suspend(rig, BANK)
    with refuses("PartySuspended", party=BANK):
        rig.do(issue, ISSUER, A, BANK)


def test_a_suspended_bank_does_not_stop_a_line_that_it_need_not_countersign(rig: Rig) -> None:
    suspend(rig, BANK)
    issuing(rig)
    assert rig.drawn() == MILLION


def test_an_unknown_supplier_is_owed_nothing(rig: Rig) -> None:
    for unknown in (0, 99):
        with refuses("UnknownParty", party=unknown):
            rig.do(rig.issue_of(supplier=unknown), ISSUER, A)


def test_one_second_after_its_deadline_an_issue_is_expired(rig: Rig) -> None:
    deadline = rig.engine.now() + 10
    late, just = (rig.call(rig.issue_of(deadline=deadline), ISSUER, A) for _ in range(2))
    rig.engine.travel(deadline)
    rig.send(rig.ledger, just)
    rig.engine.travel(deadline + 1)
    with refuses("AgreementExpired", deadline=deadline, timestamp=deadline + 1):
        rig.send(rig.ledger, late)


def test_what_was_signed_is_what_lands(rig: Rig) -> None:
    rig.grant(SUB)
    issue = rig.issue_of()
    consents = rig.consents(issue, [ISSUER, A])
    signed = {name: getattr(issue, name) for name in Issue.__match_args__}
    dearer = {"face": MILLION + 1, "invoices": rig.issue_of(MILLION + 1, smallest_part=200 * YUAN).invoices}
    changes: tuple[dict[str, Any], ...] = (
        dearer | {"smallest_part": 200 * YUAN},
        {"line": SUB},
        {"supplier": B},
        {"due_day": issue.due_day + 1},
        {"smallest_part": 101 * YUAN},
        {"highest_tier": 7},
        {"terms": ZERO},
        {"tenor_reason": WHY},
        {"issuer_reference": WHY},
        {"deadline": LATER - 1},
        {"invoices": rig.issue_of().invoices},
    )
    for change in changes:
        with refuses("BadSignature", party=ISSUER):
            rig.do(Issue(**(signed | change)), *consents)
    rig.do(issue, *consents)


def test_an_issue_lands_once_even_after_it_was_cancelled(rig: Rig) -> None:
    issue = rig.issue_of()
    root = root_id(issue, rig.domain(Contract.LEDGER))
    data = rig.call(issue, ISSUER, A)
    rig.send(rig.ledger, data)
    with refuses("VoucherTaken", voucher=root):
        rig.send(rig.ledger, data)
    rig.do(cancel_of(rig, root), ISSUER, A)
    with refuses("VoucherTaken", voucher=root):
        rig.send(rig.ledger, data)


# Refused: terms


def test_a_due_day_is_ahead(rig: Rig) -> None:
    for back in (0, 1, 400):
        with refuses("DueDayPassed", dueDay=rig.today - back, today=rig.today):
            issuing(rig, due_day=rig.today - back)


def test_above_the_soft_cap_of_184_days_a_reason_is_given(rig: Rig) -> None:
    for tenor in (185, 366):
        with refuses("TenorNeedsReason", tenor=tenor, cap=184):
            issuing(rig, due_day=rig.today + tenor)


def test_above_366_days_no_reason_helps(rig: Rig) -> None:
    for reason in (ZERO, WHY):
        with refuses("TenorTooLong", tenor=367, highest=366):
            issuing(rig, due_day=rig.today + 367, tenor_reason=reason)


@pytest.mark.parametrize(("tenor", "reason"), [(1, ZERO), (184, ZERO), (184, WHY), (185, WHY), (366, WHY)])
def test_tenors_at_their_edges_are_issued(rig: Rig, tenor: int, reason: bytes) -> None:
    root = rig.issued(due_day=rig.today + tenor, tenor_reason=reason)
    assert promise(rig, root).due_day == rig.today + tenor


def test_the_tenor_is_counted_from_the_day_of_the_issue_not_of_the_signature(rig: Rig) -> None:
    day = rig.today
    data = rig.call(rig.issue_of(due_day=day + 185), ISSUER, A)
    rig.engine.travel(start_of_day(Day(day + 1)) - 1)
    with refuses("TenorNeedsReason", tenor=185, cap=184):
        rig.send(rig.ledger, data)
    rig.engine.travel(start_of_day(Day(day + 1)))
    rig.send(rig.ledger, data)


def test_a_smallest_part_is_the_lines_or_stricter(rig: Rig) -> None:
    with refuses("SmallestPartTooSmall", given=100 * YUAN - 1, lowest=100 * YUAN):
        issuing(rig, smallest_part=100 * YUAN - 1)
    root = rig.issued(smallest_part=200 * YUAN)
    assert promise(rig, root).smallest_part == 200 * YUAN


def test_a_face_is_at_least_one_smallest_part(rig: Rig) -> None:
    with refuses("PartTooSmall", given=100 * YUAN - 1, lowest=100 * YUAN):
        issuing(rig, 100 * YUAN - 1)
    assert rig.voucher(rig.issued(100 * YUAN)).face == 100 * YUAN


def test_a_face_of_zero_is_nothing(rig: Rig) -> None:
    with refuses("PartTooSmall", given=0, lowest=100 * YUAN):
        issuing(rig, 0, invoices=())


def test_a_face_has_at_most_ten_thousand_smallest_parts(rig: Rig) -> None:
    with refuses("TooManyParts", face=1_000_100 * YUAN, smallestPart=100 * YUAN):
        issuing(rig, 1_000_100 * YUAN)
    issuing(rig, 1_000_100 * YUAN - 1)
    issuing(rig, 1_000_100 * YUAN, smallest_part=101 * YUAN)


def test_a_promise_reaches_at_least_its_first_tier(rig: Rig) -> None:
    with refuses("TierTooHigh", tier=1, highest=0):
        issuing(rig, highest_tier=0)
    assert promise(rig, rig.issued(highest_tier=1)).highest_tier == 1


# Refused: limits


def test_an_issue_above_the_limit_is_told_line_asked_and_available(rig: Rig) -> None:
    resize(rig, LINE, limit=MILLION)
    with refuses("LimitExceeded", line=LINE, asked=MILLION + 1, available=MILLION):
        issuing(rig, MILLION + 1)
    issuing(rig, 600_000 * YUAN)
    with refuses("LimitExceeded", line=LINE, asked=400_001 * YUAN, available=400_000 * YUAN):
        issuing(rig, 400_001 * YUAN)
    issuing(rig, 400_000 * YUAN)
    with refuses("LimitExceeded", line=LINE, asked=100 * YUAN, available=0):
        issuing(rig, 100 * YUAN)


def test_the_sub_line_is_named_where_it_binds(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE, limit=500_000 * YUAN)
    with refuses("LimitExceeded", line=SUB, asked=MILLION, available=500_000 * YUAN):
        issuing(rig, line=SUB)


def test_the_parent_line_is_named_where_it_binds(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE, limit=20 * MILLION)
    resize(rig, LINE, limit=MILLION)
    issuing(rig, 700_000 * YUAN)
    with refuses("LimitExceeded", line=LINE, asked=300_001 * YUAN, available=300_000 * YUAN):
        issuing(rig, 300_001 * YUAN, line=SUB)
    issuing(rig, 300_000 * YUAN, line=SUB)
    assert (rig.drawn(SUB), rig.drawn()) == (300_000 * YUAN, MILLION)


def test_two_sub_lines_share_what_their_parent_has_left(rig: Rig) -> None:
    other = line_id(BANK, 4)
    resize(rig, LINE, limit=MILLION)
    for sub in (SUB, other):
        rig.grant(sub, parent=LINE, limit=MILLION)
    issuing(rig, 600_000 * YUAN, line=SUB)
    with refuses("LimitExceeded", line=LINE, asked=400_100 * YUAN, available=400_000 * YUAN):
        issuing(rig, 400_100 * YUAN, line=other)
    issuing(rig, 400_000 * YUAN, line=other)
    assert (rig.drawn(SUB), rig.drawn(other), rig.drawn()) == (600_000 * YUAN, 400_000 * YUAN, MILLION)


def test_an_expired_parent_stops_its_sub_lines_and_is_named(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE)
    resize(rig, LINE, expiry=rig.today - 1)
    with refuses("LineExpired", line=LINE, expiry=rig.today - 1, today=rig.today):
        issuing(rig, line=SUB)


def test_an_expired_sub_line_is_named_and_leaves_its_parent_alone(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE)
    resize(rig, SUB, expiry=rig.today - 1)
    with refuses("LineExpired", line=SUB, expiry=rig.today - 1, today=rig.today):
        issuing(rig, line=SUB)
    issuing(rig)


def test_a_refused_issue_draws_nothing_and_uses_no_invoice(rig: Rig) -> None:
    rig.grant(SUB, parent=LINE, limit=MILLION)
    resize(rig, LINE, limit=500_000 * YUAN)
    with refuses("LimitExceeded", line=LINE, asked=MILLION, available=500_000 * YUAN):
        issuing(rig, line=SUB)
    assert (rig.drawn(SUB), rig.drawn()) == (0, 0)


# Done


def test_a_promise_and_its_first_voucher_stand_as_agreed(rig: Rig) -> None:
    root = rig.issued()
    assert rig.voucher(root) == VoucherWord(
        face=MILLION, holder=A, counterparty=0, sequence=1, pay_by=0, tier=1, locks=0
    )
    assert promise(rig, root) == PromiseWord(
        line=LINE,
        due_day=rig.today + 120,
        smallest_part=100 * YUAN,
        highest_tier=6,
        live=MILLION,
        settled=0,
    )
    assert (rig.drawn(), line(rig).sequence) == (MILLION, 1)


def test_the_bank_countersigns(rig: Rig) -> None:
    rig.grant(SUB, countersign=True)
    rig.do(rig.issue_of(line=SUB), ISSUER, A, BANK)
    assert rig.drawn(SUB) == MILLION


def test_an_issue_is_in_the_journal_with_every_term(rig: Rig) -> None:
    issue = rig.issue_of(due_day=rig.today + 200, tenor_reason=WHY)
    sent = rig.do(issue, ISSUER, A)
    used, issued = happened(sent)
    assert issued == Issued(
        root_id(issue, rig.domain(Contract.LEDGER)),
        LINE,
        issue.supplier,
        issue.face,
        issue.due_day,
        issue.smallest_part,
        issue.highest_tier,
        issue.terms,
        WHY,
        rig.today,
    )
    assert type(used).__name__ == "InvoiceUsed"


def test_equal_issues_differ_by_the_issuers_reference(rig: Rig) -> None:
    invoices = rig.issue_of(300_000 * YUAN).invoices
    (invoice,) = invoices
    half = (type(invoice)(invoice.fingerprint, 100_000 * YUAN, invoice.total),)  # type: ignore[arg-type]
    one, two = (rig.issued(100_000 * YUAN, invoices=half, issuer_reference=fingerprint(n)) for n in (1, 2))
    assert one != two
    assert rig.drawn() == 200_000 * YUAN


def test_issues_of_one_line_do_not_wait_for_one_another(rig: Rig) -> None:
    first, second = rig.issue_of(), rig.issue_of()
    calls = [rig.call(issue, ISSUER, A) for issue in (first, second)]
    for data in reversed(calls):
        rig.send(rig.ledger, data)
    assert (rig.drawn(), line(rig).sequence) == (2 * MILLION, 1)
