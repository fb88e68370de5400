"""The pipeline from the outbox to final and indexed, on both pairs of engines: the embedded chain with SQLite, a node
with PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.agreements import Part, Split
from ledger.crash_points import INDEX_POINTS, RELAY_POINTS
from ledger.embedded import EmbeddedChain
from ledger.indexer import follow
from ledger.money import Fen
from ledger.outbox_tables import BatchRow, OutboxRow
from ledger.relay import Terms, run
from ledger.rows import world_of
from ledger.signing import child_id
from ledger.store import Store, add_pin, open_store
from ledger.verification import verify
from tests.engines import Node, anvil, embedded, travel_to
from tests.ledger.indexing import everything
from tests.ledger.office import FACE, ISSUER, LATER, A, B, C, Engine, Office, open_office
from tests.ledger.relaying import TERMS, Bench, Killed, dying_at, settled
from tests.ledger.test_relay_crashes import NEEDS_A_FAULT

POINTS = [point for point in RELAY_POINTS if point not in NEEDS_A_FAULT]


@dataclass
class Pipeline:
    """An office on a pair of engines. `url` is the database's; `node` None: the embedded chain."""

    office: Office
    url: str
    folder: Path
    node: Node | None
    marked: int = 0

    @property
    def chain(self) -> Engine:
        return self.office.chain

    @property
    def store(self) -> Store:
        return self.office.store

    def restart(self, while_closed: Callable[[], object] = lambda: None) -> None:
        """Chain and database are opened anew, as by another process."""
        self.store.close()
        if isinstance(self.chain, EmbeddedChain):
            self.chain.close()
        while_closed()
        chain = self.node.chain() if self.node else EmbeddedChain(self._file, demo=True)
        self.office = replace(self.office, chain=chain, store=open_store(self.url))

    def another(self) -> Engine:
        """The chain as another relay has it: with an account of its own where the chain can be opened twice."""
        return self.node.chain(1) if self.node else self.chain

    def mark(self) -> None:
        """The chain as it is now is where `reorganise` begins another branch."""
        self.marked = self.chain.height()
        if self.node is None:
            self.restart(lambda: shutil.copy(self._file, self.folder / "marked"))

    def reorganise(self) -> None:
        """What was made since the mark has never been, and other blocks are there."""
        if self.node is not None:
            self.node.ask("anvil_reorg", self.chain.height() - self.marked, [])
            return
        height = self.chain.height()
        self.restart(lambda: shutil.copy(self.folder / "marked", self._file))
        while self.chain.height() <= height:
            travel_to(self.chain, self.chain.now() + 60)

    def block(self) -> None:
        """One more, with nothing in it."""
        travel_to(self.chain, self.chain.now() + 5)

    def all_is_right(self) -> None:
        """The index is followed to the head, verified, and what an empty one makes of the same chain."""
        follow(self.store, self.chain)
        assert verify(self.store, self.chain).findings == ()
        with open_store(f"sqlite:///{self.folder / 'fresh.db'}") as fresh:
            add_pin(fresh, self.office.pin)
            follow(fresh, self.chain)
            assert everything(self.store) == everything(fresh)

    @property
    def _file(self) -> Path:
        return self.folder / "chain.sqlite"


