"""`cancel` and `cancelWhole`: issuer and holder end a claim; only an undivided promise gives its invoices back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.agreements import Invoice, Issue
from ledger.events import Cancelled, InvoiceReturned
from ledger.members import Contract
from ledger.signing import root_id
from ledger.world import Lock
from tests.contract.paying import (
    cancel_of,
    cancel_whole_of,
    disbursing,
    discounted,
    freeze,
    happened,
    refuses,
    settlement_of,
    start_recovery,
    suspend,
)
from tests.contract.words import invoice_use, promise
from tests.rig import BANK, ISSUER, LINE, OTHER_ISSUER, REGISTRAR, YUAN, A, B, Rig, VoucherWord, fingerprint

FACE = 1_000_000 * YUAN


def issued(rig: Rig, **terms: object) -> tuple[Issue, int]:
    """An issue that has landed, and its voucher."""
    issue = rig.issue_of(FACE, **terms)
    rig.do(issue, ISSUER, A)
    return issue, root_id(issue, rig.domain(Contract.LEDGER))


# Refusals of both


def test_what_does_not_exist_is_not_cancelled(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(cancel_of(rig, 77), ISSUER, A)


def test_nothing_is_cancelled_twice(rig: Rig) -> None:
    voucher = rig.issued()
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(cancel_of(rig, voucher), ISSUER, A)


def test_what_is_paid_is_not_cancelled(rig: Rig) -> None:
    voucher = rig.issued()
    rig.do(settlement_of(rig, voucher), BANK, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(cancel_of(rig, voucher), ISSUER, A)


@pytest.mark.parametrize("whole", [False, True])
def test_a_cancellation_names_the_present_sequence(rig: Rig, whole: bool) -> None:
    issue, voucher = issued(rig)
    ending = cancel_whole_of(rig, voucher) if whole else cancel_of(rig, voucher)
    rig.transfer(voucher, B)
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.do(ending, ISSUER, A, issued=issue if whole else None)


@pytest.mark.parametrize(
    ("signers", "missing"), [((A, A), ISSUER), ((ISSUER, ISSUER), A), ((OTHER_ISSUER, A), ISSUER)]
)
@pytest.mark.parametrize("whole", [False, True])
def test_issuer_and_holder_both_sign(rig: Rig, whole: bool, signers: tuple[int, int], missing: int) -> None:
    issue, voucher = issued(rig)
    ending = cancel_whole_of(rig, voucher) if whole else cancel_of(rig, voucher)
    with refuses("BadSignature", party=missing):
        rig.do(ending, *signers, issued=issue if whole else None)


def test_neither_registrar_nor_bank_cancels_what_the_holder_did_not(rig: Rig) -> None:
    voucher = rig.issued()
    for signers in ((REGISTRAR, REGISTRAR), (BANK, BANK), (ISSUER, REGISTRAR)):
        with refuses("BadSignature", party=A if signers[0] == ISSUER else ISSUER):
            rig.do(cancel_of(rig, voucher), *signers)


@pytest.mark.parametrize("party", [ISSUER, A])
def test_a_suspended_party_cancels_nothing(rig: Rig, party: int) -> None:
    voucher = rig.issued()
    suspend(rig, party)
    with refuses("PartySuspended", party=party):
        rig.do(cancel_of(rig, voucher), ISSUER, A)


def test_a_holder_whose_key_is_being_recovered_cancels_nothing(rig: Rig) -> None:
    voucher = rig.issued()
    start_recovery(rig, A)
    with refuses("PartyRecovering", party=A):
        rig.do(cancel_of(rig, voucher), ISSUER, A)


def test_a_frozen_voucher_is_not_cancelled(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.do(cancel_of(rig, voucher), ISSUER, A)


def test_neither_under_sale_nor_under_payment(rig: Rig) -> None:
    sold, paid = discounted(rig), disbursing(rig)
    with refuses("Locked", voucher=sold, locks=Lock.DISCOUNT):
        rig.do(cancel_of(rig, sold), ISSUER, A)
    with refuses("Locked", voucher=paid, locks=Lock.DISCOUNT | Lock.PAYMENT):
        rig.do(cancel_of(rig, paid), ISSUER, A)


def test_on_the_due_day_the_settlement_list_is_final(rig: Rig) -> None:
    voucher = rig.issued()
    rig.pass_days(119)
    other = rig.issued(due_day=rig.today + 1)
    rig.do(cancel_of(rig, other), ISSUER, A)  # the day before
    rig.pass_days(1)
    with refuses("RecordDay", voucher=voucher, dueDay=rig.today, today=rig.today):
        rig.do(cancel_of(rig, voucher), ISSUER, A)


# Refusals of the whole


def test_after_a_split_the_promise_is_not_undivided(rig: Rig) -> None:
    issue, voucher = issued(rig)
    rig.split(voucher, (B, 1_000 * YUAN))
    with refuses("NotUndivided", voucher=voucher):
        rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)


def test_a_part_is_not_the_whole(rig: Rig) -> None:
    issue, voucher = issued(rig)
    (part,) = rig.split(voucher, (B, FACE))
    with refuses("NotUndivided", voucher=part):
        rig.do(cancel_whole_of(rig, part), ISSUER, B, issued=issue)


def test_the_issue_that_is_resupplied_is_the_voucher_s_own(rig: Rig) -> None:
    _, voucher = issued(rig)
    other, _ = issued(rig)
    with refuses("NotUndivided", voucher=voucher):
        rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=other)


def test_an_issue_resupplied_with_other_invoices_is_another_issue(rig: Rig) -> None:
    issue, voucher = issued(rig)
    richer = replace(issue, invoices=(Invoice(fingerprint(99), FACE, FACE),))  # type: ignore[arg-type]
    with refuses("NotUndivided", voucher=voucher):
        rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=richer)


def test_an_issue_that_never_landed_cannot_be_cancelled_whole(rig: Rig) -> None:
    issue = rig.issue_of(FACE)
    voucher = root_id(issue, rig.domain(Contract.LEDGER))
    with refuses("NotUndivided", voucher=voucher):
        rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)


def test_whoever_submits_cannot_choose_between_the_two(rig: Rig) -> None:
    issue, voucher = issued(rig)
    plain, whole = cancel_of(rig, voucher), cancel_whole_of(rig, voucher)
    with refuses("BadSignature", party=ISSUER):
        rig.do(plain, *rig.consents(whole, [ISSUER, A]))
    with refuses("BadSignature", party=ISSUER):
        rig.do(whole, *rig.consents(plain, [ISSUER, A]), issued=issue)


# What they do


def test_a_cancelled_voucher_is_owed_no_more_and_frees_line_and_parent(rig: Rig) -> None:
    sub_line = LINE + 1
    rig.grant(sub_line, parent=LINE, limit=FACE)
    _, voucher = issued(rig, line=sub_line)
    assert (rig.drawn(sub_line), rig.drawn()) == (FACE, FACE)
    sent = rig.do(cancel_of(rig, voucher), ISSUER, A)
    assert happened(sent) == [Cancelled(voucher, FACE)]  # type: ignore[arg-type]
    assert rig.voucher(voucher) == VoucherWord(0, A, 0, 2, 0, 1, 0)
    assert (rig.drawn(sub_line), rig.drawn()) == (0, 0)
    assert (promise(rig, voucher).live, promise(rig, voucher).settled) == (0, 0)


def test_cancelling_one_part_leaves_the_others_owed(rig: Rig) -> None:
    _, voucher = issued(rig)
    (part,) = rig.split(voucher, (B, 300_000 * YUAN))
    rig.do(cancel_of(rig, part), ISSUER, B)
    assert rig.drawn() == 700_000 * YUAN
    assert promise(rig, voucher).live == 700_000 * YUAN
    assert rig.voucher(voucher).face == 700_000 * YUAN


def test_a_plain_cancellation_keeps_the_invoice_used(rig: Rig) -> None:
    issue, voucher = issued(rig)
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    invoice = issue.invoices[0]
    assert invoice_use(rig, ISSUER, invoice.fingerprint) == (FACE, FACE)
    again = rig.issue_of(FACE, invoices=issue.invoices)
    with refuses("InvoiceExceeded", fingerprint="0x" + invoice.fingerprint.hex(), asked=FACE, available=0):
        rig.do(again, ISSUER, A)


def test_cancelling_the_whole_gives_each_invoice_back_and_it_can_be_used_again(rig: Rig) -> None:
    invoices = tuple(Invoice(fingerprint(100 + n), FACE // 2, FACE) for n in range(2))  # type: ignore[arg-type]
    issue, voucher = issued(rig, invoices=invoices)
    sent = rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)
    assert happened(sent) == [
        Cancelled(voucher, FACE),  # type: ignore[arg-type]
        *(InvoiceReturned(voucher, ISSUER, each.fingerprint, FACE // 2) for each in invoices),  # type: ignore[arg-type]
    ]
    assert [invoice_use(rig, ISSUER, each.fingerprint) for each in invoices] == [(FACE, 0)] * 2
    assert rig.voucher(voucher).face == rig.drawn() == 0
    issued(rig, invoices=invoices)
    assert [invoice_use(rig, ISSUER, each.fingerprint) for each in invoices] == [(FACE, FACE // 2)] * 2


def test_an_invoice_given_back_keeps_what_other_promises_use_of_it(rig: Rig) -> None:
    used = (Invoice(fingerprint(100), FACE, 3 * FACE),)  # type: ignore[arg-type]
    issued(rig, invoices=used)
    issue, voucher = issued(rig, invoices=used)
    rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)
    assert invoice_use(rig, ISSUER, used[0].fingerprint) == (3 * FACE, FACE)


def test_a_promise_passed_on_whole_is_still_undivided(rig: Rig) -> None:
    issue, voucher = issued(rig)
    rig.transfer(voucher, B)
    rig.do(cancel_whole_of(rig, voucher), ISSUER, B, issued=issue)
    assert invoice_use(rig, ISSUER, issue.invoices[0].fingerprint) == (FACE, 0)


@pytest.mark.parametrize("whole", [False, True])
def test_a_cancelled_issue_does_not_land_a_second_time(rig: Rig, whole: bool) -> None:
    issue, voucher = issued(rig)
    ending = cancel_whole_of(rig, voucher) if whole else cancel_of(rig, voucher)
    rig.do(ending, ISSUER, A, issued=issue if whole else None)
    with refuses("VoucherTaken", voucher=voucher):
        rig.do(issue, ISSUER, A)
