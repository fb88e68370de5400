"""`stopIssue`: one issuer issues no more, or again; or, for good, nobody (run-off). Nothing else stops."""

from __future__ import annotations

import pytest

from ledger.agreements import Invoice
from ledger.events import IssueStopped
from tests.contract.failing import (
    FACE,
    REASON,
    TERM,
    declare,
    overdue,
    pay,
    pledge,
    release_of,
    set_cap,
    stop,
    stop_of,
)
from tests.contract.handing_over import NEXT, handed_over
from tests.contract.paying import (
    cancel_of,
    cancel_whole_of,
    disbursement_of,
    discount_of,
    happened,
    refuses,
    settlement_of,
)
from tests.contract.words import Issuer, LedgerSettings, invoice_use, issuer, ledger_settings, line
from tests.rig import (
    ARBITER,
    BANK,
    FACTOR,
    GRACE,
    ISSUER,
    LINE,
    OTHER_ISSUER,
    REGISTRAR,
    YUAN,
    A,
    B,
    C,
    Rig,
    VoucherWord,
    fingerprint,
)

OTHER_LINE = BANK << 32 | 7

# Refused


@pytest.mark.parametrize("given", [1, 2**32 - 1])
@pytest.mark.parametrize("whom", [0, ISSUER])
def test_a_stop_names_the_present_sequence_of_the_settings(rig: Rig, whom: int, given: int) -> None:
    with refuses("WrongSequence", id=0, given=given, present=0):
        stop(rig, whom, sequence=given)


def test_a_stop_that_landed_does_not_land_again_after_it_was_lifted(rig: Rig) -> None:
    data = rig.call(stop_of(rig, ISSUER), REGISTRAR)
    rig.send(rig.ledger, data)
    stop(rig, ISSUER, stopped=False)
    with refuses("WrongSequence", id=0, given=0, present=2):
        rig.send(rig.ledger, data)


def test_a_stop_signed_before_a_cap_was_set_is_void_after(rig: Rig) -> None:
    data = rig.call(stop_of(rig, 0), REGISTRAR)
    set_cap(rig, 90)
    with refuses("WrongSequence", id=0, given=0, present=1):
        rig.send(rig.ledger, data)


def test_a_run_off_is_not_taken_back_and_does_not_begin_twice(rig: Rig) -> None:
    with refuses("StopIsFinal"):
        stop(rig, 0, stopped=False)
    stop(rig, 0)
    with refuses("StopIsFinal"):
        stop(rig, 0, stopped=False)
    with refuses("InRunOff"):
        stop(rig, 0)


def test_who_is_stopped_is_not_stopped_again_and_who_is_not_is_not_let_go(rig: Rig) -> None:
    with refuses("IssueUnchanged", issuer=ISSUER, stopped=False):
        stop(rig, ISSUER, stopped=False)
    stop(rig, ISSUER)
    with refuses("IssueUnchanged", issuer=ISSUER, stopped=True):
        stop(rig, ISSUER)


@pytest.mark.parametrize("whom", [0, ISSUER])
def test_only_the_registrar_stops(rig: Rig, whom: int) -> None:
    for signer in (BANK, ISSUER, ARBITER, A):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(stop_of(rig, whom), signer)
    for count in (0, 2):
        with refuses("ConsentCount", expected=1, given=count):
            rig.do(stop_of(rig, whom), *(REGISTRAR, BANK)[:count])


def test_what_was_signed_is_what_stops(rig: Rig) -> None:
    signed = rig.consents(stop_of(rig, ISSUER), [REGISTRAR])
    for changed in (stop_of(rig, OTHER_ISSUER), stop_of(rig, 0), stop_of(rig, ISSUER, reason=bytes(32))):
        with refuses("BadSignature", party=REGISTRAR):
            rig.do(changed, *signed)
    lifting = stop_of(rig, ISSUER, stopped=False, sequence=1)
    rig.do(stop_of(rig, ISSUER), REGISTRAR)
    with refuses("BadSignature", party=REGISTRAR):
        rig.do(lifting, *signed)


