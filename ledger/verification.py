"""Do the chain, the journal and the database say the same?

    1  the chain's events, hashed anew, give the journal head that each contract holds
    2  the stored events and blocks are the chain's, one by one
    3  the stored rows are those that the chain's events give, column by column
    4  what the rows say is what the contracts hold in storage, word by word
    5  the invariant list holds

Everything is read as of the last followed block. Nothing is repaired: each difference becomes a Finding. A
node that lies about events and storage alike, each in agreement with the other, cannot be found out from
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_utils.crypto import keccak
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from ledger import projection
from ledger.calendar import Timestamp
from ledger.chain import Address, Chain, Log, Pin, check_pin, decode_output, encode_call
from ledger.errors import ChainError, TallystickError, VerificationError
from ledger.events import advance, decode
from ledger.indexer import journal_head, view_abi
from ledger.invariants import invariants
from ledger.members import line_text, promise_text, voucher_text
from ledger.projection import Happening, journal_logs
from ledger.rows import world_of
from ledger.store import Followed, Store, add_pin, followed, open_store, pins
from ledger.tables import PROJECTION, Base, BlockRow, CursorRow, EventRow, hex_of
from ledger.world import World

_MISSING: Final = "nothing"
_UNREADABLE: Final = (TallystickError, ValueError, TypeError, KeyError)
"""What comes of reading a database that somebody has written in."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `kind` is journal, event, block, row, storage or invariant; `expected` is the
    chain's."""

    kind: str
    contract: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.kind} of {self.contract}: {self.what}: expected {self.expected}, found {self.found}"


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
    """Compares all five; `report` is told how many storage words are read, of how many.

    ChainError for another chain than the pinned one, for contracts followed to different blocks, and for a
    last block that the chain no longer has: index first.
    """
    with store.reading() as session:
        for pin in pins(session):
            check_pin(chain, pin)
        block = _last_block(session, chain)
        findings: list[Finding] = []
        logs: dict[Address, list[Log]] = {}
        happenings: dict[str, list[Happening]] = {}
        for each in followed(session):
            found = chain.logs(max(each.first_block, 0), block, addresses=[each.contract])
            logs[each.contract] = journal_logs(found)
            known = happenings[each.contract] = []
            findings += _journal(session, chain, each, logs[each.contract], block=block, known=known)
        findings += _stored_events(session, logs)
        findings += _stored_blocks(session, chain)
        rows, different = _stored_rows(session, happenings)
        findings += different
        words = 0
        for pin in pins(session):
            try:
                world = world_of(session, pin.ledger)
            except _UNREADABLE as damaged:
                findings.append(Finding("row", pin.ledger, "the rows", "readable rows", str(damaged)))
                continue
            for finding in _storage(chain, pin, world, block=block, report=report):
                words += 1
                findings += [finding] if finding else []
            findings += [
                Finding("invariant", pin.ledger, broken, "to hold", "broken") for broken in invariants(world)
            ]
    return Verification(block, sum(map(len, logs.values())), rows, words, tuple(findings))


def _last_block(session: Session, chain: Chain) -> int:
    cursors = list(session.scalars(select(CursorRow)))
    blocks = {cursor.block for cursor in cursors}
    if len(blocks) != 1 or min(blocks, default=-1) < 0:
        raise ChainError("the contracts are not followed to one block yet: index first")
    block = blocks.pop()
    if block > chain.height() or any(chain.block_hash(block) != cursor.block_hash for cursor in cursors):
        raise ChainError(f"block {block} is not the one that was followed (a reorganisation): index first")
    return block


# 1 and 2: events


def _journal(
    session: Session, chain: Chain, each: Followed, logs: list[Log], *, block: int, known: list[Happening]
) -> Iterator[Finding]:
    """Compares the three heads, and leaves the decoded events in `known`."""
    head, contract = each.journal_start, each.contract
    for log in logs:
        try:
            event = decode(log.topics, log.data)
        except VerificationError as unknown:
            yield Finding("journal", contract, _where(log.block, log.log_index), "an event", str(unknown))
            continue
        head = advance(head, event)
        timestamp = Timestamp(chain.block_timestamp(log.block))
        known.append(Happening(event, log.block, log.log_index, log.tx_hash, timestamp))
    own = journal_head(chain, each, block)
    kept = session.get_one(CursorRow, contract).journal
    for whose, found in (("chain's events", head), ("database", kept)):
        if own != found:
            what = f"head of the {whose} at block {block}"
            yield Finding("journal", contract, what, hex_of(own), hex_of(found))


