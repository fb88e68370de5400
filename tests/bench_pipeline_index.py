"""How long it takes to index a chain that is there already, beside the least and the most that others would do.

    python -m tests.bench_pipeline_index [--agreements N] [--profile]

A chain of N transfers (10,000 unless said otherwise) is made on anvil, then read three times, each from its first
block on, into nothing or into a new database of a PostgreSQL that syncs every commit:

    download   the contracts' logs, asked for with requests and taken apart by json.loads: all of them, and only
               those that are part of the journal
    naive      web3's get_logs, each event decoded by its contract's ABI, one object of an ORM for it, the time asked
               for once per block; no rows follow from them and no journal is checked
    index      the product: proven against the contracts' journal heads, events, rows and cursor

Times are the best of several runs, in microseconds per agreement; CPU time is this process's alone. On two cores that
others use the clock says little: the CPU time says more.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from tests.bench_chain import Crowd
from tests.engines import Node, Postgres, anvil, postgres

SPAN: Final = 500
"""Blocks that download and naive ask for at once."""
HOPS: Final = 50
"""Transfers of one voucher."""


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and of this process's CPU time."""

    seconds: float
    cpu: float


@contextmanager
def chain_of(agreements: int) -> Iterator[tuple[Node, RpcChain, Pin]]:
    """A node with so many transfers on it."""
    with anvil() as node:
        crowd = Crowd(node.chain(), key=node.keys[0], vouchers=max(agreements // HOPS, 1))
        crowd.move(agreements)
        yield node, crowd.chain, crowd.pin


def timed(work: Callable[[], object]) -> Took:
    """How long this takes."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - clock, time.process_time() - cpu)


def best(work: Callable[[], Took], *, times: int = 3) -> Took:
    """The quickest of some runs."""
    return min((work() for _ in range(times)), key=lambda took: took.seconds)


def download(url: str, chain: RpcChain, pin: Pin, *, journal_only: bool) -> Took:
    """Merely fetching the logs and taking the JSON apart."""
    session, height = requests.Session(), chain.height()
    asked: Any = {"address": [pin.registry, pin.ledger]}
    if journal_only:
        asked["topics"] = [["0x" + topic.hex() for topic in EVENTS]]

    def work() -> None:
        for first in range(0, height + 1, SPAN):
            span = asked | {"fromBlock": hex(first), "toBlock": hex(min(first + SPAN - 1, height))}
            question: Any = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [span]}
            json.loads(session.post(url, json=question, timeout=60).content)["result"]

    return timed(work)


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


def naive(node: Node, pin: Pin, database: str) -> Took:
    """What a first version of an indexer does."""
    web3 = Web3(HTTPProvider(node.url))
    events: dict[bytes, Any] = {}
    for name in CONTRACTS:
        contract: Any = web3.eth.contract(abi=load(name).abi)
        events |= {bytes.fromhex(each.topic[2:]): each for each in contract.events}
    engine = create_engine(database)
    _Base.metadata.create_all(engine)

    def work() -> None:
        height = web3.eth.block_number
        for first in range(0, height + 1, SPAN):
            span: FilterParams = {
                "address": [pin.registry, pin.ledger],
                "fromBlock": first,
                "toBlock": min(first + SPAN - 1, height),
            }
            times: dict[int, int] = {}
            with Session(engine) as session:
                for log in web3.eth.get_logs(span):
                    block = int(log["blockNumber"])
                    if block not in times:
                        times[block] = int(web3.eth.get_block(block)["timestamp"])
                    told = events[bytes(log["topics"][0])].process_log(log)
                    session.add(
                        _Seen(
                            block=block,
                            log_index=log["logIndex"],
                            address=log["address"],
                            name=told["event"],
                            said={name: str(value) for name, value in told["args"].items()},
                            tx_hash="0x" + log["transactionHash"].hex(),
                            timestamp=times[block],
                        )
                    )
                session.commit()

    took = timed(work)
    engine.dispose()
    return took


def index(chain: RpcChain, pin: Pin, database: str, profile: cProfile.Profile | None = None) -> Took:
    """The product, into a new database."""
    with open_store(database) as store:
        add_pin(store, pin)
        if profile is None:
            return timed(lambda: follow(store, chain))
        return timed(lambda: profile.runcall(follow, store, chain))


def measured(agreements: int, server: Postgres, *, profiled: bool = False) -> dict[str, Took]:
    """Every figure for a chain of this size."""
    with chain_of(agreements) as (node, chain, pin):

        def into_new(work: Callable[[str], Took]) -> Took:
            with server.fresh() as url:
                return work(url)

        found = {
            "download, all logs": best(lambda: download(node.url, chain, pin, journal_only=False)),
            "download, journal only": best(lambda: download(node.url, chain, pin, journal_only=True)),
            "index": best(lambda: into_new(lambda url: index(chain, pin, url))),
            "naive": best(lambda: into_new(lambda url: naive(node, pin, url)), times=1),
        }
        if profiled:
            profile = cProfile.Profile(time.thread_time)
            into_new(lambda url: index(chain, pin, url, profile))
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return found


def main() -> None:
    """Prints the table."""
    asked = argparse.ArgumentParser(description="time to index a chain that is there already")
    asked.add_argument("--agreements", type=int, default=10_000)
    asked.add_argument("--profile", action="store_true")
    given = asked.parse_args()
    with postgres() as server:
        found = measured(given.agreements, server, profiled=given.profile)
    per = 1e6 / given.agreements
    print(
        f"{given.agreements:,} agreements, µs per agreement: clock, CPU of this process, ratio to the index"
    )
    for name, took in found.items():
        ratio = took.seconds / found["index"].seconds
        print(f"  {name:24} {took.seconds * per:8.1f} {took.cpu * per:8.1f} {ratio:8.2f}")


if __name__ == "__main__":
    main()
