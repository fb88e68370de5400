"""The sample business: its files, its books, and what a reconciliation finds in them."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.codes import check_credit_code
from ledger.discount import Bearer, DayCount, price
from ledger.errors import FileError, InputError
from ledger.members import PartyNumber
from ledger.money import Fen
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
from scripts.business_book_files import write_books
from scripts.business_books import implied_books, unanswered
from scripts.business_columns import COLUMNS, RoleWord, Verb
from scripts.business_default import given_back, shares_of
from scripts.business_dossier import read_dossier
from scripts.business_files import SAMPLE, Business, read_business
from scripts.business_story import told_of
from scripts.demo import compare, counts, reconcile_banks
from scripts.planter import Planting, plant

BANKS = (2, 3)
BOOKS = ("loan_book.csv", "statement.csv", "line_book.csv")


@pytest.fixture(scope="module")
def business() -> Business:
    return read_business(SAMPLE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with own_directory(tmp_path_factory.mktemp("played") / "demo") as own, play(own) as done:
        yield done


@dataclass
class Copy:
    """A copy of the sample that a test may spoil."""

    folder: Path

    def change(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8-sig")
        assert text.count(old) == 1, (name, old)
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    shutil.copytree(SAMPLE, tmp_path / "business")
    return Copy(tmp_path / "business")


# Refusals


def test_every_bad_cell_of_a_file_is_named_at_once(copy: Copy) -> None:
    copy.change("promises.csv", "2400000.00,2026-10-16", "2400000.005,2026-10-16")
    copy.change("promises.csv", "650000.00,2026-10-12", "650000.00,2026-02-30")
    with pytest.raises(FileError) as refused:
        read_business(copy.folder)
    assert [(problem.row, problem.column) for problem in refused.value.problems] == [
        (3, "金额"),
        (7, "到期日"),
    ]


def test_a_code_with_a_wrong_check_character_is_refused(copy: Copy) -> None:
    copy.change("parties.csv", "MA990001X7", "MA990001X8")
    with pytest.raises(FileError, match=r"row 2, column 统一社会信用代码: .* check character"):
        read_business(copy.folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            "steps.csv",
            "确认,P-2026-001,启明轴承",
            "确认,P-2026-001,无名轴承",
            "by: 无名轴承 is in no row of parties",
        ),
        ("steps.csv", "Q-2026-016", "Q-2026-099", "quote: Q-2026-099 is in no row of quotes"),
        (
            "promises.csv",
            "P-2026-041,2,2026-07-20,2-1",
            "P-2026-041,2,2026-07-20,2-3",
            "2-3 is in no row of lines",
        ),
        ("promises.csv", "P-2026-041,2,", "P-2026-041,3,", "ledger: 3 is in no row of ledgers"),
        ("lines.csv", "2-3,1,", "2-1,1,", "2-1 comes twice in ledger 1"),
        ("ledgers.csv", "2,2026-07-16", "2,2026-07-15", "takes over from one before it that is stopped"),
        ("quotes.csv", "Q-2026-016,P-2026-009", "Q-2026-016,P-2026-099", "P-2026-099 belongs to no promise"),
        ("promises.csv", "2026-05-18,2-1,云石", "2026-05-18,2-9,云石", "is in no row of lines"),
        ("promises.csv", "360000.00,2026-08-31", "360000.00,2026-10-25", "is not within six months"),
        ("steps.csv", "HY-FK-260415-01", "", "reference: a step of the kind “assert disbursement” needs it"),
        ("quotes.csv", "共担,40,8000.00", "共担,,8000.00", "issuer's share of 0"),
    ],
)
def test_files_that_do_not_know_each_other_are_refused(
    name: str, old: str, new: str, says: str, copy: Copy
) -> None:
    copy.change(name, old, new)
    with pytest.raises(FileError, match=re.escape(says)):
        read_business(copy.folder)


def test_a_step_that_the_rules_refuse_unexpectedly_stops_the_play_and_names_its_row(
    copy: Copy, tmp_path: Path
) -> None:
    copy.change("promises.csv", "CF-2026-004,", "CF-2026-004,LimitExceeded")
    with (
        own_directory(tmp_path / "demo") as own,
        pytest.raises(
            InputError, match=r"P-2026-004 on 2026-04-22 .*LimitExceeded was expected, but it is allowed"
        ),
        play(own, sample=copy.folder),
    ):
        pass
    copy.change("promises.csv", "CF-2026-004,LimitExceeded", "CF-2026-004,")
    copy.change("promises.csv", "1500000.00,2026-09-18", "1500000.01,2026-09-18")
    with (
        own_directory(tmp_path / "demo") as own,
        pytest.raises(InputError, match=r"P-2026-004 on 2026-04-22 .*: it is refused: InvoicesDoNotMatch"),
        play(own, sample=copy.folder),
    ):
        pass


def test_a_step_after_the_cut_off_is_refused(copy: Copy, tmp_path: Path) -> None:
    copy.change("steps.csv", "2026-09-18,兑付申报", "2026-10-02,兑付申报")
    business = read_business(copy.folder)
    with pytest.raises(InputError, match="2026-10-02 is after the cut-off 2026-09-30"):
        implied_books(business)
    with (
        own_directory(tmp_path / "demo") as own,
        pytest.raises(InputError, match="2026-10-02 is after the cut-off"),
        play(own, sample=copy.folder),
    ):
        pass


def test_a_dossier_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_dossier(tmp_path / DOSSIER)
    (tmp_path / DOSSIER).write_text('{"format": "tallystick-dossier-9"}')
    with pytest.raises(InputError, match="another format"):
        read_dossier(tmp_path / DOSSIER)
    (tmp_path / DOSSIER).write_text('{"format": "tallystick-dossier-1", "contract": "0x"}')
    with pytest.raises(InputError, match="no dossier, or damaged"):
        read_dossier(tmp_path / DOSSIER)


# The files


def test_the_files_have_what_a_newcomer_should_see(business: Business) -> None:
    roles = [party.role for party in business.parties.values()]
    assert (roles.count(RoleWord.BANK), roles.count(RoleWord.ISSUER), roles.count(RoleWord.FUNDER)) == (
        2,
        4,
        1,
    )
    assert roles.count(RoleWord.SUPPLIER) == 20
    made = [promise for promise in business.promises.values() if promise.refused_as is None]
    assert len(made) == 60
    assert {promise.ledger for promise in made} == {1, 2}
    assert any(line.parent for line in business.lines.values())
    assert any(line.countersign for line in business.lines.values())
    assert {step.verb for step in business.steps} == set(Verb) - {Verb.ISSUE, Verb.CANCEL}
    assert {quote.bearer for quote in business.quotes.values()} == set(Bearer)
    assert {quote.basis for quote in business.quotes.values()} == set(DayCount)
    assert max(step.part.count("/") for step in business.steps if step.part) == 3
    for party in business.parties.values():
        assert check_credit_code(party.code)[2:4] == "99"
        assert "示例" in party.name


def test_an_invoice_is_never_used_beyond_its_total_by_what_is_alive(business: Business) -> None:
    cancelled = {step.voucher for step in business.steps if step.verb is Verb.CANCEL_WHOLE}
    used: dict[tuple[str, str], int] = {}
    for row in business.invoices:
        refused = row.voucher in business.promises and business.promises[row.voucher].refused_as
        if row.voucher not in cancelled and not refused:
            payer = row.number, row.buyer
            used[payer] = used.get(payer, 0) + row.amount
            assert used[payer] <= row.total, row


def test_english_headings_are_read_as_well(copy: Copy, business: Business) -> None:
    for name, columns in COLUMNS.items():
        path = copy.folder / name
        header, rest = path.read_text(encoding="utf-8-sig").split("\n", 1)
        assert header == ",".join(column.zh for column in columns)
        path.write_text(",".join(column.name for column in columns) + "\n" + rest, encoding="utf-8")
    assert read_business(copy.folder) == business


def test_every_column_and_verb_is_in_the_documentation() -> None:
    told = (SAMPLE / "README.md").read_text(encoding="utf-8")
    for columns in COLUMNS.values():
        for column in columns:
            assert f"| {column.zh} | {column.name} |" in told
    for verb in set(Verb) - {Verb.ISSUE}:
        assert f" {verb.value}" in told


def test_the_committed_books_are_those_that_the_steps_imply(business: Business, tmp_path: Path) -> None:
    write_books(implied_books(business), tmp_path)
    for bank in BANKS:
        for name in BOOKS:
            committed = SAMPLE / "books" / str(bank) / name
            assert (tmp_path / "books" / str(bank) / name).read_bytes() == committed.read_bytes(), committed


def test_the_books_carry_the_canonical_loan_to_the_fen(business: Business) -> None:
    books = implied_books(business)
    loan = next(loan for loan in books[3].loans if loan.voucher == "P-2026-001")
    assert (loan.principal, loan.interest, loan.proceeds) == (1_000_000_00, 13_500_00, 986_500_00)
    shared = price(Fen(1_500_000_00), business.quote("Q-2026-004"))
    assert (shared.supplier_interest, shared.issuer_interest) == (10_294_99, 6_863_34)
    collected = [entry for entry in books[3].entries if entry.amount == shared.issuer_interest]
    assert [entry.counterparty for entry in collected] == ["晨峰示例电气集团有限公司"]


# The world that was played


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


def test_shares_that_the_rule_does_not_give_are_refused(copy: Copy, tmp_path: Path) -> None:
    copy.change("steps.csv", "424242.43", "424242.42")
    copy.change("steps.csv", "121212.12", "121212.13")
    with (
        own_directory(tmp_path / "demo") as own,
        pytest.raises(InputError, match=r"the shares of 1,000,000.00 are .*P-2026-018 424,242.43"),
        play(own, sample=copy.folder),
    ):
        pass


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
