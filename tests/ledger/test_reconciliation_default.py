"""Chain against books when an issuer does not pay: overdue, paid in part, written off, gone back, pledged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ledger.errors import InputError
from ledger.money import Fen, yuan
from ledger.reconciliation import ChainPledge, Ended, Kind, PaymentState, PledgeState, VoucherState, reconcile
from ledger.statement import Direction, LoanStatus
from tests.ledger.reconciling import (
    book_on_pledge,
    drop_loan,
    found,
    lend_on_pledge,
    loan_ids,
    redraw,
    repay,
    repost,
    settle_part,
    the_break,
)
from tests.ledger.two_banks import (
    ACCOUNTS,
    BANK,
    CUT_OFF,
    LEDGER,
    NAMES,
    OTHER_BANK,
    OTHER_LINE,
    World,
    clean_world,
    day,
)

FACE = 20_000_000
LATE = "V-40"


def overdue_world() -> World:
    """V-40 over 200,000.00 was due on 2026-08-20, is held by bank 2, and has been declared overdue."""
    world = clean_world()
    world.issue(LATE, 200_000, "08-20", line=OTHER_LINE, holder=21)
    world.buy(LATE, "05-11")
    world.change(LATE, overdue=True)
    redraw(world, OTHER_LINE, FACE)
    return world


def given_back(world: World, status: LoanStatus = LoanStatus.REPAID) -> None:
    """The seller takes the voucher back and pays face and late interest under the loan's number."""
    world.change(LATE, holder=21)
    world.rebook(LATE, status=status, repaid_on=day("09-15"))
    world.post(BANK, "09-15", Direction.CREDIT, Fen(FACE + 260_000), 21, f"L-{LATE}")


def pledged_world() -> World:
    """Supplier 20 has pledged V-41 over 300,000.00 to bank 2 for a loan of 200,000.00."""
    world = clean_world()
    world.issue("V-41", 300_000, "11-20", line=OTHER_LINE)
    redraw(world, OTHER_LINE, 30_000_000)
    lend_on_pledge(world, "V-41", "07-01", secured=25_000_000, principal=20_000_000)
    return world


def end_pledge(world: World, state: PledgeState, ended_on: date) -> None:
    world.pledges[0] = replace(world.pledges[0], state=state, ended_on=ended_on)


# Refusals


def test_a_pledge_on_a_voucher_that_is_not_in_the_extract_is_refused() -> None:
    world = clean_world()
    world.pledges.append(
        ChainPledge(
            contract=LEDGER, voucher=7, pledgee=BANK, pledgor=20, secured=Fen(1), pledged_on=day("07-01")
        )
    )
    with pytest.raises(InputError, match=r"a pledge on voucher 0x0+7, but not that voucher"):
        world.inputs()


# Overdue and paid in part


def test_an_open_loan_on_an_overdue_voucher_is_not_reported_and_its_loan_is_asked_for() -> None:
    world = overdue_world()
    assert found(world) == found(world, OTHER_BANK) == []
    drop_loan(world, LATE)
    assert found(world) == [("missing_in_book", (("voucher", LATE),), "200,000.00", "")]


def test_an_overdue_voucher_extended_in_the_book_alone_is_a_due_day_that_differs() -> None:
    world = overdue_world()
    world.rebook(LATE, due_on=day("11-20"))
    assert found(world) == [("due_day", loan_ids(LATE), "2026-08-20", "2026-11-20")]


@pytest.mark.parametrize("state", [PaymentState.COMPLETED, PaymentState.ASSERTED])
@pytest.mark.parametrize("principal", [FACE, 12_000_000])
def test_of_a_loan_paid_in_part_the_book_may_show_all_or_the_rest(
    state: PaymentState, principal: int
) -> None:
    world = overdue_world()
    settle_part(world, LATE, "09-14", 8_000_000, state=state)
    world.rebook(LATE, principal=Fen(principal))
    assert found(world) == []


def test_a_loan_paid_in_two_parts_may_show_what_the_first_has_left_but_no_other_sum() -> None:
    world = overdue_world()
    settle_part(world, LATE, "09-07", 5_000_000)
    settle_part(world, LATE, "09-14", 8_000_000)
    for left in (FACE, 15_000_000, 7_000_000):
        world.rebook(LATE, principal=Fen(left))
        assert found(world) == []
    world.rebook(LATE, principal=Fen(12_000_000))
    assert found(world) == [("amount", loan_ids(LATE, "principal"), "200,000.00", "120,000.00")]


