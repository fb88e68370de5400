"""The tables of what parties negotiate, as SQLAlchemy 2 classes: agreements that not all have signed yet.

    offers       one row per agreement that somebody has proposed
    signatures   whose consents it wants, in their order, and those that are there
    openings     what the hashes in agreements stand for, each with its salt
    waiting_transfers   vouchers for enterprises that are not admitted yet

What became of an offer that all have signed stands in the outbox, and nowhere else. Times are Unix seconds. Nothing
here can be made again from the chain. No rule stands here: `ledger/negotiation/` has them.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ledger.agreements import LineId, VoucherId
from ledger.columns import ADDRESS, Base, Fens
from ledger.outbox_tables import SERIAL

_OPEN: Final = text("status in ('open', 'recalling', 'complete')")
_BINDS: Final = text("line is not null and not closed")
_BINDS_PARENT: Final = text("parent is not null and not closed")


class OfferRow(Base):
    """An agreement that is offered. Once all have signed, `item` is its number in the outbox.

    `status`: open, recalling (waits for the revocation `recalled_by`), complete (all have signed: the outbox says what
    became of it), declined, expired, recalled. `closed`: what became of it is for good and need not be asked again.
    `line`, `parent` and `face` are those of an issue, which they keep reserved; `root` is the voucher that it makes.
    `voucher` is the one that it changes.
    """

    __tablename__ = "offers"
    __table_args__ = (
        Index("offers_by_id", "id", unique=True),
        Index("offers_once", "contract", "digest", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("offers_by_line", "contract", "line", sqlite_where=_BINDS, postgresql_where=_BINDS),
        Index(
            "offers_by_parent",
            "contract",
            "parent",
            sqlite_where=_BINDS_PARENT,
            postgresql_where=_BINDS_PARENT,
        ),
        Index("offers_by_voucher", "contract", "voucher"),
        Index("offers_by_maker", "organisation", "number"),
        Index("offers_by_expiry", "status", "expires_at"),
        Index("offers_by_item", "item"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    contract: Mapped[str] = mapped_column(ADDRESS)
    ledger: Mapped[str] = mapped_column(ADDRESS)
    verb: Mapped[str] = mapped_column(String(32))
    agreement: Mapped[dict[str, Any]] = mapped_column(JSON)
    issued: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    digest: Mapped[bytes]
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    who: Mapped[str] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(12))
    closed: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[int]
    version: Mapped[int] = mapped_column(Integer)
    item: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("outbox.number"))
    recalled_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("offers.number"))
    line: Mapped[LineId | None]
    parent: Mapped[LineId | None]
    face: Mapped[int | None] = mapped_column(Fens)
    root: Mapped[VoucherId | None]
    voucher: Mapped[VoucherId | None]
    created_at: Mapped[int]
    changed_at: Mapped[int]
    signatures: Mapped[list[SignatureRow]] = relationship(order_by="SignatureRow.place", lazy="selectin")
    """In the order of the call; they come with every offer that is read."""


class SignatureRow(Base):
    """One consent that an offer wants, from a party, at its place in the call. `consent` NULL: not there yet.

    `made`: custodial (by a key that this installation keeps) or outside; `who` gave it in the party's name.
    """

    __tablename__ = "signatures"
    __table_args__ = (Index("signatures_by_party", "party", "offer"),)
    offer: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("offers.number"), primary_key=True, autoincrement=False
    )
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    party: Mapped[int]
    consent: Mapped[str | None] = mapped_column(Text)
    made: Mapped[str | None] = mapped_column(String(12))
    who: Mapped[str | None] = mapped_column(String(100))
    signed_at: Mapped[int | None]


class OpeningRow(Base):
    """What a hash on chain stands for. `kind`: terms, reason, reference, order, invoice, profile, quote. `content` and
    `salt` make the hash again. `organisation`: whose it is."""

    __tablename__ = "openings"
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    salt: Mapped[str] = mapped_column(String(64))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))


class WaitingTransferRow(Base):
    """A transfer to an enterprise that was invited and is not admitted yet. `invitation` names the enterprise; `ended`:
    an offer was made of it, or `problem` says why none was, or it was withdrawn. `invoices`: number, amount, total."""

    __tablename__ = "waiting_transfers"
    __table_args__ = (
        UniqueConstraint("id", name="waiting_transfers_by_id"),
        Index("waiting_transfers_by_organisation", "organisation", "number"),
        Index("waiting_transfers_by_invitation", "invitation"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    who: Mapped[str] = mapped_column(String(100))
    voucher: Mapped[VoucherId]
    invitation: Mapped[bytes] = mapped_column(ForeignKey("invitations.token"))
    invoices: Mapped[list[Any]] = mapped_column(JSON)
    sign_then: Mapped[bool]
    expires_at: Mapped[int]
    ended: Mapped[bool]
    offer: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("offers.number"))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[int]
