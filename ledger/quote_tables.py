"""The tables of prices that are asked for and given, as SQLAlchemy 2 classes.

    quote_requests   a holder asks for a price on a voucher, or on an amount of it
    quote_asked      whom it asks
    quotes           what each of them offers: one row per funder and request, replaced until the deadline
    offers_in_order  an offer that makes sense only after another: both go out together

Nothing of a quote stands in the request's row, and a quote has no running number: whoever sees his own rows alone
learns nothing of how many others there are. Times are Unix seconds, days China-time day numbers, amounts fen. What
became of a sale stands in offers, outbox and rows, and nowhere else. No rule stands here: `ledger/negotiation/` has
them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.agreements import VoucherId
from ledger.columns import ADDRESS, Base, Fens
from ledger.outbox_tables import SERIAL


class QuoteRequestRow(Base):
    """A holder's question. `sequence` and `face` are the voucher's when it was asked; `amount` below `face` is a part.

    `value_day`: when the holder wants its cash. `deadline`: until then quotes come in, from then on they are seen.
    """

    __tablename__ = "quote_requests"
    __table_args__ = (
        Index("quote_requests_by_id", "id", unique=True),
        Index("quote_requests_by_asker", "organisation", "number"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    contract: Mapped[str] = mapped_column(ADDRESS)
    voucher: Mapped[VoucherId]
    sequence: Mapped[int]
    face: Mapped[int] = mapped_column(Fens)
    amount: Mapped[int] = mapped_column(Fens)
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    party: Mapped[int]
    who: Mapped[str] = mapped_column(String(100))
    value_day: Mapped[int] = mapped_column(Integer)
    deadline: Mapped[int]
    created_at: Mapped[int]
    cancelled_at: Mapped[int | None]


class QuoteAskedRow(Base):
    """A funder that is asked."""

    __tablename__ = "quote_asked"
    __table_args__ = (Index("quote_asked_by_funder", "funder", "request"),)
    request: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("quote_requests.number"), primary_key=True, autoincrement=False
    )
    funder: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class QuoteRow(Base):
    """A funder's present quote on a request.

    `quote` and `salt` make `hash`, which the agreement names. `expires_at` and `pay_by` are the agreement's; `consent`
    is the funder's to it, NULL where it has to be given after acceptance. `interest`: where the issuer bears interest
    and has not signed for it before, asked, agreed or declined. `offer`: the sale that it was last accepted as.
    """

    __tablename__ = "quotes"
    __table_args__ = (
        Index("quotes_by_id", "id", unique=True),
        Index("quotes_by_offer", "offer"),
        Index("quotes_by_funder", "organisation", "request"),
        Index("quotes_by_issuer", "issuer", "request"),
    )
    request: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("quote_requests.number"), primary_key=True, autoincrement=False
    )
    funder: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    who: Mapped[str] = mapped_column(String(100))
    quote: Mapped[str] = mapped_column(Text)
    salt: Mapped[str] = mapped_column(String(64))
    hash: Mapped[bytes]
    pay_by: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[int]
    consent: Mapped[str | None] = mapped_column(Text)
    made: Mapped[str | None] = mapped_column(String(12))
    withdrawn: Mapped[bool]
    version: Mapped[int] = mapped_column(Integer)
    given_at: Mapped[int]
    issuer: Mapped[int | None]
    interest: Mapped[str | None] = mapped_column(String(12))
    interest_who: Mapped[str | None] = mapped_column(String(100))
    interest_at: Mapped[int | None]
    offer: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("offers.number"))


class OfferInOrderRow(Base):
    """`second` cannot happen before `first`, and `first` is for its sake: neither goes out before both are signed."""

    __tablename__ = "offers_in_order"
    __table_args__ = (Index("offers_in_order_by_first", "first", unique=True),)
    second: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("offers.number"), primary_key=True, autoincrement=False
    )
    first: Mapped[int] = mapped_column(BigInteger, ForeignKey("offers.number"))
