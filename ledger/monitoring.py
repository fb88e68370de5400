"""How the pipeline is doing: numbers for Prometheus, and whether a process can work and is to be sent work.

    Pipeline     a collector: reads database and chain whenever it is asked, and keeps no number of its own
    health       can the process do its work at all: the database answers, the node is on the pinned chain
    readiness    is the work getting through: node, head lag, stalled chain, journal, alarms
    stalled      since when handed-over items wait for a block that nobody makes

Nothing is written and nothing repaired. What cannot be known at present is left out, and `*_up` says why. Whether the
chain is stalled is told by its height, not by its clock: a block's time may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_checksum_address
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from ledger.chain import Block, CallReverted, Chain, NodeRefused
from ledger.database import DatabaseUncertain, DatabaseUnusable
from ledger.errors import ChainError
from ledger.halts import MISMATCH, halts
from ledger.outbox import FINAL, MINED, REFUSED, SENT, SIGNED, UNKNOWN, WITHDRAWN, machine_clock
from ledger.outbox_acts import alarms
from ledger.outbox_tables import AccountRow, BatchRow, OutboxRow, TransactionRow
from ledger.pin import OtherChain, check_pin
from ledger.store import NO_BLOCK, Store, followed, pins
from ledger.stretch import journal_head
from ledger.tables import BlockRow, CursorRow

STATUSES: Final = (SIGNED, SENT, MINED, FINAL, REFUSED, UNKNOWN, WITHDRAWN)
STALLED_AFTER: Final = 60
"""Seconds for which a transaction may wait without a new block before the chain is called stalled."""
MOST_LAG: Final = 20
"""Blocks that the index may be behind the head (besides the depth that it keeps to) before it is not ready."""

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not. `name` is one of database, node, other_chain, head_lag, stalled, journal_mismatch, alarm, halted."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the process can do its work; where it cannot, a person or a restart is needed."""

    reasons: tuple[Reason, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether work that is given now gets through."""

    reasons: tuple[Reason, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Stalled:
    """No block was made since a transaction was handed over. `since` in Unix seconds; `height`: the last block;
    `items` are signed or sent."""

    since: int
    height: int
    items: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the index is behind the node's head; `seconds` in the chain's own time."""

    blocks: int
    seconds: int


def health(store: Store, chain: Chain) -> Health:
    """Asks the database for its pins and the node for what they pin. A node that does not answer is no reason here: no
    restart helps against it."""
    try:
        with store.reading() as session:
            pinned = pins(session)
    except (DatabaseUnusable, DatabaseUncertain) as away:
        return Health((Reason("database", str(away)),))
    try:
        for pin in pinned:
            check_pin(chain, pin)
    except OtherChain as other:
        return Health((Reason("other_chain", str(other)),))
    except ChainError:
        pass
    return Health()


def readiness(
    store: Store,
    chain: Chain,
    *,
    clock: Clock = machine_clock,
    depth: int = 0,
    most_lag: int = MOST_LAG,
    stalled_after: int = STALLED_AFTER,
) -> Readiness:
    """Everything that keeps work from getting through. `depth`: blocks that the index leaves unread on purpose;
    `most_lag` in blocks; `stalled_after` in seconds."""
    try:
        return Readiness(tuple(_reasons(store, chain, clock, depth + most_lag, stalled_after)))
    except (DatabaseUnusable, DatabaseUncertain) as away:
        return Readiness((Reason("database", str(away)),))


def _reasons(store: Store, chain: Chain, clock: Clock, most_lag: int, stalled_after: int) -> Iterator[Reason]:
    for account, alarm in alarms(store).items():
        yield Reason("alarm", f"{account}: {alarm}")
    for each in halts(store):
        yield Reason("halted", f"{each.service} has stopped: {each.what}")
    try:
        head = chain.head()
        lag = head_lag(store, chain, head)
        if lag.blocks > most_lag:
            yield Reason("head_lag", f"the index is {lag.blocks} blocks behind the head, {head.number}")
        found = stalled(store, head.number, clock=clock, after=stalled_after)
        if found is not None:
            waited = clock() - found.since
            yield Reason("stalled", f"no block after {head.number} for {waited} s, {found.items} items wait")
        for contract in journal_mismatches(store, chain):
            yield Reason(MISMATCH, f"the index does not have the journal head of {contract}")
    except ChainError as away:
        yield Reason("node", str(away))


# Readings


def head_lag(store: Store, chain: Chain, head: Block) -> Lag:
    """How far the contract that was followed least is behind this head. ChainError where the node cannot be used."""
    with store.reading() as session:
        block = session.scalar(select(func.min(CursorRow.block)))
        if block is None or block >= head.number:
            return Lag(0, 0)
        seen = session.scalar(select(BlockRow.timestamp).where(BlockRow.number == block))
    if seen is None:
        seen = chain.block_timestamp(max(block, 0))
    return Lag(head.number - block, max(head.timestamp - seen, 0))


def stalled(
    store: Store, height: int, *, clock: Clock = machine_clock, after: int = STALLED_AFTER
) -> Stalled | None:
    """Whether the chain, whose head has this height, makes no blocks: a transaction that is under way was handed over
    so many seconds ago, and the head is the one of then."""
    # what the node refused waits for no block
    waits = (BatchRow.status == "open", TransactionRow.height >= height, TransactionRow.status == "seen")
    with store.reading() as session:
        query = select(func.min(TransactionRow.first_sent_at)).join(BatchRow).where(*waits)
        since = session.scalar(query)
        if since is None or clock() - since < after:
            return None
        waiting = select(func.count()).where(OutboxRow.status.in_((SIGNED, SENT)))
        return Stalled(since, height, session.scalar(waiting) or 0)


def journal_mismatches(store: Store, chain: Chain) -> list[str]:
    """The contracts whose own journal head, after the last followed block, is another than the index has.

    A contract whose block has just been replaced, or of whose past the node keeps nothing, is left to the indexer.
    ChainError where the node cannot be used.
    """
    with store.reading() as session:
        cursors = {row.contract: row for row in session.scalars(select(CursorRow))}
        contracts = followed(session)
    height, wrong = chain.height(), list[str]()
    for each in contracts:
        cursor = cursors[each.contract]
        if cursor.block_hash == NO_BLOCK or height < cursor.block:
            continue
        if chain.block_hash(cursor.block) != cursor.block_hash:
            continue
        try:
            own = journal_head(chain, each, cursor.block)
        except CallReverted:
            own = b""
        except NodeRefused:  # it keeps no state of so long ago
            continue
        if own != cursor.journal:
            wrong.append(each.contract)
    return wrong


# Numbers


class Pipeline(Collector):
    """The numbers of one installation. `store` and `chain` may be set later: None is said to be down. `halted` is set
    by a process that has to stop, before it stops: to a `Reason`'s name, or another word."""

    def __init__(
        self, store: Store | None = None, chain: Chain | None = None, *, clock: Clock = machine_clock
    ) -> None:
        self.store, self.chain, self.halted, self._clock = store, chain, "", clock
        self._kept: set[str] = set()

    def registry(self) -> CollectorRegistry:
        """A registry with these numbers alone."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when it is registered."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Reads everything once."""
        found: list[Metric] = []
        self._kept = set()
        answers = False
        if self.store is not None:
            try:
                found += self._of_the_outbox(self.store)
                answers = True
            except (DatabaseUnusable, DatabaseUncertain):
                found = []
        yield _gauge("tallystick_database_up", "Whether the database answers.", answers)
        yield from found
        of_the_chain: list[Metric] = []
        reached = False
        if self.chain is not None:
            try:
                of_the_chain = self._of_the_chain(self.chain, self.store if answers else None)
                reached = True
            except (ChainError, DatabaseUnusable, DatabaseUncertain):
                pass
        yield _gauge("tallystick_node_up", "Whether the node answers.", reached)
        yield from of_the_chain
        if self.halted and self.halted not in self._kept:
            yield _halted({self.halted})
        if self.halted == MISMATCH and not reached:
            yield _mismatch(True)

    def _of_the_outbox(self, store: Store) -> list[Metric]:
        with store.reading() as session:
            query = select(OutboxRow.status, func.count()).group_by(OutboxRow.status)
            counts = {str(status): int(count) for status, count in session.execute(query)}
            waiting = OutboxRow.status.in_((SIGNED, SENT))
            oldest = session.scalar(select(func.min(OutboxRow.queued_at)).where(waiting))
            errors = select(OutboxRow.refusal, func.count()).where(OutboxRow.status == REFUSED)
            refused = session.execute(errors.group_by(OutboxRow.refusal)).all()
            columns = (AccountRow.account, AccountRow.alarm, AccountRow.foreign)
            accounts = session.execute(select(*columns)).all()
        items = GaugeMetricFamily("tallystick_outbox_items", "Items of the outbox.", labels=["status"])
        for status in STATUSES:
            items.add_metric([status], counts.get(status, 0))
        by_error = CounterMetricFamily(
            "tallystick_refused", "Items that were refused, by the contract's error.", labels=["error"]
        )
        for error, count in refused:
            by_error.add_metric([str(error)], count)
        alarm = GaugeMetricFamily(
            "tallystick_account_alarm",
            "Whether an account has an alarm that nobody cleared.",
            labels=["account"],
        )
        foreign = CounterMetricFamily(
            "tallystick_foreign_nonces",
            "Nonces of an account that somebody else has used, or that an older database does not know.",
            labels=["account"],
        )
        for account, text, count in accounts:
            alarm.add_metric([account], text is not None)
            foreign.add_metric([account], count)
        self._kept = {each.reason for each in halts(store)}
        age = 0 if oldest is None else max(self._clock() - oldest, 0)
        said = "Age of the oldest item that is signed or sent; 0 where there is none."
        stopped = [_halted(self._kept)] if self._kept else []
        oldest_age = _gauge("tallystick_outbox_oldest_seconds", said, age)
        return [items, oldest_age, by_error, alarm, foreign, *stopped]

    def _of_the_chain(self, chain: Chain, store: Store | None) -> list[Metric]:
        head, now = chain.head(), self._clock()
        age = max(now - head.timestamp, 0)
        found: list[Metric] = [
            _gauge("tallystick_chain_head_block", "Number of the newest block.", head.number),
            _gauge(
                "tallystick_chain_head_age_seconds", "Time since the newest block, by its own clock.", age
            ),
        ]
        if store is None:
            return found
        lag, stall = head_lag(store, chain, head), stalled(store, head.number, clock=self._clock, after=0)
        drift = GaugeMetricFamily(
            "tallystick_nonce_drift",
            "Transactions of an account on chain, less those known here: above 0 somebody else has its key.",
            labels=["account"],
        )
        with store.reading() as session:
            accounts = session.execute(select(AccountRow.account, AccountRow.next_nonce)).all()
        for account, next_nonce in accounts:
            drift.add_metric([account], chain.nonce(to_checksum_address(account)) - next_nonce)
        waits = 0 if stall is None else max(now - stall.since, 0)
        return [
            *found,
            _gauge("tallystick_head_lag_blocks", "Blocks that the index is behind the head.", lag.blocks),
            _gauge("tallystick_head_lag_seconds", "The same, in the chain's time.", lag.seconds),
            _gauge(
                "tallystick_chain_stalled_seconds",
                "How long a transaction has waited without any new block; 0 where none does.",
                waits,
            ),
            drift,
            _mismatch(self.halted == MISMATCH or bool(journal_mismatches(store, chain))),
        ]


def _halted(reasons: Iterable[str]) -> Metric:
    halted = GaugeMetricFamily("tallystick_halted", "Why a service has stopped.", labels=["reason"])
    for reason in sorted(reasons):
        halted.add_metric([reason], 1)
    return halted


def _mismatch(wrong: bool) -> Metric:
    said = "Whether the index and a contract's own journal head do not agree."
    return _gauge("tallystick_journal_mismatch", said, wrong)


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=float(value))
