"""The database: opened, brought to the newest revision, and bound to its chain by pins.

SQLite by default, PostgreSQL by its address; `database.py` says how each is set up and which errors there are. A
unit of work is `reading()` or `writing()`; what is written is committed whole or not at all. Nothing here asks a
chain or knows a rule, and nothing is tried a second time. A database of a newer version, or of another chain, is
refused.

An installation is one registry and a list of ledgers on it in order of succession: the first, its successor, …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Self

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util.exc import CommandError
from eth_utils.address import to_checksum_address
from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session, sessionmaker

from ledger.chain import NOBODY, Address, Hash
from ledger.database import WRITES, alone_to_migrate, open_engine, usable
from ledger.errors import ChainError, InputError
from ledger.events import journal_start
from ledger.members import Contract
from ledger.pin import Pin
from ledger.signing import Domain
from ledger.tables import Base, CursorRow, PinRow

NO_BLOCK: Final = Hash(bytes(32))
"""The hash in a cursor that has not been at any block yet."""


class Store:
    """An open database. Close it, or use it as a context manager."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # SQLite's readers have one view of their own accord.
        one_view = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reading = sessionmaker(engine.execution_options(**one_view), expire_on_commit=False)
        self._writing = sessionmaker(engine.execution_options(**{WRITES: True}), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one unchanging view of the database; what it changes is lost."""
        with usable(self._engine), self._reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed at the end and rolled back on an exception.

        On SQLite it is the only writer from its first statement on. On PostgreSQL others write at the same time: who
        decides by what a row says reads it with `with_for_update()`. DatabaseUncertain where the connection was lost
        while committing, DatabaseUnusable where it was lost before: then nothing was written.
        """
        with usable(self._engine), self._writing() as session:
            yield session
            session.flush()
            with usable(self._engine, committing=True):
                session.commit()

    def close(self) -> None:
        """Gives the database free."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def open_store(url: str) -> Store:
    """Opens the database at `url` (`sqlite:///path`, `postgresql://…`) and migrates it if need be; of several
    processes that open it at once, one does.

    InputError for an address that cannot be used and for a database of a newer version.
    """
    engine = open_engine(url)
    try:
        with usable(engine), engine.execution_options(**{WRITES: True}).begin() as connection:
            alone_to_migrate(connection)
            migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


def scratch_store(tables: Iterable[type[Base]]) -> Store:
    """A database in memory with these tables, empty, beside those of pins and cursors: for rows that are made to be
    compared."""
    engine = open_engine("sqlite://")
    wanted: list[type[Base]] = [PinRow, CursorRow, *tables]
    made: list[Any] = [table.__table__ for table in wanted]
    Base.metadata.create_all(engine, tables=made)
    return Store(engine)


def migrate(connection: Connection, revision: str = "head") -> None:
    """Brings the database to a revision (the newest; `base`: none), inside the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("ledger.migrations")))
    config.attributes["connection"] = connection
    try:
        present = MigrationContext.configure(connection).get_current_revision()
        down = revision == "base" or (revision != "head" and present is not None and revision < present)
        (command.downgrade if down else command.upgrade)(config, revision)
    except CommandError as unknown:
        raise InputError(
            f"this database was written by a newer version of the product ({unknown}): use that one"
        ) from None


# Pins


@dataclass(frozen=True, slots=True)
class Followed:
    """A contract that the index follows, from its first block on."""

    contract: Address
    is_registry: bool
    first_block: int
    chain_id: int

    @property
    def journal_start(self) -> bytes:
        """The contract's journal head before its first event."""
        kind = Contract.REGISTRY if self.is_registry else Contract.LEDGER
        return journal_start(Domain(kind, self.chain_id, self.contract))


def add_pin(store: Store, pin: Pin, *, first_block: int = 0) -> None:
    """Binds the database to these contracts, the next in order of succession; again does nothing.
    `first_block`: none of the ledger's events (of the first one's, and the registry's) is older.

    ChainError where the database belongs to another chain or registry, or has this ledger with other facts, and
    where the ledger does not succeed the last one that is pinned.
    """
    with store.writing() as session:
        present = pins(session)
        if pin in present:
            return
        _require_next(present, pin)
        session.add(
            PinRow(
                contract=pin.ledger,
                party_registry=pin.registry,
                predecessor=None if pin.predecessor == NOBODY else pin.predecessor,
                succession=len(present),
                chain_id=pin.chain_id,
                genesis_hash=pin.genesis_hash,
                registry_code=pin.registry_code,
                ledger_code=pin.ledger_code,
                first_block=first_block,
            )
        )
        session.flush()
        for each in followed(session):
            if session.get(CursorRow, each.contract) is None:
                session.add(unfollowed(each))


def _require_next(present: list[Pin], pin: Pin) -> None:
    last = present[-1] if present else None
    for each in present:
        other_chain = (each.chain_id, each.genesis_hash) != (pin.chain_id, pin.genesis_hash)
        if other_chain or each.registry != pin.registry or each.ledger == pin.ledger:
            raise ChainError(
                f"the database belongs to chain {each.chain_id} with registry {each.registry} and ledger "
                f"{each.ledger}: give ledger {pin.ledger} on chain {pin.chain_id} a database of its own"
            )
    if pin.predecessor != (last.ledger if last else NOBODY):
        whose = "nobody's successor" if pin.predecessor == NOBODY else f"the successor of {pin.predecessor}"
        wanted = f"the last ledger here is {last.ledger}" if last else "no ledger is pinned here yet"
        raise ChainError(f"ledger {pin.ledger} is {whose}, but {wanted}: pin the ledgers in their order")


def unfollowed(each: Followed) -> CursorRow:
    """The cursor of a contract of which nothing was read yet."""
    return CursorRow(
        contract=each.contract,
        block=each.first_block - 1,
        block_hash=NO_BLOCK,
        journal=each.journal_start,
    )


def pins(session: Session) -> list[Pin]:
    """Every pinned ledger with its registry, in order of succession."""
    return [_pin(row) for row in _pin_rows(session)]


def pin_for(session: Session, ledger: str) -> Pin:
    """The pin of one ledger; InputError where the database does not have it."""
    row = session.get(PinRow, ledger)
    if row is None:
        raise InputError(f"this database knows no ledger at {ledger}: name one of its own, or pin it first")
    return _pin(row)


def followed(session: Session) -> list[Followed]:
    """Every contract to follow: a registry before its ledgers."""
    found: dict[str, Followed] = {}
    for row in _pin_rows(session):
        for address, is_registry in ((row.party_registry, True), (row.contract, False)):
            contract = to_checksum_address(address)
            found.setdefault(contract, Followed(contract, is_registry, row.first_block, row.chain_id))
    return list(found.values())


def _pin_rows(session: Session) -> Iterator[PinRow]:
    yield from session.scalars(select(PinRow).order_by(PinRow.succession))


def _pin(row: PinRow) -> Pin:
    return Pin(
        chain_id=row.chain_id,
        genesis_hash=Hash(row.genesis_hash),
        registry=to_checksum_address(row.party_registry),
        ledger=to_checksum_address(row.contract),
        registry_code=Hash(row.registry_code),
        ledger_code=Hash(row.ledger_code),
        predecessor=NOBODY if row.predecessor is None else to_checksum_address(row.predecessor),
    )
