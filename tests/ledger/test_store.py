"""The database: what it refuses, what it keeps whole, and that its migrations make the tables that the code
knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from eth_utils.address import to_checksum_address
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import IntegrityError

from ledger.agreements import LineId, PartyNumber
from ledger.chain import Hash, Pin
from ledger.errors import ChainError, InputError
from ledger.events import journal_start
from ledger.members import Contract
from ledger.signing import Domain
from ledger.store import NO_BLOCK, Store, add_pin, followed, open_store, pin_for, pins
from ledger.tables import Base, CursorRow, InvoiceUseRow, LineRow, VoucherRow

PIN = Pin(
    chain_id=31_337,
    genesis_hash=Hash(b"\x01" * 32),
    registry=to_checksum_address("0x" + "aa" * 20),
    ledger=to_checksum_address("0x" + "bb" * 20),
    registry_code=Hash(b"\x02" * 32),
    ledger_code=Hash(b"\x03" * 32),
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'books.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "books.db", "oracle://host/books", "nonsense://x"])
def test_what_is_no_address_of_a_database_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="no address of a database"):
        open_store(address)


def test_a_database_in_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing/books\.db cannot be used"):
        open_store(f"sqlite:///{tmp_path / 'missing' / 'books.db'}")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "books.db").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(InputError, match="cannot be used"):
        open_store(f"sqlite:///{tmp_path / 'books.db'}")


def test_a_database_of_a_newer_version_is_refused(store: Store, url: str) -> None:
    with store.writing() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(InputError, match="newer version"):
        open_store(url)


def test_a_password_is_not_shown_in_an_error() -> None:
    with pytest.raises(InputError) as refused:
        open_store("sqlite://user:secret@host/books.db")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "change", [{"chain_id": 1}, {"genesis_hash": Hash(b"\x09" * 32)}, {"ledger_code": Hash(b"\x09" * 32)}]
)
def test_a_pin_of_another_chain_or_with_other_facts_is_refused(
    store: Store, change: dict[str, object]
) -> None:
    add_pin(store, PIN)
    with pytest.raises(ChainError, match="a database of its own"):
        add_pin(store, dataclasses.replace(PIN, **change))  # type: ignore[arg-type]
    with store.reading() as session:
        assert pins(session) == [PIN]


def test_an_unknown_ledger_is_refused(store: Store) -> None:
    with store.reading() as session, pytest.raises(InputError, match="knows no ledger"):
        pin_for(session, PIN.ledger)


def test_a_voucher_without_its_promise_is_refused_by_the_database(store: Store) -> None:
    row = VoucherRow(
        contract=PIN.ledger,
        voucher=7 << 96,
        promise=7,
        parent=None,
        face=1,
        holder=1,
        tier=1,
        sequence=1,
        locks=0,
        funder=0,
        pay_by=0,
    )
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(row)


# ---- units of work -----------------------------------------------------------------------------------------


def test_what_fails_half_way_is_not_there_at_all(store: Store) -> None:
    def fail() -> None:
        with store.writing() as session:
            session.add(_use(b"\x05" * 32, 1))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as session:
        assert list(session.scalars(select(InvoiceUseRow))) == []


def test_what_is_written_in_a_reading_is_lost(store: Store) -> None:
    with store.reading() as session:
        session.add(_use(b"\x05" * 32, 1))
        session.flush()
    with store.reading() as session:
        assert list(session.scalars(select(InvoiceUseRow))) == []


def test_a_reading_keeps_its_view_while_another_writes(store: Store) -> None:
    with store.reading() as session:
        assert session.scalar(select(InvoiceUseRow.used)) is None
        with store.writing() as other:
            other.add(_use(b"\x05" * 32, 1))
        assert session.scalar(select(InvoiceUseRow.used)) is None
    with store.reading() as session:
        assert session.scalar(select(InvoiceUseRow.used)) == 1


def test_the_highest_amount_that_the_contract_takes_is_kept_exactly(store: Store) -> None:
    for amount in (0, 2**63 - 1, 2**63, 2**64 - 1):
        with store.writing() as session:
            session.merge(_use(b"\x05" * 32, amount))
        with store.reading() as session:
            assert session.scalar(select(InvoiceUseRow.used)) == amount


def test_ids_are_kept_as_the_text_that_people_read(store: Store) -> None:
    with store.writing() as session:
        session.add(
            LineRow(
                contract=PIN.ledger,
                line=LineId(2 << 32 | 17),
                bank=2,
                issuer=PartyNumber(10),
                parent=None,
                limit=1,
                drawn=0,
                expiry=20_000,
                smallest_part=100,
                window=5,
                grace=10,
                countersign=False,
                frozen=False,
                sequence=1,
            )
        )
    with store.reading() as session:
        assert session.scalar(text("select line from lines")) == "2-17"
        assert session.scalar(select(LineRow.line)) == LineId(2 << 32 | 17)


# ---- opening and pins --------------------------------------------------------------------------------------


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store, url: str) -> None:
    assert store is not None
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_opening_again_finds_what_was_there(store: Store, url: str) -> None:
    add_pin(store, PIN)
    with open_store(url) as again, again.reading() as session:
        assert pins(session) == [PIN]


def test_pinning_twice_is_harmless_and_a_second_ledger_shares_the_registry(store: Store) -> None:
    add_pin(store, PIN, first_block=5)
    add_pin(store, PIN, first_block=9)
    later = dataclasses.replace(PIN, ledger=to_checksum_address("0x" + "cc" * 20))
    add_pin(store, later, first_block=70)
    with store.reading() as session:
        assert pins(session) == [PIN, later]
        found = [(each.contract, each.is_registry, each.first_block) for each in followed(session)]
        assert found == [(PIN.registry, True, 5), (PIN.ledger, False, 5), (later.ledger, False, 70)]
        cursor = session.get_one(CursorRow, later.ledger)
        assert (cursor.block, cursor.block_hash) == (69, NO_BLOCK)
        assert cursor.journal == journal_start(Domain(Contract.LEDGER, 31_337, later.ledger))


def _use(fingerprint: bytes, used: int) -> InvoiceUseRow:
    return InvoiceUseRow(contract=PIN.ledger, payer=10, fingerprint=fingerprint, total=used, used=used)
