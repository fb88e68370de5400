"""Follows the chain: events, the rows that follow from them, and the cursor, all in one commit.

    follow     reads on from the cursors; a reorganised chain is noticed by block hash, rewound, followed anew
    serve      follows for ever, until it is told to stop
    rewind     back to a block: events above it are deleted and the rows are made again from those that remain
    rebuild    the rows once more from the stored events

Every contract of the installation, the registry and each ledger in order of succession, has a cursor and a
journal of its own; a successor is followed from its own first block on until it has caught up. What is written was
proven before (`stretch.py`): an index whose journal head is not the contract's own stops with a JournalMismatch. Two
indexers side by side do not harm each other. What is refused:

- a node of another chain, or with other contracts, than the pinned ones (ChainError);
- a reorganisation deeper than the stated margin (ReorgTooDeep): nothing is deleted, a person has to look;
- blocks that a second node, the witness, does not have (NodesDisagree).

A node that is merely behind, whose blocks agree with ours as far as it goes, is waited for. The time in a block is
kept as it is, whatever it says.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger import projection
from ledger.chain import Chain
from ledger.crash_points import reach
from ledger.errors import ChainError, TallystickError, VerificationError
from ledger.events import advance_log, topics_of
from ledger.forks import MARGIN, NodesDisagree, ReorgTooDeep, fork, require_agreement
from ledger.halts import INDEX, halt, resume
from ledger.pin import Pin, check_pin
from ledger.row_writing import add, adding_lines
from ledger.rows import Kept
from ledger.store import Followed, Store, followed, pins, unfollowed
from ledger.stretch import Cursor, JournalMismatch, Stretch, journal_head, stretches
from ledger.tables import BlockRow, CursorRow, EventRow, bytes_of

__all__ = ["JournalMismatch", "NodesDisagree", "Progress", "ReorgTooDeep", "follow", "journal_head"]
__all__ += ["rebuild", "rewind", "serve"]

LOG: Final = logging.getLogger("ledger.indexer")
SPAN: Final = 2_000
"""Blocks that are read and committed together at most; fewer where they hold many events."""
COLLECT_AFTER: Final = 1_000_000
"""New objects after which Python looks for circles of them, while blocks are read and written."""
PATIENCE: Final = 20
"""How often the same blocks are read again because the chain has changed meanwhile."""
DOUBTS: Final = 2
"""How often the same blocks are read again because the events cannot be right: a node may be about to heal."""
PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0
"""Seconds between two looks at the chain; the longest after trouble."""

_EVENT: Final = tuple(column.name for column in EventRow.__table__.columns)
_BLOCK: Final = tuple(column.name for column in BlockRow.__table__.columns)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where following stands: the last block that is in the database, the one to reach (lower where the node is
    behind), events read so far."""

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
    margin: int = MARGIN,
    witness: Chain | None = None,
    stop: threading.Event | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Progress:
    """Reads all blocks that have at least so many blocks on top of them, `span` blocks at most at a time.

    `margin`: blocks below the cursor that a reorganisation may replace. `witness`: another node, which has to name the
    same blocks. `stop`: ends after the present commit once it is set. `report` is called after every commit.

    ChainError for another chain than the pinned one and for a node that cannot be used; JournalMismatch, ReorgTooDeep
    and NodesDisagree as above.
    """
    return _follow(
        store,
        chain,
        _pinned(store, chain, witness),
        Kept(),
        confirmations=confirmations,
        span=span,
        margin=margin,
        witness=witness,
        stop=stop,
        report=report,
    )