@pytest.fixture(params=["the embedded chain and SQLite", "a node and PostgreSQL"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pipeline]:
    with ExitStack() as stack:
        if request.param == "a node and PostgreSQL":
            node = stack.enter_context(anvil())
            url: str = request.getfixturevalue("postgres_url")
            opened = Pipeline(open_office(node.chain(), tmp_path, database=url), url, tmp_path, node)
        else:
            chain = stack.enter_context(embedded(tmp_path))
            url = f"sqlite:///{tmp_path / 'office.db'}"
            opened = Pipeline(open_office(chain, tmp_path), url, tmp_path, None)
        try:
            yield opened
        finally:
            opened.store.close()
            if isinstance(opened.chain, EmbeddedChain):
                opened.chain.close()


def test_from_the_outbox_to_final_and_indexed_and_what_is_bad_is_refused_with_its_reason(
    pipeline: Pipeline,
) -> None:
    office = pipeline.office
    voucher = office.issue()
    office.put(office.transfer_of(voucher, 1, B), A, B)
    bad = office.put(office.transfer_of(voucher, 2, C), A, C)  # it is no longer A's
    parts = (Part(C, Fen(FACE // 4)), Part(A, Fen(FACE // 4)))
    office.put(Split(voucher, 2, False, LATER, parts, ()), B, C, A)
    run(office.store, office.chain, terms=Terms(depth=1))
    bench = Bench(office)
    if bench.items()[0] != "final":  # one more block has to be on top of it
        assert bench.items() == ["mined", "mined", "refused", "mined"]
        pipeline.block()
        run(office.store, office.chain, terms=Terms(depth=1))
    assert bench.items() == ["final", "final", "refused", "final"]
    settled(office, [voucher])
    with office.store.reading() as session:
        row, world = session.get_one(OutboxRow, bad), world_of(session, office.pin.ledger)
    assert (row.refusal, row.status) == ("BadSignature", "refused")
    left, part = world.vouchers[voucher], world.vouchers[child_id(voucher, 2, 0)]
    assert (left.holder, left.face, left.sequence) == (B, FACE // 2, 3)
    assert (part.holder, part.face) == (C, FACE // 4)
    pipeline.all_is_right()


def test_two_relays_share_the_outbox_and_do_nothing_twice(pipeline: Pipeline) -> None:
    bench = Bench(pipeline.office, terms=replace(TERMS, most_open=1, gas_budget=1_000_000))
    vouchers = bench.issue(12)
    with open_store(pipeline.url) as other:
        first = bench.relay_beside()
        second = replace(bench.relay_beside(pipeline.another()), store=other)
        for turn in range(200):
            (first, second)[turn % 2].cycle()
            if set(bench.items()) == {"final"}:
                break
    settled(pipeline.office, vouchers)
    with pipeline.store.reading() as session:
        batches = list(session.scalars(select(BatchRow).order_by(BatchRow.number)))[-4:]
        carried = [number for batch in batches for number in batch.items]
    assert len(carried) == len(set(carried))
    accounts = {batch.account for batch in batches}
    assert accounts == {pipeline.chain.account, pipeline.another().account}
    pipeline.all_is_right()


def test_what_a_reorganisation_took_away_lands_again_and_the_index_follows(pipeline: Pipeline) -> None:
    office = pipeline.office
    kept = office.issue()
    office.run()
    pipeline.mark()
    office = pipeline.office
    lost = [office.issue(), office.issue(supplier=B)]
    office.put(office.transfer_of(lost[0], 1, C), A, C)
    office.put(replace(office.issue_of(), face=Fen(FACE + 1)), ISSUER, A)  # refused, in the same batch
    office.run()
    office.follow()
    before = _bytes_sent(pipeline)
    pipeline.reorganise()
    office = pipeline.office
    assert follow(office.store, office.chain).rewound_to is not None
    with office.store.reading() as session:
        assert not set(lost) & world_of(session, office.pin.ledger).vouchers.keys()
    office.run()
    assert Bench(office).items() == ["final", "final", "final", "final", "refused"]
    assert _bytes_sent(pipeline) == before
    settled(office, [kept, *lost])
    pipeline.all_is_right()


def _bytes_sent(pipeline: Pipeline) -> list[bytes]:
    bench = Bench(pipeline.office)
    return [row.raw for batch in bench.batches() for row in bench.transactions(batch.number)]


def test_killed_at_every_step_and_started_again_nothing_is_lost_and_nothing_is_done_twice(
    pipeline: Pipeline,
) -> None:
    vouchers = []
    for point in POINTS:
        vouchers.append(pipeline.office.issue())
        with dying_at(point), pytest.raises(Killed):
            run(pipeline.store, pipeline.chain, terms=Terms(lease=0))
        pipeline.restart()
    for point in INDEX_POINTS[:3]:
        pipeline.office.run(terms=Terms(lease=0))
        pipeline.block()
        with dying_at(point), pytest.raises(Killed):
            follow(pipeline.store, pipeline.chain)
        pipeline.restart()
    settled(pipeline.office, vouchers)
    pipeline.all_is_right()
