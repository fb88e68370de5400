"""A ledger that takes over from another on the same registry: what that says of invoices and issuers binds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from eth_utils.crypto import keccak

from ledger.abi import creation_data
from ledger.agreements import Invoice
from ledger.events import InvoiceUsed
from ledger.members import Contract
from ledger.signing import root_id
from tests.contract.failing import FACE, cap_of, declare, overdue, pay, set_cap, stop, succeed
from tests.contract.paying import cancel_of, cancel_whole_of, happened, refuses, settlement_of
from tests.contract.words import (
    Issuer,
    LedgerSettings,
    inherited_standing,
    inherited_use,
    invoice_use,
    issuer,
    ledger_settings,
)
from tests.rig import (
    BANK,
    ISSUER,
    OTHER_ISSUER,
    REGISTRAR,
    A,
    B,
    C,
    Rig,
    compiled,
    fingerprint,
)

NUMBER = fingerprint(900)
HEXED = "0x" + NUMBER.hex()
TOTAL = 3 * FACE
NOBODY = "0x" + "00" * 20


def invoiced(amount: int, total: int = TOTAL) -> tuple[Invoice, ...]:
    return (Invoice(NUMBER, amount, total),)  # type: ignore[arg-type]


@contextmanager
def back_at(rig: Rig, ledger: str) -> Iterator[None]:
    """What happens inside happens at this ledger."""
    kept, rig.ledger = rig.ledger, ledger
    try:
        yield
    finally:
        rig.ledger = kept


def taken_over(rig: Rig) -> str:
    """The ledger goes into run-off, and a new one with a line takes over; gives the old one's address."""
    stop(rig, 0)
    old = succeed(rig)
    rig.grant()
    return old


# Who can be a predecessor


def test_a_ledger_of_another_registry_cannot(rig: Rig) -> None:
    elsewhere = Rig(rig.engine, admitted=False)
    code = creation_data(compiled()["VoucherLedger"], [rig.registry, elsewhere.ledger])
    reason = keccak(text="PredecessorUnfit(address)")[:4].hex() + elsewhere.ledger[2:].lower().rjust(64, "0")
    with pytest.raises(RuntimeError, match=reason):
        rig.engine.deploy(code)


@pytest.mark.parametrize("what", ["an account", "the registry"])
def test_what_is_no_ledger_cannot(rig: Rig, what: str) -> None:
    predecessor = rig.registry if what == "the registry" else "0x" + "11" * 20
    with pytest.raises(RuntimeError, match="Revert"):
        rig.engine.deploy(creation_data(compiled()["VoucherLedger"], [rig.registry, predecessor]))


def test_a_ledger_names_its_registry_and_its_predecessor(rig: Rig) -> None:
    assert rig.view(Contract.LEDGER, "predecessor()", [], ["address"]) == NOBODY
    old = succeed(rig)
    assert rig.view(Contract.LEDGER, "predecessor()", [], ["address"]).lower() == old.lower()
    assert rig.view(Contract.LEDGER, "registry()", [], ["address"]).lower() == rig.registry.lower()


# The run-off precedes the first issue


def test_the_new_ledger_issues_nothing_while_the_old_one_still_does(rig: Rig) -> None:
    old = succeed(rig)
    rig.grant()
    with refuses("PredecessorIssues", predecessor=old):
        rig.issued()
    with back_at(rig, old):
        rig.issued()
        stop(rig, ISSUER)  # one issuer's stop is no run-off
    with refuses("PredecessorIssues", predecessor=old):
        rig.issued()
    with back_at(rig, old):
        stop(rig, 0)
        with refuses("InRunOff"):
            rig.issued()
        stop(rig, ISSUER, stopped=False)
    rig.issued()


def test_lines_and_settings_of_the_new_ledger_do_not_wait_for_it(rig: Rig) -> None:
    set_cap(rig, 90)
    rig.pass_days(1)
    succeed(rig)
    assert ledger_settings(rig) == LedgerSettings(0, 184, 0, 0, False)  # its own: no cap is inherited
    rig.grant()
    rig.do(cap_of(rig, 90), REGISTRAR)


def test_its_own_run_off_is_named_first_then_that_of_the_old_one_then_the_issuer(rig: Rig) -> None:
    old = succeed(rig)
    rig.grant()
    stop(rig, ISSUER)
    with refuses("PredecessorIssues", predecessor=old):
        rig.issued()
    stop(rig, 0)
    with refuses("InRunOff"):
        rig.issued()


def test_a_third_ledger_does_not_come_before_the_first_one_s_run_off(rig: Rig) -> None:
    """Else the first and the third issue side by side, each on the same invoice, the second between them never used."""
    first = succeed(rig)
    stop(rig, 0)
    refusal = keccak(text="PredecessorIssues(address)")[:4].hex() + first[2:].lower().rjust(64, "0")
    with pytest.raises(RuntimeError, match=refusal):
        succeed(rig)
    with back_at(rig, first):
        rig.issued()
        stop(rig, 0)
    succeed(rig)
    rig.grant()
    rig.issued()


# Invoices


