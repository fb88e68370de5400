"""What looks like a disagreement of chain and books and is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ledger.money import Fen
from ledger.reconciliation import (
    DossierReference,
    Ended,
    PaymentPurpose,
    PaymentState,
    VoucherState,
    reconcile,
    reference_hash,
)
from ledger.statement import Direction, LoanStatus
from tests.ledger.reconciling import (
    drop_entry,
    drop_loan,
    entry_of,
    found,
    loan_ids,
    repay,
    repost,
)
from tests.ledger.two_banks import (
    ACCOUNTS,
    BANK,
    CUT_OFF,
    ISSUER,
    LINE,
    OTHER_BANK,
    OTHER_ISSUER,
    OTHER_LINE,
    SUB_LINE,
    World,
    clean_world,
    day,
)

# Near misses


def test_one_fen_of_stated_tolerance_is_not_reported_and_without_it_is() -> None:
    world = clean_world()
    world.rebook("V-2", principal=Fen(50_000_001))
    repost(world, "D-V-2", amount=Fen(entry_of(world, "D-V-2").amount - 1))
    assert found(world) == []
    assert [row[0] for row in found(world, tolerance_fen=0)] == ["amount", "amount"]


def test_a_payment_posted_on_the_next_working_day_is_not_reported() -> None:
    world = clean_world()
    assert day("08-28").weekday() == 4
    assert entry_of(world, "S-V-5").booked_on == day("08-31")
    assert found(world) == []
    drop_entry(world, "S-V-5")
    assert [row[0] for row in found(world)] == ["payment_without_entry"]


def test_a_payment_whose_posting_window_is_still_open_at_the_cut_off_is_not_reported() -> None:
    world = clean_world()
    repay(world, "D-V-3", value_on=CUT_OFF, asserted_on=CUT_OFF)
    world.rebook("V-3", booked_on=CUT_OFF)
    drop_entry(world, "D-V-3")
    assert found(world) == []


def test_a_loan_booked_on_the_value_day_of_an_asserted_disbursement_is_not_reported_nor_asked_for() -> None:
    world = clean_world()
    assert any(loan.voucher == "V-3" for loan in world.books[BANK].loans)
    assert found(world) == []
    drop_loan(world, "V-3")
    assert found(world) == []


def test_a_loan_repaid_while_its_settlement_is_asserted_is_not_reported_nor_is_an_open_one() -> None:
    world = clean_world()
    loan = next(loan for loan in world.books[BANK].loans if loan.voucher == "V-4")
    assert (loan.status, world.voucher("V-4").state) == (LoanStatus.REPAID, VoucherState.LIVE)
    assert found(world) == []
    world.rebook("V-4", status=LoanStatus.OPEN, repaid_on=None)
    assert found(world) == []


def test_a_line_book_that_shows_a_settlement_on_the_pay_day_or_later_is_not_reported() -> None:
    world = clean_world()
    lines = world.books[OTHER_BANK].lines
    assert world.lines[-1].drawn - lines[0].used == world.voucher("V-4").face
    assert found(world, OTHER_BANK) == []
    lines[0] = replace(lines[0], used=world.lines[-1].drawn)
    assert found(world, OTHER_BANK) == []


def test_names_that_differ_in_width_and_blanks_alone_are_the_same_party() -> None:
    world = clean_world()
    world.rebook("V-2", borrower="东方轴承（苏州） 有限公司")
    repost(world, "D-V-2", counterparty="东方轴承（苏州）有限公司")
    assert found(world) == []


def test_a_due_day_rolled_to_the_day_that_the_quote_names_is_not_reported() -> None:
    world = clean_world()
    world.issue("V-30", 20_000, "10-31")  # a Saturday
    world.change("V-30", due_on=day("11-02"))
    world.buy("V-30", "09-01")
    world.change("V-30", due_on=day("10-31"))
    world.lines[0] = replace(world.lines[0], drawn=Fen(world.lines[0].drawn + 20_000_00))
    line = world.books[BANK].lines[0]
    world.books[BANK].lines[0] = replace(line, used=world.lines[0].drawn)
    assert found(world) == []
    world.rebook("V-30", due_on=day("11-03"))
    assert found(world) == [("due_day", loan_ids("V-30"), "2026-10-31", "2026-11-03")]


def test_a_voucher_paid_in_part_may_stand_in_the_book_at_its_first_or_its_present_face() -> None:
    world = clean_world()
    world.change("V-2", face=Fen(30_000_000))
    assert found(world) == []
    world.rebook("V-2", principal=Fen(30_000_000))
    assert found(world) == []
    world.rebook("V-2", principal=Fen(29_000_000))
    assert found(world) == [("amount", loan_ids("V-2", "principal"), "500,000.00", "290,000.00")]


def test_a_voucher_sold_on_is_a_closed_loan_and_may_be_closed_from_the_sale_s_value_day() -> None:
    world = clean_world()
    world.pay(
        "V-2",
        PaymentPurpose.DISBURSEMENT,
        asserter=OTHER_BANK,
        payee=BANK,
        value="09-14",
        reference="D-sale",
        state=PaymentState.ASSERTED,
    )
    repay(world, "D-sale", quote_hash=b"q" * 32)  # the other bank's quote is not opened
    world.post(BANK, "09-14", Direction.CREDIT, Fen(49_800_000), OTHER_BANK, "D-sale")
    assert found(world) == []
    world.rebook("V-2", status=LoanStatus.REPAID, repaid_on=day("09-14"))
    assert found(world) == []
    repay(world, "D-sale", state=PaymentState.COMPLETED, completed_on=day("09-17"))
    world.change("V-2", holder=OTHER_BANK)
    assert found(world) == []
    world.rebook("V-2", status=LoanStatus.OPEN, repaid_on=None)
    assert found(world) == [("status_chain_ahead", loan_ids("V-2"), "passed on", "open")]


def test_a_funder_paid_by_the_three_party_settlement_on_the_due_day_has_a_repaid_loan() -> None:
    world = clean_world()
    repay(world, "D-V-1", state=PaymentState.REPLACED)
    assert found(world) == []


def test_entries_without_a_reference_are_found_by_amount_party_and_day() -> None:
    world = clean_world()
    repost(world, "D-V-2", reference="")
    assert found(world) == []


def test_a_payment_in_two_instalments_under_one_reference_is_not_reported() -> None:
    world = clean_world()
    entry = entry_of(world, "D-V-2")
    repost(world, "D-V-2", amount=Fen(entry.amount - 1000))
    world.books[BANK].entries.append(replace(entry, entry_id="E-rest", amount=Fen(1000)))
    assert found(world) == []


def test_what_happened_on_chain_after_the_cut_off_is_not_held_against_the_book() -> None:
    world = clean_world()
    later = date(2026, 9, 21)
    repay(world, "D-V-3", state=PaymentState.COMPLETED, completed_on=later)
    world.change("V-3", state=VoucherState.LIVE, holder=BANK, funder=0)
    drop_loan(world, "V-3")
    inputs = replace(world.inputs(), block=replace(world.inputs().block, as_of=later))
    assert reconcile(inputs).breaks == ()


def test_a_statement_of_a_few_days_is_not_asked_for_what_came_before() -> None:
    world = clean_world()
    world.books[BANK].entries[:] = [
        entry for entry in world.books[BANK].entries if entry.booked_on >= day("09-01")
    ]
    assert found(world) != []
    assert reconcile(replace(world.inputs(), statement_from=day("09-01"))).breaks == ()


def test_another_bank_s_dossier_entries_are_not_judged() -> None:
    world = clean_world()
    place = next(n for n, row in enumerate(world.references) if row.reference == "S-V-5")
    world.references[place] = replace(world.references[place], reference="other")
    assert found(world, OTHER_BANK) == []
    assert [row[0] for row in found(world)] == ["dossier_differs"]


def redraw(world: World, line: int, by: int) -> None:
    place = next(place for place, row in enumerate(world.lines) if row.line == line)
    world.lines[place] = replace(world.lines[place], drawn=Fen(world.lines[place].drawn + by))


def test_a_loan_open_at_the_cut_off_whose_settlement_completes_later_is_not_reported() -> None:
    world = clean_world()
    later = date(2026, 9, 22)
    repay(world, "S-V-4", state=PaymentState.COMPLETED, completed_on=later)
    world.change("V-4", state=VoucherState.ENDED, ended_as=Ended.SETTLED)
    world.rebook("V-4", status=LoanStatus.OPEN, repaid_on=None)
    inputs = world.inputs()
    assert reconcile(replace(inputs, block=replace(inputs.block, as_of=later))).breaks == ()
    repay(world, "S-V-4", completed_on=day("09-18"))
    assert found(world) == [("status_chain_ahead", loan_ids("V-4"), "settled", "open")]


def test_a_loan_on_a_voucher_that_was_split_up_may_be_open_or_repaid() -> None:
    world = clean_world()
    world.change("V-2", state=VoucherState.ENDED, ended_as=Ended.SPLIT)
    assert found(world) == []
    world.rebook("V-2", status=LoanStatus.REPAID, repaid_on=day("09-10"))
    assert found(world) == []


def test_a_settlement_of_a_part_does_not_excuse_a_loan_that_is_booked_as_repaid() -> None:
    world = clean_world()
    world.change("V-4", face=Fen(world.voucher("V-4").face + 1_000_00))
    assert found(world) == [("status_book_ahead", loan_ids("V-4"), "live", "repaid")]


def test_money_that_comes_from_the_core_enterprise_s_own_account_is_not_reported() -> None:
    world = clean_world()
    repost(world, "S-V-1", counterparty=ACCOUNTS[ISSUER])
    assert found(world) == []
    repost(world, "S-V-1", counterparty=ACCOUNTS[OTHER_ISSUER])
    assert [row[0] for row in found(world)] == ["party"]


def test_of_two_payments_under_one_reference_the_younger_may_not_be_posted_yet() -> None:
    world = clean_world()
    drop_entry(world, "D-V-3")
    world.rebook("V-3", booked_on=CUT_OFF)
    salt = b"s" * 32
    hashed = reference_hash("D-V-2", salt)
    repay(world, "D-V-3", value_on=CUT_OFF, asserted_on=CUT_OFF, reference_hash=hashed)
    place = next(place for place, row in enumerate(world.references) if row.reference == "D-V-3")
    world.references[place] = DossierReference("D-V-2", salt, hashed)
    assert found(world) == []


def test_a_parent_line_too_may_show_the_settlement_of_a_sub_line_on_the_pay_day() -> None:
    world = clean_world()
    repay(world, "S-V-7", state=PaymentState.ASSERTED, completed_on=None)
    world.change("V-7", state=VoucherState.LIVE, ended_as=Ended.NOT)
    for line in (LINE, SUB_LINE):
        redraw(world, line, world.voucher("V-7").face)
    assert found(world) == []


def test_of_two_settlements_under_way_the_line_book_may_lack_the_one_that_can_still_be_posted() -> None:
    world = clean_world()
    world.issue("V-24", 33_000, "09-18", line=OTHER_LINE)
    world.settle("V-24", "09-18", state=PaymentState.ASSERTED)
    redraw(world, OTHER_LINE, 33_000_00)
    lines = world.books[OTHER_BANK].lines
    assert found(world, OTHER_BANK) == []  # both are booked
    lines[0] = replace(lines[0], used=Fen(lines[0].used + 33_000_00))
    assert found(world, OTHER_BANK) == []  # the younger is not
    lines[0] = replace(lines[0], used=Fen(lines[0].used + 2))
    ids = (("line", "3-5"), ("field", "used"))
    assert [row[:2] for row in found(world, OTHER_BANK)] == [("line_usage", ids)]
