"""The chain changes its mind, or the node does: the index follows, waits, or stops and says so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger import crash_points
from ledger.errors import ChainError
from ledger.indexer import NodesDisagree, ReorgTooDeep, follow
from ledger.tables import BlockRow, CursorRow, hex_of
from tests.engines import anvil
from tests.hostile_node import changed, hostile
from tests.ledger.indexing import Yard, everything, yard


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with yard(tmp_path_factory.mktemp("yard")) as opened:
        opened.move(4)
        yield opened


# ---- refusals ----------------------------------------------------------------------------------------------


def test_a_fork_below_the_margin_stops_the_index_and_deletes_nothing(shared: Yard) -> None:
    shared.move(7)
    with shared.store() as store:
        follow(store, shared.chain, span=1)
        before, height = everything(store), shared.chain.height()
        lowest = shared.chain.block_hash(height - 5)
        shared.reorganise(6)
        for _ in range(2):
            with pytest.raises(ReorgTooDeep, match="at most 4 are given up unasked") as stopped:
                follow(store, shared.chain, margin=4)
            assert hex_of(lowest) in str(stopped.value)
            assert hex_of(shared.chain.block_hash(height - 5)) in str(stopped.value)
            assert everything(store) == before
        assert follow(store, shared.chain, margin=6).rewound_to == height - 6
        shared.all_is_right(store)


def test_two_nodes_that_disagree_write_nothing_until_they_agree(shared: Yard) -> None:
    shared.move(2)

    def other(block: dict[str, str] | None) -> dict[str, str] | None:
        return block and block | {"hash": "0x" + "ab" * 32}

    with shared.store() as store, hostile(shared.node.url) as proxy:
        witness = shared.client(proxy.url)
        before = everything(store)
        proxy.script("eth_getBlockByNumber", changed(other), times=None)
        with pytest.raises(NodesDisagree, match=f"block {shared.chain.height()} is 0x.* 0x{'ab' * 32}"):
            follow(store, shared.chain, witness=witness)
        assert everything(store) == before
        proxy.heal()
        follow(store, shared.chain, witness=witness)
        shared.all_is_right(store)


def test_a_witness_of_another_chain_is_refused(shared: Yard) -> None:
    refused = pytest.raises(ChainError, match="not the chain that the database belongs to")
    with anvil(chain_id=4_711) as other, shared.store() as store, refused:
        follow(store, shared.chain, witness=other.chain())


# ---- reorganisations ---------------------------------------------------------------------------------------


def test_reorganisations_of_every_depth_from_1_to_20_are_followed(shared: Yard) -> None:
    with shared.store() as store:
        for depth in range(1, 21):
            shared.move(depth + 1)
            follow(store, shared.chain, span=7)
            height = shared.chain.height()
            shared.reorganise(depth)
            shared.move(2)
            done = follow(store, shared.chain, span=7)
            assert done.block == height + 2
            assert done.rewound_to is not None and done.rewound_to <= height - depth
            with store.reading() as session:  # and not a block of the chain that is gone
                kept = session.execute(select(BlockRow.number, BlockRow.hash)).all()
            assert all(shared.chain.block_hash(number) == own for number, own in kept)
        shared.all_is_right(store)


def test_what_was_not_confirmed_need_not_be_taken_back(shared: Yard) -> None:
    with shared.store() as store:
        for depth in (1, 5, 8):
            shared.move(9)
            assert follow(store, shared.chain, confirmations=8).block == shared.chain.height() - 8
            shared.reorganise(depth)
            shared.move(1)
            assert follow(store, shared.chain, confirmations=8).rewound_to is None
        shared.reorganise(12)
        assert follow(store, shared.chain, confirmations=8).rewound_to is not None
        shared.all_is_right(store)


def test_a_reorganisation_of_empty_blocks_between_two_commits_leaves_none_of_them(shared: Yard) -> None:
    with shared.store() as store:
        follow(store, shared.chain)
        for _ in range(10):
            shared.node.ask("evm_mine")
        written = 0

        def then_another_chain(reached: str) -> None:
            nonlocal written
            written += reached == "index: committed"
            if written == 1:
                written += 1
                shared.node.ask("anvil_reorg", 10, [])

        crash_points.hook = then_another_chain
        try:
            follow(store, shared.chain, span=2)
        finally:
            crash_points.hook = None
        with store.reading() as session:
            kept = session.execute(select(BlockRow.number, BlockRow.hash)).all()
        assert [number for number, own in kept if shared.chain.block_hash(number) != own] == []
        shared.all_is_right(store)


# ---- a node that is behind ---------------------------------------------------------------------------------


def test_a_node_that_is_behind_is_waited_for(shared: Yard) -> None:
    shared.move(3)
    with shared.store() as store, hostile(shared.node.url) as proxy:
        follow(store, shared.chain, span=2)
        before, height = everything(store), shared.chain.height()
        chain = shared.client(proxy.url)
        for limit in (height - 1, height - 4, height // 2):
            proxy.height_limit = limit
            done = follow(store, chain)
            assert (done.block, done.target, done.rewound_to) == (height, limit, None)
            assert everything(store) == before
        proxy.heal()
        shared.move(2)
        assert follow(store, chain).block == height + 2
        shared.all_is_right(store)


def test_a_witness_that_is_behind_holds_the_index_back(shared: Yard) -> None:
    with shared.store() as store, hostile(shared.node.url) as proxy:
        proxy.height_limit = shared.chain.height() - 2
        done = follow(store, shared.chain, witness=shared.client(proxy.url))
        assert done.block == proxy.height_limit


def test_a_node_restarted_with_an_older_state_is_waited_for_until_its_chain_is_another(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state.json"
    with yard(tmp_path, state=state) as opened, opened.store() as store:
        opened.move(2)
        opened.node.stop()
        shutil.copy(state, tmp_path / "older.json")
        opened.node.restart()
        older = opened.chain.height()
        opened.move(4)
        follow(store, opened.chain, span=1)
        before = everything(store)
        opened.node.restart(state=tmp_path / "older.json")
        done = follow(store, opened.chain)
        assert (done.block, done.target) == (older + 4, older)
        assert everything(store) == before
        opened.crowd.look_again()
        opened.node.ask("evm_mine")
        opened.move(1)
        assert follow(store, opened.chain).rewound_to == older
        with store.reading() as session:
            assert max(session.scalars(select(BlockRow.number))) == older + 2
            assert set(session.scalars(select(CursorRow.block))) == {older + 2}
        opened.all_is_right(store)
