"""The sample business as it was played: what is on chain, and what a reconciliation finds in its books."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.members import PartyNumber
from ledger.outbox_tables import AccountRow
from ledger.reconciliation import (
    ChainVoucher,
    Ended,
    Kind,
    PaymentPurpose,
    PaymentState,
    PledgeState,
    reconcile,
)
from ledger.reconciliation.extract import chain_rows, inputs_of, stated_block
from ledger.reconciliation.report import pairs_text
from ledger.rows import worlds_of
from ledger.statement import LoanStatus
from ledger.verification import verify
from scripts.business import DOSSIER, OPENED, Played, own_directory, play
from scripts.business_books import implied_books, unanswered
from scripts.business_columns import Verb
from scripts.business_default import given_back, shares_of
from scripts.business_dossier import read_dossier
from scripts.business_files import SAMPLE, Business, read_business
from scripts.business_story import told_of
from scripts.demo import compare, counts, reconcile_banks
from scripts.planter import Planting, plant

BANKS = (2, 3)


@pytest.fixture(scope="module")
def business() -> Business:
    return read_business(SAMPLE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with own_directory(tmp_path_factory.mktemp("played") / "demo") as own, play(own) as done:
        yield done


# The world that was played


def test_no_ledger_that_was_deployed_in_between_raises_an_alarm(played: Played) -> None:
    with played.store.reading() as session:
        accounts = session.query(AccountRow).all()
    assert [(each.alarm, each.foreign, each.next_nonce) for each in accounts] == [
        (None, 0, played.chain.nonce(played.chain.account))
    ]


def test_chain_model_and_database_agree(played: Played) -> None:
    verification = verify(played.store, played.chain)
    assert verification.verified, verification.findings
    assert counts(played.store) == {
        "promises": 60,
        "vouchers": 75,
        "agreements": 265,
        "refused": 7,
        "overdue": 5,
        "given_back": 3,
        "pledges": 2,
        "awards": 2,
    }
    assert [refusal.name for refusal in played.refusals.values()] == [
        "Locked",
        "LimitExceeded",
        "InFreeze",
        "InRunOff",
        "IssuerOverdue",
        "InvoiceExceeded",
        "RecordDay",
    ]


def test_lines_and_promises_come_to_what_the_steps_say(played: Played) -> None:
    with played.store.reading() as session:
        worlds = list(worlds_of(session).values())
    for world in worlds:
        for promise in world.promises.values():
            assert promise.face == promise.live + promise.settled + promise.cancelled
    drawn = [[line.drawn // 100_00 for _, line in sorted(world.lines.items())] for world in worlds]
    assert drawn == [[52850, 8000, 6600, 20200, 0], [22120, 21620, 2045]]
    for bank, books in implied_books(played.business).items():
        for line in books.lines:
            assert line.used <= line.limit, (bank, line)


def test_the_clean_books_give_no_break(played: Played) -> None:
    for result in reconcile_banks(played, SAMPLE):
        assert result.breaks == ()
        assert dict(result.compared)["loans"] >= 20
        assert [count for _, count in result.contracts] == [49, 26]


def planted_in(folder: Path, played: Played, *, seed: int) -> Planting:
    return plant(
        SAMPLE,
        folder,
        seed=seed,
        cut_off=played.cut_off,
        asserted=unanswered(played.business),
        dossier=played.directory / OPENED,
    )


@pytest.mark.parametrize("seed", range(1, 11))
def test_what_is_planted_is_found_and_nothing_else(seed: int, played: Played, tmp_path: Path) -> None:
    planting = planted_in(tmp_path, played, seed=seed)
    results = reconcile_banks(played, tmp_path)
    compared = compare(tmp_path / "planted.csv", results)
    assert (compared.missed, compared.false_alarms) == ((), ())
    assert len(compared.right) == len(planting.planted) >= 36
    for bank in BANKS:
        assert {row.kind for row in planting.planted if row.bank == bank} == set(Kind)
    spared = {(row.bank, row.ids) for row in planting.near_misses}
    assert len(spared) >= 12
    assert spared.isdisjoint((each.bank, pairs_text(row.ids)) for each in results for row in each.breaks)


def test_a_break_that_is_not_on_the_planters_list_counts_as_a_false_alarm(
    played: Played, tmp_path: Path
) -> None:
    planted_in(tmp_path, played, seed=1)
    path = tmp_path / "planted.csv"
    with path.open(encoding="utf-8", newline="") as file:
        first, second, *rest = list(csv.reader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([first, [*second[:-1], "1.23"], *rest])
    compared = compare(path, reconcile_banks(played, tmp_path))
    assert len(compared.missed) == len(compared.false_alarms) == 1
    assert compared.planted == len(rest) + 1


def test_books_that_run_ahead_of_the_chain_are_near_misses(played: Played) -> None:
    rows = chain_rows(played.store)
    open_payments = {(row.purpose, row.state) for row in rows.payments if row.state is PaymentState.ASSERTED}
    assert open_payments == {
        (PaymentPurpose.DISBURSEMENT, PaymentState.ASSERTED),
        (PaymentPurpose.SETTLEMENT, PaymentState.ASSERTED),
    }
    for bank, voucher, status in ((2, "P-2026-013", "open"), (3, "P-2026-010", "repaid")):
        inputs = inputs_of(
            bank,
            rows=rows,
            block=stated_block(played.store, played.chain),
            dossier=played.dossier,
            books=SAMPLE / "books" / str(bank),
            cut_off=played.cut_off,
        )
        loan = next(loan for loan in inputs.loan_book if loan.voucher == voucher)
        assert loan.status.value == status
        assert reconcile(inputs).clean


def by_number(played: Played) -> dict[str, ChainVoucher]:
    rows = {row.voucher: row for row in chain_rows(played.store).vouchers}
    return {entry.number: rows[entry.voucher] for entry in played.dossier.vouchers}


def test_the_chain_rows_say_how_each_voucher_ended(played: Played) -> None:
    numbers = by_number(played)
    assert numbers["P-2026-001"].ended_as is Ended.SETTLED
    assert numbers["P-2026-007"].ended_as is Ended.SPLIT
    assert numbers["P-2026-008"].ended_as is Ended.CANCELLED
    assert numbers["P-2026-013"].funder == 2
    assert len(numbers["P-2026-010"].quote_hashes) == 2
    assert numbers["P-2026-002/1/1/1"].tier == numbers["P-2026-002"].tier + 3
    sold_twice = numbers["P-2026-017"]
    hashes = [
        row.quote_hash for row in chain_rows(played.store).payments if row.voucher == sold_twice.voucher
    ]
    assert hashes == list(sold_twice.quote_hashes)
    assert len(set(hashes)) == 2
    fates = [
        row.state for row in chain_rows(played.store).payments if row.voucher == numbers["P-2026-006"].voucher
    ]
    assert fates == [PaymentState.REPLACED, PaymentState.COMPLETED]


# The bad days


def test_a_shortfall_is_shared_over_all_holders_of_its_due_day_to_the_fen(business: Business) -> None:
    first = next(step for step in business.steps if step.verb is Verb.SHARE)
    shares = shares_of(business, first)
    assert {(step.voucher, step.amount) for step in shares} == {
        ("P-2026-018", 424_242_43),
        ("P-2026-018/1", 121_212_12),
        ("P-2026-018/1/1", 181_818_18),
        ("P-2026-019", 272_727_27),
    }
    assert sum(step.amount or 0 for step in shares) == 1_000_000_00


def test_recourse_goes_back_over_three_tiers_and_each_pays_face_and_late_interest(business: Business) -> None:
    hops = given_back(business)
    assert [(step.by, step.to) for step in hops] == [
        ("江岚银行", "柳溪弹簧"),
        ("柳溪弹簧", "远山喷涂"),
        ("远山喷涂", "青禾齿轮"),
    ]
    owed = 118_181_82
    assert [hop.face for hop in hops.values()] == [owed] * 3
    # 0.05 % a day of what was left, from the day after 30 June to 13, 15 and 16 July
    assert [hop.interest for hop in hops.values()] == [768_18, 886_36, 945_45]


def test_the_overdue_voucher_kept_its_tier_on_the_way_back_and_was_paid_in_the_end(played: Played) -> None:
    numbers = by_number(played)
    given_back_voucher = numbers["P-2026-018/1/1"]
    assert given_back_voucher.tier == numbers["P-2026-018"].tier + 2
    assert given_back_voucher.holder == played.business.number_of("青禾齿轮")
    assert given_back_voucher.ended_as is Ended.SETTLED
    with played.store.reading() as session:
        old, _ = worlds_of(session).values()
    assert old.issuers[PartyNumber(21)].overdue == 0
    assert old.issuers[PartyNumber(11)].overdue == 380_000_00


def test_a_loan_written_off_leaves_the_chain_as_it_is(played: Played) -> None:
    [loan] = [row for row in implied_books(played.business)[3].loans if row.status is LoanStatus.WRITTEN_OFF]
    voucher = by_number(played)[loan.voucher]
    assert (voucher.overdue, voucher.face, voucher.holder) == (True, loan.principal, 3)


def test_a_pledge_is_paid_in_two_assertions_and_another_is_released(played: Played) -> None:
    rows, numbers = chain_rows(played.store), by_number(played)
    paid = [row for row in rows.payments if row.voucher == numbers["P-2026-020"].voucher]
    holder = played.business.number_of("宏川线缆")
    assert [(row.payee, row.amount) for row in paid] == [(2, 250_000_00), (holder, 150_000_00)]
    assert {row.state for row in paid} == {PaymentState.COMPLETED}
    assert {row.state for row in rows.pledges} == {PledgeState.SATISFIED, PledgeState.RELEASED}
    loans = {loan.voucher: loan for each in implied_books(played.business).values() for loan in each.loans}
    assert loans["P-2026-020"].status is loans["P-2026-029"].status is LoanStatus.REPAID


def test_of_two_contests_one_is_awarded_as_paid_and_one_as_not(played: Played) -> None:
    numbers = by_number(played)
    paid, unpaid = (
        [row.state for row in chain_rows(played.store).payments if row.voucher == numbers[number].voucher]
        for number in ("P-2026-027", "P-2026-028")
    )
    assert paid == [PaymentState.COMPLETED]
    assert unpaid == [PaymentState.WITHDRAWN, PaymentState.COMPLETED]
    assert numbers["P-2026-027"].holder == 2


def test_the_old_ledger_empties_while_its_successor_issues_and_one_report_covers_both(played: Played) -> None:
    with played.store.reading() as session:
        old, new = worlds_of(session).values()
    assert old.settings.run_off and not new.settings.run_off
    left = sum(voucher.face for voucher in old.vouchers.values())
    assert left < sum(promise.face for promise in old.promises.values()) / 2
    assert len(new.promises) == 23
    contracts = {row.contract for row in chain_rows(played.store).vouchers}
    assert contracts == {pin.ledger for pin in played.pins}
    for result in reconcile_banks(played, SAMPLE):
        assert [contract for contract, _ in result.contracts] == [pin.ledger for pin in played.pins]


def test_what_the_banks_were_not_shown_is_in_the_dossier_alone(played: Played) -> None:
    whole = read_dossier(played.directory / DOSSIER)
    hidden = set(whole.invoices) - set(played.dossier.invoices)
    assert {row.number for row in hidden} == {
        row.number for row in played.business.invoices if not row.opened
    }
    assert len(hidden) == 1


def test_the_story_tells_every_step_in_order_with_its_amounts(played: Played) -> None:
    told = told_of(played.business, played.refusals)
    assert [each.on for each in told] == sorted(each.on for each in told)
    business = played.business
    rows = len(business.steps) + len(business.promises) + len(business.lines)
    assert len(told) == rows + 3  # the founding, the stop of the old ledger, the opening of the new one
    english = " ".join(each.en for each in told)
    assert "interest 13,500.00, proceeds 986,500.00" in english
    assert "refused by the contract (LimitExceeded: asked 1,500,000.00, available 430,000.00)" in english
    assert "refused by the contract (IssuerOverdue: 650,000.00 are overdue)" in english
    assert "InvoiceExceeded: asked 200,000.00, available 130,000.00" in english
    assert "who pays 118,950.00: 118,181.82 owed and 768.18 late interest" in english
    assert "the registrar stops issue in ledger 1 for good" in english
    assert "writes its loan on P-2026-025 off in its book; 380,000.00 are still owed on chain" in english