def test_a_part_that_is_contested_leaves_nothing_less_in_the_book() -> None:
    world = overdue_world()
    reference = settle_part(world, LATE, "09-14", 8_000_000, state=PaymentState.CONTESTED)
    world.books[BANK].entries[:] = [row for row in world.books[BANK].entries if row.reference != reference]
    world.rebook(LATE, principal=Fen(12_000_000))
    assert [row[0] for row in found(world)] == ["amount"]


def test_a_loan_that_a_part_alone_is_to_have_repaid_is_ahead_of_the_chain() -> None:
    world = overdue_world()
    settle_part(world, LATE, "09-14", 8_000_000)
    world.rebook(LATE, status=LoanStatus.REPAID, repaid_on=day("09-14"))
    assert found(world) == [("status_book_ahead", loan_ids(LATE), "live", "repaid")]


def test_a_part_completed_after_the_cut_off_does_not_excuse_a_missing_loan() -> None:
    world = overdue_world()
    reference = settle_part(world, LATE, "09-14", 8_000_000)
    repay(world, reference, completed_on=date(2026, 9, 21))
    drop_loan(world, LATE)
    inputs = world.inputs()
    late = replace(inputs, block=replace(inputs.block, as_of=date(2026, 9, 21)))
    assert [row.kind for row in reconcile(late).breaks] == [Kind.MISSING_IN_BOOK]


# Written off


@pytest.mark.parametrize("written_off_on", ["08-10", "09-10"])
def test_a_write_off_before_or_after_the_due_day_leaves_the_chain_alone_and_is_not_reported(
    written_off_on: str,
) -> None:
    world = overdue_world()
    world.rebook(LATE, status=LoanStatus.WRITTEN_OFF, repaid_on=day(written_off_on))
    assert found(world) == []
    world.change(LATE, overdue=False)
    assert found(world) == []


def test_a_recovery_after_the_write_off_settles_the_voucher_and_is_not_reported() -> None:
    world = overdue_world()
    world.rebook(LATE, status=LoanStatus.WRITTEN_OFF, repaid_on=day("09-01"))
    settle_part(world, LATE, "09-07", 5_000_000)
    assert found(world) == []
    settle_part(world, LATE, "09-14", 15_000_000)
    assert world.voucher(LATE).ended_as is Ended.SETTLED
    assert found(world) == []


def test_a_write_off_after_the_voucher_was_paid_is_behind_the_chain() -> None:
    world = overdue_world()
    settle_part(world, LATE, "09-07", FACE)
    world.rebook(LATE, status=LoanStatus.WRITTEN_OFF, repaid_on=day("09-08"))
    row = the_break(world)
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.STATUS_CHAIN_AHEAD,
        loan_ids(LATE),
        "settled",
        "written_off",
    )
    assert "had been paid" in row.likely_cause.en
    world.rebook(LATE, repaid_on=day("09-07"))
    assert found(world) == []


def test_a_loan_written_off_on_money_that_came_back_is_missing_on_chain() -> None:
    world = clean_world()
    loan = replace(world.books[BANK].loans[1], loan_no="L-V-9", voucher="V-9", booked_on=day("06-16"))
    world.books[BANK].loans.append(replace(loan, status=LoanStatus.WRITTEN_OFF, repaid_on=day("09-01")))
    assert [row[0] for row in found(world)] == ["missing_on_chain"]


# Recourse and buy-back


@pytest.mark.parametrize("status", [LoanStatus.REPAID, LoanStatus.WRITTEN_OFF])
def test_a_closed_loan_whose_voucher_went_back_by_recourse_is_not_reported_nor_is_the_seller_s_money(
    status: LoanStatus,
) -> None:
    world = overdue_world()
    given_back(world, status)
    assert found(world) == []


def test_an_open_loan_whose_voucher_went_back_by_recourse_is_behind_the_chain() -> None:
    world = overdue_world()
    world.change(LATE, holder=21)
    row = the_break(world)
    assert (row.kind, row.expected, row.found) == (Kind.STATUS_CHAIN_AHEAD, "passed on", "open")
    assert "recourse" in row.likely_cause.en


def test_a_loan_left_open_though_the_seller_has_paid_for_its_voucher_is_one_disagreement() -> None:
    world = overdue_world()
    given_back(world, LoanStatus.OPEN)
    world.rebook(LATE, repaid_on=None)
    assert found(world) == [("status_chain_ahead", loan_ids(LATE), "passed on", "open")]


