"""An installation on disk: chain.sqlite, tallystick.sqlite, keys.json and dossier.json in one directory.

`create` makes one whole or not at all; `opened` opens one, checks that directory, chain and database belong
together, and closes it. An empty file unreported-N beside them is of a command that was killed
(`cli_unfinished.py`). What is in the directory, and which settings name other engines: `ledger/installation.py`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy import select

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day, Timestamp, day_of, start_of_day
from ledger.chain import Address, Chain
from ledger.deployment import Founder, deploy
from ledger.embedded import EmbeddedChain
from ledger.errors import InputError
from ledger.forks import MARGIN
from ledger.indexer import Progress, follow
from ledger.installation import (
    CHAIN,
    DATABASE,
    DATABASE_URL,
    DOSSIER,
    KEYS,
    Engine,
    database_of,
    gas_key,
    open_chain,
)
from ledger.keys import COST, Keyring
from ledger.members import Contract
from ledger.money import shown
from ledger.pin import Pin, check_pin
from ledger.rows import world_of
from ledger.rpc_chain import RpcChain
from ledger.signing import Domain
from ledger.store import Store, add_pin, open_store, pins
from ledger.tables import VoucherRow
from ledger.world import World
from scripts.cli_dossier import DossierFile
from scripts.cli_options import naming
from scripts.cli_screen import Screen


@dataclass
class Office:
    """An open installation. `ring` asks for the passphrase when it is first used.

    `pin` is the ledger that the command works on: the newest, until `voucher` or the user has named another.
    """

    screen: Screen
    directory: Path
    node: str | None
    sends: bool
    chain: Engine
    store: Store
    pins: tuple[Pin, ...]
    pin: Pin
    dossier: DossierFile
    chosen: bool = False
    away: bool = False

    @cached_property
    def ring(self) -> Keyring:
        """The sealed keys; SealError for a wrong passphrase."""
        if not (self.directory / KEYS).is_file():
            raise InputError(
                f"there is no key file {self.directory / KEYS}: restore it from a copy. Without one the parties "
                "get new keys: tallystick propose-rekey, by registrar and sponsor banks that still have theirs"
            )
        return Keyring.load(self.directory / KEYS, self.screen.passphrase())

    def party(self, text: str, option: str) -> PartyNumber:
        """A party by number or name; InputError naming the option where nobody is called so."""
        return naming(option, self.dossier.party, text)

    def voucher(self, text: str) -> VoucherId:
        """A voucher by readable number or id; from here on the command works on the ledger that has it.

        InputError where --ledger has named another one. An id that no ledger has stays for the rules to refuse.
        """
        number = self.dossier.voucher(text)
        with self.store.reading() as session:
            query = select(VoucherRow.contract).where(VoucherRow.voucher == number)
            having = [pin for pin in self.pins if pin.ledger in set(session.scalars(query))]
        if having and self.chosen and self.pin not in having:
            where = ledger_text(self.pins, having[0])
            raise InputError(f"voucher {text} is in ledger {where}: name that one with --ledger, or none")
        if having and not self.chosen:
            self.pin = having[0]
        return number

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While somebody is asked something: the chain is free for others meanwhile, and looked at anew after."""
        if not isinstance(self.chain, EmbeddedChain):
            yield
        else:
            self.chain.close()
            self.away = True
            yield
            self.chain = open_chain(self.directory, self.node, sends=self.sends)
            self.away = False
            check_pin(self.chain, self.pin)
        self.follow()

    def domain(self, contract: Contract) -> Domain:
        """The signing domain of one of the two contracts."""
        address: Address = self.pin.registry if contract is Contract.REGISTRY else self.pin.ledger
        return Domain(contract, self.pin.chain_id, address)

    def world(self) -> World:
        """What both contracts hold, as of the last followed block."""
        with self.store.reading() as session:
            return world_of(session, self.pin.ledger)

    def now(self) -> Timestamp:
        """The time that the next block will have, as far as can be known before."""
        head = self.chain.now()
        if isinstance(self.chain, EmbeddedChain) and self.chain.demo:
            return Timestamp(head + 1)
        return Timestamp(max(head, int(time.time())))

    @property
    def today(self) -> Day:
        """The day in China time on which the next block falls."""
        return day_of(self.now())

    def follow(self, *, margin: int = MARGIN, witness: Chain | None = None) -> Progress:
        """Brings the database up to the chain. `margin`: blocks that a reorganisation may replace; `witness`: a second
        node, which has to name the same blocks."""
        with self.screen.progress("Reading blocks") as report:
            return follow(
                self.store,
                self.chain,
                margin=margin,
                witness=witness,
                report=lambda at: report(at.block, at.target),
            )


