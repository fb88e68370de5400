"""A chain that is there already, indexed from its first block on, beside the least and the most that others would do.

    download   the contracts' logs, asked for with requests and taken apart by json.loads: all of them, and only those
               that are part of the journal, which are the ones that the index reads
    naive      a first version: web3's get_logs, each event decoded by its contract's ABI, an object of an ORM for it
               and for the voucher that it changes, the time asked for once per block, a commit per block; no journal
               is checked
    index      the product: proven against the contracts' journal heads, events, rows, histories and cursor

All write into new databases of a PostgreSQL that syncs every commit.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import requests
from sqlalchemy import JSON, BigInteger, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from web3 import HTTPProvider, Web3
from web3.types import FilterParams

from ledger.artifacts import CONTRACTS, load
from ledger.events import EVENTS
from ledger.indexer import follow
from ledger.pin import Pin
from ledger.rpc_chain import RpcChain
from ledger.store import add_pin, open_store
from tests.bench_pipeline_table import Took, timed

SPAN: Final = 500
"""Blocks that download and naive ask for at once."""


def download(url: str, chain: RpcChain, pin: Pin, *, journal_only: bool) -> Took:
    """Merely fetching the logs and taking the JSON apart."""
    session, height = requests.Session(), chain.height()
    asked: Any = {"address": [pin.registry, pin.ledger]}
    if journal_only:
        asked["topics"] = [["0x" + topic.hex() for topic in EVENTS]]

    def work() -> None:
        for first, last in _spans(height):
            span = asked | {"fromBlock": hex(first), "toBlock": hex(last)}
            question: Any = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [span]}
            json.loads(session.post(url, json=question, timeout=60).content)["result"]

    return timed(work)


def _spans(height: int) -> Iterator[tuple[int, int]]:
    for first in range(0, height + 1, SPAN):
        yield first, min(first + SPAN - 1, height)


class _Base(DeclarativeBase):
    pass


class _Seen(_Base):
    __tablename__ = "seen"
    block: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    log_index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[str] = mapped_column(String(42))
    name: Mapped[str] = mapped_column(String(32))
    said: Mapped[dict[str, Any]] = mapped_column(JSON)
    tx_hash: Mapped[str] = mapped_column(String(66))
    timestamp: Mapped[int] = mapped_column(BigInteger)


class _Owned(_Base):
    __tablename__ = "owned"
    voucher: Mapped[str] = mapped_column(String(78), primary_key=True)
    holder: Mapped[int] = mapped_column(BigInteger)
    face: Mapped[int] = mapped_column(BigInteger)
    moves: Mapped[int] = mapped_column(BigInteger)


def naive(url: str, pin: Pin, database: str) -> Took:
    """What a first version of an indexer does."""
    web3 = Web3(HTTPProvider(url))
    events: dict[bytes, Any] = {}
    for name in CONTRACTS:
        contract: Any = web3.eth.contract(abi=load(name).abi)
        events |= {bytes.fromhex(each.topic[2:]): each for each in contract.events}
    engine = create_engine(database)
    _Base.metadata.create_all(engine)

    def work() -> None:
        for first, last in _spans(web3.eth.block_number):
            span: FilterParams = {
                "address": [pin.registry, pin.ledger],
                "fromBlock": first,
                "toBlock": last,
            }
            for block, logs in groupby(web3.eth.get_logs(span), key=lambda log: int(log["blockNumber"])):
                timestamp = int(web3.eth.get_block(block)["timestamp"])
                with Session(engine) as session:
                    for log in logs:
                        _take(session, log, events[bytes(log["topics"][0])].process_log(log), timestamp)
                    session.commit()

    took = timed(work)
    engine.dispose()
    return took


def _take(session: Session, log: Any, told: Any, timestamp: int) -> None:
    said = told["args"]
    session.add(
        _Seen(
            block=log["blockNumber"],
            log_index=log["logIndex"],
            address=log["address"],
            name=told["event"],
            said={name: str(value) for name, value in said.items()},
            tx_hash="0x" + log["transactionHash"].hex(),
            timestamp=timestamp,
        )
    )
    match told["event"]:
        case "Issued":
            number = str(said["voucher"])
            session.add(_Owned(voucher=number, holder=said["supplier"], face=said["face"], moves=0))
        case "Transferred":
            owned = session.get_one(_Owned, str(said["voucher"]))
            owned.holder, owned.moves = said["recipient"], owned.moves + 1


def index(chain: RpcChain, pin: Pin, database: str, *, profiled: bool = False) -> Took:
    """The product, into a new database. `profiled`: prints where its time went, apart from reading ahead."""
    with open_store(database) as store:
        add_pin(store, pin)
        if not profiled:
            return timed(lambda: follow(store, chain))
        profile = cProfile.Profile(time.thread_time)
        took = timed(lambda: profile.runcall(follow, store, chain))
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return took