def test_a_stop_has_a_deadline(rig: Rig) -> None:
    now = rig.engine.now()
    with refuses("AgreementExpired", deadline=now - 1, timestamp=now):
        stop(rig, ISSUER, deadline=now - 1)
    stop(rig, ISSUER, deadline=now)


# One issuer


def test_one_issuer_stops_and_the_others_go_on(rig: Rig) -> None:
    rig.grant(OTHER_LINE, issuer=OTHER_ISSUER)
    sent = stop(rig, ISSUER)
    assert happened(sent) == [IssueStopped(ISSUER, 1, True, REASON)]  # type: ignore[arg-type]
    assert (issuer(rig, ISSUER), issuer(rig, OTHER_ISSUER)) == (Issuer(0, True), Issuer(0, False))
    assert ledger_settings(rig) == LedgerSettings(1, 184, 0, 0, False)
    with refuses("IssuerStopped", issuer=ISSUER):
        rig.issued()
    rig.issued(line=OTHER_LINE, issuer=OTHER_ISSUER)


def test_it_is_let_go_and_issues_again(rig: Rig) -> None:
    stop(rig, ISSUER)
    sent = stop(rig, ISSUER, stopped=False)
    assert happened(sent) == [IssueStopped(ISSUER, 2, False, REASON)]  # type: ignore[arg-type]
    assert issuer(rig, ISSUER) == Issuer(0, False)
    rig.issued()


def test_an_issue_signed_before_the_stop_does_not_land_until_it_is_lifted(rig: Rig) -> None:
    issue = rig.issue_of()
    signed = rig.call(issue, ISSUER, A)
    stop(rig, ISSUER)
    with refuses("IssuerStopped", issuer=ISSUER):
        rig.send(rig.ledger, signed)
    stop(rig, ISSUER, stopped=False)
    rig.send(rig.ledger, signed)


def test_what_a_stopped_issuer_owes_overdue_is_kept_beside_and_outlives_the_stop(rig: Rig) -> None:
    voucher = overdue(rig)
    stop(rig, ISSUER)
    assert issuer(rig, ISSUER) == Issuer(FACE, True)
    with refuses("IssuerStopped", issuer=ISSUER):
        rig.issued()
    pay(rig, voucher, 1)
    assert issuer(rig, ISSUER) == Issuer(FACE - 1, True)
    stop(rig, ISSUER, stopped=False)
    assert issuer(rig, ISSUER) == Issuer(FACE - 1, False)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE - 1):
        rig.issued()


def test_an_issuer_can_be_stopped_before_it_is_a_party(rig: Rig) -> None:
    stop(rig, 99)
    assert issuer(rig, 99) == Issuer(0, True)


@pytest.mark.parametrize("whom", [0, ISSUER])
def test_whatever_is_out_goes_its_way_to_the_end(rig: Rig, whom: int) -> None:
    passed, sold, secured, late = (rig.issued(due_day=rig.today + TERM) for _ in range(4))
    stop(rig, whom)
    rig.transfer(passed, B)
    rig.split(passed, (C, 1_000 * YUAN))
    rig.do(discount_of(rig, sold), A, FACTOR)
    rig.do(disbursement_of(rig, sold), FACTOR, A)
    pledge(rig, secured)
    rig.do(release_of(rig, secured, FACTOR), FACTOR)
    rig.do(cancel_of(rig, secured), ISSUER, A)
    rig.pass_days(TERM)
    rig.do(settlement_of(rig, sold), BANK, FACTOR)
    rig.pass_days(GRACE + 1)
    declare(rig, late)
    rig.do(rig.transfer_of(late, B, overdue=True), A, B)
    pay(rig, late, FACE)
    assert rig.voucher(late) == VoucherWord(0, B, 0, 4, 0, 1, 64)


