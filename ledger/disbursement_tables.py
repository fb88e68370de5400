"""The tables of what a funder is about to pay out, as SQLAlchemy 2 classes.

    disbursement_runs    payments that somebody has prepared together and somebody else releases
    disbursement_items   one payment each: the price of a voucher, to its seller

    prepared → released → exported          a run; prepared and released ones can be cancelled
    waiting → paid | rejected | cancelled   an item; what the bank's own system says moves it

That a payment was asserted on chain stands in offers, outbox and rows, and nowhere else; whether a run has come to its
end follows from its items. Times are Unix seconds, days China-time day numbers, amounts fen. No rule stands here:
`ledger/negotiation/` has them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.agreements import VoucherId
from ledger.columns import ADDRESS, Base, Fens
from ledger.outbox_tables import SERIAL

_LIVE: Final = text("state in ('waiting', 'paid')")


class DisbursementRunRow(Base):
    """A run. `debtor` and `debtor_account`: whose money it is. `count` and `total` are what the maker stated and the
    items come to. `released_at` and all after it NULL: not yet. `reason`: why it was cancelled."""

    __tablename__ = "disbursement_runs"
    __table_args__ = (
        Index("disbursement_runs_by_id", "id", unique=True),
        Index("disbursement_runs_by_organisation", "organisation", "number"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    party: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    value_day: Mapped[int] = mapped_column(Integer)
    debtor: Mapped[str] = mapped_column(String(200))
    debtor_account: Mapped[str] = mapped_column(String(64))
    count: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(Fens)
    version: Mapped[int] = mapped_column(Integer)
    prepared_by: Mapped[str] = mapped_column(String(100))
    prepared_at: Mapped[int]
    released_by: Mapped[str | None] = mapped_column(String(100))
    released_at: Mapped[int | None]
    exported_by: Mapped[str | None] = mapped_column(String(100))
    exported_at: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(Text)


class DisbursementItemRow(Base):
    """A payment. `sequence` and `quote` are the voucher's when it was prepared, `amount` the price that the quote makes
    of its face. `end_to_end` names it to the bank's own systems. `paid_on` and `bank_reference` are what these
    answered, `reason` why they did not pay; `offer` is the assertion that was made of it."""

    __tablename__ = "disbursement_items"
    __table_args__ = (
        Index("disbursement_items_by_name", "end_to_end", unique=True),
        Index(
            "disbursement_items_once",
            "contract",
            "voucher",
            "sequence",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
    )
    run: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("disbursement_runs.number"), primary_key=True, autoincrement=False
    )
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    contract: Mapped[str] = mapped_column(ADDRESS)
    voucher: Mapped[VoucherId]
    sequence: Mapped[int]
    quote: Mapped[bytes]
    payee: Mapped[int]
    payee_name: Mapped[str] = mapped_column(String(200))
    account: Mapped[str] = mapped_column(String(64))
    amount: Mapped[int] = mapped_column(Fens)
    pay_by: Mapped[int] = mapped_column(Integer)
    filing: Mapped[str] = mapped_column(String(40))
    end_to_end: Mapped[str] = mapped_column(String(35))
    state: Mapped[str] = mapped_column(String(12))
    paid_on: Mapped[int | None] = mapped_column(Integer)
    bank_reference: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str | None] = mapped_column(Text)
    offer: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("offers.number"))
