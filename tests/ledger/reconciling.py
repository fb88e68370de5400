"""What the reconciliation tests share: ask, find a row, change a row."""

from __future__ import annotations

from dataclasses import replace

from ledger.reconciliation import Break, reconcile
from ledger.statement import StatementEntry
from tests.ledger.two_banks import BANK, World

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