def test_a_loan_closed_before_its_voucher_went_back_is_ahead_of_the_chain_and_so_is_its_money() -> None:
    world = overdue_world()
    given_back(world)
    world.change(LATE, holder=BANK)
    assert [row[0] for row in found(world)] == ["status_book_ahead", "entry_without_payment"]


def test_recourse_money_from_a_stranger_or_without_the_loan_s_number_is_an_entry_without_payment() -> None:
    for field, value in (("counterparty", ACCOUNTS[22]), ("reference", "recourse V-40")):
        world = overdue_world()
        given_back(world)
        repost(world, f"L-{LATE}", **{field: value})
        assert [row[0] for row in found(world)] == ["entry_without_payment"]


def test_a_voucher_bought_back_before_its_due_day_is_a_closed_loan_and_its_price_is_not_reported() -> None:
    world = clean_world()
    world.change("V-2", holder=20)
    world.rebook("V-2", status=LoanStatus.REPAID, repaid_on=day("09-14"))
    world.post(BANK, "09-14", Direction.CREDIT, Fen(49_770_000), 20, "L-V-2")
    assert found(world) == []


def test_what_the_issuer_pays_the_seller_after_recourse_does_not_concern_the_bank() -> None:
    world = overdue_world()
    given_back(world)
    settle_part(world, LATE, "09-16", FACE, payee=21)
    assert found(world) == found(world, OTHER_BANK) == []


def test_a_loan_paid_in_part_and_then_given_back_is_not_closed_by_what_the_next_holder_is_paid() -> None:
    world = overdue_world()
    settle_part(world, LATE, "09-07", 5_000_000)
    world.change(LATE, holder=21)
    world.rebook(LATE, status=LoanStatus.REPAID, repaid_on=day("09-15"))
    world.post(BANK, "09-15", Direction.CREDIT, Fen(15_000_000 + 195_000), 21, f"L-{LATE}")
    settle_part(world, LATE, "09-16", 15_000_000, payee=21)
    assert world.voucher(LATE).ended_as is Ended.SETTLED
    assert found(world) == found(world, OTHER_BANK) == []


# Pledge


def test_a_loan_on_a_pledge_of_a_voucher_that_the_bank_does_not_hold_is_not_reported() -> None:
    world = pledged_world()
    assert world.voucher("V-41").holder == 20
    assert found(world) == found(world, OTHER_BANK) == []
    world.rebook("V-41", status=LoanStatus.WRITTEN_OFF, repaid_on=day("09-10"))
    assert found(world) == []
    world.rebook("V-41", status=LoanStatus.REPAID, repaid_on=day("09-10"))
    world.post(BANK, "09-10", Direction.CREDIT, Fen(20_170_000), 20, "L-V-41")
    assert found(world) == []
    drop_loan(world, "V-41")  # a pledge may stand for a loan to come
    assert [row[0] for row in found(world)] == ["entry_without_payment", "entry_without_payment"]


def test_loans_on_a_pledge_may_be_several_up_to_the_secured_sum_and_not_a_fen_of_tolerance_more() -> None:
    world = pledged_world()
    book_on_pledge(world, "V-41", "08-03", principal=5_000_001, loan_no="L-V-41b")
    assert found(world) == []
    world.books[BANK].loans[-1] = replace(world.books[BANK].loans[-1], principal=Fen(5_000_002))
    row = the_break(world)
    ids = (("voucher", "V-41"), ("loan", "L-V-41"), ("loan", "L-V-41b"), ("field", "secured sum"))
    assert (row.kind, row.ids, row.expected, row.found) == (Kind.AMOUNT, ids, "250,000.00", "250,000.02")
    assert row.difference == 2
    world.rebook("V-41", status=LoanStatus.REPAID, repaid_on=day("08-01"))
    assert found(world) == []


def test_a_loan_whose_voucher_is_pledged_to_another_bank_or_to_nobody_is_missing_on_chain() -> None:
    world = pledged_world()
    world.books[BANK].entries.pop()
    world.pledges[0] = replace(world.pledges[0], pledgee=OTHER_BANK)
    assert found(world) == [("missing_on_chain", loan_ids("V-41"), "", "200,000.00")]
    world.pledges.clear()
    assert found(world) == [("missing_on_chain", loan_ids("V-41"), "", "200,000.00")]


