"""A process of its own that asks a node for events and takes its answers apart: what `reading_apart.py` starts.

It knows the node's address and nothing else, writes nothing and proves nothing. What it says of an event is what the
index needs of it, in the plainest form: a row of `events` as PostgreSQL's COPY reads it, the words that were logged,
and their hash. Where an answer is not exactly as expected it says so without a reason, and whoever asked looks for
himself. It ends when its input does, thus with the process that started it, however that ends.

Nothing is imported here that reading does not need: the start is time in which nothing is read.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import IO, Any, Final

import requests
from sha3 import keccak_256  # type: ignore[import-untyped]

from ledger.rpc import Rpc

Entry = tuple[str, int, bytes, int, bytes, bytes, bytes]
"""An entry of a journal: contract, block, its hash, place in it, transaction, the words as they were logged with the
first topic before them, and the hash of these."""
End = tuple[int, bytes, int]
"""Number, hash and timestamp of the last block of a question, as they were before it was answered."""
Answer = tuple[End, list[Entry], str]
"""The end, entries in chain order, and a line for each: the columns of `events` with tabs between them."""
LATE: Final = ()
"""The answer where the node says nothing in time."""
LENGTH: Final = 8
"""Bytes before each message that say how long it is."""

_WORD: Final = 64
"""Characters of 32 bytes as hex."""


def main() -> None:
    """Answers questions from standard input to standard output, until there are no more."""
    come, go = sys.stdin.buffer, sys.stdout.buffer
    url, timeout, names = marshal.loads(received(come) or b"")
    rpc = Rpc(url, timeout=timeout)
    sent(go, marshal.dumps(None))
    while (question := received(come)) is not None:
        first, last, addresses = marshal.loads(question)
        answer: Answer | tuple[()] | None
        try:
            answer = _answer(rpc, names, first, last, addresses)
        except requests.exceptions.Timeout:
            answer = LATE
        except Exception:  # whoever asked asks the node itself then, and says what is wrong
            answer = None
        sent(go, marshal.dumps(answer))


def received(come: IO[bytes]) -> bytes | None:
    """The next message; None where the other side has gone."""
    length = come.read(LENGTH)
    if len(length) < LENGTH:
        return None
    message = come.read(int.from_bytes(length))
    return message if len(message) == int.from_bytes(length) else None


def sent(go: IO[bytes], message: bytes) -> None:
    """Hands over a message."""
    go.write(len(message).to_bytes(LENGTH))
    go.write(message)
    go.flush()


def _answer(rpc: Rpc, names: Mapping[str, str], first: int, last: int, addresses: Sequence[str]) -> Answer:
    end = rpc.ask("eth_getBlockByNumber", [hex(last), False])
    if int(end["number"], 16) != last:
        raise ValueError("another block than the one asked for")
    asked = {
        "fromBlock": hex(first),
        "toBlock": hex(last),
        "address": addresses,
        "topics": [list(names)],
    }
    found = rpc.ask("eth_getLogs", [asked])
    contracts = {address.lower(): address for address in addresses}
    if not isinstance(found, list):
        raise ValueError("events are a list")
    entries, lines = _taken_apart(found, names, contracts)
    places = [(entry[1], entry[3]) for entry in entries]
    if any(not first <= block <= last for block, _ in places):
        raise ValueError("an event of another block")
    if any(before >= after for before, after in pairwise(places)):
        raise ValueError("not in chain order")
    at_end = last, bytes.fromhex(end["hash"][2:]), int(end["timestamp"], 16)
    return at_end, entries, lines


def _taken_apart(
    found: Sequence[Mapping[str, Any]], names: Mapping[str, str], contracts: Mapping[str, str]
) -> tuple[list[Entry], str]:
    read = bytes.fromhex
    entries, lines = list[Entry](), list[str]()
    before: tuple[Any, ...] | None = None  # many in a row are of one transaction
    number, block_hash, tx_hash, tx = 0, b"", b"", ""
    for log in found:
        if log["removed"]:
            raise ValueError("an event that is no more")
        place = log["blockNumber"], log["blockHash"], log["transactionHash"]
        if place != before:
            number, block_hash, tx_hash = int(place[0], 16), read(place[1][2:]), read(place[2][2:])
            before, tx = place, "0x" + tx_hash.hex()
        topic, subject = log["topics"]
        contract, index, name = contracts[log["address"].lower()], int(log["logIndex"], 16), names[topic]
        subject, data = subject[2:].lower(), log["data"][2:].lower()
        words = read(topic[2:] + subject + data)
        if len(subject) != _WORD or 2 * len(words) != 2 * _WORD + len(data):  # blanks count for nothing
            raise ValueError("a topic is 32 bytes, and all is hex")
        entries.append((contract, number, block_hash, index, tx_hash, words, keccak_256(words).digest()))
        lines.append(f"{contract}\t{number}\t{index}\t{tx}\t{name}\t0x{subject}\t0x{data}\n")
    return entries, "".join(lines)
