"""Blocks as a node tells them, read ahead of whoever writes them down, and proven before they are handed over.

A stretch is some blocks in a row with all that certain contracts said in them. It is handed over only if

- every block with events, and the last one of each question, was the same before and after the events were read;
- it goes on from the block at which the last stretch ended;
- the events lead from the journal head that was known to the one that the contract itself holds after the last block.

A node that leaves out, adds, changes or mixes up events cannot pass that. Events of other contracts, `Refused` and
ERC-721's `Transfer` are not asked for. Nothing is written here, and nothing is judged but what the node says.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from ledger.abi import view_call, words_of
from ledger.calendar import Timestamp
from ledger.chain import Address, Block, Chain, Hash, Log, Reader
from ledger.columns import hex_of
from ledger.errors import VerificationError
from ledger.events import EVENTS, TOPICS, advance_entry, decode_words, entry_hash, form_of
from ledger.happenings import Happening
from ledger.reading_apart import ReadingApart
from ledger.reading_child import Answer, Entry
from ledger.store import NO_BLOCK, Followed

ENOUGH: Final = 20_000
"""Events from which on a stretch is closed, as soon as a question to the node has been answered."""
FIRST_ENOUGH: Final = 1_500
"""The same of the first stretch, so that there is soon something to write while the second one is read."""
MUCH: Final = 40_000
"""Events ahead, as far as that can be guessed, from which on a process of its own reads them: its start takes 0.2 s
of a core, which is the time in which some ten thousand are read."""
FIRST_WINDOW: Final = 16
"""Blocks that the first question asks for; the next ones ask for more or fewer, by how much came back."""
_WINDOW_EVENTS: Final = 3_000
_NAMES: Final = {hex_of(topic): name for name, topic in TOPICS.items()}


class JournalMismatch(VerificationError):
    """The events that a node tells are not those that the contract's own journal head stands for."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a contract was followed: the last block and its hash (`NO_BLOCK`: none yet), the journal head there."""

    block: int
    block_hash: bytes
    journal: bytes


@dataclass(frozen=True, slots=True)
class Stretch:
    """Proven blocks. `before` and `after`: the cursors of the contracts that they were read for; `told`: what each of
    these said; `lines`: the same as rows of `events`, their columns with tabs between them; `blocks`: those with
    events, and the last."""

    last: Block
    before: Mapping[str, Cursor]
    after: Mapping[str, Cursor]
    told: Mapping[str, list[Happening]]
    lines: Sequence[str]
    blocks: Mapping[int, Block]

    @property
    def events(self) -> int:
        """How many there are."""
        return sum(len(each) for each in self.told.values())


def stretches(
    chain: Chain,
    contracts: Sequence[Followed],
    cursors: Mapping[str, Cursor],
    *,
    target: int,
    span: int,
    ahead: bool = True,
) -> Iterator[Stretch | None]:
    """The stretches from the cursors on to the target block, of `span` blocks at most; None, and no more, where the
    chain changed while it was read.

    `ahead`: the next one is read while the caller works on the present one, where much is left to read by a process
    of its own (`reading_apart.py`); what that says is proven here like anything else.

    JournalMismatch where the node does not tell the truth; ChainError where it cannot be used.
    """
    known, pace, apart = dict(cursors), _Pace(), _Apart(chain)
    plan = _next(contracts, known, target=target, span=span)
    reading = _Reading(chain, apart, plan, pace) if plan else None
    try:
        while reading is not None:
            stretch = reading.result()
            if stretch is None:
                yield None
                return
            known.update(stretch.after)
            plan = _next(contracts, known, target=target, span=span)
            reading = _Reading(chain, apart, plan, pace) if plan else None
            if reading is not None and ahead:
                if (target - stretch.last.number) * pace.density >= MUCH:
                    apart.start()
                reading.start()
            yield stretch
    finally:
        apart.close()


def journal_head(chain: Reader, each: Followed, block: int) -> bytes:
    """The contract's own journal head after this block; the first one where it did not exist yet."""
    words = words_of(chain.call(each.contract, view_call("journalHead()"), block=block))
    return words[0].to_bytes(32) if words else each.journal_start


# Inside


@dataclass(frozen=True, slots=True)
class _Plan:
    contracts: tuple[Followed, ...]
    cursors: Mapping[str, Cursor]
    first: int
    last: int


def _next(
    contracts: Sequence[Followed], cursors: Mapping[str, Cursor], *, target: int, span: int
) -> _Plan | None:
    """The contracts that are furthest behind, as far as they are alone; None at the target."""
    lowest = min(cursor.block for cursor in cursors.values())
    if lowest >= target:
        return None
    behind = tuple(each for each in contracts if cursors[each.contract].block == lowest)
    further = [cursor.block for cursor in cursors.values() if cursor.block > lowest]
    own: dict[str, Cursor] = {each.contract: cursors[each.contract] for each in behind}
    return _Plan(behind, own, lowest + 1, min([target, lowest + span, *further]))


