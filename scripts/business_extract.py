"""A bank's reconciliation inputs out of an indexed database, a dossier file and a folder of its books.

    chain_rows        every voucher, payment and line that a database has, as plain values
    stated_block      up to which block, and which day, that is
    inputs_of         all that one bank's reconciliation needs

Reads only; nothing is compared here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import VoucherId
from ledger.calendar import Day, date_of_day, day_of
from ledger.chain import Chain
from ledger.errors import ChainError, InputError
from ledger.money import Fen
from ledger.reconciliation import (
    ChainLine,
    ChainPayment,
    ChainVoucher,
    Dossier,
    Ended,
    Inputs,
    PaymentPurpose,
    PaymentState,
    StatedBlock,
    VoucherState,
)
from ledger.statement import read_line_book, read_loan_book, read_statement
from ledger.store import Store, followed, pins
from ledger.tables import CursorRow, HistoryRow, LineRow, PaymentRow, PromiseRow, VoucherRow
from ledger.world import Lock

_PURPOSES: Final = (PaymentPurpose.DISBURSEMENT, PaymentPurpose.SETTLEMENT)  # in the order of their numbers


@dataclass(frozen=True, slots=True)
class ChainRows:
    """Everything that the ledgers of a database have, payments in chain order."""

    vouchers: tuple[ChainVoucher, ...]
    payments: tuple[ChainPayment, ...]
    lines: tuple[ChainLine, ...]


def inputs_of(
    bank: int, *, rows: ChainRows, block: StatedBlock, dossier: Dossier, books: Path, cut_off: date
) -> Inputs:
    """The inputs of one bank, whose loan_book.csv, statement.csv and line_book.csv lie in `books`.

    FileError for books that cannot be read, InputError for inputs that do not belong together.
    """
    return Inputs(
        bank=bank,
        block=block,
        cut_off=cut_off,
        vouchers=rows.vouchers,
        payments=rows.payments,
        lines=rows.lines,
        dossier=dossier,
        loan_book=read_loan_book(books / "loan_book.csv"),
        statement=read_statement(books / "statement.csv"),
        line_book=read_line_book(books / "line_book.csv"),
    )


def stated_block(store: Store, chain: Chain) -> StatedBlock:
    """The last followed block. Its own day is not over, so what is stated holds for the day before it.

    ChainError where the contracts are followed to different blocks, or the chain has another such block.
    """
    with store.reading() as session:
        reached = {(row.block, row.block_hash) for row in session.scalars(select(CursorRow))}
    if len(reached) != 1:
        raise ChainError("the contracts are not followed to one block yet: index first")
    number, block_hash = reached.pop()
    if number < 0 or number > chain.height() or chain.block_hash(number) != block_hash:
        raise ChainError(f"block {number} is not the one that was followed: index first")
    return StatedBlock(number, block_hash, date_of_day(Day(day_of(chain.block_timestamp(number)) - 1)))


def chain_rows(store: Store) -> ChainRows:
    """The rows of every pinned ledger, the oldest first."""
    with store.reading() as session:
        if not followed(session):
            raise InputError("the database names no contract: index a ledger first")
        vouchers, payments, lines = [], [], []
        for pin in pins(session):
            sales = _sales(session, pin.ledger)
            vouchers += list(_vouchers(session, pin.ledger, sales))
            payments += list(_payments(session, pin.ledger, sales))
            lines += list(_lines(session, pin.ledger))
    return ChainRows(tuple(vouchers), tuple(payments), tuple(lines))


_Place = tuple[int, int]
_Sales = dict[VoucherId, list[tuple[_Place, bytes]]]
"""Per voucher the places and quote hashes of its discounts, in chain order."""


def _sales(session: Session, contract: str) -> _Sales:
    sales: _Sales = {}
    query = select(HistoryRow).where(HistoryRow.contract == contract, HistoryRow.name == "Discounted")
    for row in session.scalars(query.order_by(HistoryRow.block, HistoryRow.log_index)):
        sales.setdefault(row.voucher, []).append(((row.block, row.log_index), row.reference or b""))
    return sales


def _vouchers(session: Session, contract: str, sales: _Sales) -> Iterator[ChainVoucher]:
    query = (
        select(VoucherRow, PromiseRow, LineRow)
        .join(
            PromiseRow,
            (PromiseRow.contract == VoucherRow.contract) & (PromiseRow.promise == VoucherRow.promise),
        )
        .join(LineRow, (LineRow.contract == PromiseRow.contract) & (LineRow.line == PromiseRow.line))
        .where(VoucherRow.contract == contract)
        .order_by(VoucherRow.voucher)
    )
    for voucher, promise, line in session.execute(query):
        ended = voucher.face == 0
        discounted = bool(voucher.locks & Lock.DISCOUNT)
        yield ChainVoucher(
            contract=contract,
            voucher=voucher.voucher,
            promise=promise.promise,
            line=promise.line,
            bank=line.bank,
            issuer=promise.issuer,
            holder=voucher.holder,
            face=Fen(voucher.face),
            due_on=_date(promise.due_day),
            tier=voucher.tier,
            state=VoucherState.ENDED
            if ended
            else VoucherState.DISCOUNTED
            if discounted
            else VoucherState.LIVE,
            ended_as=Ended(voucher.ended_as or "") if ended else Ended.NOT,
            funder=voucher.funder if discounted else 0,
            quote_hashes=tuple(quote for _, quote in sales.get(voucher.voucher, [])),
        )


def _payments(session: Session, contract: str, sales: _Sales) -> Iterator[ChainPayment]:
    # A payment's row has the sequence that its assertion gave the voucher, and so has the history.
    query = (
        select(PaymentRow, HistoryRow.block, HistoryRow.log_index)
        .join(
            HistoryRow,
            (HistoryRow.contract == PaymentRow.contract)
            & (HistoryRow.voucher == PaymentRow.voucher)
            & (HistoryRow.sequence == PaymentRow.sequence),
        )
        .where(PaymentRow.contract == contract, HistoryRow.name == "PaymentAsserted")
        .order_by(HistoryRow.block, HistoryRow.log_index)
    )
    for row, block, log_index in session.execute(query):
        purpose = _PURPOSES[row.purpose]
        quotes = [quote for place, quote in sales.get(row.voucher, []) if place < (block, log_index)]
        disburses = purpose is PaymentPurpose.DISBURSEMENT
        yield ChainPayment(
            contract=contract,
            voucher=row.voucher,
            purpose=purpose,
            asserter=row.asserter,
            payee=row.payee,
            amount=Fen(row.amount),
            value_on=_date(row.value_day),
            reference_hash=row.payment_reference,
            asserted_on=_date(row.asserted_on),
            state=PaymentState(row.fate),
            face_at_assertion=Fen(row.face),
            completed_on=_date(row.ended_on or 0) if row.fate == "completed" else None,
            quote_hash=quotes[-1] if disburses and quotes else b"",
        )


def _lines(session: Session, contract: str) -> Iterator[ChainLine]:
    for row in session.scalars(select(LineRow).where(LineRow.contract == contract).order_by(LineRow.line)):
        yield ChainLine(
            contract=contract,
            line=row.line,
            bank=row.bank,
            issuer=row.issuer,
            limit=Fen(row.limit),
            drawn=Fen(row.drawn),
            expires_on=_date(row.expiry),
            parent=row.parent or 0,
            frozen=row.frozen,
        )


def _date(day: int) -> date:
    return date_of_day(Day(day))
