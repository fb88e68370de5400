"""The tables of invoices that money was lent on, as SQLAlchemy 2 classes: to find out when that happens twice.

    invoices        one row per invoice and bank
    invoice_marks   several keyed hashes of each (`ledger.invoice_marks`), by which like ones are found

Two banks that have the same invoice have a row each and see their own only. Times are Unix seconds, days China-time day
numbers, amounts fen. No rule stands here: `ledger/negotiation/` has them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.columns import Base, Fens
from ledger.outbox_tables import SERIAL


class InvoiceRow(Base):
    """An invoice of one bank. `payer`: the credit code of who is to pay it, or `party N`. `fingerprint`: what
    stands for it on chain, where it was offered under a line of the bank; it counts once it is used there.
    `lent`: the bank said itself that it lent on it. `issued_on` NULL: not known."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("bank", "payer", "invoice", name="invoices_once"),
        Index("invoices_by_fingerprint", "fingerprint"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    bank: Mapped[int]
    payer: Mapped[str] = mapped_column(String(24))
    invoice: Mapped[str] = mapped_column(String(100))
    total: Mapped[int] = mapped_column(Fens)
    issued_on: Mapped[int | None] = mapped_column(Integer)
    fingerprint: Mapped[bytes | None]
    lent: Mapped[bool]
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    noted_at: Mapped[int]


class InvoiceMarkRow(Base):
    """One mark of an invoice."""

    __tablename__ = "invoice_marks"
    mark: Mapped[bytes] = mapped_column(primary_key=True)
    invoice: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("invoices.number"), primary_key=True, autoincrement=False
    )
