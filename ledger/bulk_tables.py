"""The tables of promises that an issuer offers by a file, as SQLAlchemy 2 classes.

    bulk_runs      one row per file that was taken
    bulk_promises  its promises, with the offer that was made of each, or why none was

Times are Unix seconds. No rule stands here: `ledger/negotiation/` has them.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ledger.columns import Base
from ledger.outbox_tables import SERIAL

_OFFERED: Final = text("offer is not null")


class BulkRunRow(Base):
    """A file that was taken. `file` is the SHA-256 of its bytes; `who` sent it."""

    __tablename__ = "bulk_runs"
    __table_args__ = (
        UniqueConstraint("id", name="bulk_runs_by_id"),
        Index("bulk_runs_by_organisation", "organisation", "number"),
    )
    number: Mapped[int] = mapped_column(SERIAL, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    who: Mapped[str] = mapped_column(String(100))
    file: Mapped[bytes]
    created_at: Mapped[int]


class BulkPromiseRow(Base):
    """One promise of a file, from its row `row` on. `terms` as `bulk_file.to_json` writes them; `problem`: the refusal
    that stood in its way, NULL while it is waiting and once it is offered."""

    __tablename__ = "bulk_promises"
    __table_args__ = (
        Index(
            "bulk_promises_once",
            "organisation",
            "reference",
            unique=True,
            sqlite_where=_OFFERED,
            postgresql_where=_OFFERED,
        ),
    )
    run: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("bulk_runs.number"), primary_key=True, autoincrement=False
    )
    place: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    organisation: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.number"))
    row: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str] = mapped_column(String(100))
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    offer: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("offers.number"))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
