"""What both sides have, but not on days that go together; what is asserted and not yet in the statement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ledger.reconciliation import Break, Kind, PaymentState, Reconciliation, reconcile
from ledger.statement import LoanStatus
from tests.ledger.reconciling import drop_entry, found, loan_ids, repay, repost, the_break
from tests.ledger.two_banks import BANK, CUT_OFF, OTHER_BANK, World, clean_world, day

LATER = date(2026, 9, 22)


def with_a_later_chain(world: World) -> Reconciliation:
    inputs = world.inputs()
    return reconcile(replace(inputs, block=replace(inputs.block, as_of=LATER)))


def days(row: Break) -> tuple[object, ...]:
    return row.kind, row.ids, row.expected, row.found, row.difference, row.unit


# Entries


@pytest.mark.parametrize(
    ("fields", "expected", "off"),
    [
        ({"booked_on": day("05-13")}, "2026-05-12", 1),
        ({"booked_on": day("05-10"), "value_on": day("05-10")}, "2026-05-11", -1),
    ],
)
def test_an_entry_posted_outside_its_window_is_a_matter_of_timing(
    fields: dict[str, object], expected: str, off: int
) -> None:
    world = clean_world()
    repost(world, "D-V-2", **fields)
    row = the_break(world)
    assert days(row) == (
        *(Kind.TIMING, (("reference", "D-V-2"),)),
        *(expected, str(fields["booked_on"]), off, "days"),
    )
    assert row.context[0][0] == "entry"


def test_an_entry_posted_after_the_cut_off_is_a_matter_of_timing_if_its_window_was_over_before() -> None:
    world = clean_world()
    repost(world, "S-V-4", booked_on=date(2026, 9, 21))  # of 2026-09-15, may be posted until the 16th
    row = the_break(world)
    assert days(row) == (Kind.TIMING, (("reference", "S-V-4"),), "2026-09-16", "2026-09-21", 5, "days")
    world = clean_world()
    repay(world, "D-V-3", value_on=CUT_OFF)
    world.rebook("V-3", booked_on=CUT_OFF)
    repost(world, "D-V-3", booked_on=date(2026, 9, 20), value_on=CUT_OFF)  # a Sunday that is worked
    assert found(world) == []


def test_an_entry_booked_within_the_cut_off_for_a_payment_of_a_later_day_is_a_matter_of_timing() -> None:
    world = clean_world()
    repay(world, "D-V-3", value_on=date(2026, 9, 21))
    world.rebook("V-3", booked_on=date(2026, 9, 21))
    assert [row.kind for row in with_a_later_chain(world).breaks] == [Kind.TIMING]
    repost(world, "D-V-3", value_on=date(2026, 9, 21))  # posted early under its right value day
    assert with_a_later_chain(world).clean


# Loans


@pytest.mark.parametrize(("number", "booked_on"), [("V-3", "09-15"), ("V-2", "05-10")])
def test_a_loan_booked_before_the_value_day_of_its_payment_is_a_matter_of_timing(
    number: str, booked_on: str
) -> None:
    world = clean_world()
    world.rebook(number, booked_on=day(booked_on))
    row = the_break(world)
    assert (row.kind, row.ids) == (Kind.TIMING, loan_ids(number, "booked_on"))
    assert row.difference == -1


def test_a_loan_booked_on_the_value_day_of_an_assertion_that_was_asserted_anew_is_not_reported() -> None:
    world = clean_world()
    repay(world, "D-V-6", value_on=day("06-15"))
    repost(world, "D-V-6", booked_on=day("06-15"), value_on=day("06-15"))
    assert found(world) == []
    world.rebook("V-6", booked_on=day("06-09"))
    assert [row[:2] for row in found(world)] == [("timing", loan_ids("V-6", "booked_on"))]


def test_a_loan_booked_after_the_cut_off_is_a_matter_of_timing_if_it_was_disbursed_before() -> None:
    world = clean_world()
    world.rebook("V-2", booked_on=LATER)
    row = the_break(world)
    assert days(row)[:4] == (Kind.TIMING, loan_ids("V-2", "booked_on"), "2026-09-18", "2026-09-22")
    world = clean_world()
    world.rebook("V-3", booked_on=LATER)  # only asserted by then
    assert found(world) == []


def test_a_loan_closed_before_the_value_day_of_its_settlement_is_a_matter_of_timing() -> None:
    for number, repaid_on, value_on in (("V-4", "09-14", "2026-09-15"), ("V-1", "08-27", "2026-08-28")):
        world = clean_world()
        world.rebook(number, repaid_on=day(repaid_on))
        row = the_break(world)
        assert days(row)[1:5] == (
            loan_ids(number, "repaid_on"),
            value_on,
            f"2026-{repaid_on}",
            -1,
        )


def test_a_loan_closed_within_the_cut_off_by_a_settlement_of_a_later_day_is_a_matter_of_timing() -> None:
    world = clean_world()
    repay(world, "S-V-4", value_on=LATER, state=PaymentState.ASSERTED)
    for bank in (BANK, OTHER_BANK):
        drop_entry(world, "S-V-4", bank)
    (row,) = with_a_later_chain(world).breaks
    assert days(row)[1:5] == (loan_ids("V-4", "repaid_on"), "2026-09-22", "2026-09-15", -7)


def test_a_loan_closed_after_the_cut_off_is_a_matter_of_timing_if_it_was_settled_before() -> None:
    world = clean_world()
    world.rebook("V-1", repaid_on=LATER)
    row = the_break(world)
    assert days(row)[1:4] == (loan_ids("V-1", "repaid_on"), "2026-09-18", "2026-09-22")
    world = clean_world()
    world.rebook("V-2", status=LoanStatus.REPAID, repaid_on=LATER)  # live, and not yet repaid at the cut-off
    assert found(world) == []
    world.rebook("V-2", repaid_on=CUT_OFF)
    assert found(world) == [("status_book_ahead", loan_ids("V-2"), "live", "repaid")]


@pytest.mark.parametrize("repaid_on", ["08-28", "08-31", "09-04"])
def test_a_loan_closed_on_the_value_day_or_when_the_chain_has_completed_it_is_not_reported(
    repaid_on: str,
) -> None:
    world = clean_world()
    world.rebook("V-1", repaid_on=day(repaid_on))
    assert found(world) == []


# Asserted, but not in the statement


def test_what_this_bank_asserted_and_did_not_pay_is_asserted_but_not_in_the_statement() -> None:
    world = clean_world()
    entry = drop_entry(world, "S-V-4", OTHER_BANK)
    row = reconcile(world.inputs(OTHER_BANK)).breaks[0]
    assert (row.kind, row.ids) == (Kind.ASSERTED_NOT_IN_STATEMENT, (("reference", "S-V-4"),))
    assert (row.expected, row.found, row.difference) == ("250,000.00", "", -entry.amount)
    assert "withdraw" in row.suggested_repair.en


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (PaymentState.ASSERTED, "asserted_not_in_statement"),
        (PaymentState.CONFIRMED, "payment_without_entry"),
    ],
)
def test_once_it_is_agreed_a_payment_without_an_entry_is_no_longer_only_asserted(
    state: PaymentState, kind: str
) -> None:
    world = clean_world()
    repay(world, "S-V-4", state=state)
    drop_entry(world, "S-V-4")
    assert [row[0] for row in found(world)] == [kind]
    drop_entry(world, "S-V-1")  # completed
    assert ("payment_without_entry", (("reference", "S-V-1"),), "1,000,000.00", "") in found(world)


def test_what_can_still_be_posted_is_not_asked_for() -> None:
    world = clean_world()
    for bank in (BANK, OTHER_BANK):
        drop_entry(world, "S-V-4", bank)
    repay(world, "S-V-4", value_on=CUT_OFF)
    world.rebook("V-4", repaid_on=CUT_OFF)
    assert found(world) == found(world, OTHER_BANK) == []
