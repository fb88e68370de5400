"""A run-off, end to end on one chain and one database: the old ledger empties, its successor issues, and what the old
one knows binds the new one.

    old     issues, is stopped for good, and lives on: transfers, payments, a default, a settlement of it
    new     on the same registry; refuses an invoice used up in the old one, and an issuer overdue there
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger import relay
from ledger.agreements import (
    Cancel,
    ConfirmPayment,
    Invoice,
    Issue,
    Part,
    PartyNumber,
    Split,
    StopIssue,
    Transfer,
    VoucherId,
)
from ledger.deployment import deploy_successor, pin_successor
from ledger.errors import ChainError, Refusal
from ledger.health import examine
from ledger.indexer import follow, rebuild, rewind
from ledger.members import line_id
from ledger.money import Fen
from ledger.payment import DeclareOverdue
from ledger.reconciliation.extract import chain_rows, stated_block
from ledger.rows import world_of, worlds_of
from ledger.signing import child_id, root_id
from ledger.store import add_pin, followed, open_store
from ledger.verification import verify
from ledger.voucher import may
from tests.ledger.office import (
    BANK,
    FACE,
    ISSUER,
    LATER,
    REGISTRAR,
    A,
    B,
    C,
    Office,
    office_in,
    rows,
    some_hash,
)

LATE, LATE_LINE = PartyNumber(20), line_id(BANK, 9)
SHARED = some_hash("an invoice that both ledgers see")


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        office.admit(LATE, 1)
        office.put(replace(office.grant_of(LATE_LINE), issuer=LATE), BANK, LATE)
        assert {each.refusal for each in office.run()} == {None}
        yield office


def successor_of(old: Office) -> Office:
    """The next ledger, deployed, pinned and with both issuers' lines granted."""
    pin = deploy_successor(old.chain, predecessor=old.pin)
    pin_successor(old.store, old.chain, ledger=pin.ledger)
    new = replace(old, pin=pin)
    new.do(new.grant_of(), BANK, ISSUER)
    new.do(replace(new.grant_of(LATE_LINE), issuer=LATE), BANK, LATE)
    return new


def issue_by(
    office: Office, issuer: PartyNumber, *invoices: Invoice, face: int = FACE, tenor: int = 120
) -> Issue:
    issue = office.issue_of(face, supplier=A, tenor=tenor)
    line = LATE_LINE if issuer == LATE else issue.line
    return replace(issue, issuer=issuer, line=line, invoices=invoices or issue.invoices)


def shared(amount: int, total: int = FACE) -> Invoice:
    return Invoice(SHARED, Fen(amount), Fen(total))


def stop(office: Office, *, issuer: int = 0, sequence: int = 0) -> StopIssue:
    return StopIssue(sequence, PartyNumber(issuer), True, some_hash("run-off"), LATER)


def tried(office: Office, issue: Issue) -> Refusal | None:
    """What becomes of an issue, first by the model on the database's World, then on the chain; they must agree."""
    office.follow()
    with office.store.reading() as session:
        world = world_of(session, office.pin.ledger)
    root = root_id(issue, office.domain())
    foretold = may(world, issue, timestamp=office.chain.now(), root=root)  # type: ignore[arg-type]
    office.put(issue, issue.issuer, issue.supplier)
    [done] = office.run()
    assert done.refusal == foretold
    return done.refusal


def declare_overdue(office: Office, voucher: VoucherId) -> None:
    relay.queue_unsigned(office.store, DeclareOverdue(voucher), sequence=1, pin=office.pin)
    assert [each.refusal for each in office.run()] == [None]


# ---- refusals ----------------------------------------------------------------------------------------------


def test_before_the_run_off_the_successor_issues_nothing(old: Office) -> None:
    new = successor_of(old)
    refusal = tried(new, issue_by(new, ISSUER))
    assert refusal == Refusal("PredecessorIssues", {"predecessor": old.pin.ledger})
    assert tried(old, issue_by(old, ISSUER)) is None


