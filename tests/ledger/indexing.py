"""What tests of the index share: a node with a small crowd on it, databases beside it, and what has to be right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.indexer import follow
from ledger.rpc_chain import RpcChain
from ledger.store import Store, add_pin, open_store
from ledger.tables import BlockRow, EventRow
from ledger.verification import verify
from tests.bench_chain import Crowd
from tests.engines import Node, anvil
from tests.ledger.office import rows


@dataclass
class Yard:
    """A node whose vouchers go to and fro, one transfer to a block unless said otherwise."""

    node: Node
    crowd: Crowd
    folder: Path
    opened: int = 0

    @property
    def chain(self) -> RpcChain:
        return self.crowd.chain

    def client(self, url: str) -> RpcChain:
        """Another client, of a node or of what stands before it."""
        return RpcChain(url, key=self.node.keys[0], timeout=5)

    def move(self, count: int) -> None:
        self.crowd.move(count, per_block=1)

    def reorganise(self, depth: int) -> None:
        """So many of the last blocks are replaced by empty ones."""
        self.node.ask("anvil_reorg", depth, [])
        self.crowd.look_again()

    def store(self, url: str | None = None) -> Store:
        """A new database that is bound to the crowd's contracts."""
        self.opened += 1
        opened = open_store(url or f"sqlite:///{self.folder / f'index {self.opened}.db'}")
        add_pin(opened, self.crowd.pin)
        return opened

    def all_is_right(self, store: Store) -> None:
        """The database is followed to the head, verified, and the same as one that saw only the chain of now."""
        follow(store, self.chain)
        assert verify(store, self.chain).findings == ()
        with self.store() as fresh:
            follow(fresh, self.chain)
            assert everything(store) == everything(fresh)


@contextmanager
def yard(folder: Path, *, vouchers: int = 3, state: Path | None = None) -> Iterator[Yard]:
    """A node of its own, the contracts, and so many vouchers."""
    with anvil(state=state) as node:
        crowd = Crowd(node.chain(), key=node.keys[0], vouchers=vouchers)
        yield Yard(node, crowd, folder)


def everything(store: Store) -> dict[str, Any]:
    """The rows and events, as values that do not depend on the database."""
    plain = {
        name: sorted(([_plain(value) for value in row] for row in found), key=repr)
        for name, found in rows(store).items()
    }
    with store.reading() as session:
        events = [
            (row.contract, row.block, row.log_index, row.tx_hash, row.name, row.subject, row.data)
            for row in session.query(EventRow).order_by(EventRow.contract, EventRow.block, EventRow.log_index)
        ]
        known = {row.number: (row.hash, row.timestamp) for row in session.query(BlockRow)}
    used = sorted({event[1] for event in events})
    return plain | {"events": events, "blocks": [(number, *known[number]) for number in used]}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
