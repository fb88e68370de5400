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
from ledger.money import Fen
from ledger.reconciliation import Ended, PaymentPurpose, PaymentState, reconcile
from ledger.reconciliation.report import pairs_text
from ledger.rows import world_of
from ledger.verification import verify
from scripts.business import DOSSIER, Played, own_directory, play
from scripts.business_books import implied_books, write_books
from scripts.business_columns import COLUMNS, RoleWord, Verb
from scripts.business_dossier import read_dossier
from scripts.business_extract import chain_rows, inputs_of, stated_block
from scripts.business_files import SAMPLE, Business, read_business
from scripts.business_story import told_of
from scripts.demo import compare, counts, reconcile_banks
from scripts.planter import plant

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
        ("quotes.csv", "Q-2026-016,P-2026-009", "Q-2026-016,P-2026-099", "P-2026-099 belongs to no promise"),
        ("promises.csv", "2026-05-18,2-1", "2026-05-18,2-9", "is in no row of lines"),
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
    copy.change("promises.csv", "1500000.00,2026-09-18", "9500000.00,2026-09-18")
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
        2,
        1,
    )
    assert roles.count(RoleWord.SUPPLIER) >= 8
    assert len(business.promises) >= 12
    assert any(line.parent for line in business.lines.values())
    assert any(line.countersign for line in business.lines.values())
    assert {step.verb for step in business.steps} == set(Verb) - {Verb.ISSUE, Verb.CANCEL}
    assert {quote.bearer for quote in business.quotes.values()} == set(Bearer)
    assert {quote.basis for quote in business.quotes.values()} == set(DayCount)
    assert {promise.due_on.strftime("%Y-%m") for promise in business.promises.values()} <= {
        f"2026-{month:02d}" for month in range(4, 11)
    }
    assert max(step.part.count("/") for step in business.steps if step.part) == 3
    for party in business.parties.values():
        assert check_credit_code(party.code)[2:4] == "99"
        assert "示例" in party.name


def test_an_invoice_is_never_used_beyond_its_total_by_what_is_alive(business: Business) -> None:
    cancelled = {step.voucher for step in business.steps if step.verb is Verb.CANCEL_WHOLE}
    used: dict[str, int] = {}
    for row in business.invoices:
        refused = row.voucher in business.promises and business.promises[row.voucher].refused_as
        if row.voucher not in cancelled and not refused:
            used[row.number] = used.get(row.number, 0) + row.amount
            assert used[row.number] <= row.total, row


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
    vouchers, agreements, refused = counts(played.store, played.pin.ledger)
    assert (vouchers, agreements, refused) == (26, 113, 4)
    assert [refusal.name for refusal in played.refusals.values()] == [
        "Locked",
        "LimitExceeded",
        "InFreeze",
        "RecordDay",
    ]


def test_lines_and_promises_come_to_what_the_steps_say(played: Played) -> None:
    with played.store.reading() as session:
        world = world_of(session, played.pin.ledger)
    live = dict.fromkeys(world.lines, 0)
    for promise in world.promises.values():
        assert promise.face == promise.live + promise.settled + promise.cancelled
        live[promise.line] += promise.live
    drawn = [line.drawn for _, line in sorted(world.lines.items())]
    assert drawn == [5_285_000_00, 800_000_00, 1_720_000_00]
    assert list(live.values()) == [4_485_000_00, 800_000_00, 1_720_000_00]


def test_the_clean_books_give_no_break(played: Played) -> None:
    for result in reconcile_banks(played, SAMPLE):
        assert result.breaks == ()
        assert dict(result.compared)["loans"] >= 8


@pytest.mark.parametrize("seed", range(1, 21))
def test_what_is_planted_is_found_and_nothing_else(seed: int, played: Played, tmp_path: Path) -> None:
    planting = plant(SAMPLE, tmp_path, seed=seed, cut_off=played.cut_off)
    results = reconcile_banks(played, tmp_path)
    compared = compare(tmp_path / "planted.csv", results)
    assert (compared.missed, compared.false_alarms) == ((), ())
    assert len(compared.right) == len(planting.planted) >= 20
    assert len({row.kind for row in planting.planted}) == 11
    spared = {(row.bank, row.ids) for row in planting.near_misses}
    assert len(spared) >= 4
    assert spared.isdisjoint((each.bank, pairs_text(row.ids)) for each in results for row in each.breaks)


def test_a_break_that_is_not_on_the_planters_list_counts_as_a_false_alarm(
    played: Played, tmp_path: Path
) -> None:
    plant(SAMPLE, tmp_path, seed=1, cut_off=played.cut_off)
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


def test_the_chain_rows_say_how_each_voucher_ended(played: Played) -> None:
    rows = {row.voucher: row for row in chain_rows(played.store).vouchers}
    numbers = {entry.number: rows[entry.voucher] for entry in played.dossier.vouchers}
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


def test_the_story_tells_every_step_in_order_with_its_amounts(played: Played) -> None:
    told = told_of(played.business, played.refusals)
    assert [each.on for each in told] == sorted(each.on for each in told)
    rows = len(played.business.steps) + len(played.business.promises) + len(played.business.lines)
    assert len(told) == rows + 1
    english = " ".join(each.en for each in told)
    assert "interest 13,500.00, proceeds 986,500.00" in english
    assert "refused by the contract (LimitExceeded: asked 1,500,000.00, available 430,000.00)" in english