def _stored_events(session: Session, logs: Mapping[Address, list[Log]]) -> Iterator[Finding]:
    expected: dict[tuple[str, int, int], tuple[Any, ...]] = {
        (contract, log.block, log.log_index): (
            _name(log),
            log.tx_hash,
            log.topics[1] if len(log.topics) > 1 else b"",
            [hex_of(topic) for topic in log.topics],
            hex_of(log.data),
        )
        for contract, found in logs.items()
        for log in found
    }
    stored = {
        (row.contract, row.block, row.log_index): (row.name, row.tx_hash, row.subject, row.topics, row.data)
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


def _name(log: Log) -> str:
    try:
        return type(decode(log.topics, log.data)).__name__
    except VerificationError:
        return "an unknown event"


def _where(block: int, log_index: int) -> str:
    return f"block {block}, log {log_index}"


# 3: rows


def _stored_rows(session: Session, happenings: Mapping[str, list[Happening]]) -> tuple[int, list[Finding]]:
    findings: list[Finding] = []
    with open_store("sqlite://") as scratch:
        for pin in pins(session):
            add_pin(scratch, pin)
        try:
            with scratch.writing() as fresh:
                for contract, known in happenings.items():
                    projection.project(fresh, contract, known)
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


# 4: storage

_Question = tuple[Address, str, str, list[Any], str, tuple[Any, ...]]
"""Contract, its artifact, view, arguments, what is asked, the answer that the rows give."""


def _storage(
    chain: Chain, pin: Pin, world: World, *, block: int, report: Callable[[int, int], None] | None
) -> Iterator[Finding | None]:
    questions = [*_registry_questions(pin, world), *_ledger_questions(pin, world)]
    for done, (contract, artifact, view, args, what, found) in enumerate(questions, 1):
        abi = view_abi(artifact, view)
        answer = decode_output(abi, view, chain.call(contract, encode_call(abi, view, args), block=block))
        if report is not None:
            report(done, len(questions))
        flat = tuple(answer[0]) if isinstance(answer[0], tuple) else answer
        differs = flat[: len(found)] != found
        yield Finding("storage", contract, what, _shown(flat), _shown(found)) if differs else None


def _registry_questions(pin: Pin, world: World) -> Iterator[_Question]:
    name = "PartyRegistry"
    for number, party in sorted(world.parties.items()):
        yield pin.registry, name, "partyOf", [number], f"party {number}", (party.word(),)
        detail = (party.signature_gas, party.recovered_on)
        yield pin.registry, name, "detailOf", [number], f"details of party {number}", detail
        r = world.recoveries.get(number)
        recovery = (r.signer, r.kind, r.signature_gas, r.ready_on, r.vetoed) if r else (0, 0, 0, 0, False)
        yield pin.registry, name, "recoveryOf", [number], f"recovery of party {number}", recovery
    for signer, number in sorted(world.signers.items()):
        signer_hash = keccak(signer.to_bytes(20, "big"))
        yield pin.registry, name, "partyOfSigner", [signer_hash], f"party of signer {signer:#042x}", (number,)


def _ledger_questions(pin: Pin, world: World) -> Iterator[_Question]:
    def ask(view: str, args: list[Any], what: str, word: int) -> _Question:
        return pin.ledger, "VoucherLedger", view, args, what, (word,)

    for line_id, line in sorted(world.lines.items()):
        yield ask("lineOf", [line_id], f"line {line_text(line_id)}", line.word())
        yield ask("lineTermsOf", [line_id], f"terms of line {line_text(line_id)}", line.terms_word())
    for promise_id, promise in sorted(world.promises.items()):
        yield ask("promiseOf", [promise_id], f"promise {promise_text(promise_id)}", promise.word())
    for number, voucher in sorted(world.vouchers.items()):
        yield ask("voucherOf", [number], f"voucher {voucher_text(number)}", voucher.word())
    for number, payment in sorted(world.payments.items()):
        yield ask("paymentOf", [number], f"payment on voucher {voucher_text(number)}", payment.word())
    for number, until in sorted(world.freezes.items()):
        yield ask("freezeOf", [number], f"freeze of voucher {voucher_text(number)}", until)
    for (payer, fingerprint), use in sorted(world.invoice_uses.items()):
        what = f"invoice {hex_of(fingerprint)} of payer {payer}"
        yield ask("invoiceUseOf", [payer, fingerprint], what, use.total << 128 | use.used)


def _shown(values: tuple[Any, ...]) -> str:
    if len(values) == 1 and isinstance(values[0], int):
        return f"{values[0]:#x}"
    return ", ".join(str(int(value)) if isinstance(value, int) else str(value) for value in values)
