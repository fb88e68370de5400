"""Follows the chain: events, the rows that follow from them, and the cursor, all in one commit.

    follow     reads on from the cursors; a reorganised chain is noticed by block hash, rewound, followed anew
    rewind     back to a block: events above it are deleted and the rows are made again from those that remain
    rebuild    the rows once more from the stored events

Every contract of the installation, the registry and each ledger in order of succession, has a cursor and a
journal of its own; a successor is followed from its own first block on until it has caught up. The journal
head recomputed from the events is compared with the contract's own at the last block of every commit: an index
that missed, added or reordered an event stops with a VerificationError. Two indexers side by side do not harm
each other. `Refused` and ERC-721's `Transfer` are not kept: they change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger import projection
from ledger.abi import view_call, words_of
from ledger.calendar import Timestamp
from ledger.chain import Chain, Hash, Log, Reader
from ledger.errors import ChainError, VerificationError
from ledger.events import advance, decode
from ledger.pin import check_pin
from ledger.projection import Happening, journal_logs
from ledger.store import NO_BLOCK, Followed, Store, followed, pins, unfollowed
from ledger.tables import BlockRow, CursorRow, EventRow, hex_of

SPAN: Final = 500
"""Blocks that are read and committed together."""
PATIENCE: Final = 20
"""How often the same blocks are read again because the chain has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where following stands: the last block that is in the database, the one to reach, events read so
    far."""

    block: int
    target: int
    events: int
    rewound_to: int | None = None


def follow(
    store: Store,
    chain: Chain,
    *,
    confirmations: int = 0,
    span: int = SPAN,
    report: Callable[[Progress], None] | None = None,
) -> Progress:
    """Reads all blocks that have at least so many blocks on top of them, `span` blocks at a time.

    `report` is called after every commit. ChainError for another chain than the pinned one, VerificationError
    where the events are not those that the contract's journal head stands for.
    """
    with store.reading() as session:
        contracts = followed(session)
        for pin in pins(session):
            check_pin(chain, pin)
    if not contracts:
        raise ChainError("the database names no contract to follow: deploy, or pin a ledger first")
    target, events, in_vain = chain.height() - confirmations, 0, 0
    rewound_to: int | None = None
    while in_vain < PATIENCE:
        target = min(target, chain.height() - confirmations)
        back_to = _fork(store, chain)
        if back_to is not None:
            rewind(store, back_to)
            rewound_to = back_to if rewound_to is None else min(back_to, rewound_to)
        cursors = _cursors(store)
        lowest = min(cursor.block for cursor in cursors.values())
        progress = Progress(lowest, target, events, rewound_to)
        if lowest >= target:
            return progress
        behind = [each for each in contracts if cursors[each.contract].block == lowest]
        further = [cursor.block for cursor in cursors.values() if cursor.block > lowest]
        stretch = _read(chain, behind, first=lowest + 1, last=min([target, lowest + span, *further]))
        if stretch is None or not _commit(store, chain, stretch, cursors):
            in_vain += 1
            continue
        events, in_vain = events + len(stretch.logs), 0
        if report is not None:
            report(Progress(stretch.last, target, events, rewound_to))
    raise ChainError(
        f"the blocks after {lowest} changed each time they were read: run again when the node is calm"
    )


def rewind(store: Store, block: int) -> None:
    """Forgets all blocks above this one and makes the rows again from the events that remain."""
    with store.writing() as session:
        lost = session.scalar(select(EventRow.block).where(EventRow.block > block).limit(1))
        session.execute(delete(EventRow).where(EventRow.block > block))
        session.execute(delete(BlockRow).where(BlockRow.number > block))
        kept = session.scalar(select(BlockRow).order_by(BlockRow.number.desc()).limit(1))
        block = kept.number if kept is not None else -1
        for each in followed(session):
            cursor = session.get_one(CursorRow, each.contract)
            if cursor.block <= block:
                continue
            journal = each.journal_start
            for happening in projection.stored(session, each.contract):
                journal = advance(journal, happening.event)
            if kept is None:
                fresh = unfollowed(each)
                cursor.block, cursor.block_hash = fresh.block, fresh.block_hash
            else:
                cursor.block, cursor.block_hash = block, kept.hash
            cursor.journal = journal
        if lost is not None:
            projection.rebuild(session)


def rebuild(store: Store) -> None:
    """Deletes the rows and makes them again from the stored events, in one commit."""
    with store.writing() as session:
        projection.rebuild(session)


def journal_head(chain: Reader, each: Followed, block: int) -> bytes:
    """The contract's own journal head after this block; the first one where it did not exist yet."""
    words = words_of(chain.call(each.contract, view_call("journalHead()"), block=block))
    return words[0].to_bytes(32) if words else each.journal_start


# Inside


