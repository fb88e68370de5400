"""An installation on disk, opened for work: its chain, its database, its sealed keys.

    chain.sqlite         the embedded chain, or else TALLYSTICK_CHAIN_URL names a node
    tallystick.sqlite    the database, or else TALLYSTICK_DATABASE_URL names one
    keys.json            the sealed keys
    sandbox              there where it is for trying things, and nothing in it counts
    dossier.json         what the hashes on chain stand for, where the terminal is used; it has the invoices' salt

The key that pays a node's gas is in TALLYSTICK_GAS_KEY. Two processes cannot open one embedded chain. Nothing is made
here, and nothing is repaired: what does not belong together is refused.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.calendar import Day, Timestamp, date_of_day, day_of, start_of_day
from ledger.chain import Chain
from ledger.embedded import EmbeddedChain
from ledger.errors import ChainError, InputError
from ledger.keys import Keyring
from ledger.money import shown
from ledger.outside import read_json
from ledger.pin import Pin, check_pin
from ledger.rpc_chain import RpcChain
from ledger.signing import CURVE_ORDER
from ledger.store import Store, open_store, pins

CHAIN, DATABASE, KEYS, DOSSIER = "chain.sqlite", "tallystick.sqlite", "keys.json", "dossier.json"
SANDBOX: Final = "sandbox"
CHAIN_URL: Final = "TALLYSTICK_CHAIN_URL"
GAS_KEY: Final = "TALLYSTICK_GAS_KEY"
DATABASE_URL: Final = "TALLYSTICK_DATABASE_URL"
DEPTH: Final = "TALLYSTICK_DEPTH"
HEAD_SECONDS: Final = 1.0
"""How old what is known of a node's newest block may be."""
Engine = EmbeddedChain | RpcChain


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An open one. `pins` in order of succession; `depth`: blocks that make an item final; `clock`
    gives the next block's time, as far as can be known."""

    chain: Engine
    store: Store
    ring: Keyring
    pins: tuple[Pin, ...]
    invoice_salt: bytes
    depth: int
    clock: Callable[[], Timestamp]


@contextmanager
def opened(directory: Path, *, passphrase: str) -> Iterator[Installation]:
    """The installation in a directory, on the engines that the environment names.

    InputError where there is none or its parts are of different ones, ChainError where the chain is another or is open
    elsewhere, SealError for a wrong passphrase.
    """
    database, depth = database_of(directory), depth_setting()
    ring = Keyring.load(directory / KEYS, passphrase)
    chain = open_chain(directory, os.environ.get(CHAIN_URL) or None, sends=True)
    try:
        with open_store(database) as store:
            with store.reading() as session:
                pinned = tuple(pins(session))
            if not pinned:
                raise InputError(f"the database of {directory} names no contract: deploy anew elsewhere")
            for pin in pinned:
                check_pin(chain, pin)
            yield Installation(
                chain=chain,
                store=store,
                ring=ring,
                pins=pinned,
                invoice_salt=_invoice_salt(directory, ring),
                depth=depth,
                clock=clock_of(chain),
            )
    finally:
        if isinstance(chain, EmbeddedChain):
            chain.close()


def database_of(directory: Path) -> str:
    """The address of the installation's database; InputError where there is none, or another one is named."""
    kept, given = directory / DATABASE, os.environ.get(DATABASE_URL, "")
    if not any((directory / name).is_file() for name in (DATABASE, CHAIN, KEYS, DOSSIER)):
        raise InputError(f"there is no installation in {directory}: make one with: tallystick deploy")
    if given and kept.is_file():
        raise InputError(f"{directory} has a database of its own: take {DATABASE_URL} out of the environment")
    if not given and not kept.is_file():
        raise InputError(
            f"{directory} has no {DATABASE}: set {DATABASE_URL} to the address of its database, or, if the file is "
            "lost, make it again from the chain with: tallystick index --rebuild"
        )
    return given or f"sqlite:///{kept}"