@dataclass(slots=True)
class _Pace:
    """How many blocks one question asks for, so many that an answer is worth the way and not too long; how many events
    make a stretch."""

    window: int = FIRST_WINDOW
    enough: int = FIRST_ENOUGH
    density: float = 0.0
    """Events in a block, by the last answer."""

    def took(self, events: int, blocks: int) -> None:
        self.density = events / blocks
        if 2 * events < _WINDOW_EVENTS:
            self.window *= 2
        elif events > _WINDOW_EVENTS:
            self.window = max(self.window // 2, 1)

    def closed(self) -> None:
        self.enough = ENOUGH


class _Apart:
    """The process that reads events beside this one, once there is one."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._process: ReadingApart | None = None

    def start(self) -> None:
        if self._process is None:
            with suppress(OSError):  # no room for another process: it goes without
                self._process = self._chain.reading_apart(_NAMES)

    def told(self, first: int, last: int, contracts: Sequence[Address]) -> Answer:
        """What these contracts said in these blocks, from there or, where there is no answer, from here."""
        answer = None if self._process is None else self._process.answer(first, last, contracts)
        if answer is None:
            [end] = self._chain.blocks([last])
            logs = self._chain.logs(first, last, addresses=contracts, topics=EVENTS.keys())
            return (end.number, end.hash, end.timestamp), *_as_told(logs)
        return answer

    def ask(self, first: int, last: int, contracts: Sequence[Address]) -> None:
        """Asks for what will be wanted next, so that it is read while the present answer is worked on."""
        if self._process is not None:
            self._process.ask(first, last, contracts)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()


def _as_told(logs: Sequence[Log]) -> tuple[list[Entry], str]:
    """As the process beside this one tells them. VerificationError for what is no event."""
    entries, lines = list[Entry](), list[str]()
    for log in logs:
        name = form_of(log.topics, log.data).event.__name__
        words = b"".join((*log.topics, log.data))
        at = (log.address, log.block, log.block_hash, log.log_index, log.tx_hash)
        entries.append((*at, words, entry_hash(words)))
        shown = hex_of(log.tx_hash), name, hex_of(log.topics[1]), hex_of(log.data)
        lines.append("\t".join((log.address, str(log.block), str(log.log_index), *shown)) + "\n")
    return entries, "".join(lines)


class _Reading:
    """One stretch being read: in a thread of its own once it is started, else when its result is asked for. The thread
    never keeps a process alive."""

    def __init__(self, chain: Chain, apart: _Apart, plan: _Plan, pace: _Pace) -> None:
        self._chain, self._apart, self._plan, self._pace = chain, apart, plan, pace
        self._thread: threading.Thread | None = None
        self._stretch: Stretch | None = None
        self._wrong: BaseException | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._read, name="blocks ahead", daemon=True)
        self._thread.start()

    def result(self) -> Stretch | None:
        if self._thread is None:
            return _read(self._chain, self._apart, self._plan, self._pace)
        self._thread.join()
        if self._wrong is not None:
            raise self._wrong
        return self._stretch

    def _read(self) -> None:
        try:
            self._stretch = _read(self._chain, self._apart, self._plan, self._pace)
        except BaseException as wrong:  # raised where the result is asked for
            self._wrong = wrong


@dataclass(slots=True)
class _Answers:
    entries: list[Entry] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    ends: list[Block] = field(default_factory=list)


def _read(chain: Chain, apart: _Apart, plan: _Plan, pace: _Pace) -> Stretch | None:
    answers, at, asked = _Answers(), plan.first, [each.contract for each in plan.contracts]
    while at <= plan.last and len(answers.entries) < pace.enough:
        end = min(at + pace.window - 1, plan.last)
        (number, block_hash, timestamp), entries, lines = apart.told(at, end, asked)
        answers.ends.append(Block(number, Hash(block_hash), timestamp))
        answers.entries += entries
        answers.lines.append(lines)
        pace.took(len(entries), end - at + 1)
        at = end + 1
        if at <= plan.last:
            apart.ask(at, min(at + pace.window - 1, plan.last), asked)
    pace.closed()
    last = answers.ends[-1]
    blocks = _unchanged(chain, plan, {(entry[1], entry[2]) for entry in answers.entries}, answers.ends)
    if blocks is None:
        return None
    told: dict[str, list[Happening]] = {each.contract: [] for each in plan.contracts}
    heads: dict[str, bytes] = {each.contract: plan.cursors[each.contract].journal for each in plan.contracts}
    times = {number: Timestamp(block.timestamp) for number, block in blocks.items()}
    for contract, number, _, log_index, tx_hash, words, hashed in answers.entries:
        told[contract].append(Happening(decode_words(words), number, log_index, tx_hash, times[number]))
        heads[contract] = advance_entry(heads[contract], hashed)
    after: dict[str, Cursor] = {}
    for each in plan.contracts:
        head, own = heads[each.contract], journal_head(chain, each, last.number)
        if own != head:
            if chain.blocks([last.number]) != [last]:
                return None
            raise JournalMismatch(
                f"block {last.number}: the events of {each.contract} give the journal head {hex_of(head)}, the "
                f"contract's own is {hex_of(own)}: the node has left out, added or changed an event; ask another"
            )
        after[each.contract] = Cursor(last.number, last.hash, head)
    return Stretch(last, plan.cursors, after, told, answers.lines, blocks)


def _unchanged(
    chain: Chain, plan: _Plan, seen: Collection[tuple[int, bytes]], ends: Sequence[Block]
) -> dict[int, Block] | None:
    """The blocks with events, which were seen with these hashes, and the last, if the chain still has all that was
    read, and goes on from the cursors."""
    with_events = {number for number, _ in seen}
    numbers = with_events | {end.number for end in ends}
    before = {
        cursor.block: cursor.block_hash
        for cursor in plan.cursors.values()
        if cursor.block_hash != NO_BLOCK and cursor.block == plan.first - 1
    }
    blocks = {block.number: block for block in chain.blocks(sorted(numbers | before.keys()))}
    same = (
        all(blocks[end.number] == end for end in ends)
        and all(blocks[number].hash == block_hash for number, block_hash in seen)
        and all(blocks[number].hash == block_hash for number, block_hash in before.items())
    )
    kept = with_events | {ends[-1].number}
    return {number: block for number, block in blocks.items() if number in kept} if same else None