def test_a_loan_booked_after_the_pledge_had_ended_is_missing_on_chain_and_one_before_it_is_a_matter_of_timing() -> (
    None
):
    world = pledged_world()
    world.rebook("V-41", booked_on=day("06-30"))
    assert found(world) == [("timing", loan_ids("V-41", "booked_on"), "2026-07-01", "2026-06-30")]
    end_pledge(world, PledgeState.RELEASED, day("08-03"))
    world.rebook("V-41", booked_on=day("08-04"))
    world.books[BANK].entries.pop()
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.MISSING_ON_CHAIN, loan_ids("V-41"))
    assert "pledge had ended" in row.likely_cause.en


@pytest.mark.parametrize(
    ("state", "cause"), [(PledgeState.RELEASED, "released"), (PledgeState.SATISFIED, "secured sum was paid")]
)
def test_an_open_loan_whose_pledge_has_ended_by_the_cut_off_is_behind_the_chain(
    state: PledgeState, cause: str
) -> None:
    world = pledged_world()
    end_pledge(world, state, CUT_OFF)
    row = the_break(world)
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.STATUS_CHAIN_AHEAD,
        loan_ids("V-41"),
        state.value,
        "open",
    )
    assert cause in row.likely_cause.en
    end_pledge(world, state, date(2026, 9, 19))
    assert found(world) == []


def test_the_pledgor_stands_in_the_book_as_the_borrower() -> None:
    world = pledged_world()
    world.rebook("V-41", borrower=NAMES[22])
    assert ("party", loan_ids("V-41", "borrower"), NAMES[20], NAMES[22]) in found(world)


def test_a_pledgor_that_the_dossier_does_not_name_is_a_dossier_break() -> None:
    world = clean_world()
    world.issue("V-41", 300_000, "11-20", line=OTHER_LINE, holder=22)
    redraw(world, OTHER_LINE, 30_000_000)
    lend_on_pledge(world, "V-41", "07-01", secured=25_000_000, principal=20_000_000)
    world.parties[:] = [party for party in world.parties if party.party != 22]
    told = [row for row in found(world) if row[0] == "dossier_differs"]
    assert told == [("dossier_differs", (("party", "22"), ("dossier", "party")), "22", "")]


def test_the_proceeds_of_a_loan_on_a_pledge_with_another_sum_are_an_entry_without_payment() -> None:
    world = pledged_world()
    repost(world, "L-V-41", amount=Fen(20_000_002))
    (row,) = found(world)
    assert row[0] == "entry_without_payment"
    assert row[3] == "200,000.02"


def test_a_pledged_voucher_is_paid_to_pledgee_and_holder_and_both_banks_agree() -> None:
    world = pledged_world()
    settle_part(world, "V-41", "09-07", 25_000_000)
    end_pledge(world, PledgeState.SATISFIED, day("09-07"))
    world.rebook("V-41", status=LoanStatus.REPAID, repaid_on=day("09-07"))
    settle_part(world, "V-41", "09-09", 5_000_000, payee=20)
    assert world.voucher("V-41").state is VoucherState.ENDED
    assert found(world) == found(world, OTHER_BANK) == []


def test_a_bank_may_lend_on_a_voucher_and_buy_it_when_the_pledge_has_ended() -> None:
    world = clean_world()
    world.issue("V-44", 100_000, "11-20", line=OTHER_LINE)
    redraw(world, OTHER_LINE, 10_000_000)
    lend_on_pledge(world, "V-44", "06-01", secured=10_000_000, principal=9_000_000)
    world.rebook("V-44", status=LoanStatus.REPAID, repaid_on=day("07-01"))
    end_pledge(world, PledgeState.RELEASED, day("07-01"))
    world.buy("V-44", "07-02")
    assert found(world) == []
    world.books[BANK].loans.pop()
    assert found(world) == [("missing_in_book", (("voucher", "V-44"),), "100,000.00", "")]


def test_a_bank_that_bought_and_pledged_the_voucher_on_has_an_open_loan() -> None:
    world = clean_world()
    lend_on_pledge(world, "V-2", "07-01", secured=30_000_000, principal=30_000_000, pledgee=OTHER_BANK)
    world.post(BANK, "07-01", Direction.CREDIT, Fen(30_000_000), OTHER_BANK, "L-V-2")
    told = found(world)
    assert [row[0] for row in told] == [
        "entry_without_payment"
    ]  # its own borrowing is in no book that it gives
    assert told[0][3] == yuan(Fen(30_000_000))
    assert found(world, OTHER_BANK) == []
