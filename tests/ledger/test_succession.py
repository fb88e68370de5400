"""A run-off and its successor: what the old ledger says of invoices and issuers binds the new one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.agreements import Invoice, Transfer
from ledger.calendar import Day
from ledger.fold import fold_all
from ledger.invariants import invariants
from ledger.members import Contract
from ledger.money import Fen
from ledger.signing import Domain
from ledger.succession import inherited, standing_of, use_of
from ledger.world import Inherited, InvoiceUse, IssuerRecord, World
from tests import states
from tests.ledger import defaulting
from tests.ledger.defaulting import stopping
from tests.stage import (
    BANK,
    BUYER,
    FACE,
    FOREVER,
    HOLDER,
    ISSUER,
    Attempt,
    ModelStage,
    founding_events,
    refused,
)
from tests.states import an_issue, grant

OLD = "0x" + "11" * 20
FINGERPRINT = b"\x01" * 32
TEXT = "0x" + "01" * 32


@pytest.fixture
def old() -> ModelStage:
    return ModelStage()


def succeed(old: ModelStage, address: str = "0x" + "22" * 20) -> ModelStage:
    """A new ledger on the same registry, with a line; it inherits what the old one says now."""
    new = ModelStage(Domain(Contract.LEDGER, 31337, address), timestamp=old.timestamp)
    for party in (ISSUER, HOLDER, BUYER):
        role = old.world.parties[party].roles
        new.play(states.admission(new, party, roles=role))
    new.play(grant(expiry=new.today + 400))
    return renew(old, new)


def renew(old: ModelStage, new: ModelStage) -> ModelStage:
    """Brings what the new ledger inherits up to date."""
    new.world = replace(new.world, inherited=inherited(old.world, predecessor=OLD))
    return new


def issuing(stage: ModelStage, amount: int = FACE, total: int = FACE) -> Attempt:
    invoice = Invoice(FINGERPRINT, Fen(amount), Fen(total))
    issue = an_issue(face=Fen(amount), due_day=stage.today + 90, invoices=(invoice,))
    return Attempt(issue, (ISSUER, HOLDER))


# Who may issue


def test_the_successor_issues_nothing_until_the_old_ledger_is_in_run_off(old: ModelStage) -> None:
    states.unknown(old)
    new = succeed(old)
    refused(new, issuing(new), "PredecessorIssues", predecessor=OLD)
    old.play(stopping(0))
    refused(new, issuing(new), "PredecessorIssues", predecessor=OLD)
    renew(old, new).play(issuing(new))
    assert invariants(new.world) == []


def test_its_own_run_off_comes_first_and_then_that_of_the_old_ledger(old: ModelStage) -> None:
    states.unknown(old)
    new = succeed(old)
    new.play(stopping(ISSUER))
    refused(new, issuing(new), "PredecessorIssues", predecessor=OLD)
    new.play(stopping(0, sequence=1))
    refused(new, issuing(new), "InRunOff")


def test_an_issuer_that_is_overdue_in_the_old_ledger_is_refused_in_the_new_one_until_it_has_paid(
    old: ModelStage,
) -> None:
    s = defaulting.overdue(old)
    old.play(stopping(0))
    new = succeed(old)
    fresh = replace(an_issue(due_day=new.today + 90), invoices=(Invoice(b"\x07" * 32, FACE, FACE),))
    attempt = Attempt(fresh, (ISSUER, HOLDER))
    refused(new, attempt, "IssuerOverdue", issuer=ISSUER, overdue=FACE)
    old.play(defaulting.paying(s, FACE, BANK, HOLDER))
    renew(old, new).play(attempt)


def test_an_issuer_that_was_stopped_in_the_old_ledger_is_stopped_in_the_new_one(old: ModelStage) -> None:
    defaulting.overdue(old)
    old.play(stopping(ISSUER))
    old.play(stopping(0, sequence=1))
    new = succeed(old)
    refused(new, issuing(new), "IssuerStopped", issuer=ISSUER)
    old.play(stopping(ISSUER, stopped=False, sequence=2))
    refused(renew(old, new), issuing(new), "IssuerOverdue", issuer=ISSUER, overdue=FACE)


# Invoices


def test_an_invoice_that_was_used_up_in_the_old_ledger_is_refused_in_the_new_one(old: ModelStage) -> None:
    states.live(old)
    old.play(stopping(0))
    new = succeed(old)
    refused(new, issuing(new), "InvoiceExceeded", fingerprint=TEXT, asked=FACE, available=0)
    refused(
        new,
        issuing(new, FACE, 2 * FACE),
        "InvoiceTotalDiffers",
        fingerprint=TEXT,
        recorded=FACE,
        given=2 * FACE,
    )


def test_what_is_left_of_an_invoice_is_used_in_the_new_ledger_and_recorded_there_alone(
    old: ModelStage,
) -> None:
    s = states.unknown(old)
    old.play(
        Attempt(replace(s.issue, invoices=(Invoice(FINGERPRINT, FACE, Fen(2 * FACE)),)), (ISSUER, HOLDER))
    )
    old.play(stopping(0))
    new = succeed(old)
    refused(
        new,
        issuing(new, FACE + 1, 2 * FACE),
        "InvoiceExceeded",
        fingerprint=TEXT,
        asked=FACE + 1,
        available=FACE,
    )
    new.play(issuing(new, FACE // 2, 2 * FACE))
    assert new.world.invoice_uses == {(ISSUER, FINGERPRINT): InvoiceUse(2 * FACE, FACE // 2)}
    assert use_of(new.world, ISSUER, FINGERPRINT) == InvoiceUse(2 * FACE, FACE + FACE // 2)
    again = replace(an_issue(), issuer_reference=b"\x09" * 32, due_day=Day(new.today + 90))
    more = replace(again, invoices=(Invoice(FINGERPRINT, FACE, Fen(2 * FACE)),))
    refused(
        new,
        Attempt(more, (ISSUER, HOLDER)),
        "InvoiceExceeded",
        fingerprint=TEXT,
        asked=FACE,
        available=FACE - FACE // 2,
    )
    assert invariants(new.world) == []


def test_an_invoice_that_stands_in_the_list_twice_counts_the_old_ledger_s_use_once(old: ModelStage) -> None:
    s = states.unknown(old)
    first = Invoice(FINGERPRINT, FACE, Fen(2 * FACE))
    old.play(Attempt(replace(s.issue, invoices=(first,)), (ISSUER, HOLDER)))
    old.play(stopping(0))
    new = succeed(old)
    half = Invoice(FINGERPRINT, Fen(FACE // 2), Fen(2 * FACE))
    new.play(Attempt(an_issue(due_day=new.today + 90, invoices=(half, half)), (ISSUER, HOLDER)))
    assert use_of(new.world, ISSUER, FINGERPRINT) == InvoiceUse(2 * FACE, 2 * FACE)


def test_the_invoices_of_a_hop_are_looked_up_in_the_old_ledger_under_the_passer_on(old: ModelStage) -> None:
    s = states.live(old)
    hop = (Invoice(FINGERPRINT, Fen(40), Fen(100)),)
    old.play(Attempt(Transfer(s.voucher, 1, BUYER, False, FOREVER, hop), (HOLDER, BUYER)))
    old.play(stopping(0))
    new = succeed(old)
    invoice = Invoice(b"\x07" * 32, FACE, FACE)
    fresh = an_issue(due_day=new.today + 90, invoices=(invoice,))
    attempt = Attempt(fresh, (ISSUER, HOLDER))
    new.play(attempt)
    root = new.root(attempt)
    assert root is not None
    rest = (Invoice(FINGERPRINT, Fen(61), Fen(100)),)
    passing = Attempt(Transfer(root, 1, BUYER, False, FOREVER, rest), (HOLDER, BUYER))
    refused(new, passing, "InvoiceExceeded", fingerprint=TEXT, asked=61, available=60)
    new.play(passing.changed(invoices=(Invoice(FINGERPRINT, Fen(60), Fen(100)),)))


def test_invoice_use_that_the_old_ledger_gives_back_can_be_used_in_the_new_one(old: ModelStage) -> None:
    s = states.live(old)
    old.play(stopping(0))
    old.play(states.cancelling_whole(s))
    new = succeed(old)
    assert use_of(new.world, ISSUER, FINGERPRINT).used == 0
    new.play(issuing(new, FACE, 3 * FACE))


# Longer chains


def test_a_grandchild_inherits_through_its_parent(old: ModelStage) -> None:
    s = states.unknown(old)
    old.play(
        Attempt(replace(s.issue, invoices=(Invoice(FINGERPRINT, FACE, Fen(3 * FACE)),)), (ISSUER, HOLDER))
    )
    old.play(stopping(0))
    new = succeed(old)
    new.play(issuing(new, FACE, 3 * FACE))
    new.play(stopping(0))
    newest = succeed(new, "0x" + "33" * 20)
    refused(
        newest,
        issuing(newest, FACE + 1, 3 * FACE),
        "InvoiceExceeded",
        fingerprint=TEXT,
        asked=FACE + 1,
        available=FACE,
    )
    newest.play(issuing(newest, FACE, 3 * FACE))
    assert use_of(newest.world, ISSUER, FINGERPRINT) == InvoiceUse(3 * FACE, 3 * FACE)


def test_standing_adds_up_what_is_overdue_and_keeps_every_stop() -> None:
    key = (ISSUER, FINGERPRINT)
    first = World(
        issuers={ISSUER: IssuerRecord(overdue=5, stopped=True)}, invoice_uses={key: InvoiceUse(9, 4)}
    )
    second = World(issuers={ISSUER: IssuerRecord(overdue=7)}, inherited=inherited(first, predecessor=OLD))
    third = World(inherited=inherited(second, predecessor=OLD))
    assert standing_of(third, ISSUER) == standing_of(second, ISSUER) == IssuerRecord(overdue=12, stopped=True)
    assert standing_of(third, HOLDER) == IssuerRecord()
    assert use_of(third, *key) == InvoiceUse(9, 4)
    assert third.inherited == Inherited(
        predecessor=OLD,
        run_off=False,
        issuers={ISSUER: IssuerRecord(overdue=12, stopped=True)},
        invoice_uses={key: InvoiceUse(9, 4)},
    )


def test_a_world_is_the_same_whatever_it_inherits_and_its_events_keep_that(old: ModelStage) -> None:
    states.live(old)
    taken = inherited(old.world, predecessor=OLD)
    heir = fold_all(World(inherited=taken), ((event, old.timestamp) for event in founding_events()))
    assert heir.inherited is taken
    assert heir == replace(heir, inherited=None)