def test_an_invoice_used_up_in_the_old_ledger_is_refused_in_the_new_one(rig: Rig) -> None:
    rig.issued(FACE, invoices=invoiced(FACE, FACE))
    taken_over(rig)
    assert inherited_use(rig, ISSUER, NUMBER) == (FACE, FACE)
    assert invoice_use(rig, ISSUER, NUMBER) == (0, 0)
    with refuses("InvoiceExceeded", fingerprint=HEXED, asked=FACE, available=0):
        rig.issued(FACE, invoices=invoiced(FACE, FACE))


def test_what_is_left_of_it_is_used_in_the_new_one_and_recorded_there_alone(rig: Rig) -> None:
    rig.issued(FACE, invoices=invoiced(FACE))
    old = taken_over(rig)
    with refuses("InvoiceExceeded", fingerprint=HEXED, asked=2 * FACE + 1, available=2 * FACE):
        rig.issued(2 * FACE + 1, invoices=invoiced(2 * FACE + 1), smallest_part=1_000_00)
    issue = rig.issue_of(FACE, invoices=invoiced(FACE))
    voucher = root_id(issue, rig.domain(Contract.LEDGER))
    used = [each for each in happened(rig.do(issue, ISSUER, A)) if isinstance(each, InvoiceUsed)]
    assert used == [InvoiceUsed(voucher, ISSUER, NUMBER, FACE, TOTAL)]  # type: ignore[arg-type]
    assert invoice_use(rig, ISSUER, NUMBER) == (TOTAL, FACE)
    assert inherited_use(rig, ISSUER, NUMBER) == (TOTAL, 2 * FACE)
    with refuses("InvoiceExceeded", fingerprint=HEXED, asked=FACE + 1, available=FACE):
        rig.issued(FACE + 1, invoices=invoiced(FACE + 1))
    rig.issued(FACE, invoices=invoiced(FACE))
    with refuses("InvoiceExceeded", fingerprint=HEXED, asked=FACE, available=0):
        rig.issued(FACE, invoices=invoiced(FACE))
    with back_at(rig, old):
        assert invoice_use(rig, ISSUER, NUMBER) == inherited_use(rig, ISSUER, NUMBER) == (TOTAL, FACE)


@pytest.mark.parametrize("total", [TOTAL - 1, TOTAL + 1])
def test_an_invoice_has_the_total_that_the_old_ledger_recorded(rig: Rig, total: int) -> None:
    rig.issued(FACE, invoices=invoiced(FACE))
    taken_over(rig)
    with refuses("InvoiceTotalDiffers", fingerprint=HEXED, recorded=TOTAL, given=total):
        rig.issued(FACE, invoices=invoiced(FACE, total))


def test_an_invoice_that_stands_twice_in_one_issue_counts_the_old_use_once(rig: Rig) -> None:
    rig.issued(FACE, invoices=invoiced(FACE))
    taken_over(rig)
    rig.issued(2 * FACE, invoices=invoiced(FACE) + invoiced(FACE), smallest_part=1_000_00)
    assert inherited_use(rig, ISSUER, NUMBER) == (TOTAL, TOTAL)


def test_the_invoices_of_a_hop_are_looked_up_under_the_passer_on(rig: Rig) -> None:
    voucher = rig.issued()
    rig.do(rig.transfer_of(voucher, B, invoices=invoiced(40, 100)), A, B)
    taken_over(rig)
    new = rig.issued()
    with refuses("InvoiceExceeded", fingerprint=HEXED, asked=61, available=60):
        rig.do(rig.transfer_of(new, B, invoices=invoiced(61, 100)), A, B)
    with refuses("InvoiceExceeded", fingerprint=HEXED, asked=61, available=60):
        rig.do(rig.split_of(new, (B, FACE), invoices=invoiced(61, 100)), A, B)
    rig.do(rig.transfer_of(new, B, invoices=invoiced(60, 100)), A, B)
    rig.do(rig.transfer_of(new, C, invoices=invoiced(100, 100)), B, C)  # the invoice of another payer


def test_use_that_the_old_ledger_gives_back_is_there_for_the_new_one(rig: Rig) -> None:
    issue = rig.issue_of(FACE, invoices=invoiced(FACE, FACE))
    voucher = root_id(issue, rig.domain(Contract.LEDGER))
    rig.do(issue, ISSUER, A)
    old = taken_over(rig)
    with back_at(rig, old):
        rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)
    assert inherited_use(rig, ISSUER, NUMBER) == (FACE, 0)
    rig.issued(FACE, invoices=invoiced(FACE, 2 * FACE))  # its total can be put right too
    assert inherited_use(rig, ISSUER, NUMBER) == (2 * FACE, FACE)


