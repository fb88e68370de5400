"""Where an item has landed that its own batch did not carry out: somebody else submitted it, or an older batch did.

    Landed.find           the item's event, in the index or in the blocks above it, if no other item has it
    submitted_by_others   items that were left to their parties to submit, and may have been

A refusal alone does not tell "done before" from "overtaken by another"; the event does, because it repeats what was
signed. One `Landed` serves one look at the chain: what is above the index is read once. Nothing is written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from ledger.agreements import VoucherId
from ledger.calendar import Timestamp
from ledger.chain import Address, Chain, Hash, Log
from ledger.columns import bytes_of
from ledger.errors import Refusal
from ledger.events import Event, decode, topics_of
from ledger.fold import fold
from ledger.happenings import OF_VOUCHERS, journal_logs
from ledger.landing import event_of, shows, subject_of
from ledger.outbox import LANDED, REFUSED, Item, items_of
from ledger.outbox_tables import OutboxRow
from ledger.rows import world_around
from ledger.store import Store
from ledger.tables import NOT_OF_VOUCHERS, BlockRow, CursorRow, EventRow, HistoryRow

Reached = tuple[Log, Event, int | None]
"""An event with the sequence that it gave its voucher."""
Place = tuple[str, int, int]
BUDGET_SPENT: Final = "WalletBudgetSpent"
"""The relay's own refusal: the party is to submit the agreement by itself."""


def place_of(log: Log) -> Place:
    """Contract, block, and index in the block."""
    return log.address, log.block, log.log_index


@dataclass(slots=True)
class Landed:
    """One look. `taken`: the places of events that are handed out already."""

    store: Store
    chain: Chain
    taken: set[Place] = field(default_factory=set)
    fresh: dict[Address, list[Reached]] = field(default_factory=dict)

    def find(self, number: int) -> Log | None:
        """The log of an item that has landed, which is then taken; else None."""
        with self.store.reading() as session:
            [item] = items_of(session, OutboxRow.number == number)
            events = stored(session, item)
            if item.contract not in self.fresh:
                self.fresh[item.contract] = self._above(session, item.contract)
            events += self.fresh[item.contract]
            mine = [log for log, event, reached in events if shows_item(event, item, reached=reached)]
            claimed = _claimed(session, item.contract, blocks={log.block for log in mine})
        for log in mine:
            if place_of(log) not in claimed | self.taken:
                self.taken.add(place_of(log))
                return log
        return None

    def _above(self, session: Session, contract: Address) -> list[Reached]:
        """The events above the index, with the sequence that each gave its voucher."""
        cursor, height = session.get(CursorRow, contract), self.chain.height()
        seen = cursor.block if cursor is not None else -1
        if seen >= height:
            return []
        logs = journal_logs(self.chain.logs(seen + 1, height, addresses=[contract]))
        events = [decode(log.topics, log.data) for log in logs]
        world = world_around(session, contract, events)
        times: dict[int, Timestamp] = {}
        found: list[Reached] = []
        for log, event in zip(logs, events, strict=True):
            if log.block not in times:
                times[log.block] = Timestamp(self.chain.block_timestamp(log.block))
            world = fold(world, event, timestamp=times[log.block])
            voucher = world.vouchers.get(getattr(event, "voucher", VoucherId(0)))
            found.append((log, event, voucher.sequence if voucher else None))
        return found


def shows_item(event: Event, item: Item, *, reached: int | None) -> bool:
    """Whether this event is what the item leaves behind."""
    return shows(event, item.agreement, root=item.root, reached=reached, sequence=item.sequence)


def stored(session: Session, item: Item) -> list[Reached]:
    """The indexed events that may be an item's: those of its subject, or of its kind where it does not say that."""
    contract, subject = item.contract, subject_of(item.agreement, item.root)
    kind = event_of(item.agreement)
    at_its_place = and_(
        HistoryRow.contract == EventRow.contract,
        HistoryRow.voucher == VoucherId(subject or 0),
        HistoryRow.block == EventRow.block,
        HistoryRow.log_index == EventRow.log_index,
    )
    query = (
        select(EventRow, BlockRow.hash, HistoryRow.sequence)
        .join(BlockRow, BlockRow.number == EventRow.block)
        .join(HistoryRow, at_its_place, isouter=kind not in OF_VOUCHERS)
        .where(EventRow.contract == contract)
        .order_by(EventRow.block, EventRow.log_index)
    )
    if subject is None:
        query = query.where(EventRow.name == kind.__name__)
    else:
        query = query.where(EventRow.subject == subject.to_bytes(32))
        if kind not in OF_VOUCHERS:
            query = query.where(NOT_OF_VOUCHERS)
    found: list[Reached] = []
    for row, block_hash, reached in session.execute(query):
        log = Log(
            address=contract,
            topics=topics_of(row.name, row.subject),
            data=bytes_of(row.data),
            block=row.block,
            block_hash=Hash(block_hash),
            tx_hash=Hash(row.tx_hash),
            tx_index=0,  # not kept, and not asked for
            log_index=row.log_index,
        )
        found.append((log, decode(log.topics, log.data), reached))
    return found


def submitted_by_others(store: Store) -> list[tuple[int, Refusal]]:
    """Items that were refused because their wallets' budget was spent, and of which the index may show the event."""
    shown = exists().where(
        EventRow.contract == OutboxRow.contract,
        EventRow.name == OutboxRow.event,
        EventRow.block >= OutboxRow.block,
        or_(EventRow.subject == OutboxRow.subject, OutboxRow.subject.is_(None)),
    )
    spent = (OutboxRow.status == REFUSED, OutboxRow.refusal == BUDGET_SPENT)
    with store.reading() as session:
        rows = session.execute(select(OutboxRow.number, OutboxRow.facts).where(*spent, shown))
        return [(number, Refusal(BUDGET_SPENT, facts)) for number, facts in rows]


def _claimed(session: Session, contract: Address, *, blocks: set[int]) -> set[Place]:
    """The places of events that are recorded as some item's."""
    query = select(OutboxRow.block, OutboxRow.log_index).where(
        OutboxRow.contract == contract, OutboxRow.status.in_(LANDED), OutboxRow.block.in_(blocks)
    )
    return {(contract, int(block or 0), int(log_index or 0)) for block, log_index in session.execute(query)}
