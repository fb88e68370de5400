"""Do the chain, the journal and the database say the same?

    1  the chain's events, hashed anew, give the journal head that each contract holds
    2  the stored events and blocks are the chain's, one by one
    3  the stored rows are those that the chain's events give, column by column
    4  what the rows say is what the contracts hold in storage, word by word
    5  the invariant list holds
    6  each item of the outbox that has landed has its event where it is recorded

Of every contract of the installation, as of the last followed block. Nothing is repaired: each difference
becomes a Finding. What needs no database is in `health.py`, and a node that lies about events and storage alike
cannot be found out from here either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.address import to_checksum_address
from sqlalchemy import and_, exists, inspect, select, text
from sqlalchemy.orm import Session

from ledger import projection
from ledger.calendar import Timestamp, day_of
from ledger.chain import Address, Chain, Log
from ledger.errors import ChainError, TallystickError, VerificationError
from ledger.events import decode
from ledger.health import Finding, Journal, examine_world, hashed_signers, read_journal
from ledger.outbox import LANDED
from ledger.outbox_tables import OutboxRow
from ledger.pin import check_pin
from ledger.rows import worlds_of
from ledger.store import NO_BLOCK, Store, add_pin, followed, pins, scratch_store
from ledger.tables import PROJECTION, Base, BlockRow, CursorRow, EventRow, hex_of

__all__ = ["Finding", "Verification", "verify"]

_MISSING: Final = "nothing"
_UNREADABLE: Final = (TallystickError, ValueError, TypeError, KeyError)
"""What comes of reading a database that somebody has written in."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared, as of which block, and every difference."""

    block: int
    events: int
    rows: int
    words: int
    findings: tuple[Finding, ...]

    @property
    def verified(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(store: Store, chain: Chain, *, report: Callable[[int, int], None] | None = None) -> Verification:
    """Compares all six; `report` is told how many storage words are read, of how many.

    ChainError for another chain than the pinned one, for contracts not followed yet or to different blocks, and
    for a last block that the chain no longer has: index first.
    """
    with store.reading() as session:
        for pin in pins(session):
            check_pin(chain, pin)
        block = _last_block(session, chain)
        findings: list[Finding] = []
        journals: dict[Address, Journal] = {}
        for each in followed(session):
            journals[each.contract] = journal = read_journal(chain, each, block=block)
            findings += [*journal.findings, *_stored_head(session, journal, block=block)]
        findings += _stored_events(session, journals)
        findings += _stored_blocks(session, chain)
        findings += _landed_items(session, block)
        rows, different = _stored_rows(session, journals)
        findings += different
        words = 0
        hashed = hashed_signers(each.event for journal in journals.values() for each in journal.happenings)
        try:
            worlds = worlds_of(session)
        except _UNREADABLE as damaged:
            worlds = {}
            findings.append(Finding("row", "the database", "the rows", "readable rows", str(damaged)))
        for place, pin in enumerate(pins(session)):
            if pin.ledger not in worlds:
                continue
            asked, wrong = examine_world(
                chain,
                pin,
                worlds[pin.ledger],
                today=day_of(Timestamp(chain.block_timestamp(block))),
                hashed=hashed,
                registry=place == 0,
                block=block,
                report=report,
            )
            words += asked
            findings += wrong
    events = sum(len(journal.logs) for journal in journals.values())
    return Verification(block, events, rows, words, tuple(findings))


def _last_block(session: Session, chain: Chain) -> int:
    cursors = list(session.scalars(select(CursorRow)))
    ledgers = {pin.ledger: f"ledger {place}" for place, pin in enumerate(pins(session), 1)}
    for cursor in cursors:
        if cursor.block_hash == NO_BLOCK:
            what = f"{ledgers.get(to_checksum_address(cursor.contract), 'the registry')} ({cursor.contract})"
            raise ChainError(f"{what} is not followed yet: run tallystick index first")
    blocks = {cursor.block for cursor in cursors}
    if len(blocks) != 1 or min(blocks, default=-1) < 0:
        raise ChainError("the contracts are not followed to one block yet: index first")
    block = blocks.pop()
    if block > chain.height() or any(chain.block_hash(block) != cursor.block_hash for cursor in cursors):
        raise ChainError(f"block {block} is not the one that was followed (a reorganisation): index first")
    return block


# 1 and 2: events


def _stored_head(session: Session, journal: Journal, *, block: int) -> Iterator[Finding]:
    contract = journal.each.contract
    kept = session.get_one(CursorRow, contract).journal
    if kept != journal.own:
        what = f"head of the database at block {block}"
        yield Finding("journal", contract, what, hex_of(journal.own), hex_of(kept))


def _stored_events(session: Session, journals: Mapping[Address, Journal]) -> Iterator[Finding]:
    expected: dict[tuple[str, int, int], tuple[Any, ...]] = {
        (contract, log.block, log.log_index): (
            _name(log),
            log.tx_hash,
            log.topics[1] if len(log.topics) > 1 else b"",
            hex_of(log.data),
        )
        for contract, journal in journals.items()
        for log in journal.logs
    }
    stored = {
        (row.contract, row.block, row.log_index): (row.name, row.tx_hash, row.subject, row.data)
        for row in session.scalars(select(EventRow))
    }
    for key in sorted(expected.keys() | stored.keys()):
        right, have = expected.get(key), stored.get(key)
        if right != have:
            names = [side[0] if side else _MISSING for side in (right, have)]
            if names[0] == names[1]:
                names[1] += " with other contents"
            yield Finding("event", key[0], _where(key[1], key[2]), *names)


def _stored_blocks(session: Session, chain: Chain) -> Iterator[Finding]:
    for row in session.scalars(select(BlockRow).order_by(BlockRow.number)):
        there = row.number <= chain.height()
        expected = (chain.block_hash(row.number), chain.block_timestamp(row.number)) if there else None
        if expected != (row.hash, row.timestamp):
            shown = f"{hex_of(expected[0])} at {expected[1]}" if expected else _MISSING
            yield Finding(
                "block", "the chain", str(row.number), shown, f"{hex_of(row.hash)} at {row.timestamp}"
            )


def _landed_items(session: Session, block: int) -> Iterator[Finding]:
    """What was recorded as landed up to this block, and no event is there: the chain was put back to before it."""
    at_its_place = and_(
        EventRow.contract == OutboxRow.contract,
        EventRow.block == OutboxRow.block,
        EventRow.log_index == OutboxRow.log_index,
        EventRow.tx_hash == OutboxRow.tx_hash,
    )
    landed = (OutboxRow.status.in_(LANDED), OutboxRow.block <= block)
    columns = (OutboxRow.number, OutboxRow.verb, OutboxRow.contract, OutboxRow.block, OutboxRow.log_index)
    query = select(*columns).where(*landed, ~exists().where(at_its_place)).order_by(OutboxRow.number)
    for row in session.execute(query):
        where = _where(row.block, row.log_index)
        yield Finding("item", row.contract, f"item {row.number} ({row.verb})", _MISSING, f"landed in {where}")


def _name(log: Log) -> str:
    try:
        return type(decode(log.topics, log.data)).__name__
    except VerificationError:
        return "an unknown event"


def _where(block: int, log_index: int) -> str:
    return f"block {block}, log {log_index}"


# 3: rows


def _stored_rows(session: Session, journals: Mapping[Address, Journal]) -> tuple[int, list[Finding]]:
    findings: list[Finding] = []
    with scratch_store(PROJECTION) as scratch:
        for pin in pins(session):
            add_pin(scratch, pin)
        try:
            with scratch.writing() as fresh:
                for contract, journal in journals.items():
                    projection.project(fresh, contract, journal.happenings)
        except VerificationError as broken:
            return 0, [Finding("row", "the chain", "rows made from its events", "rows", str(broken))]
        count = 0
        with scratch.reading() as fresh:
            for table in PROJECTION:
                expected, stored = _raw(fresh, table), _raw(session, table)
                count += len(stored)
                findings += _row_findings(table.__tablename__, expected, stored)
    return count, findings


def _raw(session: Session, table: type[Base]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows by their keys, as the database has them: nothing in them is trusted to be readable."""
    key = [column.name for column in inspect(table).primary_key]
    rows = session.execute(text(f"select * from {table.__tablename__}")).mappings()
    return {tuple(str(row[name]) for name in key): dict(row) for row in rows}


def _row_findings(
    table: str,
    expected: Mapping[tuple[Any, ...], Mapping[str, Any]],
    stored: Mapping[tuple[Any, ...], Mapping[str, Any]],
) -> Iterator[Finding]:
    for key in sorted(expected.keys() | stored.keys()):
        contract, what = key[0], f"{table} {' '.join(key[1:])}"
        right, have = expected.get(key), stored.get(key)
        if right is None or have is None:
            sides = [_MISSING if side is None else "the row" for side in (right, have)]
            yield Finding("row", contract, what, *sides)
            continue
        for column, value in right.items():
            if have[column] != value:
                yield Finding("row", contract, f"{what}, {column}", str(value), str(have[column]))