def test_use_given_back_in_the_new_ledger_is_the_new_ledger_s_alone(rig: Rig) -> None:
    rig.issued(FACE, invoices=invoiced(FACE))
    taken_over(rig)
    issue = rig.issue_of(FACE, invoices=invoiced(FACE))
    voucher = root_id(issue, rig.domain(Contract.LEDGER))
    rig.do(issue, ISSUER, A)
    rig.do(cancel_whole_of(rig, voucher), ISSUER, A, issued=issue)
    assert (invoice_use(rig, ISSUER, NUMBER), inherited_use(rig, ISSUER, NUMBER)) == (
        (TOTAL, 0),
        (TOTAL, FACE),
    )
    with refuses("InvoiceTotalDiffers", fingerprint=HEXED, recorded=TOTAL, given=FACE):
        rig.issued(FACE, invoices=invoiced(FACE, FACE))


# Issuers


def test_an_issuer_overdue_in_the_old_ledger_issues_nothing_in_the_new_one_until_it_has_paid(
    rig: Rig,
) -> None:
    voucher = overdue(rig)
    old = taken_over(rig)
    assert inherited_standing(rig, ISSUER) == Issuer(FACE, False)
    assert issuer(rig, ISSUER) == Issuer(0, False)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE):
        rig.issued()
    with back_at(rig, old):
        pay(rig, voucher, FACE - 1)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=1):
        rig.issued()
    with back_at(rig, old):
        rig.do(cancel_of(rig, voucher), ISSUER, A)
    rig.issued()


def test_what_is_overdue_in_both_ledgers_adds_up(rig: Rig) -> None:
    late = rig.issued(due_day=rig.today + 60)
    old = taken_over(rig)
    voucher = overdue(rig)
    with back_at(rig, old):
        declare(rig, late)
    assert inherited_standing(rig, ISSUER) == Issuer(2 * FACE, False)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=2 * FACE):
        rig.issued()
    pay(rig, voucher, FACE)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE):
        rig.issued()


def test_an_issuer_stopped_in_either_ledger_is_stopped_in_the_new_one(rig: Rig) -> None:
    stop(rig, ISSUER)
    old = taken_over(rig)
    assert inherited_standing(rig, ISSUER) == Issuer(0, True)
    with refuses("IssuerStopped", issuer=ISSUER):
        rig.issued()
    stop(rig, ISSUER)  # here it was not stopped yet
    with back_at(rig, old):
        stop(rig, ISSUER, stopped=False)
    with refuses("IssuerStopped", issuer=ISSUER):
        rig.issued()
    stop(rig, ISSUER, stopped=False)
    rig.issued()
    assert rig.drawn() == FACE


def test_other_issuers_are_not_held_up(rig: Rig) -> None:
    overdue(rig)
    stop(rig, ISSUER)
    taken_over(rig)
    line = BANK << 32 | 7
    rig.grant(line, issuer=OTHER_ISSUER)
    rig.issued(line=line, issuer=OTHER_ISSUER)
    assert rig.drawn(line) == FACE
    assert inherited_standing(rig, OTHER_ISSUER) == Issuer(0, False)


# Side by side


def test_the_old_ledger_empties_while_the_new_one_issues(rig: Rig) -> None:
    voucher = rig.issued()
    old = taken_over(rig)
    new = rig.issued()
    rig.pass_days(1)
    with back_at(rig, old):
        rig.transfer(voucher, B)
        rig.do(settlement_of(rig, voucher), BANK, B)
        assert rig.drawn() == 0
        with refuses("UnknownVoucher", voucher=new):
            rig.do(rig.transfer_of(new, B, sequence=1), A, B)
    assert rig.drawn() == FACE
    with refuses("UnknownVoucher", voucher=voucher):
        rig.do(rig.transfer_of(voucher, B, sequence=1), A, B)


def test_the_same_terms_make_another_voucher_in_another_ledger(rig: Rig) -> None:
    issue = rig.issue_of()
    before = root_id(issue, rig.domain(Contract.LEDGER))
    signed = rig.consents(issue, [ISSUER, A])
    taken_over(rig)
    assert root_id(issue, rig.domain(Contract.LEDGER)) != before
    with refuses("BadSignature", party=ISSUER):
        rig.do(issue, *signed)


# A chain of ledgers


def test_a_grandchild_asks_through_its_parent(rig: Rig) -> None:
    rig.issued(FACE, invoices=invoiced(FACE))
    late = rig.issued(due_day=rig.today + 60)
    first = taken_over(rig)
    rig.issued(FACE, invoices=invoiced(FACE))
    second = taken_over(rig)
    assert inherited_use(rig, ISSUER, NUMBER) == (TOTAL, 2 * FACE)
    with refuses("InvoiceExceeded", fingerprint=HEXED, asked=FACE + 1, available=FACE):
        rig.issued(FACE + 1, invoices=invoiced(FACE + 1))
    rig.issued(FACE, invoices=invoiced(FACE))
    rig.pass_days(71)
    with back_at(rig, first):
        declare(rig, late)
        stop(rig, ISSUER)
    assert inherited_standing(rig, ISSUER) == Issuer(FACE, True)
    with refuses("IssuerStopped", issuer=ISSUER):
        rig.issued()
    with back_at(rig, first):
        stop(rig, ISSUER, stopped=False)
    with refuses("IssuerOverdue", issuer=ISSUER, overdue=FACE):
        rig.issued()
    with back_at(rig, second):
        assert inherited_standing(rig, ISSUER) == Issuer(FACE, False)
