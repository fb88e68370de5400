"""Many rows at once: on both databases just what the types of the columns say, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger.agreements import VoucherId
from ledger.row_writing import MANY, add, change
from ledger.store import Store, open_store
from ledger.tables import BlockRow, EventRow, InvoiceUseRow, LineRow, VoucherRow

HERE = "0x" + "aB" * 20
EVENT = ("contract", "block", "log_index", "tx_hash", "name", "subject", "data")
USES = ("contract", "payer", "fingerprint", "total", "used")
VOUCHERS = (
    "contract",
    "voucher",
    "face",
    "holder",
    "tier",
    "sequence",
    "locks",
    "funder",
    "pay_by",
    "ended_as",
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
        yield opened


def use(payer: int, *, total: int = 5, used: int = 1) -> tuple[Any, ...]:
    return HERE, payer, payer.to_bytes(32), total, used


def event(block: int, name: str) -> tuple[Any, ...]:
    return HERE, block, 0, "0x" + "cd" * 32, name, "0x" + "00" * 32, "0x"


def voucher(number: int, ended_as: str | None = None) -> tuple[Any, ...]:
    return HERE, VoucherId(number), 100, 7, 1, 1, 0, 0, 0, ended_as


def uses(store: Store) -> list[tuple[int, bytes, int, int]]:
    with store.reading() as session:
        rows = session.scalars(select(InvoiceUseRow).order_by(InvoiceUseRow.payer))
        return [(row.payer, row.fingerprint, row.total, row.used) for row in rows]


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["back\\slash", "tab\tor two", "new\nline"])
def test_plain_rows_are_written_as_they_are_or_not_at_all(store: Store, said: str) -> None:
    try:
        with store.writing() as session:
            add(session, EventRow, EVENT, [event(1, "Revoked"), event(2, said)], kept=True)
        wanted = {1: "Revoked", 2: said}
    except (ValueError, DBAPIError):
        wanted = {}
    with store.reading() as session:
        assert {row.block: row.name for row in session.scalars(select(EventRow))} == wanted


def test_a_row_that_is_there_already_is_an_error_and_nothing_is_written(store: Store) -> None:
    with store.writing() as session:
        add(session, InvoiceUseRow, USES, [use(1)])
    with pytest.raises(IntegrityError), store.writing() as session:
        add(session, InvoiceUseRow, USES, [use(2), use(1), use(3)])
    assert [row[0] for row in uses(store)] == [1]


def test_a_row_that_refers_to_nothing_is_an_error(store: Store) -> None:
    names: tuple[str, ...] = ("contract", "line", "bank", "issuer", "parent", "limit", "drawn", "expiry")
    names += ("smallest_part", "window", "grace", "countersign", "frozen", "sequence")
    row = (HERE, 2 << 32 | 1, 2, 10, 2 << 32 | 9, 1, 0, 1, 1, 1, 1, True, False, 1)
    with pytest.raises(IntegrityError), store.writing() as session:
        add(session, LineRow, names, [row])


# ---- what is written ---------------------------------------------------------------------------------------


def test_values_come_back_as_they_were_given(store: Store) -> None:
    odd = 'a\ttab, a "quote", a \\ and a\nline'[:16]
    with store.writing() as session:
        add(session, InvoiceUseRow, USES, [use(1, total=2**64 - 1, used=2**63), use(2)])
        add(session, VoucherRow, VOUCHERS, [voucher(5, odd), voucher(2**255, "\\N"), voucher(6)])
        add(session, BlockRow, ("number", "hash", "timestamp"), [(2**40, bytes(32), -5)])
    assert uses(store) == [(1, (1).to_bytes(32), 2**64 - 1, 2**63), (2, (2).to_bytes(32), 5, 1)]
    with store.reading() as session:
        rows = session.scalars(select(VoucherRow).order_by(VoucherRow.voucher)).all()
        assert [(row.voucher, row.ended_as) for row in rows] == [(5, odd), (6, None), (2**255, "\\N")]
        assert [(row.number, row.timestamp) for row in session.scalars(select(BlockRow))] == [(2**40, -5)]


@pytest.mark.parametrize("many", [1, MANY - 1, MANY, 3 * MANY])
def test_only_the_named_columns_of_the_named_rows_change(store: Store, many: int) -> None:
    with store.writing() as session:
        add(session, InvoiceUseRow, USES, [use(payer) for payer in range(many + 1)])
    for used in (2, 2**63 + 1):
        with store.writing() as session:
            changed = [(*use(payer)[:3], used) for payer in range(many)]
            change(session, InvoiceUseRow, ("contract", "payer", "fingerprint", "used"), changed, keys=3)
        found = uses(store)
        assert [(row[2], row[3]) for row in found] == [(5, used)] * many + [(5, 1)]
    with store.writing() as session:
        change(session, InvoiceUseRow, ("contract", "payer", "fingerprint"), [use(0)[:3]], keys=3)
        add(session, InvoiceUseRow, USES, [])
    assert len(uses(store)) == many + 1
