"""What the reconciliation tests share: ask, find a row, change a row."""

from __future__ import annotations

from dataclasses import replace

from ledger.calendar import DayCount
from ledger.money import Fen, parse_rate
from ledger.reconciliation import (
    Break,
    ChainPledge,
    Ended,
    PaymentPurpose,
    PaymentState,
    VoucherState,
    reconcile,
)
from ledger.statement import BookedLoan, Direction, LoanStatus, StatementEntry
from tests.ledger.two_banks import BANK, NAMES, World, day

Found = tuple[str, tuple[tuple[str, str], ...], str, str]


def found(world: World, bank: int = BANK, *, tolerance_fen: int = 1) -> list[Found]:
    result = reconcile(world.inputs(bank, tolerance_fen=tolerance_fen))
    return [(row.kind.value, row.ids, row.expected, row.found) for row in result.breaks]


def the_break(world: World, bank: int = BANK) -> Break:
    breaks = reconcile(world.inputs(bank)).breaks
    assert len(breaks) == 1, breaks
    return breaks[0]


def loan_ids(number: str, field: str | None = None) -> tuple[tuple[str, str], ...]:
    ids = (("loan", f"L-{number}"), ("voucher", number))
    return ids if field is None else (*ids, ("field", field))


def drop_loan(world: World, number: str) -> None:
    world.books[BANK].loans[:] = [loan for loan in world.books[BANK].loans if loan.voucher != number]


def entry_of(world: World, reference: str, bank: int = BANK) -> StatementEntry:
    return next(entry for entry in world.books[bank].entries if entry.reference == reference)


def repost(world: World, reference: str, bank: int = BANK, /, **fields: object) -> None:
    entry = entry_of(world, reference, bank)
    entries = world.books[bank].entries
    entries[entries.index(entry)] = replace(entry, **fields)  # type: ignore[arg-type]


def drop_entry(world: World, reference: str, bank: int = BANK) -> StatementEntry:
    entry = entry_of(world, reference, bank)
    world.books[bank].entries.remove(entry)
    return entry


def repay(world: World, reference: str, **fields: object) -> None:
    """Change the payment on chain that carries a reference."""
    hashed = next(row.hash for row in world.references if row.reference == reference)
    place = next(n for n, payment in enumerate(world.payments) if payment.reference_hash == hashed)
    world.payments[place] = replace(world.payments[place], **fields)  # type: ignore[arg-type]


def settle_part(
    world: World,
    number: str,
    value: str,
    amount: int,
    *,
    payee: int = BANK,
    state: PaymentState = PaymentState.COMPLETED,
) -> str:
    """The line's bank pays a part (fen) of a voucher, the payee's account shows it; the payment's reference."""
    voucher = world.voucher(number)
    reference = f"S-{number}-{payee}-{value}"
    world.pay(
        number,
        PaymentPurpose.SETTLEMENT,
        asserter=voucher.bank,
        payee=payee,
        value=value,
        reference=reference,
        state=state,
        amount=amount,
    )
    for bank, direction, other in (
        (voucher.bank, Direction.DEBIT, payee),
        (payee, Direction.CREDIT, voucher.bank),
    ):
        if bank in world.books and voucher.bank != payee:
            world.post(bank, value, direction, Fen(amount), other, reference)
    if state is PaymentState.COMPLETED:
        left = Fen(voucher.face - amount)
        ended = {"state": VoucherState.ENDED, "ended_as": Ended.SETTLED} if left == 0 else {}
        world.change(number, face=left, **ended)
        redraw(world, voucher.line, -amount)
    return reference


def redraw(world: World, line: int, by: int) -> None:
    """Line and line book have so much (fen) more in use."""
    place = next(place for place, row in enumerate(world.lines) if row.line == line)
    world.lines[place] = replace(world.lines[place], drawn=Fen(world.lines[place].drawn + by))
    booked = world.books[line >> 32].lines
    at = next(at for at, row in enumerate(booked) if row.line == f"{line >> 32}-{line & 0xFF}")
    booked[at] = replace(booked[at], used=Fen(booked[at].used + by))


def lend_on_pledge(
    world: World, number: str, start: str, *, secured: int, principal: int, pledgee: int = BANK
) -> None:
    """A holder pledges its voucher to a bank, which books a loan and pays it out under the loan's number."""
    voucher = world.voucher(number)
    world.pledges.append(
        ChainPledge(
            contract=voucher.contract,
            voucher=voucher.voucher,
            pledgee=pledgee,
            pledgor=voucher.holder,
            secured=Fen(secured),
            pledged_on=day(start),
        )
    )
    book_on_pledge(world, number, start, principal=principal, loan_no=f"L-{number}", bank=pledgee)
    world.post(pledgee, start, Direction.DEBIT, Fen(principal), voucher.holder, f"L-{number}")


def book_on_pledge(
    world: World, number: str, start: str, *, principal: int, loan_no: str, bank: int = BANK
) -> None:
    voucher = world.voucher(number)
    world.books[bank].loans.append(
        BookedLoan(
            *(loan_no, NAMES[bank], number, NAMES[voucher.holder], NAMES[voucher.issuer]),
            *(Fen(principal), Fen(principal), Fen(0), parse_rate("4.35"), DayCount.ACT_360),
            *(day(start), day("12-31"), LoanStatus.OPEN, None),
        )
    )