def _follow(
    store: Store,
    chain: Chain,
    contracts: Sequence[Followed],
    kept: Kept,
    *,
    confirmations: int,
    span: int,
    margin: int,
    witness: Chain | None,
    stop: threading.Event | None,
    report: Callable[[Progress], None] | None = None,
) -> Progress:
    target: int | None = None
    events, in_vain, doubts = 0, 0, 0
    rewound_to: int | None = None
    while in_vain < PATIENCE:
        height = chain.height()
        back_to = fork(store, chain, margin=margin, height=height)
        if witness is not None:
            height = min(height, witness.height())
        target = height - confirmations if target is None else min(target, height - confirmations)
        if back_to is not None:
            _pinned(store, chain, witness)  # what looks like a reorganisation may be another chain
            rewind(store, back_to)
            rewound_to = back_to if rewound_to is None else min(back_to, rewound_to)
        cursors = _cursors(store)
        lowest = min(cursor.block for cursor in cursors.values())
        if lowest >= target or (stop is not None and stop.is_set()):
            return Progress(lowest, target, events, rewound_to)
        try:
            for stretch in _written(
                store, chain, contracts, cursors, kept, target=target, span=span, witness=witness
            ):
                if stretch is None:
                    in_vain += 1
                    break
                events, in_vain, doubts = events + stretch.events, 0, 0
                _tell(stretch)
                if report is not None:
                    report(Progress(stretch.last.number, target, events, rewound_to))
                if stop is not None and stop.is_set():
                    break
        except VerificationError:
            doubts += 1
            if doubts > DOUBTS:
                raise
    raise ChainError(
        f"the blocks after {lowest} changed each time they were read: run again when the node is calm"
    )


def serve(
    store: Store,
    chain: Chain,
    *,
    stop: threading.Event,
    confirmations: int = 0,
    span: int = SPAN,
    margin: int = MARGIN,
    witness: Chain | None = None,
    pause: float = PAUSE,
    report: Callable[[Progress], None] | None = None,
    trouble: Callable[[TallystickError], None] | None = None,
) -> None:
    """Follows until `stop` is set, looking every `pause` seconds; what is under way is finished first.

    `report` is called after every look, also when there was nothing new. A node or database that cannot be used is
    told to `trouble` and tried again, each time after a longer pause. Raised are another chain than the pinned one at
    the start, and at any time what no waiting heals: JournalMismatch, ReorgTooDeep, events that cannot be.
    """
    checked: set[Pin] = set()
    _pinned(store, chain, witness, checked)
    failed, kept, works = 0, Kept(), False
    while not stop.is_set():
        try:
            done = _follow(
                store,
                chain,
                _pinned(store, chain, witness, checked),
                kept,
                confirmations=confirmations,
                span=span,
                margin=margin,
                witness=witness,
                stop=stop,
            )
            failed = 0
            if not works:
                resume(store, INDEX)
                works = True
            if report is not None:
                report(done)
        except VerificationError as halted:
            halt(store, INDEX, halted)
            raise
        except TallystickError as broken:
            failed += 1
            checked.clear()  # when the node answers again, it may be another one
            if trouble is not None:
                trouble(broken)
        stop.wait(min(pause * 2**failed, max(LONGEST_PAUSE, pause)) if failed else pause)


def rewind(store: Store, block: int) -> None:
    """Forgets all blocks above this one and makes the rows again from the events that remain."""
    with store.writing() as session:
        cursors = _locked(session)
        lost = session.scalar(select(EventRow.block).where(EventRow.block > block).limit(1))
        session.execute(delete(EventRow).where(EventRow.block > block))
        session.execute(delete(BlockRow).where(BlockRow.number > block))
        kept = session.scalar(select(BlockRow).order_by(BlockRow.number.desc()).limit(1))
        block = kept.number if kept is not None else -1
        for each in followed(session):
            cursor = cursors[each.contract]
            if cursor.block <= block:
                continue
            journal = _journal(session, each)
            if kept is None:
                fresh = unfollowed(each)
                cursor.block, cursor.block_hash = fresh.block, fresh.block_hash
            else:
                cursor.block, cursor.block_hash = block, kept.hash
            cursor.journal = journal
        if lost is not None:
            projection.rebuild(session)
    LOG.warning("rewound to block %d", block, extra={"block": block})
    reach("index: rewound")


def rebuild(store: Store) -> None:
    """Deletes the rows and makes them again from the stored events, in one commit."""
    with store.writing() as session:
        projection.rebuild(session)


# Inside


