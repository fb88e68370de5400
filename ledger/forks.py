"""Where the database and a node, or two nodes, stop having the same chain.

    fork                 the last block in common, where the node has others above it
    require_agreement    that a second node has a block too

A node that is merely behind has no fork: its blocks agree with ours as far as it goes. Nothing is written here: who
finds a fork decides what becomes of it, unless it is too deep to be one.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from ledger.chain import Block, Chain
from ledger.columns import hex_of
from ledger.errors import ChainError, VerificationError
from ledger.store import NO_BLOCK, Store
from ledger.tables import BlockRow, CursorRow

MARGIN: Final = 128
"""Blocks that a reorganisation may replace without anybody's word."""


class ReorgTooDeep(VerificationError):
    """The chain is another one than the followed from further below than a reorganisation is expected to reach."""


class NodesDisagree(ChainError):
    """Two nodes name different blocks of the same number."""


def fork(store: Store, chain: Chain, *, margin: int, height: int) -> int | None:
    """The last block that database and chain have in common, where the chain has others above it; else None. `height`:
    of the chain's head, as it was just now.

    ReorgTooDeep where the first block that is known to be another one is more than `margin` below the cursor.
    """
    with store.reading() as session:
        rows = session.execute(select(CursorRow.block, CursorRow.block_hash).distinct())
        reached = {int(block): bytes(block_hash) for block, block_hash in rows if block_hash != NO_BLOCK}
    if all(block <= height and chain.block_hash(block) == own for block, own in reached.items()):
        return None
    highest, other = max(reached), None
    with store.reading() as session:
        query = select(BlockRow.number, BlockRow.hash).order_by(BlockRow.number.desc())
        near = session.execute(query.where(BlockRow.number >= highest - margin)).all()
        below = session.execute(query.where(BlockRow.number < highest - margin).limit(1)).all()
    for number, own in (*near, *below):
        if number > height:
            continue
        theirs = chain.block_hash(number)
        if theirs == own:
            return int(number) if other else None  # None: the node is merely behind
        other = number, own, theirs
    if other is not None and below:
        number, own, theirs = other
        raise ReorgTooDeep(
            f"block {number} was {hex_of(own)} and is {hex_of(theirs)} now, {highest - number} blocks below the last "
            f"one followed; at most {margin} are given up unasked. Find out which chain is the right one; if it is "
            f"the node's: tallystick index --margin BLOCKS"
        )
    return -1 if other else None


def require_agreement(witness: Chain, block: Block) -> None:
    """NodesDisagree where the witness has another block of this number."""
    theirs = witness.block_hash(block.number)
    if theirs != block.hash:
        raise NodesDisagree(
            f"block {block.number} is {hex_of(block.hash)} for the node and {hex_of(theirs)} for the "
            f"witness: nothing of it was written; find out which of the two is on the wrong chain"
        )