def test_after_it_the_old_ledger_issues_nothing_and_uses_no_invoice(old: Office) -> None:
    issue = issue_by(old, ISSUER)
    old.do(issue, ISSUER, A)
    old.do(stop(old), REGISTRAR)
    assert tried(old, issue_by(old, ISSUER)) == Refusal("InRunOff")
    voucher = root_id(issue, old.domain())
    hop = Transfer(voucher, 1, B, False, LATER, (Invoice(some_hash("hop"), Fen(1), Fen(2)),))
    old.put(hop, A, B)
    [refused] = old.run()
    assert refused.refusal == Refusal("InRunOff")
    old.put(stop(old, sequence=1), REGISTRAR)
    [again] = old.run()
    assert again.refusal == Refusal("InRunOff")


def test_an_invoice_used_up_in_the_old_ledger_is_used_up_in_the_new_one(old: Office) -> None:
    old.do(issue_by(old, ISSUER, shared(FACE - 100_00), face=FACE - 100_00), ISSUER, A)
    old.do(stop(old), REGISTRAR)
    new = successor_of(old)
    facts = {"fingerprint": "0x" + SHARED.hex()}
    refusal = tried(new, issue_by(new, ISSUER, shared(200_00), face=200_00))
    assert refusal == Refusal("InvoiceExceeded", facts | {"asked": 200_00, "available": 100_00})
    other = tried(new, issue_by(new, ISSUER, shared(100_00, FACE + 1), face=100_00))
    assert other == Refusal("InvoiceTotalDiffers", facts | {"recorded": FACE, "given": FACE + 1})
    assert tried(new, issue_by(new, ISSUER, shared(100_00), face=100_00)) is None
    refusal = tried(new, issue_by(new, ISSUER, shared(100_00), face=100_00))
    assert refusal == Refusal("InvoiceExceeded", facts | {"asked": 100_00, "available": 0})


def test_an_issuer_overdue_or_stopped_in_the_old_ledger_is_so_in_the_new_one(old: Office) -> None:
    issue = issue_by(old, LATE, tenor=1)
    old.do(issue, LATE, A)
    old.do(stop(old, issuer=ISSUER), REGISTRAR)
    old.do(stop(old, sequence=1), REGISTRAR)
    new = successor_of(old)
    old.pass_days(12)
    declare_overdue(old, root_id(issue, old.domain()))
    assert tried(new, issue_by(new, LATE)) == Refusal("IssuerOverdue", {"issuer": LATE, "overdue": FACE})
    assert tried(new, issue_by(new, ISSUER)) == Refusal("IssuerStopped", {"issuer": ISSUER})


# ---- the run-off -------------------------------------------------------------------------------------------