@dataclass(frozen=True, slots=True)
class _Cursor:
    block: int
    block_hash: bytes
    journal: bytes


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some blocks as the chain has them, and the contracts that they were read for."""

    contracts: tuple[Followed, ...]
    first: int
    last: int
    last_hash: Hash
    last_timestamp: int
    timestamps: dict[int, tuple[Hash, int]]
    logs: tuple[Log, ...]


def _cursors(store: Store) -> dict[str, _Cursor]:
    with store.reading() as session:
        rows = session.scalars(select(CursorRow))
        return {row.contract: _Cursor(row.block, row.block_hash, row.journal) for row in rows}


def _fork(store: Store, chain: Chain) -> int | None:
    """The last block that database and chain have in common, where the database has others; else None."""
    with store.reading() as session:
        height = chain.height()
        rows = list(session.execute(select(CursorRow.block, CursorRow.block_hash).distinct()))
        if all(_is_there(chain, block, block_hash, height) for block, block_hash in rows):
            return None
        for number, block_hash in session.execute(
            select(BlockRow.number, BlockRow.hash).order_by(BlockRow.number.desc())
        ):
            if _is_there(chain, number, block_hash, height):
                return int(number)
    return -1


def _is_there(chain: Chain, block: int, block_hash: bytes, height: int) -> bool:
    return block_hash == NO_BLOCK or (block <= height and chain.block_hash(block) == block_hash)


def _read(chain: Chain, contracts: Sequence[Followed], *, first: int, last: int) -> _Stretch | None:
    """The blocks from first to last, or None where the chain was reorganised while they were read."""
    last_hash, last_timestamp = chain.block_hash(last), chain.block_timestamp(last)
    logs = journal_logs(chain.logs(first, last, addresses=[each.contract for each in contracts]))
    timestamps: dict[int, tuple[Hash, int]] = {}
    for log in logs:
        if log.block not in timestamps:
            timestamps[log.block] = log.block_hash, chain.block_timestamp(log.block)
        if timestamps[log.block][0] != log.block_hash:
            return None
    if any(chain.block_hash(number) != found for number, (found, _) in timestamps.items()):
        return None
    if chain.block_hash(last) != last_hash:
        return None
    return _Stretch(tuple(contracts), first, last, last_hash, last_timestamp, timestamps, tuple(logs))


def _commit(store: Store, chain: Chain, stretch: _Stretch, cursors: dict[str, _Cursor]) -> bool:
    """Writes a stretch; False where the chain or another indexer has moved on meanwhile."""
    journals: dict[str, bytes] = {}
    for each in stretch.contracts:
        head = cursors[each.contract].journal
        for log in stretch.logs:
            if log.address == each.contract:
                head = advance(head, decode(log.topics, log.data))
        own = journal_head(chain, each, stretch.last)
        if own != head:
            if chain.block_hash(stretch.last) != stretch.last_hash:
                return False
            raise VerificationError(
                f"block {stretch.last}: the events of {each.contract} give the journal head {hex_of(head)}, the "
                f"contract's own is {hex_of(own)}: the node has left out, added or changed an event; ask another"
            )
        journals[each.contract] = head
    with store.writing() as session:
        rows = {each.contract: session.get_one(CursorRow, each.contract) for each in stretch.contracts}
        for contract, row in rows.items():
            if (row.block, row.block_hash) != (cursors[contract].block, cursors[contract].block_hash):
                return False
        _write_blocks(session, stretch)
        for each in stretch.contracts:
            logs = [log for log in stretch.logs if log.address == each.contract]
            session.add_all(_event_row(log) for log in logs)
            session.flush()
            projection.project(session, each.contract, [_happening(log, stretch) for log in logs])
            row = rows[each.contract]
            row.block, row.block_hash = stretch.last, stretch.last_hash
            row.journal = journals[each.contract]
    return True


def _write_blocks(session: Session, stretch: _Stretch) -> None:
    blocks = stretch.timestamps | {stretch.last: (stretch.last_hash, stretch.last_timestamp)}
    for number, (block_hash, timestamp) in blocks.items():
        if session.get(BlockRow, number) is None:
            session.add(BlockRow(number=number, hash=block_hash, timestamp=timestamp))
    session.flush()


def _event_row(log: Log) -> EventRow:
    return EventRow(
        contract=log.address,
        block=log.block,
        log_index=log.log_index,
        tx_hash=log.tx_hash,
        name=type(decode(log.topics, log.data)).__name__,
        subject=log.topics[1],
        topics=[hex_of(topic) for topic in log.topics],
        data=hex_of(log.data),
    )


def _happening(log: Log, stretch: _Stretch) -> Happening:
    event = decode(log.topics, log.data)
    timestamp = Timestamp(stretch.timestamps[log.block][1])
    return Happening(event, log.block, log.log_index, log.tx_hash, timestamp)
