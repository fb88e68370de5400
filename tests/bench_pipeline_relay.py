"""Signed agreements in the outbox until they are final and indexed, beside the loop that most projects have.

    piped   relay and indexer, a process each as in production, on one anvil and one PostgreSQL that syncs every commit
    loop    web3.py: build, sign, send and wait for the receipt of each agreement by itself

Both send the same transfers to the same contract, each signed by the wallets of giver and taker, which the contract
checks. A block is final as soon as it is there, as on a QBFT network, for both. The parties have signed before: their
signing is in no figure.
"""

from __future__ import annotations

import cProfile
import multiprocessing
import pstats
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from eth_account import Account
from sqlalchemy import func, select
from web3 import HTTPProvider, Web3

from ledger import relay
from ledger.agreements import to_json
from ledger.artifacts import load
from ledger.columns import hex_of
from ledger.gas import bare_floor, key_of
from ledger.indexer import Progress, follow, serve
from ledger.outbox import machine_clock
from ledger.outbox_tables import CallRow, OutboxRow
from ledger.pin import Pin
from ledger.row_writing import add
from ledger.rpc_chain import RpcChain
from ledger.signing import packed
from ledger.store import Store, add_pin, open_store
from ledger.tables import EventRow
from ledger.verification import verify
from tests.bench_chain import Crowd, Signed
from tests.bench_pipeline_table import Took, cpu_of, timed
from tests.engines import Node, Postgres, anvil
from tests.rig import A, B

HOPS: Final = 50
"""Transfers of one voucher."""
RELAYS: Final = 1
"""Relays at work, each with an account of its own."""
POLLS: Final = (0.1, 0.01, 0.001, 0.0)
"""Seconds between two looks for a receipt that are tried; the first is web3.py's own."""
PAUSE: Final = 0.2
"""Seconds between two looks of the indexer at the chain."""
TERMS: Final = relay.Terms(gas_budget=15_900_000)
"""Batches as big as a transaction may be."""
PIECE: Final = 5_000
_NEXT: Final = func.nextval("outbox_number_seq")
VERIFIED: Final = 10_000
"""Agreements up to which `verify` compares everything afterwards; of more it takes minutes."""
WAIT: Final = 600.0
"""Seconds after which a process that says nothing is given up."""


@dataclass(frozen=True, slots=True)
class Piped:
    """So many agreements went through: seconds by the clock; seconds of CPU of relay, indexer, anvil and PostgreSQL."""

    agreements: int
    seconds: float
    relay: float
    indexer: float
    anvil: float
    postgres: float

    @property
    def rate(self) -> float:
        """Agreements a second."""
        return self.agreements / self.seconds


@dataclass(frozen=True, slots=True)
class Carried:
    """A chain on which they are."""

    node: Node
    chain: RpcChain
    pin: Pin
    took: Piped


