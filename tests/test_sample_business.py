"""The sample business: its files, and the books that they imply."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.codes import check_credit_code
from ledger.discount import Bearer, DayCount, price
from ledger.errors import FileError, InputError
from ledger.money import Fen
from scripts.business import DOSSIER, own_directory, play
from scripts.business_book_files import write_books
from scripts.business_books import implied_books
from scripts.business_columns import COLUMNS, RoleWord, Verb
from scripts.business_dossier import read_dossier
from scripts.business_files import SAMPLE, Business, read_business

BANKS = (2, 3)
BOOKS = ("loan_book.csv", "statement.csv", "line_book.csv")


@pytest.fixture(scope="module")
def business() -> Business:
    return read_business(SAMPLE)


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


def test_shares_that_the_rule_does_not_give_are_refused(copy: Copy, tmp_path: Path) -> None:
    copy.change("steps.csv", "424242.43", "424242.42")
    copy.change("steps.csv", "121212.12", "121212.13")
    with (
        own_directory(tmp_path / "demo") as own,
        pytest.raises(InputError, match=r"the shares of 1,000,000.00 are .*P-2026-018 424,242.43"),
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
