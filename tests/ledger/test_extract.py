"""What a reconciliation is told of the chain, out of a database that has followed a real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ledger import relay
from ledger.agreements import CancelWhole, Pledge, Release, StopIssue, Transfer, VoucherId
from ledger.calendar import Day, date_of_day
from ledger.deployment import deploy_successor, pin_successor
from ledger.errors import ChainError, InputError
from ledger.members import PartyNumber
from ledger.money import Fen
from ledger.payment import DeclareOverdue
from ledger.reconciliation import (
    ChainInvoiceUse,
    ChainPledge,
    ChainVoucher,
    Ended,
    PaymentState,
    PledgeState,
    VoucherState,
)
from ledger.reconciliation.extract import ChainRows, chain_rows, inputs_of, stated_block
from ledger.reconciliation.inputs import Dossier
from ledger.signing import root_id
from ledger.store import open_store
from tests.ledger.office import (
    BANK,
    FACE,
    FACTOR,
    ISSUER,
    LATER,
    REGISTRAR,
    A,
    B,
    Office,
    office_in,
    some_hash,
)

SECURED = Fen(FACE // 4)
NUMBERS = ("kept", "released", "satisfied", "late")


class Told:
    """A month with pledges, a default and a cancelled promise, and what is extracted of it."""

    def __init__(self, office: Office) -> None:
        self.office, self.first_day = office, office.today
        self.vouchers = {name: office.issue(tenor=3) for name in NUMBERS}
        for name in NUMBERS[:3]:
            end = Day(office.today + 30)
            terms = Pledge(self.vouchers[name], 1, FACTOR, SECURED, some_hash("filing"), end, LATER)
            office.put(terms, A, FACTOR)
        office.put(Release(self.vouchers["released"], 2, FACTOR, LATER), FACTOR)
        whole = office.issue_of()
        self.vouchers["cancelled"] = root_id(whole, office.domain())
        office.put(whole, ISSUER, A)
        office.put(CancelWhole(self.vouchers["cancelled"], 1, LATER), ISSUER, A, issued=whole)
        self.run()
        office.pass_days(3)  # the due day
        paid = office.assertion(self.vouchers["satisfied"], 2, payee=FACTOR, amount=SECURED)
        office.put(paid, BANK, FACTOR, A)
        office.put(office.assertion(self.vouchers["satisfied"], 3, payee=A, amount=FACE // 2), BANK, A)
        self.run()
        office.pass_days(11)
        relay.queue_unsigned(office.store, DeclareOverdue(self.vouchers["late"]), sequence=1, pin=office.pin)
        self.run()
        office.do(Transfer(self.vouchers["late"], 2, B, True, LATER, ()), A, B)
        office.follow()

    def run(self) -> None:
        assert {each.refusal for each in self.office.run()} == {None}

    @property
    def rows(self) -> ChainRows:
        return chain_rows(self.office.store)

    def voucher(self, name: str) -> ChainVoucher:
        return next(row for row in self.rows.vouchers if row.voucher == self.vouchers[name])

    def pledge(self, name: str) -> ChainPledge:
        return next(row for row in self.rows.pledges if row.voucher == self.vouchers[name])

    def use(self, name: str) -> ChainInvoiceUse:
        promise = self.voucher(name).promise
        return next(row for row in self.rows.invoice_uses if row.promise == promise)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with office_in(tmp_path_factory.mktemp("office")) as office:
        yield Told(office)


# Refusals


def test_a_database_that_knows_no_ledger_or_not_this_one_is_refused(told: Told, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'empty.db'}") as empty:
        with pytest.raises(InputError, match="names no contract: index a ledger first"):
            chain_rows(empty)
        with pytest.raises(ChainError, match="index first"):
            stated_block(empty, told.office.chain)
    with pytest.raises(
        InputError, match=f"no ledger 0xabc in this database: it has {told.office.pin.ledger}"
    ):
        chain_rows(told.office.store, ["0xabc"])


# What is told


def test_an_overdue_voucher_is_live_and_told_as_overdue_also_at_who_took_it_back(told: Told) -> None:
    late = told.voucher("late")
    assert (late.state, late.overdue, late.holder, late.tier) == (VoucherState.LIVE, True, B, 1)
    assert [told.voucher(name).overdue for name in ("kept", "satisfied")] == [False, False]
    assert late.due_on == date_of_day(Day(told.first_day + 3))


def test_a_pledge_is_told_with_the_sum_as_it_was_pledged_and_how_it_ended(told: Told) -> None:
    assert len(told.rows.pledges) == 3
    for name, state, ended_after in (
        ("kept", PledgeState.IN_FORCE, None),
        ("released", PledgeState.RELEASED, 0),
        ("satisfied", PledgeState.SATISFIED, 3),
    ):
        pledge = told.pledge(name)
        assert (pledge.pledgee, pledge.pledgor, pledge.secured) == (FACTOR, A, SECURED)
        assert pledge.pledged_on == date_of_day(told.first_day)
        ended = None if ended_after is None else date_of_day(Day(told.first_day + ended_after))
        assert (pledge.state, pledge.ended_on) == (state, ended)


def test_parts_that_were_paid_are_told_with_what_was_owed_when_each_was_asserted(told: Told) -> None:
    voucher = told.voucher("satisfied")
    assert (voucher.face, voucher.state, voucher.ended_as) == (FACE // 4, VoucherState.LIVE, Ended.NOT)
    parts = [row for row in told.rows.payments if row.voucher == voucher.voucher]
    assert [(row.payee, row.amount, row.face_at_assertion, row.state) for row in parts] == [
        (FACTOR, SECURED, FACE, PaymentState.COMPLETED),
        (A, FACE // 2, FACE - SECURED, PaymentState.COMPLETED),
    ]


def test_an_invoice_s_use_is_told_with_its_payer_and_what_was_given_back_is_taken_off(told: Told) -> None:
    use = told.use("kept")
    assert (use.payer, use.amount, use.total) == (ISSUER, FACE, FACE)
    assert use.fingerprint == some_hash("invoice 1")
    assert told.use("cancelled").amount == 0
    assert told.voucher("cancelled").ended_as is Ended.CANCELLED


def test_a_move_is_told_with_its_day_and_whether_it_was_recourse(told: Told) -> None:
    (move,) = [row for row in told.rows.moves if row.voucher == told.vouchers["late"]]
    assert (move.giver, move.receiver, move.overdue) == (A, B, True)
    assert move.moved_on == date_of_day(Day(told.first_day + 14))
    assert [row for row in told.rows.moves if row.voucher != told.vouchers["late"]] == []


def test_what_is_drawn_of_a_line_is_the_sum_of_its_draws_each_with_its_day(told: Told) -> None:
    (line,) = told.rows.lines
    assert sum(row.amount for row in told.rows.draws) == line.drawn
    first, due = (date_of_day(Day(told.first_day + days)) for days in (0, 3))
    assert Counter((row.drawn_on, row.amount) for row in told.rows.draws) == Counter(
        [
            *[(first, FACE)] * 5,
            (first, -FACE),  # cancelled
            (due, -SECURED),
            (due, -FACE // 2),
        ]
    )


def test_an_ended_voucher_is_told_with_its_last_day(told: Told) -> None:
    assert told.voucher("cancelled").ended_on == date_of_day(told.first_day)
    assert [told.voucher(name).ended_on for name in NUMBERS] == [None] * 4


def test_the_block_that_was_followed_is_stated_as_of_the_day_before_it(told: Told) -> None:
    block = stated_block(told.office.store, told.office.chain)
    assert block.number == told.office.chain.height()
    assert block.as_of == date_of_day(Day(told.office.today - 1))
    assert block.begins_on == date_of_day(told.first_day)


def test_the_inputs_of_a_bank_are_these_rows_and_its_three_files(told: Told, tmp_path: Path) -> None:
    for name, header in (
        (
            "loan_book.csv",
            "loan_no,bank,voucher,borrower,obligor,principal,proceeds,interest,rate,basis,"
            "booked_on,due_on,status,repaid_on",
        ),
        ("statement.csv", "entry_id,booked_on,value_on,direction,amount,counterparty,reference"),
        ("line_book.csv", "line,issuer,limit,used,expires_on"),
    ):
        (tmp_path / name).write_text(header + "\n", encoding="utf-8")
    block = stated_block(told.office.store, told.office.chain)
    given = inputs_of(
        BANK, rows=told.rows, block=block, dossier=Dossier(), books=tmp_path, cut_off=block.as_of
    )
    assert (given.pledges, given.invoice_uses) == (told.rows.pledges, told.rows.invoice_uses)
    assert (given.moves, given.draws) == (told.rows.moves, told.rows.draws) != ((), ())
    assert given.contracts == (told.office.pin.ledger,)


def test_of_two_ledgers_both_are_told_the_older_first_or_the_one_that_is_named(told: Told) -> None:
    old = told.office
    old.do(StopIssue(0, PartyNumber(0), True, some_hash("run-off"), LATER), REGISTRAR)
    old.do(
        old.assertion(told.vouchers["late"], 3, payee=B, amount=FACE), BANK, B
    )  # else the issuer is overdue
    pin = deploy_successor(old.chain, predecessor=old.pin)
    pin_successor(old.store, old.chain, ledger=pin.ledger)
    new = replace(old, pin=pin)
    new.do(new.grant_of(), BANK, ISSUER)
    fresh: VoucherId = new.issue(supplier=B)
    told.run()
    new.follow()
    both = told.rows
    assert list(dict.fromkeys(row.contract for row in both.vouchers)) == [old.pin.ledger, pin.ledger]
    only = chain_rows(old.store, [pin.ledger])
    assert [(row.contract, row.voucher) for row in only.vouchers] == [(pin.ledger, fresh)]
    assert {row.contract for row in only.lines} == {row.contract for row in only.invoice_uses} == {pin.ledger}
    assert only.pledges == ()
    assert both.pledges == chain_rows(old.store, [old.pin.ledger]).pledges != ()