@contextmanager
def opened(
    screen: Screen, directory: Path, node: str | None, *, sends: bool = False, ledger: str | None = None
) -> Iterator[Office]:
    """The installation in a directory. InputError where there is none, or no such ledger in it, or where the
    database is another installation's, ChainError where the chain is another. `ledger`: as the user has named it."""
    database = database_of(directory)
    dossier = DossierFile.load(directory / DOSSIER)
    screen.names, screen.vouchers = dossier.names, dossier.numbers
    chain = open_chain(directory, node, sends=sends)
    office: Office | None = None
    try:
        with open_store(database) as store:
            with store.reading() as session:
                pinned = pins(session)
            require_same(dossier, pinned, directory)
            for each in pinned:
                check_pin(chain, each)
            pin = pinned[-1] if ledger is None else _named(pinned, ledger)
            office = Office(
                *(screen, directory, node, sends, chain, store, tuple(pinned), pin, dossier),
                chosen=ledger is not None,
            )
            yield office
    finally:
        present = chain if office is None else office.chain  # another one after a question
        if isinstance(present, EmbeddedChain) and not (office and office.away):
            present.close()


def require_same(dossier: DossierFile, pinned: Sequence[Pin], directory: Path) -> None:
    """InputError where dossier and database are not of one installation, or the database is of none."""
    if not pinned:
        raise InputError(f"the database of {directory} names no contract: deploy anew elsewhere")
    if dossier.contract not in [each.ledger for each in pinned]:
        raise InputError(
            f"the database has ledger {pinned[0].ledger}, the dossier in {directory} is of ledger "
            f"{dossier.contract}: let {DATABASE_URL} name the database of this installation"
        )


def ledger_text(pins: Sequence[Pin], pin: Pin) -> str:
    """Place and address of a ledger of the installation."""
    return f"{pins.index(pin) + 1} ({pin.ledger})"


def _named(pins: Sequence[Pin], text: str) -> Pin:
    for place, pin in enumerate(pins, start=1):
        if text == str(place) or text.lower() == pin.ledger.lower():
            return pin
    known = ", ".join(ledger_text(pins, pin) for pin in pins)
    raise InputError(f"--ledger: {shown(text)} is no ledger of this installation, which has {known}")


def create(
    screen: Screen,
    directory: Path,
    *,
    registrar: str,
    banks: Sequence[str],
    node: str | None,
    demo_from: Day | None,
    cost: int = COST,
) -> Pin:
    """Makes an installation: chain, both contracts, database, keys of the founders, dossier.

    It is built beside the directory and put in place at the end, so that a crash leaves nothing that looks whole.
    `cost` is that of a guess at the passphrase (see `Keyring.create`). InputError where the directory or the database
    has something in it already. (After a crash between the last two steps a database on a server names contracts of
    which no directory knows: it can be dropped.)
    """
    directory = directory.absolute()
    if directory == Path.cwd():
        raise InputError("name a directory that is to be made, not the one that you are in")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InputError(f"{directory} is not empty: name another directory, or use the installation in it")
    if node is not None and demo_from is not None:
        raise InputError("a node has its own clock: a demo date is only for the embedded chain")
    if not banks:
        raise InputError("name at least one founding bank with --bank: without one nobody can be admitted")
    database = os.environ.get(DATABASE_URL, "")
    if database:
        _require_empty(database)
    passphrase = screen.passphrase(new=True)
    place = directory.with_name(f".{directory.name}.unfinished")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    try:
        pin = _found(
            place,
            passphrase,
            (registrar, *banks),
            node=node,
            database=database or f"sqlite:///{place / DATABASE}",
            demo_from=demo_from,
            cost=cost,
        )
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)  # a chain that nobody uses, and keys of nobody
        raise
    try:
        if directory.exists():
            directory.rmdir()  # empty, as was seen above
        place.rename(directory)
    except OSError as failed:
        raise InputError(f"{directory} cannot be made: {failed.strerror}") from None
    return pin


def _found(
    place: Path,
    passphrase: str,
    names: Sequence[str],
    *,
    node: str | None,
    database: str,
    demo_from: Day | None,
    cost: int,
) -> Pin:
    """All files of a new installation. `names`: the registrar's and the founding banks'."""
    chain = _new_chain(place, node, demo_from)
    try:
        first_block = chain.height() + 1
        ring, dossier = (
            Keyring.create(place / KEYS, passphrase, cost=cost),
            DossierFile.create(place / DOSSIER),
        )
        founders = []
        for number, name in enumerate(names, start=1):
            profile = dossier.name_party(PartyNumber(number), name, "")
            founders.append(Founder(ring.add(PartyNumber(number)), 0, profile))
        pin = deploy(chain, registrar=founders[0], banks=founders[1:])
        dossier.contract = pin.ledger
        dossier.save()
        with open_store(database) as store:
            add_pin(store, pin, first_block=first_block)
            follow(store, chain)
    finally:
        if isinstance(chain, EmbeddedChain):
            chain.close()
    return pin


def _require_empty(database: str) -> None:
    with open_store(database) as store, store.reading() as session:
        present = pins(session)
    if present:
        raise InputError(
            f"the database that {DATABASE_URL} names belongs to ledger {present[0].ledger} already: give the new "
            f"installation a database of its own"
        )


def _new_chain(place: Path, node: str | None, demo_from: Day | None) -> Engine:
    if node is not None:
        return RpcChain(node, key=gas_key(required=True))
    if demo_from is None:
        return EmbeddedChain(place / CHAIN, create=True)
    start = int(start_of_day(demo_from))
    return EmbeddedChain(place / CHAIN, create=True, demo=True, clock=lambda: start)
