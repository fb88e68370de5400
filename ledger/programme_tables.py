"""The tables of an issuer's programmes, as SQLAlchemy 2 classes.

    programmes          one row per programme
    programme_versions  its terms, one row per version; a version never changes
    reviews             promises that want a second pair of eyes before the issuer signs, and whose they were

Which version a promise was made under is said by what its terms' hash stands for, and stands in no row here. Times are
Unix seconds. No rule stands here: `ledger/negotiation/` has them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.columns import Base
from ledger.outbox_tables import SERIAL


class ProgrammeRow(Base):
    """A programme of an issuer. `closed`: nothing is promised under it any more."""

    __tablename__ = "programmes"
    __table_args__ = (
        UniqueConstraint("id", name="programmes_by_id"),
        UniqueConstraint("organisation", "name", name="programmes_by_name"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    name: Mapped[str] = mapped_column(String(100))
    closed: Mapped[bool]
    version: Mapped[int] = mapped_column(Integer)


class ProgrammeVersionRow(Base):
    """The terms of one version, as `programme_terms.to_json` writes them; `who` put it in force."""

    __tablename__ = "programme_versions"
    programme: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("programmes.number"), primary_key=True, autoincrement=False
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    who: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[int]


class ReviewRow(Base):
    """An offered promise that a reviewer has to look at. `maker` offered it; `reviewer` NULL: nobody has looked yet."""

    __tablename__ = "reviews"
    __table_args__ = (Index("reviews_by_organisation", "organisation", "reviewer"),)
    offer: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("offers.number"), primary_key=True, autoincrement=False
    )
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    maker: Mapped[str] = mapped_column(String(100))
    reviewer: Mapped[str | None] = mapped_column(String(100))
    reviewed_at: Mapped[int | None]