def test_lines_are_granted_and_changed_in_spite_of_a_stop(rig: Rig) -> None:
    stop(rig, 0)
    rig.grant(OTHER_LINE, issuer=OTHER_ISSUER)
    assert line(rig, OTHER_LINE).issuer == OTHER_ISSUER


# The whole ledger


def test_in_run_off_nobody_issues(rig: Rig) -> None:
    rig.grant(OTHER_LINE, issuer=OTHER_ISSUER)
    signed = rig.call(rig.issue_of(), ISSUER, A)
    sent = stop(rig, 0)
    assert happened(sent) == [IssueStopped(0, 1, True, REASON)]  # type: ignore[arg-type]
    assert ledger_settings(rig) == LedgerSettings(1, 184, 0, 0, True)
    assert issuer(rig, 0) == Issuer(0, False)
    with refuses("InRunOff"):
        rig.send(rig.ledger, signed)
    with refuses("InRunOff"):
        rig.issued(line=OTHER_LINE, issuer=OTHER_ISSUER)


def test_the_run_off_is_named_before_the_issuer_s_own_stop(rig: Rig) -> None:
    stop(rig, ISSUER)
    stop(rig, 0)
    with refuses("InRunOff"):
        rig.issued()


def test_the_stop_is_looked_at_after_the_line_and_before_the_terms(rig: Rig) -> None:
    stop(rig, 0)
    with refuses("UnknownLine", line=LINE + 9):
        rig.issued(line=LINE + 9)
    with refuses("WrongIssuer", line=LINE, issuer=ISSUER, given=OTHER_ISSUER):
        rig.issued(issuer=OTHER_ISSUER)
    with refuses("SameParty", party=ISSUER):
        rig.issued(supplier=ISSUER)
    with refuses("InRunOff"):
        rig.issued(due_day=rig.today, deadline=1)


def test_in_run_off_single_issuers_can_still_be_stopped_and_let_go(rig: Rig) -> None:
    stop(rig, 0)
    stop(rig, ISSUER)
    stop(rig, ISSUER, stopped=False)
    assert ledger_settings(rig) == LedgerSettings(3, 184, 0, 0, True)


@pytest.mark.parametrize("count", [1, 11])
def test_in_run_off_a_hop_shows_no_invoices_for_the_successor_would_not_see_them(
    rig: Rig, count: int
) -> None:
    voucher = rig.issued()
    stop(rig, 0)
    invoices = tuple(Invoice(fingerprint(900 + n), 1, 1) for n in range(count))  # type: ignore[arg-type]
    with refuses("InRunOff"):
        rig.do(rig.transfer_of(voucher, B, invoices=invoices), A, B)
    with refuses("InRunOff"):
        rig.do(rig.split_of(voucher, (B, 1_000 * YUAN), invoices=invoices), A, B)
    rig.do(rig.split_of(voucher, (B, 1_000 * YUAN)), A, B)
    rig.transfer(voucher, B)


def test_a_hop_of_a_stopped_issuer_s_voucher_still_shows_its_invoices(rig: Rig) -> None:
    voucher = rig.issued()
    stop(rig, ISSUER)
    stop(rig, A)
    rig.do(rig.transfer_of(voucher, B, invoices=(Invoice(fingerprint(900), 1, 1),)), A, B)  # type: ignore[arg-type]
    assert invoice_use(rig, A, fingerprint(900)) == (1, 1)


def test_in_run_off_invoice_use_is_given_back(rig: Rig) -> None:
    issue = rig.issue_of(FACE)
    voucher = happened(rig.do(issue, ISSUER, A))[-1].voucher  # type: ignore[union-attr]
    stop(rig, 0)
    rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)
    assert invoice_use(rig, ISSUER, issue.invoices[0].fingerprint) == (FACE, 0)
    assert line(rig, LINE).drawn == 0


def test_after_a_hand_over_the_new_registrar_stops(rig: Rig) -> None:
    handed_over(rig)
    with refuses("BadSignature", party=NEXT):
        stop(rig, 0)
    rig.do(stop_of(rig, 0), NEXT)
    assert ledger_settings(rig).run_off
