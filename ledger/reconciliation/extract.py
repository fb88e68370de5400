"""A bank's reconciliation inputs out of an indexed database, a dossier and a folder of its books.

    chain_rows        every voucher, payment, move, pledge, invoice use and line of the ledgers, as plain values
    stated_block      up to which block, and which day, that is
    inputs_of         all that one bank's reconciliation needs

Reads only; nothing is compared here. A database follows several ledgers of one registry, the oldest first: without a
choice all of them are extracted, for a bank keeps one book over an old ledger that empties and the one that issues.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.agreements import PromiseId, VoucherId
from ledger.calendar import Day, date_of_day, day_of
from ledger.chain import Chain
from ledger.errors import ChainError, InputError
from ledger.money import Fen
from ledger.reconciliation.inputs import Dossier, Inputs
from ledger.reconciliation.on_chain import (
    ChainDraw,
    ChainInvoiceUse,
    ChainLine,
    ChainMove,
    ChainPayment,
    ChainPledge,
    ChainVoucher,
    Ended,
    PaymentPurpose,
    PaymentState,
    PledgeState,
    StatedBlock,
    VoucherState,
)
from ledger.statement import read_line_book, read_loan_book, read_statement
from ledger.store import Store, followed, pins
from ledger.tables import CursorRow, HistoryRow, InvoiceUseRow, LineRow, PaymentRow, PromiseRow, VoucherRow
from ledger.world import Lock, promise_of

_PURPOSES: Final = (PaymentPurpose.DISBURSEMENT, PaymentPurpose.SETTLEMENT)  # in the order of their numbers


@dataclass(frozen=True, slots=True)
class ChainRows:
    """Everything that the ledgers of a database have; payments, moves and pledges of each in chain order."""

    vouchers: tuple[ChainVoucher, ...]
    payments: tuple[ChainPayment, ...]
    lines: tuple[ChainLine, ...]
    pledges: tuple[ChainPledge, ...]
    invoice_uses: tuple[ChainInvoiceUse, ...]
    moves: tuple[ChainMove, ...]
    draws: tuple[ChainDraw, ...]


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
        pledges=rows.pledges,
        invoice_uses=rows.invoice_uses,
        moves=rows.moves,
        draws=rows.draws,
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
        begun = min((each.first_block for each in followed(session)), default=0)
    if len(reached) != 1:
        raise ChainError("the contracts are not followed to one block yet: index first")
    number, block_hash = reached.pop()
    if number < 0 or number > chain.height() or chain.block_hash(number) != block_hash:
        raise ChainError(f"block {number} is not the one that was followed: index first")
    today, first = (day_of(chain.block_timestamp(each)) for each in (number, min(begun, number)))
    return StatedBlock(number, block_hash, date_of_day(Day(today - 1)), begins_on=date_of_day(first))


def chain_rows(store: Store, contracts: Sequence[str] | None = None) -> ChainRows:
    """The rows of the ledgers named, or of every pinned one, the oldest first.

    InputError for a database without a ledger and for a contract that it does not follow as a ledger.
    """
    with store.reading() as session:
        if not followed(session):
            raise InputError("the database names no contract: index a ledger first")
        known = [str(pin.ledger) for pin in pins(session)]
        unknown = [contract for contract in contracts or () if contract not in known]
        if unknown:
            raise InputError(f"no ledger {unknown[0]} in this database: it has {', '.join(known)}")
        vouchers: list[ChainVoucher] = []
        payments: list[ChainPayment] = []
        lines: list[ChainLine] = []
        pledges: list[ChainPledge] = []
        invoice_uses: list[ChainInvoiceUse] = []
        moves: list[ChainMove] = []
        draws: list[ChainDraw] = []
        for contract in known:
            if contracts is not None and contract not in contracts:
                continue
            sales = _sales(session, contract)
            vouchers += _vouchers(session, contract, sales)
            payments += _payments(session, contract, sales)
            lines += _lines(session, contract)
            pledges += _pledges(session, contract)
            invoice_uses += _invoice_uses(session, contract)
            moves += _moves(session, contract)
            draws += _draws(session, contract)
    return ChainRows(
        tuple(vouchers),
        tuple(payments),
        tuple(lines),
        tuple(pledges),
        tuple(invoice_uses),
        tuple(moves),
        tuple(draws),
    )


_Place = tuple[int, int]
_Sales = dict[VoucherId, list[tuple[_Place, bytes]]]
"""Per voucher the places and quote hashes of its discounts, in chain order."""


def _sales(session: Session, contract: str) -> _Sales:
    sales: _Sales = {}
    for row in _history(session, contract, "Discounted"):
        sales.setdefault(row.voucher, []).append(((row.block, row.log_index), row.reference or b""))
    return sales


def _history(session: Session, contract: str, *names: str) -> Iterator[HistoryRow]:
    """What happened to the vouchers in chain order: the events named, or all of them."""
    query = select(HistoryRow).where(HistoryRow.contract == contract)
    if names:
        query = query.where(HistoryRow.name.in_(names))
    yield from session.scalars(query.order_by(HistoryRow.block, HistoryRow.log_index))


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
    last_days = {row.voucher: row.day for row in _history(session, contract)}
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
            overdue=bool(voucher.locks & Lock.OVERDUE),
            ended_on=_date(last_days[voucher.voucher]) if ended else None,
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


def _pledges(session: Session, contract: str) -> Iterator[ChainPledge]:
    """A pledge ends with the first later event that leaves its voucher without the lock."""
    for pledged in list(_history(session, contract, "VoucherPledged")):
        later = select(HistoryRow).where(
            HistoryRow.contract == contract,
            HistoryRow.voucher == pledged.voucher,
            HistoryRow.sequence > pledged.sequence,
        )
        steps = session.scalars(later.order_by(HistoryRow.block, HistoryRow.log_index))
        end = next((row for row in steps if not (row.locks or 0) & Lock.PLEDGE), None)
        released = end is not None and end.name == "PledgeReleased"
        state = PledgeState.RELEASED if released else PledgeState.SATISFIED
        yield ChainPledge(
            contract=contract,
            voucher=pledged.voucher,
            pledgee=pledged.party or 0,
            pledgor=pledged.holder or 0,
            secured=Fen(pledged.amount or 0),
            pledged_on=_date(pledged.day),
            state=PledgeState.IN_FORCE if end is None else state,
            ended_on=None if end is None else _date(end.day),
        )


def _moves(session: Session, contract: str) -> Iterator[ChainMove]:
    before: dict[VoucherId, HistoryRow] = {}
    for row in _history(session, contract):
        if row.holder is None:
            continue
        was = before.get(row.voucher)
        if was is not None and was.holder and row.holder != was.holder:
            yield ChainMove(
                contract=contract,
                voucher=row.voucher,
                giver=was.holder,
                receiver=row.holder,
                moved_on=_date(row.day),
                overdue=bool((was.locks or 0) & Lock.OVERDUE),
            )
        before[row.voucher] = row


def _draws(session: Session, contract: str) -> Iterator[ChainDraw]:
    lines: dict[PromiseId, int] = {}
    for promise in session.scalars(select(PromiseRow).where(PromiseRow.contract == contract)):
        lines[promise.promise] = promise.line
        yield ChainDraw(
            contract=contract,
            line=promise.line,
            drawn_on=_date(promise.issued_on),
            amount=Fen(promise.face),
        )
    released = [
        (row.voucher, row.ended_on or 0, row.amount)
        for row in session.scalars(select(PaymentRow).where(PaymentRow.contract == contract))
        if row.fate == "completed" and _PURPOSES[row.purpose] is PaymentPurpose.SETTLEMENT
    ]
    released += [(row.voucher, row.day, row.amount or 0) for row in _history(session, contract, "Cancelled")]
    for voucher, ended_on, amount in released:
        yield ChainDraw(
            contract=contract,
            line=lines[promise_of(voucher)],
            drawn_on=_date(ended_on),
            amount=Fen(-amount),
        )


def _invoice_uses(session: Session, contract: str) -> Iterator[ChainInvoiceUse]:
    used: dict[tuple[PromiseId, int, bytes], int] = {}
    for row in _history(session, contract, "InvoiceUsed", "InvoiceReturned"):
        key = promise_of(row.voucher), row.party or 0, row.reference or b""
        amount = row.amount or 0
        used[key] = used.get(key, 0) + (amount if row.name == "InvoiceUsed" else -amount)
    totals = {
        (row.payer, row.fingerprint): row.total
        for row in session.scalars(select(InvoiceUseRow).where(InvoiceUseRow.contract == contract))
    }
    for (promise, payer, fingerprint), amount in used.items():
        yield ChainInvoiceUse(
            contract=contract,
            promise=promise,
            payer=payer,
            fingerprint=fingerprint,
            amount=Fen(amount),
            total=Fen(totals[payer, fingerprint]),
        )


def _date(day: int) -> date:
    return date_of_day(Day(day))
