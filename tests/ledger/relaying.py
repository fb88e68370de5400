"""What tests of the relay have in common: a clock that is set by hand, offices on a node, and the check that ends every
fault: each agreement has landed once, none is lost, and index and chain agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ledger import crash_points
from ledger.agreements import VoucherId
from ledger.chain import Chain
from ledger.outbox_tables import AccountRow, BatchRow, OutboxRow, TransactionRow
from ledger.relay import Terms, open_relay
from ledger.relay_cycle import Cycle, Relay
from ledger.tables import EventRow
from ledger.verification import verify
from tests.engines import Node, anvil
from tests.ledger.office import FACE, A, B, Office, open_office

TERMS = Terms(resend_after=10, replace_after=60, foreign_after=0, lease=15)


class Killed(BaseException):
    """Nothing in the product catches this."""


@dataclass
class Hands:
    """A clock that stands still until it is set."""

    now: int = 4_000_000_000  # later than any machine's

    def __call__(self) -> int:
        return self.now


@dataclass
class Bench:
    """An office whose relay a test drives cycle by cycle."""

    office: Office
    clock: Hands = field(default_factory=Hands)
    terms: Terms = TERMS

    def relay(self, chain: Chain | None = None, **terms: Any) -> Relay:
        """A new process's relay, after the one before it has gone; on another client of the chain where one is
        given."""
        self.clock.now += self.terms.lease
        return self.relay_beside(chain, **terms)

    def relay_beside(self, chain: Chain | None = None, **terms: Any) -> Relay:
        """The relay of one more process."""
        return open_relay(
            self.office.store,
            chain or self.office.chain,
            terms=replace(self.terms, **terms),
            clock=self.clock,
        )

    def issue(self, count: int) -> list[VoucherId]:
        """So many issues are put in."""
        return [self.office.issue(FACE // 100) for _ in range(count)]

    def items(self) -> list[str]:
        """The status of every item since the office was opened, in their order."""
        with self.office.store.reading() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.number))
            return [row.status for row in rows][self.opened :]

    def batches(self) -> list[BatchRow]:
        with self.office.store.reading() as session:
            return list(session.scalars(select(BatchRow).order_by(BatchRow.number)))

    def transactions(self, batch: int) -> list[TransactionRow]:
        """Those of a batch, the dearest last."""
        with self.office.store.reading() as session:
            found = session.scalars(select(TransactionRow).where(TransactionRow.batch == batch))
            return sorted(found, key=lambda row: row.fee)

    def account(self, address: str | None = None) -> AccountRow:
        with self.office.store.reading() as session:
            return session.get_one(AccountRow, address or self.office.chain.account)

    @property
    def opened(self) -> int:
        """Items that were needed to open the office."""
        return 6


def until(relay: Relay, done: Any, cycles: int = 200) -> Cycle:
    """Cycles until it is so; fails when it does not become so."""
    found = Cycle()
    for _ in range(cycles):
        cycle = relay.cycle()
        found.ended += cycle.ended
        if done():
            return found
    raise AssertionError("it did not become so")


def settled(office: Office, vouchers: Sequence[VoucherId], *, sequence: int = 1) -> None:
    """Each of these issues has landed once and is recorded where it did; the index agrees with the chain."""
    office.follow()
    assert verify(office.store, office.chain).findings == ()
    with office.store.reading() as session:
        events = Counter(
            int.from_bytes(subject)
            for subject in session.scalars(select(EventRow.subject).where(EventRow.name == "Issued"))
        )
        rows = list(session.scalars(select(OutboxRow).where(OutboxRow.verb == "issue")))
        places = {
            (row.block, row.log_index)
            for row in session.execute(
                select(EventRow.block, EventRow.log_index).where(EventRow.name == "Issued")
            )
        }
    assert [events[voucher] for voucher in vouchers] == [1] * len(vouchers)
    mine = [row for row in rows if row.subject and int.from_bytes(row.subject) in set(vouchers)]
    assert {row.status for row in mine} <= {"mined", "final"}
    assert len(mine) == len(vouchers)
    assert {(row.block, row.log_index) for row in mine} <= places
    assert len({(row.block, row.log_index) for row in mine}) == len(mine)
    assert sequence == 1


@contextmanager
def on_anvil(folder: Path, **options: Any) -> Iterator[tuple[Bench, Node]]:
    """A bench on a node of its own, whose parties are admitted."""
    with anvil(**options) as node:
        office = open_office(node.chain(), folder)
        try:
            yield Bench(office), node
        finally:
            office.store.close()


@contextmanager
def dying_at(name: str, *, at: int = 1) -> Iterator[list[str]]:
    """Kills the flow when it is at this crash point for the time that is named; gives the points reached so far."""
    reached: list[str] = []

    def hook(point: str) -> None:
        reached.append(point)
        if point == name and reached.count(name) == at:
            raise Killed(name)

    crash_points.hook = hook
    try:
        yield reached
    finally:
        crash_points.hook = None


def moved(office: Office, voucher: VoucherId) -> None:
    """The voucher goes to B: put in, not sent."""
    office.put(office.transfer_of(voucher, 1, B), A, B)