def test_the_old_ledger_empties_while_the_new_one_issues_and_one_verification_covers_both(
    old: Office, tmp_path: Path
) -> None:
    # a common day in the old ledger
    paid, cancelled = old.issue(), old.issue()
    first = issue_by(old, ISSUER, shared(FACE))
    late = issue_by(old, LATE, tenor=20)
    for issue in (first, late):
        old.put(issue, issue.issuer, A)
    passed, defaulted = (root_id(issue, old.domain()) for issue in (first, late))
    assert {each.refusal for each in old.run()} == {None}
    old.follow()
    assert verify(old.store, old.chain).findings == ()

    # the run-off begins; the successor joins
    old.do(stop(old), REGISTRAR)
    new = successor_of(old)
    fresh = new.issue(supplier=B)
    assert [each.refusal for each in new.run()] == [None]
    used_up = {"fingerprint": "0x" + SHARED.hex(), "asked": FACE, "available": 0}
    assert tried(new, issue_by(new, ISSUER, shared(FACE))) == Refusal("InvoiceExceeded", used_up)

    # both live on, relayed from one outbox
    old.put(old.transfer_of(passed, 1, B), A, B)
    new.put(new.transfer_of(fresh, 1, C), B, C)
    parts = (Part(C, Fen(FACE // 4)), Part(B, Fen(FACE // 4)))
    old.put(Split(passed, 2, False, LATER, parts, ()), B, C, B)
    old.put(Cancel(cancelled, 1, LATER), ISSUER, A)
    old.put(old.assertion(paid, 1, payee=A, amount=FACE), BANK, A)
    before = old.chain.height()
    assert [each.refusal for each in old.run()] == [None] * 5
    assert old.chain.height() == before + 3  # old, new, old

    # a promise of the old ledger goes overdue: the new one hears of it at once
    old.pass_days(31)
    declare_overdue(old, defaulted)
    assert tried(new, issue_by(new, LATE)) == Refusal("IssuerOverdue", {"issuer": LATE, "overdue": FACE})
    old.put(Transfer(defaulted, 2, C, True, LATER, ()), A, C)
    old.put(old.assertion(defaulted, 3, payee=C, amount=FACE // 2), BANK, C)
    assert [each.refusal for each in old.run()] == [None] * 2
    overdue = Refusal("IssuerOverdue", {"issuer": LATE, "overdue": FACE // 2})
    assert tried(new, issue_by(new, LATE)) == overdue
    new.follow()
    everything_agrees(old, new)

    # the rest is paid, and the old ledger is empty
    old.do(old.assertion(defaulted, 4, payee=C, amount=FACE // 2), BANK, C)
    assert tried(new, issue_by(new, LATE)) is None
    old.pass_days(90)
    for number in range(2):
        part, payee = child_id(passed, 2, number), (C, B)[number]
        old.put(old.assertion(part, 1, payee=payee, amount=FACE // 4), BANK)
        old.put(ConfirmPayment(part, 2, LATER), payee)
    old.put(old.assertion(passed, 3, payee=B, amount=FACE // 2), BANK, B)
    assert {each.refusal for each in old.run()} == {None}
    new.follow()
    with new.store.reading() as session:
        worlds = worlds_of(session)
    assert list(worlds) == [old.pin.ledger, new.pin.ledger]
    assert sum(v.face for v in worlds[old.pin.ledger].vouchers.values()) == 0
    assert sum(v.face for v in worlds[new.pin.ledger].vouchers.values()) == 2 * FACE
    everything_agrees(old, new)
    the_same_rows_whatever_happens_to_the_database(old, new, tmp_path)


def everything_agrees(old: Office, new: Office) -> None:
    """One verification over all contracts, one examination of each ledger, one set of rows for the reconciliation."""
    store, chain = new.store, new.chain
    assert verify(store, chain).findings == ()
    assert [examine(chain, pin).findings for pin in (old.pin, new.pin)] == [(), ()]
    assert {row.contract for row in chain_rows(store).vouchers} == {old.pin.ledger, new.pin.ledger}
    assert stated_block(store, chain).number == chain.height()


def the_same_rows_whatever_happens_to_the_database(old: Office, new: Office, folder: Path) -> None:
    """A replay into an empty database, a rebuild, and a rewind to before the successor was made give the same rows."""
    before, made_in = rows(new.store), first_block_of(new)
    with open_store(f"sqlite:///{folder / 'empty.db'}") as empty:
        add_pin(empty, old.pin)
        follow(empty, new.chain)
        pin_successor(empty, new.chain, ledger=new.pin.ledger)
        follow(empty, new.chain, span=7)
        assert rows(empty) == before
    rebuild(new.store)
    assert rows(new.store) == before
    rewind(new.store, made_in - 1)
    with new.store.reading() as session:
        assert not world_of(session, new.pin.ledger).vouchers
    assert rows(new.store) != before
    new.follow()
    assert rows(new.store) == before
    assert verify(new.store, new.chain).findings == ()


def first_block_of(office: Office) -> int:
    with office.store.reading() as session:
        return next(each.first_block for each in followed(session) if each.contract == office.pin.ledger)


def test_a_successor_that_was_pinned_and_not_followed_is_not_taken_for_a_reorganisation(old: Office) -> None:
    old.follow()
    pin = deploy_successor(old.chain, predecessor=old.pin)
    pin_successor(old.store, old.chain, ledger=pin.ledger)
    with pytest.raises(
        ChainError, match=rf"ledger 2 \({pin.ledger}\) is not followed yet: run tallystick index"
    ):
        verify(old.store, old.chain)
    old.follow()
    assert verify(old.store, old.chain).findings == ()
