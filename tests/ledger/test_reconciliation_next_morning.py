"""A bank reconciles yesterday's books in the morning, when the chain has gone on: what came after the cut-off is no
break. And when a loan may be closed whose voucher the bank has passed on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ledger.errors import InputError
from ledger.money import Fen
from ledger.reconciliation import (
    ChainDraw,
    ChainMove,
    Ended,
    Inputs,
    Kind,
    PaymentState,
    Reconciliation,
    VoucherState,
    reconcile,
)
from ledger.statement import LoanStatus
from tests.ledger.reconciling import loan_ids, redraw, repay, settle_part
from tests.ledger.two_banks import (
    BANK,
    CUT_OFF,
    LEDGER,
    LINE,
    OTHER_BANK,
    OTHER_LINE,
    SUB_LINE,
    World,
    clean_world,
    day,
)

LATER = date(2026, 9, 22)
LATE = "V-40"


def in_the_morning(
    world: World, bank: int = BANK, *, draws: list[ChainDraw], moves: list[ChainMove]
) -> Inputs:
    inputs = world.inputs(bank)
    return replace(inputs, block=replace(inputs.block, as_of=LATER), draws=draws, moves=moves)


def asked(
    world: World,
    bank: int = BANK,
    *,
    draws: list[ChainDraw] | None = None,
    moves: list[ChainMove] | None = None,
) -> Reconciliation:
    return reconcile(in_the_morning(world, bank, draws=draws or [], moves=moves or []))


def kinds(result: Reconciliation) -> list[Kind]:
    return [row.kind for row in result.breaks]


def drawn(line: int, yuan: int, on: date = LATER) -> ChainDraw:
    return ChainDraw(contract=LEDGER, line=line, drawn_on=on, amount=Fen(yuan * 100))


def gone_on(world: World, line: int, yuan: int) -> None:
    """So much (yuan) more is drawn of a line on chain; the book is of the day before."""
    place = next(place for place, row in enumerate(world.lines) if row.line == line)
    world.lines[place] = replace(world.lines[place], drawn=Fen(world.lines[place].drawn + yuan * 100))


def recourse(on: date, *, giver: int = BANK, receiver: int = 21, overdue: bool = True) -> ChainMove:
    voucher = clean_world_size() << 96
    return ChainMove(
        contract=LEDGER, voucher=voucher, giver=giver, receiver=receiver, moved_on=on, overdue=overdue
    )


def clean_world_size() -> int:
    """The place of the first voucher that a test adds."""
    return len(clean_world().vouchers) + 1


def overdue_world() -> World:
    """V-40 over 200,000.00 was due on 2026-08-20 and has been declared overdue; bank 2 has 80,000.00 of it."""
    world = clean_world()
    world.issue(LATE, 200_000, "08-20", line=OTHER_LINE, holder=21)
    world.buy(LATE, "05-11")
    world.change(LATE, overdue=True)
    redraw(world, OTHER_LINE, 20_000_000)
    settle_part(world, LATE, "09-07", 8_000_000)
    return world


# Refusals


def test_books_of_a_day_before_the_chain_began_are_refused() -> None:
    inputs = clean_world().inputs()
    begun = replace(inputs.block, begins_on=CUT_OFF)
    assert reconcile(replace(inputs, block=begun)).clean
    begun = replace(inputs.block, begins_on=date(2026, 9, 19))
    with pytest.raises(InputError, match=r"begins on 2026-09-19, after the books' cut-off 2026-09-18"):
        replace(inputs, block=begun)


def test_a_move_of_a_voucher_that_is_not_in_the_extract_is_refused() -> None:
    with pytest.raises(InputError, match=r"a move on voucher .*, but not that voucher"):
        replace(clean_world().inputs(), moves=[recourse(LATER)])


# What came after the cut-off


@pytest.mark.parametrize("line", [LINE, SUB_LINE])
def test_what_was_issued_after_the_cut_off_is_not_yet_in_the_line_book(line: int) -> None:
    world = clean_world()
    gone_on(world, LINE, 50_000)
    if line == SUB_LINE:
        gone_on(world, SUB_LINE, 50_000)
    assert asked(world, draws=[drawn(line, 50_000)]).clean
    asked_of_day = asked(world, draws=[drawn(line, 50_000, CUT_OFF)])
    assert kinds(asked_of_day) == [Kind.LINE_USAGE] * (2 if line == SUB_LINE else 1)


def test_a_line_book_that_has_what_was_issued_after_its_cut_off_is_reported() -> None:
    world = clean_world()
    redraw(world, LINE, 5_000_000)
    (row,) = asked(world, draws=[drawn(LINE, 50_000)]).breaks
    assert (row.kind, row.difference) == (Kind.LINE_USAGE, 5_000_000)


def test_what_was_cancelled_after_the_cut_off_is_still_in_use_and_its_loan_still_open() -> None:
    world = clean_world()
    ended = {"state": VoucherState.ENDED, "ended_as": Ended.CANCELLED}
    world.change("V-2", **ended, ended_on=LATER)
    gone_on(world, LINE, -500_000)
    assert asked(world, draws=[drawn(LINE, -500_000)]).clean
    world.change("V-2", ended_on=CUT_OFF)
    assert kinds(asked(world, draws=[drawn(LINE, -500_000)])) == [Kind.STATUS_CHAIN_AHEAD]


@pytest.mark.parametrize("booked", [True, False])
def test_a_settlement_of_the_last_day_that_completes_later_may_be_released_in_the_line_book_or_not(
    booked: bool,
) -> None:
    world = clean_world()
    repay(world, "S-V-4", state=PaymentState.COMPLETED, completed_on=LATER)
    face = world.voucher("V-4").face
    world.change("V-4", state=VoucherState.ENDED, ended_as=Ended.SETTLED, ended_on=LATER)
    gone_on(world, OTHER_LINE, -face // 100)
    lines = world.books[OTHER_BANK].lines
    if not booked:
        lines[0] = replace(lines[0], used=Fen(lines[0].used + face))
    assert asked(world, OTHER_BANK, draws=[drawn(OTHER_LINE, -face // 100)]).clean


def test_a_settlement_of_a_day_after_the_cut_off_is_still_in_use() -> None:
    world = clean_world()
    repay(world, "S-V-4", state=PaymentState.COMPLETED, completed_on=LATER, value_on=LATER)
    face = world.voucher("V-4").face
    world.change("V-4", state=VoucherState.ENDED, ended_as=Ended.SETTLED, ended_on=LATER)
    gone_on(world, OTHER_LINE, -face // 100)
    (row,) = [
        row
        for row in asked(world, OTHER_BANK, draws=[drawn(OTHER_LINE, -face // 100)]).breaks
        if row.kind is Kind.LINE_USAGE
    ]
    assert row.difference == -face


def test_a_voucher_given_back_after_the_cut_off_is_an_open_loan_of_its_day() -> None:
    world = overdue_world()
    world.change(LATE, holder=21)
    assert asked(world, moves=[recourse(LATER)]).clean
    assert kinds(asked(world, moves=[recourse(CUT_OFF)])) == [Kind.STATUS_CHAIN_AHEAD]


# A voucher that was passed on


@pytest.mark.parametrize(("overdue", "cause"), [(True, "recourse"), (False, "sold or passed back")])
def test_a_loan_left_open_is_not_told_to_be_closed_by_what_the_next_holder_was_paid(
    overdue: bool, cause: str
) -> None:
    world = overdue_world()
    world.change(LATE, holder=21)
    settle_part(world, LATE, "09-16", 12_000_000, payee=21)
    assert world.voucher(LATE).ended_as is Ended.SETTLED
    (row,) = asked(world, moves=[recourse(day("09-14"), overdue=overdue)]).breaks
    assert (row.kind, row.ids, row.expected, row.found) == (
        Kind.STATUS_CHAIN_AHEAD,
        loan_ids(LATE),
        "passed on",
        "open",
    )
    assert cause in row.likely_cause.en
    assert "receipt" not in row.suggested_repair.en
    assert row.age == 4


@pytest.mark.parametrize(
    ("repaid_on", "off"), [("06-30", -76), ("09-13", -1), ("09-14", None), ("09-16", None)]
)
def test_a_loan_is_not_closed_before_the_day_on_which_its_voucher_was_given_back(
    repaid_on: str, off: int | None
) -> None:
    world = overdue_world()
    world.change(LATE, holder=21)
    world.rebook(LATE, status=LoanStatus.REPAID, repaid_on=day(repaid_on))
    breaks = asked(world, moves=[recourse(day("09-14"))]).breaks
    told = [(row.kind, row.ids, row.expected, row.found, row.difference) for row in breaks]
    ids = loan_ids(LATE, "repaid_on")
    assert told == ([] if off is None else [(Kind.TIMING, ids, "2026-09-14", f"2026-{repaid_on}", off)])
    for row in breaks:
        assert "still held it then" in row.likely_cause.en
    world.rebook(LATE, status=LoanStatus.WRITTEN_OFF)
    assert asked(world, moves=[recourse(day("09-14"))]).clean


def test_what_a_voucher_did_before_the_bank_bought_it_says_nothing_of_its_loan() -> None:
    world = overdue_world()
    before = recourse(day("05-02"), overdue=False)
    world.rebook(LATE, status=LoanStatus.REPAID, repaid_on=day("09-14"))
    world.change(LATE, holder=21)
    assert asked(world, moves=[before, recourse(day("09-14"))]).clean
    assert asked(world, moves=[before]).clean
