"""What the gateway is measured against: FastAPI as most projects write it, on the same database.

    /voucher/{id}   one query
    /vouchers       one query, a page of fifty
    /rows           one row inserted and committed
    /discounts      the naive way to the chain: one transaction of web3.py per request, and the wait for its receipt

All but the last ask who is calling by the gateway's own rule, so that a ratio compares what comes after it. Each route
has typed answers and a pool of connections; nothing else that the gateway does for a request is there.
"""

from __future__ import annotations

import threading
from typing import Annotated, Any, Final

from eth_account import Account
from eth_typing import HexStr
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import BigInteger, Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from web3 import HTTPProvider, Web3

from gateway.callers import CallerHere
from gateway.gateway import Gateway
from ledger.members import parse_voucher, voucher_text
from ledger.tables import VoucherRow
from tests.bench_gateway_house import Premises

PAGE: Final = 50
POLL: Final = 0.01
"""Seconds between two looks for a receipt; web3.py's own are 0.1, which made it slower."""


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


class Discounting(BaseModel):
    """A discount that both have signed, as the contract is called."""

    call: HexStr


class Discounted(BaseModel):
    """Where it landed."""

    block: int


def create_bare_app(gateway: Gateway, premises: Premises) -> FastAPI:
    """The app; its table is made."""
    engine = create_engine(premises.database, pool_size=40)
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

    account: Any = Account.from_key(premises.keys[1])
    web3, turn = Web3(HTTPProvider(premises.url)), threading.Lock()
    ledger = gateway.setting.pin.ledger

    @app.post("/discounts")
    def discount(form: Discounting, caller: CallerHere) -> Discounted:
        with turn:  # one nonce after the other
            call: Any = {
                "from": account.address,
                "to": ledger,
                "data": form.call,
                "nonce": web3.eth.get_transaction_count(account.address, "pending"),
                "chainId": web3.eth.chain_id,
                "gas": web3.eth.estimate_gas({"from": account.address, "to": ledger, "data": form.call}),
                "maxFeePerGas": 2 * web3.eth.gas_price,
                "maxPriorityFeePerGas": 0,
            }
            tx_hash = web3.eth.send_raw_transaction(account.sign_transaction(call).raw_transaction)
        receipt = web3.eth.wait_for_transaction_receipt(tx_hash, poll_latency=POLL)
        if receipt["status"] != 1:
            raise HTTPException(409)
        return Discounted(block=receipt["blockNumber"])

    return app


def _out(row: Any) -> VoucherOut:
    return VoucherOut(
        id=voucher_text(row.voucher),
        holder=row.holder,
        face=f"{row.face // 100}.{row.face % 100:02}",
        tier=row.tier,
        sequence=row.sequence,
    )
