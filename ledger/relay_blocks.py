"""Whether the blocks in which things were recorded are still part of the chain, and whether they are deep enough.

    require_pinned    that this is the database's chain
    Watch.gone        the recorded blocks that are no longer there
    reopen            what was recorded in them is under way again
    end               what lies deep enough is final

A block's hash stands for all blocks below it. So in each cycle the highest recorded block is asked for, and those that
are new; only when one has gone all are asked for. Deeper than `REORG_DEPTH` below the head nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select, union, update
from sqlalchemy.orm import Session

from ledger.chain import Chain, Hash, NodeRefused, Unreachable
from ledger.errors import ChainError, InputError
from ledger.outbox import FINAL, LANDED, MINED, REFUSED, SENT, SIGNED, Relayed
from ledger.outbox_tables import BatchRow, OutboxRow, TransactionRow
from ledger.pin import OtherChain, check_pin
from ledger.relay_accounts import LOG
from ledger.relay_judging import twin
from ledger.relay_terms import Terms
from ledger.row_writing import PLAIN, one_of
from ledger.store import Store, pins

REORG_DEPTH: Final = 128
"""Blocks below the head in which an outcome is looked up again, in case the chain was reorganised."""
Block = tuple[int, bytes]
_CARRIED: Final = (MINED, FINAL)


def require_pinned(store: Store, chain: Chain) -> None:
    """OtherChain where this is not the chain that the database belongs to, InputError where it belongs to none."""
    with store.reading() as session:
        pinned = pins(session)
    if not pinned:
        raise InputError(
            "the database names no contract to send anything to: name the directory or the database of an installation"
        )
    for pin in pinned:
        check_pin(chain, pin)
        if chain.block_hash(0) != pin.genesis_hash:
            raise OtherChain("the node shows another chain than before: its genesis block has changed")


@dataclass(slots=True)
class Watch:
    """The blocks that were there when this process last looked. `behind_since`: when the node's head was first seen
    below a recorded block (Unix seconds)."""

    known: set[Block] = field(default_factory=set)
    behind_since: int | None = None

    def gone(self, store: Store, chain: Chain, height: int, *, now: int, patience: int) -> list[Block]:
        """Recorded blocks that the chain does not have any more. A node whose head is below a recorded block is
        merely behind for so many seconds; after them the block is gone."""
        recorded = _recorded(store, height - REORG_DEPTH)
        above = {block for block in recorded if block[0] > height}
        self.behind_since = (self.behind_since or now) if above else None
        self.known &= recorded - above
        top = max(self.known, default=None)
        try:
            if top is not None and chain.block_hash(top[0]) != top[1]:
                self.known.clear()
            asked = sorted(recorded - above - self.known)
            there = chain.blocks([number for number, _ in asked])
        except (Unreachable, NodeRefused):
            raise
        except ChainError:  # a block went while they were asked for: the next look finds out which
            self.known.clear()
            return []
        lost = [each for each, block in zip(asked, there, strict=True) if block.hash != each[1]]
        self.known = (recorded - above).difference(lost)
        if self.behind_since is not None and now - self.behind_since >= patience:
            lost += above
            self.behind_since = None
        return lost


def _recorded(store: Store, lowest: int) -> set[Block]:
    with store.reading() as session:
        carried = select(TransactionRow.block, TransactionRow.block_hash).where(
            TransactionRow.block >= lowest, TransactionRow.status.in_(_CARRIED)
        )
        elsewhere = select(OutboxRow.block, OutboxRow.block_hash).where(
            OutboxRow.batch.is_(None), OutboxRow.block.is_not(None), OutboxRow.block >= lowest
        )
        rows = session.execute(union(carried, elsewhere))
        return {(int(number or 0), bytes(found or b"")) for number, found in rows}


def reopen(store: Store, blocks: Iterable[Block]) -> None:
    """What was recorded in these blocks is under way again: the same bytes will be sent."""
    with store.writing() as session:
        for block, block_hash in blocks:
            LOG.warning(
                "what was recorded in a block that has gone is under way again", extra={"block": block}
            )
            there = (TransactionRow.block == block, TransactionRow.block_hash == block_hash)
            query = select(TransactionRow.batch).where(*there, TransactionRow.status.in_(_CARRIED))
            for batch in list(session.scalars(query)):
                _reopen_batch(session, batch)
            elsewhere = select(OutboxRow).where(
                OutboxRow.batch.is_(None), OutboxRow.block == block, OutboxRow.block_hash == block_hash
            )
            for row in session.scalars(elsewhere.with_for_update()):
                _again(session, row, SIGNED)


def _reopen_batch(session: Session, number: int) -> None:
    batch = session.get_one(BatchRow, number, with_for_update=True)
    values = {"status": "sent", "block": None, "block_hash": None, "last_sent_at": None}
    reverted = batch.status == "void"
    if reverted:  # its items have gone on; its nonce is free again, for a filler or for others
        values["status"] = "replaced"
    session.execute(update(TransactionRow).where(TransactionRow.batch == number).values(values))
    if reverted:
        return
    batch.status = "open"
    LOG.warning("batch %d is open again", number, extra={"batch": number, "items": batch.items})
    query = select(OutboxRow).where(OutboxRow.batch == number, OutboxRow.status.in_((*LANDED, REFUSED)))
    for row in session.scalars(query.with_for_update()):
        _again(session, row, SENT)


def _again(session: Session, row: OutboxRow, status: str) -> None:
    row.block = row.block_hash = row.log_index = row.tx_hash = None
    if row.status != REFUSED or not twin(session, row):
        row.status, row.refusal, row.facts = status, None, None
        session.flush()


def end(store: Store, *, height: int, terms: Terms) -> list[Relayed]:
    """What lies so deep that it stays is final; gives those items."""
    lowest = height - terms.depth
    with store.reading() as session:
        if not _mined(session, lowest):
            return []
    with store.writing() as session:
        items, batches = _mined(session, lowest) or ([], [])
        if batches:
            carried = (one_of(session, TransactionRow.batch, batches), TransactionRow.status == MINED)
            session.execute(
                update(TransactionRow).where(*carried).values(status=FINAL), execution_options=PLAIN
            )
            mine = one_of(session, BatchRow.number, batches)
            session.execute(update(BatchRow).where(mine).values(status=FINAL), execution_options=PLAIN)
        there = (one_of(session, OutboxRow.number, items), OutboxRow.status == MINED)
        columns = (OutboxRow.number, OutboxRow.verb, OutboxRow.tx_hash, OutboxRow.block)
        done = update(OutboxRow).where(*there).values(status=FINAL).returning(*columns)
        ended = session.execute(done, execution_options=PLAIN)
        return sorted(
            (Relayed(row.number, row.verb, None, Hash(row.tx_hash), row.block) for row in ended),
            key=lambda each: each.number,
        )


def _mined(session: Session, lowest: int) -> tuple[list[int], list[int]] | None:
    """Items and batches that were mined and lie at this block or deeper."""
    carried = select(TransactionRow.batch).where(
        TransactionRow.status == MINED, TransactionRow.block <= lowest
    )
    batches = list(session.scalars(carried))
    items = list(
        session.scalars(select(OutboxRow.number).where(OutboxRow.status == MINED, OutboxRow.block <= lowest))
    )
    return (items, batches) if items or batches else None
