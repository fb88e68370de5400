"""N rows of the books for M of the chain: totals per due day, balanced or not, and what is no group."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.money import Fen
from ledger.reconciliation import Kind, PaymentState
from ledger.statement import BookedLoan, Direction
from tests.ledger.reconciling import (
    drop_entry,
    drop_loan,
    entry_of,
    found,
    repay,
    repost,
    the_break,
)
from tests.ledger.two_banks import (
    ACCOUNTS,
    BANK,
    ISSUER,
    NAMES,
    OTHER_BANK,
    OTHER_ISSUER,
    OTHER_LINE,
    World,
    clean_world,
    day,
)

PAID = ("V-12", "V-14", "V-16")
"""Due and paid by bank 3 to bank 2 on 2026-08-14: 120,050, 140,050 and 160,050 yuan."""
SUM = 42_015_000


def totals(
    world: World, *amounts: int, numbers: tuple[str, ...] = PAID, reference: str = "T-0814", **fields: object
) -> None:
    """The receipts of one day posted as totals, under references that no payment has."""
    old = [drop_entry(world, f"S-{number}") for number in numbers]
    for place, amount in enumerate(amounts, start=1):
        named = {"entry_id": f"E-T{place}", "reference": f"{reference}-{place}"} | fields
        world.books[BANK].entries.append(replace(old[0], amount=Fen(amount), **named))  # type: ignore[arg-type]


def group(*rows: tuple[str, str], when: str = "2026-08-14") -> tuple[tuple[str, str], ...]:
    return (("day", when), *rows)


RECEIPTS = tuple(("reference", f"S-{number}") for number in PAID)


def loans_of(world: World, *numbers: str) -> list[BookedLoan]:
    return [loan for loan in world.books[BANK].loans if loan.voucher in numbers]


def one_loan(
    world: World, number: str, principal: int, *, instead_of: tuple[str, ...] = ("V-13", "V-19")
) -> None:
    """Vouchers of one borrower and due day booked as one loan; V-13 has 130,050 yuan, V-19 190,050."""
    model = loans_of(world, *instead_of)[0]
    for each in instead_of:
        drop_loan(world, each)
    world.books[BANK].loans.append(replace(model, loan_no="L-T", voucher=number, principal=Fen(principal)))


# Entries


def test_one_total_for_the_payments_of_a_day_is_one_balanced_group() -> None:
    world = clean_world()
    totals(world, SUM)
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.GROUP_BALANCED, group(("entry", "E-T1"), *RECEIPTS))
    assert (row.expected, row.found, row.difference, row.unit) == ("420,150.00", "420,150.00", 0, "fen")
    assert row.age == 35
    assert "totals" in row.likely_cause.en


def test_two_totals_for_three_payments_are_one_balanced_group_also_with_the_issuer_as_payer() -> None:
    world = clean_world()
    totals(world, 20_000_000, SUM - 20_000_000, counterparty=ACCOUNTS[ISSUER])
    assert found(world) == [
        ("group_balanced", group(("entry", "E-T1"), ("entry", "E-T2"), *RECEIPTS), "420,150.00", "420,150.00")
    ]


def test_a_total_without_a_reference_posted_the_next_working_day_is_a_balanced_group_too() -> None:
    world = clean_world()
    totals(world, SUM, reference="", booked_on=day("08-17"), value_on=day("08-17"))
    repost(world, "-1", reference="")
    assert [row[0] for row in found(world)] == ["group_balanced"]


def test_a_total_under_the_reference_of_one_of_its_payments_is_a_balanced_group() -> None:
    world = clean_world()
    for number in PAID[1:]:
        drop_entry(world, f"S-{number}")
    repost(world, "S-V-12", amount=Fen(SUM))
    entry = entry_of(world, "S-V-12").entry_id
    assert found(world) == [
        ("group_balanced", group(("entry", entry), *RECEIPTS), "420,150.00", "420,150.00")
    ]


def test_a_fen_of_tolerance_per_payment_is_a_balanced_group_and_more_is_an_unbalanced_one() -> None:
    for off, kind in ((3, "group_balanced"), (4, "group_unbalanced"), (-4, "group_unbalanced")):
        world = clean_world()
        totals(world, SUM + off)
        assert [row[0] for row in found(world)] == [kind]


@pytest.mark.parametrize(("off", "cause"), [(-5_000, "too small"), (5_000, "too large")])
def test_a_total_with_charges_taken_off_or_something_besides_is_one_unbalanced_group(
    off: int, cause: str
) -> None:
    world = clean_world()
    totals(world, SUM + off)
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.GROUP_UNBALANCED, group(("entry", "E-T1"), *RECEIPTS))
    assert (row.expected, row.difference) == ("420,150.00", off)
    assert cause in row.likely_cause.en


def test_a_total_paid_out_without_naming_anybody_is_a_balanced_group_over_all_payees() -> None:
    world = clean_world()
    world.issue("V-42", 80_000, "08-28", line=OTHER_LINE, holder=21)
    world.settle("V-42", "08-28")
    model = entry_of(world, "S-V-1", OTHER_BANK)
    for number in ("V-1", "V-42"):  # to bank 2 and to supplier 21
        drop_entry(world, f"S-{number}", OTHER_BANK)
    total = replace(model, entry_id="E-T", amount=Fen(108_000_000), counterparty="", reference="批量兑付0828")
    world.books[OTHER_BANK].entries.append(total)
    ids = group(("entry", "E-T"), ("reference", "S-V-1"), ("reference", "S-V-42"), when="2026-08-28")
    assert found(world, OTHER_BANK) == [("group_balanced", ids, "1,080,000.00", "1,080,000.00")]
    world.books[OTHER_BANK].entries[-1] = replace(total, counterparty=NAMES[OTHER_BANK])
    assert found(world, OTHER_BANK) == [("group_balanced", ids, "1,080,000.00", "1,080,000.00")]
    world.books[OTHER_BANK].entries[-1] = replace(total, amount=Fen(107_999_000))
    assert [row[0] for row in found(world, OTHER_BANK)] == [
        "entry_without_payment",
        "payment_without_entry",
        "payment_without_entry",
    ]


def test_two_entries_for_two_payments_that_meet_in_sum_alone_are_a_balanced_group() -> None:
    world = clean_world()
    totals(world, 10_000_000, 16_010_002, numbers=PAID[:2])
    assert [row[0] for row in found(world)] == ["group_balanced"]


def test_a_group_leaves_alone_what_is_wrong_or_right_beside_it_on_the_same_day() -> None:
    world = clean_world()
    totals(world, SUM)
    repost(world, "S-V-18", amount=Fen(18_006_000))
    repost(world, "S-V-20", reference="")
    assert [row[0] for row in found(world)] == ["amount", "group_balanced"]
    ids = group(("entry", "E-T1"), *RECEIPTS)
    assert found(world)[1] == ("group_balanced", ids, "420,150.00", "420,150.00")


# Loans


def test_one_loan_for_the_vouchers_of_a_due_day_is_one_balanced_group() -> None:
    world = clean_world()
    one_loan(world, "V-13+V-19", 32_010_000)
    row = the_break(world)
    ids = group(("loan", "L-T"), ("voucher", "V-13"), ("voucher", "V-19"), when="2026-11-12")
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.GROUP_BALANCED,
        ids,
        "320,100.00",
        "320,100.00",
    )
    assert row.suggested_repair.en == "book one loan per voucher"


def test_one_loan_under_the_number_of_one_of_its_vouchers_or_with_the_issuer_as_borrower_is_a_group_too() -> (
    None
):
    world = clean_world()
    one_loan(world, "V-13", 32_010_000)
    assert [row[0] for row in found(world)] == ["group_balanced"]
    world = clean_world()
    one_loan(world, "1112", 32_010_000)
    world.books[BANK].loans[-1] = replace(world.books[BANK].loans[-1], borrower=NAMES[ISSUER])
    assert [row[0] for row in found(world)] == ["group_balanced"]


def test_one_loan_that_lacks_a_little_is_one_unbalanced_group() -> None:
    world = clean_world()
    one_loan(world, "1112", 32_000_000)
    ids = group(("loan", "L-T"), ("voucher", "V-13"), ("voucher", "V-19"), when="2026-11-12")
    assert found(world) == [("group_unbalanced", ids, "320,100.00", "320,000.00")]


# What is no group


def test_one_entry_for_one_payment_is_no_group_whatever_its_sum() -> None:
    world = clean_world()
    totals(world, SUM, numbers=("V-12",))
    assert [row[0] for row in found(world)] == ["entry_without_payment", "payment_without_entry"]


def test_a_total_for_one_payment_that_names_nobody_is_no_group() -> None:
    world = clean_world()
    totals(world, 12_005_000, numbers=("V-12",), counterparty="")
    assert [row[0] for row in found(world)] == ["entry_without_payment", "payment_without_entry"]


def test_a_total_that_is_off_by_half_or_more_is_no_group() -> None:
    for amount, kinds in ((SUM // 2, 4), (SUM // 2 + 1, 1)):
        world = clean_world()
        totals(world, amount)
        assert len(found(world)) == kinds


@pytest.mark.parametrize(
    "other",
    [
        {"counterparty": ACCOUNTS[OTHER_ISSUER]},
        {"counterparty": "无名商贸有限公司"},
        {"value_on": day("08-21"), "booked_on": day("08-21")},
        {"direction": Direction.DEBIT},
    ],
)
def test_a_total_of_another_party_day_or_side_is_no_group(other: dict[str, object]) -> None:
    world = clean_world()
    totals(world, SUM)
    repost(world, "T-0814-1", **other)
    assert [row[0] for row in found(world)] == ["entry_without_payment"] + ["payment_without_entry"] * 3


def test_entries_that_meet_their_payments_one_to_one_are_no_group_though_their_sums_would_agree() -> None:
    world = clean_world()
    for number in PAID:
        repost(world, f"S-{number}", reference="")
    assert found(world) == []


def test_two_payments_whose_amounts_were_exchanged_are_two_amounts_and_no_group() -> None:
    world = clean_world()
    first, second = entry_of(world, "S-V-12"), entry_of(world, "S-V-14")
    repost(world, "S-V-12", amount=second.amount)
    repost(world, "S-V-14", amount=first.amount)
    assert [row[0] for row in found(world)] == ["amount", "amount"]


def test_a_wrong_amount_and_a_missing_entry_of_one_day_are_two_disagreements() -> None:
    world = clean_world()
    drop_entry(world, "S-V-12")
    repost(world, "S-V-14", amount=Fen(1))
    assert [row[0] for row in found(world)] == ["amount", "payment_without_entry"]


def test_a_loan_that_no_voucher_explains_and_one_that_is_missing_are_two_disagreements() -> None:
    world = clean_world()
    one_loan(world, "V-99", 5_000_000, instead_of=("V-13",))
    assert found(world) == [
        ("missing_in_book", (("voucher", "V-13"),), "130,050.00", ""),
        ("missing_on_chain", (("loan", "L-T"), ("voucher", "V-99")), "", "50,000.00"),
    ]


def test_a_total_of_payments_that_are_only_asserted_is_a_balanced_group() -> None:
    world = clean_world()
    for number in PAID:
        repay(world, f"S-{number}", state=PaymentState.ASSERTED)
    totals(world, SUM)
    kinds = [row[0] for row in found(world)]
    assert kinds.count("group_balanced") == 1
    assert "asserted_not_in_statement" not in kinds


def test_of_a_group_the_order_of_rows_makes_no_difference() -> None:
    world = clean_world()
    totals(world, 20_000_000, SUM - 20_000_000)
    one_loan(world, "1112", 32_000_000)
    first = found(world)
    world.books[BANK].entries.reverse()
    world.books[BANK].loans.reverse()
    assert found(world) == first
    assert [row[0] for row in first] == ["group_balanced", "group_unbalanced"]


def test_a_loan_with_another_obligor_is_in_no_group_of_this_one() -> None:
    world = clean_world()
    one_loan(world, "V-13", 32_010_000)
    world.rebook("V-13", obligor=NAMES[OTHER_ISSUER])
    assert [row[0] for row in found(world)] == ["missing_in_book", "amount", "party"]
