"""Chain against books: a clean world gives nothing, each disagreement of a loan or line exactly one break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from ledger.errors import InputError
from ledger.money import Fen, yuan
from ledger.reconciliation import (
    Ended,
    Inputs,
    Kind,
    PaymentState,
    VoucherState,
    reconcile,
)
from ledger.statement import Direction, LoanStatus
from tests.ledger.reconciling import (
    drop_loan,
    entry_of,
    found,
    loan_ids,
    repay,
    repost,
    the_break,
)
from tests.ledger.two_banks import (
    ACCOUNTS,
    BANK,
    CUT_OFF,
    NAMES,
    OTHER_BANK,
    clean_world,
    day,
)

# Refusals


def refused(inputs: Callable[[], Inputs], message: str) -> None:
    with pytest.raises(InputError, match=message):
        inputs()


def test_a_tolerance_that_would_hide_real_money_is_refused() -> None:
    refused(lambda: clean_world().inputs(tolerance_fen=101), "tolerance of 101 fen: give 0 to 100")
    refused(lambda: clean_world().inputs(tolerance_fen=-1), "tolerance of -1 fen")


def test_a_chain_older_than_the_books_is_refused() -> None:
    inputs = clean_world().inputs()
    old = replace(inputs.block, as_of=CUT_OFF - timedelta(days=1))
    refused(lambda: replace(inputs, block=old), "as of 2026-09-17, before the books' cut-off 2026-09-18")


def test_a_statement_that_begins_after_the_cut_off_is_refused() -> None:
    inputs = clean_world().inputs()
    refused(lambda: replace(inputs, statement_from=date(2026, 9, 19)), "begins on 2026-09-19, after")


def test_another_bank_s_whole_file_is_refused_and_not_a_day_full_of_breaks() -> None:
    own, other = clean_world().inputs(), clean_world().inputs(OTHER_BANK)
    loans = [replace(loan, bank=NAMES[OTHER_BANK]) for loan in own.loan_book]
    asked = f"is of bank {OTHER_BANK}, asked for is bank {BANK}"
    refused(lambda: replace(own, loan_book=loans), f"every row of the loan book {asked}")
    refused(lambda: replace(own, line_book=other.line_book), f"every row of the line book {asked}")


def test_a_dossier_that_names_a_thing_twice_is_refused() -> None:
    world = clean_world()
    world.numbers.append(replace(world.numbers[0], voucher=99))
    refused(world.inputs, "more than one voucher number V-1")
    world = clean_world()
    world.numbers.append(replace(world.numbers[0], number="V-1b"))
    refused(world.inputs, "more than one number for voucher")
    world = clean_world()
    world.parties.append(world.parties[0])
    refused(world.inputs, "more than one party 2")


def test_a_chain_extract_with_gaps_or_repeats_is_refused() -> None:
    world = clean_world()
    world.vouchers.append(world.vouchers[0])
    refused(world.inputs, "has a voucher twice")
    world = clean_world()
    del world.vouchers[0]
    refused(world.inputs, "a payment on voucher 0x0+1000000000000000000000000, but not that voucher")


# The clean world


@pytest.mark.parametrize("bank", [BANK, OTHER_BANK])
def test_a_clean_world_gives_no_break(bank: int) -> None:
    result = reconcile(clean_world().inputs(bank))
    assert result.breaks == ()
    assert result.clean
    assert [total.count for total in result.totals] == [0] * len(Kind)


# Each kind by itself


def test_a_loan_that_is_not_booked_is_missing_in_the_book() -> None:
    world = clean_world()
    drop_loan(world, "V-2")
    row = the_break(world)
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.MISSING_IN_BOOK,
        (("voucher", "V-2"),),
        "500,000.00",
        "",
    )
    assert (row.difference, row.unit, row.age) == (-50_000_000, "fen", (CUT_OFF - day("05-11")).days)
    assert row.likely_cause.en == "disbursed, but not booked"


def test_a_loan_on_an_unknown_voucher_is_missing_on_chain() -> None:
    world = clean_world()
    loan = world.books[BANK].loans[0]
    world.books[BANK].loans.append(
        replace(loan, loan_no="L-99", voucher="V-99", principal=Fen(123_456_78), status=LoanStatus.OPEN)
    )
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.MISSING_ON_CHAIN, (("loan", "L-99"), ("voucher", "V-99")))
    assert (row.expected, row.found, row.difference) == ("", "123,456.78", 12_345_678)


def test_a_loan_on_a_voucher_that_the_bank_never_paid_for_is_missing_on_chain() -> None:
    world = clean_world()
    loan = world.books[BANK].loans[0]
    world.books[BANK].loans.append(replace(loan, loan_no="L-8", voucher="V-8", status=LoanStatus.OPEN))
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.MISSING_ON_CHAIN, (("loan", "L-8"), ("voucher", "V-8")))
    assert "no disbursement" in row.likely_cause.en


def test_a_loan_whose_disbursement_is_contested_is_missing_on_chain() -> None:
    world = clean_world()
    repay(world, "D-V-3", state=PaymentState.CONTESTED)
    row = the_break(world)
    assert (row.kind, row.ids, row.found) == (Kind.MISSING_ON_CHAIN, loan_ids("V-3"), "300,000.00")
    assert "denies" in row.likely_cause.en


def test_an_open_loan_whose_payment_came_back_is_missing_on_chain_and_a_reversed_one_is_fine() -> None:
    world = clean_world()
    loan = replace(world.books[BANK].loans[1], loan_no="L-V-9", voucher="V-9", booked_on=day("06-16"))
    world.books[BANK].loans.append(loan)
    assert found(world) == [("missing_on_chain", loan_ids("V-9"), "", "500,000.00")]
    world.rebook("V-9", status=LoanStatus.REPAID, repaid_on=day("06-18"))
    assert found(world) == []


def test_a_mistyped_voucher_number_is_one_break_and_names_the_voucher() -> None:
    world = clean_world()
    world.rebook("V-2", voucher="V-2O")
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.MISSING_ON_CHAIN, (("loan", "L-V-2"), ("voucher", "V-2O")))
    assert row.context == (("looks like", "V-2"),)


def test_a_number_mistyped_as_another_financed_voucher_is_one_break() -> None:
    world = clean_world()
    world.rebook("V-2", voucher="V-13")
    row = the_break(world)
    assert row.kind is Kind.TWO_LOANS_ONE_VOUCHER
    assert row.ids == (("voucher", "V-13"), ("loan", "L-V-13"), ("loan", "L-V-2"))


def test_a_loan_with_another_principal_differs_and_what_follows_from_it_is_not_reported() -> None:
    world = clean_world()
    world.rebook("V-2", principal=Fen(49_999_998), proceeds=Fen(1), interest=Fen(1))
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.AMOUNT, loan_ids("V-2", "principal"))
    assert (row.expected, row.found) == ("500,000.00", "499,999.98")
    assert (row.difference, row.unit) == (-2, "fen")


def test_an_entry_with_another_amount_differs() -> None:
    world = clean_world()
    entry = entry_of(world, "D-V-1")
    assert entry.amount == 98_650_000
    repost(world, "D-V-1", amount=Fen(entry.amount + 100))
    row = the_break(world)
    ids = (("entry", entry.entry_id), ("reference", "D-V-1"))
    assert (row.kind, row.ids, row.expected, row.found) == (Kind.AMOUNT, ids, "986,500.00", "986,501.00")
    assert (row.difference, row.age) == (100, (CUT_OFF - day("04-15")).days)


def test_an_entry_the_wrong_way_round_is_an_amount_that_differs() -> None:
    world = clean_world()
    entry = entry_of(world, "S-V-1")
    repost(world, "S-V-1", direction=Direction.DEBIT)
    ids = (("entry", entry.entry_id), ("reference", "S-V-1"))
    assert found(world) == [("amount", ids, "1,000,000.00", "-1,000,000.00")]


def test_a_loan_with_another_due_day_differs() -> None:
    world = clean_world()
    world.rebook("V-2", due_on=day("10-28"))
    row = the_break(world)
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.DUE_DAY,
        loan_ids("V-2"),
        "2026-10-30",
        "2026-10-28",
    )
    assert (row.difference, row.unit) == (-2, "days")


@pytest.mark.parametrize(
    ("field", "right"), [("borrower", NAMES[20]), ("obligor", NAMES[10]), ("bank", NAMES[2])]
)
def test_a_loan_with_another_party_differs(field: str, right: str) -> None:
    world = clean_world()
    world.rebook("V-2", **{field: "某某商贸有限公司"})
    assert found(world) == [("party", loan_ids("V-2", field), right, "某某商贸有限公司")]


def test_money_paid_to_somebody_else_is_a_party_that_differs() -> None:
    world = clean_world()
    entry = entry_of(world, "D-V-2")
    repost(world, "D-V-2", counterparty=NAMES[22])
    ids = (("entry", entry.entry_id), ("reference", "D-V-2"), ("field", "counterparty"))
    assert found(world) == [("party", ids, ACCOUNTS[20], NAMES[22])]


def test_a_loan_repaid_in_the_book_and_live_on_chain_is_a_status_break() -> None:
    world = clean_world()
    world.rebook("V-2", status=LoanStatus.REPAID, repaid_on=day("09-10"))
    row = the_break(world)
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.STATUS_BOOK_AHEAD,
        loan_ids("V-2"),
        "live",
        "repaid",
    )
    assert row.age == 8


def test_a_loan_repaid_on_a_contested_settlement_is_ahead_of_the_chain() -> None:
    world = clean_world()
    world.rebook("V-11", status=LoanStatus.REPAID, repaid_on=day("09-10"))
    assert found(world) == [("status_book_ahead", loan_ids("V-11"), "live", "repaid")]


@pytest.mark.parametrize("number", ["V-1", "V-7"])
def test_a_loan_open_in_the_book_and_settled_on_chain_is_a_status_break(number: str) -> None:
    world = clean_world()
    world.rebook(number, status=LoanStatus.OPEN, repaid_on=None)
    assert found(world) == [("status_chain_ahead", loan_ids(number), "settled", "open")]


def test_an_open_loan_on_a_cancelled_voucher_or_one_passed_back_is_behind_the_chain() -> None:
    world = clean_world()
    world.change("V-2", state=VoucherState.ENDED, ended_as=Ended.CANCELLED)
    assert found(world) == [("status_chain_ahead", loan_ids("V-2"), "cancelled", "open")]
    world = clean_world()
    world.change("V-2", holder=20)
    assert found(world) == [("status_chain_ahead", loan_ids("V-2"), "passed on", "open")]


def test_a_loan_booked_twice_is_two_loans_on_one_voucher_and_nothing_else() -> None:
    world = clean_world()
    loan = next(loan for loan in world.books[BANK].loans if loan.voucher == "V-2")
    world.books[BANK].loans.append(replace(loan, loan_no="L-2b", principal=Fen(1)))
    ids = (("voucher", "V-2"), ("loan", "L-2b"), ("loan", "L-V-2"))
    assert found(world) == [("two_loans_one_voucher", ids, "1", "2")]


def test_a_repaid_loan_booked_twice_under_its_own_number_is_found() -> None:
    world = clean_world()
    world.books[BANK].loans.append(world.books[BANK].loans[0])
    ids = (("voucher", "V-1"), ("loan", "L-V-1"), ("loan", "L-V-1"))
    assert found(world) == [("two_loans_one_voucher", ids, "1", "2")]


def test_a_line_with_another_usage_differs() -> None:
    world = clean_world()
    line = world.books[BANK].lines[0]
    world.books[BANK].lines[0] = replace(line, used=Fen(line.used - 500))
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.LINE_USAGE, (("line", "2-17"), ("field", "used")))
    assert (row.expected, row.found) == (yuan(line.used), yuan(Fen(line.used - 500)))
    assert (row.difference, row.age) == (-500, 0)


def test_a_line_with_other_terms_or_on_one_side_alone_differs() -> None:
    world = clean_world()
    lines = world.books[BANK].lines
    right = lines[0]
    lines[0] = replace(right, limit=Fen(4_000_000_00))
    ids = (("line", "2-17"), ("field", "limit"))
    assert found(world) == [("line_usage", ids, "5,000,000.00", "4,000,000.00")]
    lines[0] = replace(right, expires_on=day("12-30"))
    ids = (("line", "2-17"), ("field", "expires_on"))
    assert found(world) == [("line_usage", ids, "2026-12-31", "2026-12-30")]
    lines[0] = replace(right, issuer=NAMES[11])
    ids = (("line", "2-17"), ("field", "issuer"))
    assert found(world) == [("line_usage", ids, NAMES[10], NAMES[11])]
    del lines[0]
    ids = (("line", "2-17"), ("field", "used"))
    assert found(world) == [("line_usage", ids, yuan(right.used), "")]
    lines.insert(0, right)
    lines.append(replace(right, line="3-17", used=Fen(100)))
    assert found(world) == [("line_usage", (("line", "3-17"), ("field", "used")), "", "1.00")]