def _tell(stretch: Stretch) -> None:
    """A line for the log; of blocks without events for who wants to know everything."""
    blocks = (min(cursor.block for cursor in stretch.before.values()) + 1, stretch.last.number)
    level = logging.INFO if stretch.events else logging.DEBUG
    LOG.log(level, "blocks followed", extra={"blocks": blocks, "events": stretch.events})


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """A stretch is a hundred thousand small objects that live together and refer to each other in no circle: looking
    for circles among them after every seven hundred takes a third of all the time."""
    present = gc.get_threshold()
    gc.set_threshold(max(present[0], COLLECT_AFTER) if present[0] else 0, *present[1:])
    try:
        yield
    finally:
        gc.set_threshold(*present)


def _pinned(
    store: Store, chain: Chain, witness: Chain | None, checked: set[Pin] | None = None
) -> list[Followed]:
    """What is to be followed, if both nodes are on the pinned chain; `checked`: for which pins that is known."""
    with store.reading() as session:
        contracts, pinned = followed(session), pins(session)
    if not contracts:
        raise ChainError("the database names no contract to follow: deploy, or pin a ledger first")
    known = set() if checked is None else checked
    for pin in pinned:
        if pin not in known:
            for node in (chain,) if witness is None else (chain, witness):
                check_pin(node, pin)
            known.add(pin)
    return contracts


def _journal(session: Session, each: Followed) -> bytes:
    """The journal head that a contract's stored events give."""
    query = (
        select(EventRow.name, EventRow.subject, EventRow.data)
        .where(EventRow.contract == each.contract)
        .order_by(EventRow.block, EventRow.log_index)
    )
    head = each.journal_start
    for name, subject, data in session.execute(query).yield_per(projection.PIECE):
        head = advance_log(head, topics_of(name, subject), bytes_of(data))
    return head


def _cursors(store: Store) -> dict[str, Cursor]:
    with store.reading() as session:
        rows = session.scalars(select(CursorRow))
        return {row.contract: Cursor(row.block, row.block_hash, row.journal) for row in rows}


def _locked(session: Session) -> dict[str, CursorRow]:
    """The cursors, kept from every other indexer until the commit."""
    query = select(CursorRow).order_by(CursorRow.contract).with_for_update()
    return {row.contract: row for row in session.scalars(query)}


def _written(
    store: Store,
    chain: Chain,
    contracts: Sequence[Followed],
    cursors: Mapping[str, Cursor],
    kept: Kept,
    *,
    target: int,
    span: int,
    witness: Chain | None,
) -> Iterator[Stretch | None]:
    """The stretches from the cursors on, each as soon as it is committed; None where the chain changed while it was
    read. Ends early where another indexer was faster."""
    with _collecting_rarely():
        for stretch in stretches(
            chain, contracts, cursors, target=target, span=span, ahead=not chain.exclusive
        ):
            if stretch is not None:
                reach("index: blocks read")
                if witness is not None:
                    require_agreement(witness, stretch.last)
                if not _commit(store, stretch, kept):
                    return
            yield stretch


def _commit(store: Store, stretch: Stretch, kept: Kept) -> bool:
    """Writes a stretch; False where another indexer has moved on meanwhile."""
    with store.writing() as session:
        rows = _locked(session)
        for contract, cursor in stretch.before.items():
            if (rows[contract].block, rows[contract].block_hash) != (cursor.block, cursor.block_hash):
                return False
        _write_blocks(session, stretch)
        most = max(stretch.told, key=lambda contract: len(stretch.told[contract]))
        for contract, happenings in stretch.told.items():
            around = kept.take(contract, stretch.before[contract])
            beside = adding_lines(session, EventRow, _EVENT, stretch.lines) if contract == most else None
            projection.project(session, contract, happenings, surroundings=around, beside=beside)
            after = stretch.after[contract]
            row = rows[contract]
            row.block, row.block_hash, row.journal = after.block, after.block_hash, after.journal
        session.flush()
        reach("index: about to commit")
    kept.cursors.update(stretch.after)
    reach("index: committed")
    return True


def _write_blocks(session: Session, stretch: Stretch) -> None:
    """The blocks that are not there: what one contract was followed through, another may still have to be."""
    known = set(session.scalars(select(BlockRow.number).where(BlockRow.number >= min(stretch.blocks))))
    rows = [
        (block.number, block.hash, block.timestamp)
        for block in stretch.blocks.values()
        if block.number not in known
    ]
    add(session, BlockRow, _BLOCK, rows)
