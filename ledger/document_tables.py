"""The tables of what organisations show each other, as SQLAlchemy 2 classes: documents, notices, letters.

    documents        one row per document, encrypted
    document_keys    who can open it: its key, wrapped for one organisation
    notices          what a holder has told the issuer that owes, and what shows when
    notice_proofs    what was said of a notice when, and a time-stamping authority's word on it
    letters          who may look at whose data, until when

Times are Unix seconds. Nothing here can be made again from the chain. No rule stands here: `ledger/negotiation/` has
them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ledger.agreements import VoucherId
from ledger.columns import ADDRESS, Base
from ledger.outbox_tables import SERIAL

_WAITING_STAMP = text("stamp is null")


class DocumentRow(Base):
    """A document of an organisation. `hash` is SHA-256 over `salt` and content, which an agreement may name.
    `destroyed_at`: its keys and its ciphertext are gone; what it was is still known."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("documents_by_id", "id", unique=True),
        Index("documents_by_organisation", "organisation", "number"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    who: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(100))
    media_type: Mapped[str] = mapped_column(String(40))
    length: Mapped[int] = mapped_column(Integer)
    hash: Mapped[bytes]
    salt: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(24))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[int]
    destroyed_at: Mapped[int | None]


class DocumentKeyRow(Base):
    """A document's key for one organisation."""

    __tablename__ = "document_keys"
    __table_args__ = (Index("document_keys_by_organisation", "organisation", "document"),)
    document: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("documents.number"), primary_key=True, autoincrement=False
    )
    organisation: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("organisations.number"), primary_key=True, autoincrement=False
    )
    wrapped: Mapped[str] = mapped_column(String(200))
    given_at: Mapped[int]


class NoticeRow(Base):
    """What a holder told the issuer. `hash`: of salt and text; `block`, `block_hash` and `journal` are the ledger's as
    they stood then. `received_at`: when somebody of the issuer said that it was read."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("notices_by_id", "id", unique=True),
        Index("notices_by_sender", "sender", "number"),
        Index("notices_by_debtor", "debtor", "number"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    contract: Mapped[str] = mapped_column(ADDRESS)
    voucher: Mapped[VoucherId]
    sender: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    debtor: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    text: Mapped[str] = mapped_column(String(2_000))
    salt: Mapped[str] = mapped_column(String(64))
    hash: Mapped[bytes]
    block: Mapped[int]
    block_hash: Mapped[bytes]
    journal: Mapped[bytes]
    sent_at: Mapped[int]
    received_at: Mapped[int | None]
    received_by: Mapped[str | None] = mapped_column(String(100))


class NoticeProofRow(Base):
    """A statement that a notice was sent, or acknowledged. `stamp`: an authority's time stamp over its bytes, the
    whole response of RFC 3161 in DER; NULL until there is one, as `stamped_at`, the second that it says."""

    __tablename__ = "notice_proofs"
    __table_args__ = (
        UniqueConstraint("notice", "act", name="notice_proofs_by_notice"),
        Index(
            "notice_proofs_waiting", "number", sqlite_where=_WAITING_STAMP, postgresql_where=_WAITING_STAMP
        ),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    notice: Mapped[int] = mapped_column(BigInteger, ForeignKey("notices.number"))
    act: Mapped[str] = mapped_column(String(16))
    statement: Mapped[str] = mapped_column(Text)
    stamp: Mapped[bytes | None] = mapped_column(LargeBinary)
    stamped_at: Mapped[int | None]


class LetterRow(Base):
    """A letter by which `organisation` lets `reader` look at its vouchers up to and including the day `last_day`."""

    __tablename__ = "letters"
    __table_args__ = (
        Index("letters_by_id", "id", unique=True),
        Index("letters_by_organisation", "organisation", "number"),
        Index("letters_by_reader", "reader", "number"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    reader: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    last_day: Mapped[int] = mapped_column(Integer)
    purpose: Mapped[str] = mapped_column(String(500))
    granted_at: Mapped[int]
    revoked_at: Mapped[int | None]