def open_chain(directory: Path, node: str | None, *, sends: bool) -> Engine:
    """The installation's chain: the node at this address, or the one in the directory (None). InputError where it is
    not there or another one is named, and, for whoever `sends`, where no key pays the node's gas."""
    kept = directory / CHAIN
    if node is None:
        if not kept.is_file():
            raise InputError(
                f"there is no {CHAIN} in {directory}. If its chain is a node's, name it with --node or {CHAIN_URL}; if "
                "it was here, restore the file from a copy"
            )
        return EmbeddedChain(kept)
    if kept.is_file():
        raise InputError(f"{directory} has a chain of its own: leave --node and {CHAIN_URL} away")
    return RpcChain(node, key=gas_key(required=sends))


def gas_key(*, required: bool) -> bytes:
    """The key that pays a node's gas, with or without 0x and blanks around it; where it is not required, any.
    InputError where it is missing or none."""
    given = os.environ.get(GAS_KEY, "").strip()
    if given:
        found = re.fullmatch(r"(?:0[xX])?([0-9a-fA-F]{64})", given)
        key = bytes.fromhex(found[1]) if found is not None else b""
        if (
            not 0 < int.from_bytes(key) < CURVE_ORDER
        ):  # what was given is never shown: it may be a key but for one letter
            raise InputError(f"{GAS_KEY} is no private key (not shown here): set it to 0x and 64 hex digits")
        return key
    if required:
        raise InputError(f"set {GAS_KEY} to the private key (0x and 64 hex digits) that pays the node's gas")
    return secrets.token_bytes(32)  # a reader sends nothing


def depth_setting() -> int:
    """The depth that the environment names; 0 where it names none. InputError where it is no number."""
    given = os.environ.get(DEPTH, "") or "0"
    if not given.isdecimal():
        raise InputError(f"{DEPTH} is {shown(given)}: write a number of blocks")
    return int(given)


def clock_of(chain: Engine) -> Callable[[], Timestamp]:
    """The time of the next block: of a demo's chain as that has it, else the machine's time, but never before the
    newest block (whose time is asked for once a second at most)."""
    if isinstance(chain, EmbeddedChain) and chain.demo:
        return lambda: Timestamp(chain.next_time())
    return _Clock(chain)


def travel(chain: Engine, day: Day) -> None:
    """Moves a demo's chain on to a day, 09:00 China time; where it is later that day already, it stays. InputError
    for a past day, ChainError on another chain."""
    if not isinstance(chain, EmbeddedChain):
        raise ChainError("time cannot be set on a node: only a demo's own chain can travel")
    now = Timestamp(chain.now())
    if day < day_of(now):
        raise InputError(
            f"it is {date_of_day(day_of(now))} on this chain already: give that day or a later one"
        )
    chain.travel_to(max(start_of_day(day) + 9 * 3_600, now))


class _Clock:
    def __init__(self, chain: Chain) -> None:
        self._chain, self._lock = chain, threading.Lock()
        self._head, self._asked_at = chain.now(), time.monotonic()

    def __call__(self) -> Timestamp:
        if time.monotonic() - self._asked_at >= HEAD_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._asked_at = time.monotonic()
                with suppress(ChainError):  # a node that is away: what was known of it is the best there is
                    self._head = self._chain.now()
            finally:
                self._lock.release()
        return Timestamp(max(self._head, int(time.time())))


def _invoice_salt(directory: Path, ring: Keyring) -> bytes:
    """The dossier's, so that an invoice has one fingerprint however it was used; where there is none, the keys'."""
    dossier = directory / DOSSIER
    if not dossier.is_file():
        return ring.secret("invoice fingerprints")
    try:
        return bytes.fromhex(read_json(dossier)["invoice_salt"])
    except (KeyError, TypeError, ValueError, InputError):
        raise InputError(f"{dossier} is no dossier of this version: restore it from a copy") from None
