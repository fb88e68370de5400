"""`revoke` and `revokeIssue`: what was signed and has not landed yet is made void."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ledger.agreements import Issue, PromiseId, RevokeIssue
from ledger.events import IssueRevoked, Revoked
from ledger.members import Contract
from ledger.signing import promise_id, root_id
from ledger.world import Lock
from tests.contract.failing import overdue
from tests.contract.paying import (
    cancel_of,
    discount_of,
    discounted,
    freeze,
    happened,
    refuses,
    revoke_of,
    start_recovery,
    suspend,
)
from tests.rig import BANK, FACTOR, ISSUER, LATER, LINE, OTHER_BANK, REGISTRAR, YUAN, A, B, Rig, VoucherWord

FACE = 1_000_000 * YUAN

# Revoke: refusals


def test_what_does_not_exist_is_not_revoked(rig: Rig) -> None:
    with refuses("UnknownVoucher", voucher=77):
        rig.do(revoke_of(rig, 77), A)


def test_what_has_ended_is_not_revoked(rig: Rig) -> None:
    voucher = rig.issued()
    rig.do(cancel_of(rig, voucher), ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(revoke_of(rig, voucher), A)


@pytest.mark.parametrize("signer", [ISSUER, BANK, REGISTRAR, B])
def test_nobody_but_the_holder_revokes(rig: Rig, signer: int) -> None:
    voucher = rig.issued()
    with refuses("BadSignature", party=A):
        rig.do(revoke_of(rig, voucher), signer)


def test_a_sale_is_not_got_out_of_by_revoking(rig: Rig) -> None:
    voucher = discounted(rig)
    with refuses("Locked", voucher=voucher, locks=Lock.DISCOUNT):
        rig.do(revoke_of(rig, voucher), A)


def test_a_frozen_voucher_is_not_revoked(rig: Rig) -> None:
    voucher = rig.issued()
    freeze(rig, voucher)
    with refuses("InFreeze", voucher=voucher, until=rig.today + 30):
        rig.do(revoke_of(rig, voucher), A)


def test_on_the_due_day_a_holder_cannot_run_away_from_the_payment(rig: Rig) -> None:
    voucher = rig.issued()
    rig.pass_days(120)
    with refuses("RecordDay", voucher=voucher, dueDay=rig.today, today=rig.today):
        rig.do(revoke_of(rig, voucher), A)


def test_a_revocation_is_itself_done_once(rig: Rig) -> None:
    voucher = rig.issued()
    revocation = revoke_of(rig, voucher)
    rig.do(revocation, A)
    with refuses("WrongSequence", id=voucher, given=1, present=2):
        rig.do(revocation, A)


# Revoke: what it does


def test_revoking_moves_the_sequence_on_and_nothing_else(rig: Rig) -> None:
    voucher = rig.issued()
    sent = rig.do(revoke_of(rig, voucher), A)
    assert happened(sent) == [Revoked(voucher)]  # type: ignore[arg-type]
    assert len(sent.logs) == 1
    assert rig.voucher(voucher) == VoucherWord(FACE, A, 0, 2, 0, 1, 0)


def test_what_the_holder_had_signed_before_is_void(rig: Rig) -> None:
    voucher = rig.issued()
    move, sale = rig.transfer_of(voucher, B), discount_of(rig, voucher)
    rig.do(revoke_of(rig, voucher), A)
    for agreement, signers in ((move, (A, B)), (sale, (A, FACTOR))):
        with refuses("WrongSequence", id=voucher, given=1, present=2):
            rig.do(agreement, *signers)
    rig.transfer(voucher, B)


def test_recourse_signed_for_an_overdue_voucher_is_void_too(rig: Rig) -> None:
    voucher = overdue(rig)
    given_back = rig.transfer_of(voucher, B, overdue=True)
    rig.do(revoke_of(rig, voucher), A)
    with refuses("WrongSequence", id=voucher, given=2, present=3):
        rig.do(given_back, A, B)
    assert rig.voucher(voucher).holder == A


@pytest.mark.parametrize("trouble", [suspend, start_recovery])
def test_a_suspended_or_recovering_holder_still_revokes(
    rig: Rig, trouble: Callable[[Rig, int], None]
) -> None:
    voucher = rig.issued()
    trouble(rig, A)
    rig.do(revoke_of(rig, voucher), A)
    assert rig.voucher(voucher).sequence == 2


# Revoking an issue


def revocation_of(rig: Rig, issue: Issue, by: int) -> RevokeIssue:
    return RevokeIssue(promise_id(issue, rig.domain(Contract.LEDGER)), by, LATER)  # type: ignore[arg-type]


def root(rig: Rig, issue: Issue) -> int:
    return root_id(issue, rig.domain(Contract.LEDGER))


@pytest.mark.parametrize("by", [B, BANK, OTHER_BANK, REGISTRAR])
def test_nobody_revokes_an_issue_that_it_does_not_have_to_sign(rig: Rig, by: int) -> None:
    issue = rig.issue_of()
    with refuses("NotConcerned", voucher=root(rig, issue), party=by):
        rig.do(revocation_of(rig, issue, by), by, issued=issue)


def test_of_a_countersigned_line_only_its_own_bank_revokes(rig: Rig) -> None:
    line = LINE + 1
    rig.grant(line, countersign=True)
    issue = rig.issue_of(line=line)
    with refuses("NotConcerned", voucher=root(rig, issue), party=OTHER_BANK):
        rig.do(revocation_of(rig, issue, OTHER_BANK), OTHER_BANK, issued=issue)
    rig.do(revocation_of(rig, issue, BANK), BANK, issued=issue)
    with refuses("VoucherTaken", voucher=root(rig, issue)):
        rig.do(issue, ISSUER, A, BANK)


@pytest.mark.parametrize(("by", "signer"), [(ISSUER, A), (A, ISSUER), (A, B)])
def test_who_revokes_an_issue_has_signed_itself(rig: Rig, by: int, signer: int) -> None:
    issue = rig.issue_of()
    with refuses("BadSignature", party=by):
        rig.do(revocation_of(rig, issue, by), signer, issued=issue)


def test_an_issue_that_has_landed_is_not_revoked(rig: Rig) -> None:
    issue = rig.issue_of()
    rig.do(issue, ISSUER, A)
    with refuses("VoucherTaken", voucher=root(rig, issue)):
        rig.do(revocation_of(rig, issue, ISSUER), ISSUER, issued=issue)


def test_the_issue_that_is_resupplied_is_the_one_that_is_named(rig: Rig) -> None:
    issue = rig.issue_of()
    revocation = revocation_of(rig, issue, A)
    tampered = replace(issue, face=issue.face + 1)  # type: ignore[arg-type]
    with refuses("UnknownVoucher", voucher=root(rig, issue)):
        rig.do(revocation, A, issued=tampered)
    nothing = replace(revocation, promise_id=PromiseId(7))
    with refuses("UnknownVoucher", voucher=7 << 96):
        rig.do(nothing, A, issued=issue)


def test_an_issue_is_revoked_once(rig: Rig) -> None:
    issue = rig.issue_of()
    rig.do(revocation_of(rig, issue, ISSUER), ISSUER, issued=issue)
    for by in (ISSUER, A):
        with refuses("VoucherTaken", voucher=root(rig, issue)):
            rig.do(revocation_of(rig, issue, by), by, issued=issue)


@pytest.mark.parametrize("by", [ISSUER, A])
def test_a_revoked_issue_never_lands_and_uses_neither_line_nor_invoice(rig: Rig, by: int) -> None:
    issue = rig.issue_of()
    sent = rig.do(revocation_of(rig, issue, by), by, issued=issue)
    voucher = root(rig, issue)
    assert happened(sent) == [IssueRevoked(voucher, by)]  # type: ignore[arg-type]
    with refuses("VoucherTaken", voucher=voucher):
        rig.do(issue, ISSUER, A)
    with refuses("VoucherEnded", voucher=voucher):
        rig.do(rig.transfer_of(voucher, B), A, B)
    assert rig.drawn() == 0
    rig.do(rig.issue_of(invoices=issue.invoices), ISSUER, A)  # the same invoice, a new reference


@pytest.mark.parametrize("trouble", [suspend, start_recovery])
def test_a_suspended_or_recovering_supplier_still_revokes(
    rig: Rig, trouble: Callable[[Rig, int], None]
) -> None:
    issue = rig.issue_of()
    trouble(rig, A)
    rig.do(revocation_of(rig, issue, A), A, issued=issue)
    assert rig.voucher(root(rig, issue)).sequence == 1
