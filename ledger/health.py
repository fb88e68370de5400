"""The health-checker: does a ledger, as a node shows it, hold what it must?

    examine         reads everything from the node: events, hashed anew into the journal head and folded into a
                    World; the contracts' storage, compared with it word by word; the invariant list
    examine_world   the same of a World that is already there: a fuzz's model, or a database's rows

Run by hand (`tallystick verify --invariants`), every night, and by the fuzz. It needs no database, and repairs
nothing: what is broken becomes a Finding that names the rule, the numbers and the ids. A node that lies about
events and storage alike, each in agreement with the other, cannot be found out from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ledger.calendar import Day, Timestamp, day_of
from ledger.chain import NOBODY, Address, Log, Reader
from ledger.errors import VerificationError
from ledger.events import Event, advance_log, decode
from ledger.fold import fold_all
from ledger.happenings import Happening, journal_logs
from ledger.indexer import journal_head
from ledger.invariants import invariants
from ledger.members import Contract
from ledger.pin import Pin, predecessor_of
from ledger.storage import Reading, differing, ledger_readings, readings
from ledger.store import Followed
from ledger.succession import inherited
from ledger.world import SignerKind, World


class Node(Reader, Protocol):
    """As much of a chain client as an examination asks for."""

    def height(self) -> int:
        """As `Chain.height`."""
        ...

    def block_timestamp(self, number: int) -> int:
        """As `Chain.block_timestamp`."""
        ...

    def logs(self, from_block: int, to_block: int, *, addresses: Sequence[Address]) -> list[Log]:
        """As `Chain.logs`."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `kind` is journal, event, block, row, storage, invariant or item; `expected` is the chain's, of
    storage the contract's own word. A broken invariant names rule, numbers and ids in `what`."""

    kind: str
    contract: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        if self.kind == "invariant":
            return f"invariant of {self.contract}: {self.what}"
        return f"{self.kind} of {self.contract}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Examination:
    """What was looked at, as of which block, and everything that is wrong."""

    block: int
    events: int
    words: int
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def examine(
    node: Node,
    pin: Pin,
    *,
    first_block: int = 0,
    block: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Examination:
    """Examines a ledger with its registry, as of `block` (None: the head). `first_block`: no event of the two, or of
    a predecessor, is older. `report` is told how many storage words are read, of how many.

    What predecessors hold is read for what the ledger inherits, and not examined: examine each ledger of an
    installation. ChainError where the node cannot be used.
    """
    block = node.height() if block is None else block
    registry = Followed(pin.registry, True, first_block, pin.chain_id)
    journals = [read_journal(node, registry, block=block)]
    ledgers = [pin.ledger, *_predecessors(node, pin)]
    for address in ledgers:
        each = Followed(address, False, first_block, pin.chain_id)
        journals.append(read_journal(node, each, block=block))
    findings = [*journals[0].findings, *journals[1].findings]
    events = len(journals[0].logs) + len(journals[1].logs)
    try:
        world = _folded(ledgers, journals)
    except VerificationError as broken:
        findings.append(Finding("journal", pin.ledger, "the events, folded", "a World", str(broken)))
        return Examination(block, events, 0, tuple(findings))
    hashed = hashed_signers(happening.event for happening in journals[0].happenings)
    today = day_of(Timestamp(node.block_timestamp(block)))
    words, wrong = examine_world(node, pin, world, today=today, hashed=hashed, block=block, report=report)
    return Examination(block, events, words, (*findings, *wrong))


def examine_world(
    node: Reader,
    pin: Pin,
    world: World,
    *,
    today: Day | None = None,
    hashed: frozenset[int] = frozenset(),
    registry: bool = True,
    block: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> tuple[int, list[Finding]]:
    """How many storage words were compared with a World, and what is wrong with them or with the World itself.

    `today`: the day of the block, in China time (without it nobody can say what is overdue too early). `hashed`: see
    `hashed_signers`. `registry`: whether its words are compared too. `block`, `report`: as in `examine`.
    """
    questions = list(readings(world, hashed=hashed) if registry else ledger_readings(world))
    findings = [
        Finding("storage", _address(pin, reading), reading.what, _shown(found), _shown(reading.expected))
        for reading, found in differing(node, pin, questions, block=block, report=report)
    ]
    broken = invariants(world, today=today)
    findings += [Finding("invariant", pin.ledger, rule, "to hold", "broken") for rule in broken]
    return len(questions), findings


@dataclass(slots=True)
class Journal:
    """A contract's events as a node tells them, and whether they are those that its journal head stands for."""

    each: Followed
    logs: list[Log]
    head: bytes
    own: bytes
    happenings: list[Happening] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_journal(node: Node, each: Followed, *, block: int) -> Journal:
    """Reads a contract's events up to a block, and hashes them anew."""
    first = max(each.first_block, 0)
    logs = journal_logs(node.logs(first, block, addresses=[each.contract]))
    journal = Journal(each, logs, each.journal_start, journal_head(node, each, block))
    timestamps: dict[int, Timestamp] = {}
    for log in logs:
        try:
            event = decode(log.topics, log.data)
        except VerificationError as unknown:
            where = f"block {log.block}, log {log.log_index}"
            journal.findings.append(Finding("journal", each.contract, where, "an event", str(unknown)))
            continue
        journal.head = advance_log(journal.head, log.topics, log.data)
        if log.block not in timestamps:
            timestamps[log.block] = Timestamp(node.block_timestamp(log.block))
        at = timestamps[log.block]
        journal.happenings.append(Happening(event, log.block, log.log_index, log.tx_hash, at))
    if journal.own != journal.head:
        what = f"head of the chain's events at block {block}"
        sides = ("0x" + journal.own.hex(), "0x" + journal.head.hex())
        journal.findings.append(Finding("journal", each.contract, what, *sides))
    return journal


def hashed_signers(events: Iterator[Event]) -> frozenset[int]:
    """The signers that are the hash of a verifier and a key, the replaced ones too; else they are addresses."""
    return frozenset(
        event.signer
        for event in events
        if hasattr(event, "kind") and hasattr(event, "signer") and event.kind == SignerKind.VERIFIER
    )


def _predecessors(node: Node, pin: Pin) -> Iterator[Address]:
    """From the ledger's own back to the first."""
    ledger = pin.predecessor
    while ledger != NOBODY:
        yield ledger
        ledger = predecessor_of(node, ledger)


def _folded(ledgers: Sequence[Address], journals: Sequence[Journal]) -> World:
    """The World of the first of these ledgers, whose predecessors follow; the registry's journal comes first."""
    registry = fold_all(World(), ((each.event, each.timestamp) for each in journals[0].happenings))
    world: World | None = None
    for place in range(len(ledgers), 0, -1):
        taken = None if world is None else inherited(world, predecessor=ledgers[place])
        told = ((each.event, each.timestamp) for each in journals[place].happenings)
        world = fold_all(replace(registry, inherited=taken), told)
    assert world is not None
    return world


def _address(pin: Pin, reading: Reading) -> Address:
    return pin.registry if reading.contract is Contract.REGISTRY else pin.ledger


def _shown(words: tuple[int, ...]) -> str:
    return ", ".join(f"{word:#x}" if word > 0xFFFFFFFF or len(words) == 1 else str(word) for word in words)