@contextmanager
def piped(
    agreements: int, server: Postgres, *, relays: int = RELAYS, profiled: bool = False
) -> Iterator[Carried]:
    """So many agreements through relay and indexer, and what they took; each of them has landed once then.

    `profiled`: both processes print where their time went.
    """
    with anvil() as node:
        crowd = Crowd(node.chain(), key=node.keys[0], vouchers=max(agreements // HOPS, 1))
        with server.fresh() as url, open_store(url) as store:
            add_pin(store, crowd.pin)
            follow(store, crowd.chain)
            put_signed(store, crowd.pin, crowd.signed(agreements), agreements)
            took = _run(node, server, url, agreements, relays=relays, profiled=profiled)
            require_landed(store, crowd.chain, agreements)
        yield Carried(node, crowd.chain, crowd.pin, took)


def put_signed(store: Store, pin: Pin, agreed: Iterator[Signed], count: int) -> None:
    """Fills the outbox, as `outbox.put` does one by one."""
    at = machine_clock()
    for start in range(0, count, PIECE):
        with store.writing() as session:
            numbers = list(
                session.scalars(select(_NEXT).select_from(func.generate_series(1, min(PIECE, count - start))))
            )
            rows = [_row(pin, next(agreed), at) | {"number": number} for number in numbers]
            for table in (OutboxRow, CallRow):
                names = [column.name for column in table.__table__.columns]
                add(session, table, names, [tuple(row.get(name) for name in names) for row in rows])


def _row(pin: Pin, signed: Signed, at: int) -> dict[str, Any]:
    """What stands in both tables of the outbox."""
    transfer, call = signed.transfer, signed.call
    giver, taker = (A, B) if transfer.recipient == B else (B, A)
    return {
        "contract": pin.ledger,
        "digest": signed.digest,
        "verb": transfer.verb(),
        "agreement": to_json(transfer),
        "consents": [hex_of(consent) for consent in signed.consents],
        "signers": [giver, taker],
        "calldata": hex_of(call),
        "keys": [key_of(consent) for consent in signed.consents],
        "floor": bare_floor(transfer, call),
        "event": "Transferred",
        "subject": transfer.voucher.to_bytes(32),
        "sequence": transfer.sequence,
        "deadline": transfer.deadline,
        "queued_at": at,
        "status": "signed",
        "attempts": 0,
    }


# ---- the two processes -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """What both processes have to know. `ready` and `go` are given, in that order; `relaying`: how many relays
    are still at work."""

    url: str
    keys: tuple[bytes, ...]
    database: str
    profiled: bool
    ready: Any
    go: Any
    relaying: Any
    spent: Any


def _run(
    node: Node, server: Postgres, database: str, agreements: int, *, relays: int, profiled: bool
) -> Piped:
    assert server.process is not None
    apart = multiprocessing.get_context("spawn")
    signals = apart.Semaphore(0), apart.Event(), apart.Value("i", relays), apart.Queue()
    job = Job(node.url, node.keys, database, profiled, *signals)
    workers: Any = [
        *(apart.Process(target=_relay, args=(job, number), daemon=True) for number in range(relays)),
        apart.Process(target=_index, args=(job,), daemon=True),
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        assert job.ready.acquire(timeout=WAIT), "a process did not begin"
    pids = node.process.pid, server.process.pid
    before = [cpu_of(pid) for pid in pids]
    start = time.perf_counter()
    job.go.set()
    took = [job.spent.get(timeout=WAIT) for _ in workers]
    anvil_cpu, postgres_cpu = (cpu_of(pid) - was for pid, was in zip(pids, before, strict=True))
    for worker in workers:
        worker.join()
    return Piped(
        agreements,
        seconds=max(ended for _, _, ended in took) - start,
        relay=sum(cpu for name, cpu, _ in took if name == "relay"),
        indexer=sum(cpu for name, cpu, _ in took if name == "index"),
        anvil=anvil_cpu,
        postgres=postgres_cpu,
    )


def _relay(job: Job, number: int) -> None:
    chain = RpcChain(job.url, key=job.keys[number])
    with open_store(job.database) as store:
        job.ready.release()
        job.go.wait()
        cpu = _watched(lambda: relay.run(store, chain, terms=TERMS), job.profiled)
        with job.relaying.get_lock():
            job.relaying.value -= 1
        job.spent.put(("relay", cpu, time.perf_counter()))


def _index(job: Job) -> None:
    chain, stop, last = RpcChain(job.url, key=job.keys[0]), threading.Event(), list[int]()

    def seen(progress: Progress) -> None:
        if last and progress.block >= last[0]:
            stop.set()
        elif not job.relaying.value:
            last.append(chain.height())

    with open_store(job.database) as store:
        job.ready.release()
        job.go.wait()
        cpu = _watched(lambda: serve(store, chain, stop=stop, pause=PAUSE, report=seen), job.profiled)
        job.spent.put(("index", cpu, time.perf_counter()))


def _watched(work: Callable[[], object], profiled: bool) -> float:
    if not profiled:
        return timed(work).cpu
    profile = cProfile.Profile(time.thread_time)
    took = timed(lambda: profile.runcall(work))
    pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    return took.cpu


def require_landed(store: Store, chain: RpcChain, agreements: int) -> None:
    """Every agreement has landed once and none is lost; rows and chain agree, which of more than `VERIFIED` is said by
    the journal head alone."""
    with store.reading() as session:
        by_status = select(OutboxRow.status, func.count()).group_by(OutboxRow.status)
        states = {row.status: row[1] for row in session.execute(by_status)}
        events = session.scalar(select(func.count()).where(EventRow.name == "Transferred"))
        places = select(OutboxRow.block, OutboxRow.log_index).distinct().subquery()
        landed = session.scalar(select(func.count()).select_from(places))
    assert states == {"final": agreements}, states
    assert events == landed == agreements, (events, landed)
    if agreements <= VERIFIED:
        assert verify(store, chain).findings == ()


# ---- what most projects have -------------------------------------------------------------------------------


def loop(agreements: int) -> dict[float, Took]:
    """So many transfers by web3.py alone, once for each of the `POLLS`."""
    with anvil() as node:
        crowd = Crowd(node.chain(), key=node.keys[0], vouchers=max(agreements * len(POLLS) // HOPS, 1))
        web3, account = Web3(HTTPProvider(node.url)), Account.from_key(node.keys[0])
        abi: Any = load("VoucherLedger").abi
        contract: Any = web3.eth.contract(address=web3.to_checksum_address(crowd.pin.ledger), abi=abi)

        def carry(agreed: list[Signed], poll: float) -> None:
            for each in agreed:
                moved = each.transfer
                said: Any = (
                    moved.voucher,
                    moved.sequence,
                    moved.recipient,
                    moved.overdue,
                    moved.deadline,
                    [],
                )
                call = contract.functions.transfer(said, packed(each.consents))
                nonce = web3.eth.get_transaction_count(account.address)
                built = call.build_transaction({"from": account.address, "nonce": nonce})
                raw = account.sign_transaction(built).raw_transaction
                tx_hash = web3.eth.send_raw_transaction(raw)
                assert web3.eth.wait_for_transaction_receipt(tx_hash, poll_latency=poll)["status"] == 1

        found = {}
        for poll in POLLS:
            agreed = list(crowd.signed(agreements))
            found[poll] = timed(lambda agreed=agreed, poll=poll: carry(agreed, poll))  # type: ignore[misc]
        return found
