"""What the gateway is measured against: FastAPI as most projects write it, on the same database.

    /voucher/{id}   one query
    /vouchers       one query, a page of fifty
    /rows           one row inserted and committed
    /discounts      the naive way to the chain: one transaction of web3.py per request, and the wait for its receipt

All but the last ask who is calling by the gateway's own rule, so that a ratio compares what comes after it. Each route
has typed answers and a pool of connections; nothing else that the gateway does for a request is there.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import BigInteger, Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from gateway.callers import CallerHere
from gateway.gateway import Gateway
from ledger.members import parse_voucher, voucher_text
from ledger.tables import VoucherRow

PAGE: Final = 50


class Base(DeclarativeBase):
    """The bare route's own table."""


class AcceptedRow(Base):
    """That somebody accepted something."""

    __tablename__ = "bench_accepted"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    offer: Mapped[str] = mapped_column(Text)
    party: Mapped[int] = mapped_column(BigInteger)


class VoucherOut(BaseModel):
    """A voucher."""

    id: str
    holder: int
    face: str
    tier: int
    sequence: int


class Accepting(BaseModel):
    """What is accepted."""

    offer: str


class Accepted(BaseModel):
    """The row."""

    number: int
    offer: str


def create_bare_app(gateway: Gateway, database: str) -> FastAPI:
    """The app; its table is made."""
    engine = create_engine(database, pool_size=40)
    Base.metadata.create_all(engine)
    sessions: sessionmaker[Session] = sessionmaker(engine)
    app = FastAPI()
    app.state.gateway = gateway

    @app.get("/voucher/{voucher}")
    def one(voucher: str, caller: CallerHere) -> VoucherOut:
        with sessions() as session:
            row = session.scalar(select(VoucherRow).where(VoucherRow.voucher == parse_voucher(voucher)))
            if row is None or row.holder != caller.party:
                raise HTTPException(404)
            return _out(row)

    @app.get("/vouchers")
    def page(caller: CallerHere, after: Annotated[str | None, "the last one"] = None) -> list[VoucherOut]:
        query = select(VoucherRow).where(VoucherRow.holder == caller.party, VoucherRow.ended_as.is_(None))
        if after is not None:
            query = query.where(VoucherRow.voucher > parse_voucher(after))
        with sessions() as session:
            return [_out(row) for row in session.scalars(query.order_by(VoucherRow.voucher).limit(PAGE))]

    @app.post("/rows", status_code=202)
    def insert(form: Accepting, caller: CallerHere) -> Accepted:
        with sessions() as session:
            row = AcceptedRow(offer=form.offer, party=caller.party)
            session.add(row)
            session.commit()
            return Accepted(number=row.number, offer=row.offer)

    return app


def _out(row: Any) -> VoucherOut:
    return VoucherOut(
        id=voucher_text(row.voucher),
        holder=row.holder,
        face=f"{row.face // 100}.{row.face % 100:02}",
        tier=row.tier,
        sequence=row.sequence,
    )
