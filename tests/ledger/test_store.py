"""The database, SQLite and PostgreSQL alike: what it refuses, what it keeps whole, what it is bound to. Trouble is for
test_database.py, the versions for test_migrations.py."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ledger import (
    bulk_tables,
    disbursement_tables,
    document_tables,
    invoice_tables,
    offer_tables,
    organisation_tables,
    outbox_tables,
    programme_tables,
    quote_tables,
    webhook_tables,
)
from ledger.agreements import LineId, PartyNumber
from ledger.chain import NOBODY, Hash
from ledger.database import open_engine
from ledger.errors import ChainError, InputError
from ledger.events import EVENTS, journal_start
from ledger.happenings import OF_VOUCHERS
from ledger.members import Contract
from ledger.pin import Pin
from ledger.signing import Domain
from ledger.store import NO_BLOCK, Store, add_pin, followed, migrate, open_store, pin_for, pins
from ledger.tables import NOT_OF_VOUCHERS, Base, CursorRow, InvoiceUseRow, LineRow, PaymentRow, VoucherRow

PIN = Pin(
    chain_id=31_337,
    genesis_hash=Hash(b"\x01" * 32),
    registry=to_checksum_address("0x" + "aa" * 20),
    ledger=to_checksum_address("0x" + "bb" * 20),
    registry_code=Hash(b"\x02" * 32),
    ledger_code=Hash(b"\x03" * 32),
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
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


def test_a_database_of_a_newer_version_is_refused(store: Store, database_url: str) -> None:
    with store.writing() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(InputError, match="newer version"):
        open_store(database_url)


def test_a_password_is_not_shown_in_an_error() -> None:
    with pytest.raises(InputError) as refused:
        open_store("sqlite://user:secret@host/books.db")
    assert "secret" not in str(refused.value)


OTHER = to_checksum_address("0x" + "cc" * 20)
LATER = dataclasses.replace(PIN, ledger=OTHER, predecessor=PIN.ledger)


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 1},
        {"genesis_hash": Hash(b"\x09" * 32)},
        {"ledger_code": Hash(b"\x09" * 32)},
        {"registry": OTHER},
        {"registry": OTHER, "ledger": OTHER, "predecessor": PIN.ledger},
    ],
)
def test_a_pin_of_another_chain_or_with_other_facts_is_refused(
    store: Store, change: dict[str, object]
) -> None:
    add_pin(store, PIN)
    with pytest.raises(ChainError, match="a database of its own"):
        add_pin(store, dataclasses.replace(PIN, **change))  # type: ignore[arg-type]
    with store.reading() as session:
        assert pins(session) == [PIN]


def test_a_ledger_that_does_not_succeed_the_last_one_is_refused(store: Store) -> None:
    with pytest.raises(ChainError, match="no ledger is pinned here yet: pin the ledgers in their order"):
        add_pin(store, LATER)
    add_pin(store, PIN)
    for stranger in (NOBODY, OTHER):
        third = dataclasses.replace(PIN, ledger=to_checksum_address("0x" + "dd" * 20), predecessor=stranger)
        with pytest.raises(ChainError, match=f"but the last ledger here is {PIN.ledger}"):
            add_pin(store, third)
    add_pin(store, LATER)
    with pytest.raises(ChainError, match=f"but the last ledger here is {LATER.ledger}"):
        add_pin(store, dataclasses.replace(LATER, ledger=to_checksum_address("0x" + "dd" * 20)))
    with store.reading() as session:
        assert pins(session) == [PIN, LATER]


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


def test_opening_again_finds_what_was_there(store: Store, database_url: str) -> None:
    add_pin(store, PIN)
    with open_store(database_url) as again, again.reading() as session:
        assert pins(session) == [PIN]


def test_pinning_twice_is_harmless_and_a_successor_shares_the_registry(store: Store) -> None:
    add_pin(store, PIN, first_block=70)
    add_pin(store, PIN, first_block=9)
    add_pin(store, LATER, first_block=70)
    add_pin(store, LATER, first_block=90)
    with store.reading() as session:
        assert pins(session) == [PIN, LATER]
        assert pin_for(session, LATER.ledger).predecessor == PIN.ledger
        found = [(each.contract, each.is_registry, each.first_block) for each in followed(session)]
        assert found == [(PIN.registry, True, 70), (PIN.ledger, False, 70), (LATER.ledger, False, 70)]
        cursor = session.get_one(CursorRow, LATER.ledger)
        assert (cursor.block, cursor.block_hash) == (69, NO_BLOCK)
        assert cursor.journal == journal_start(Domain(Contract.LEDGER, 31_337, LATER.ledger))


# ---- keys and earlier versions -----------------------------------------------------------------------------------


def test_events_that_leave_no_history_are_those_that_are_indexed_by_their_subject() -> None:
    others = {kind.event.__name__ for kind in EVENTS.values() if kind.event not in OF_VOUCHERS}
    assert NOT_OF_VOUCHERS.text.startswith("events.name in (")
    assert set(re.findall(r"'(\w+)'", NOT_OF_VOUCHERS.text)) == others


def test_every_key_has_the_contract_in_it_but_for_the_chain_s_own_blocks_and_what_is_to_be_sent() -> None:
    without = {
        name
        for name, table in Base.metadata.tables.items()
        if "contract" not in {column.name for column in table.primary_key}
    }
    outgoing = {each.__tablename__ for each in vars(outbox_tables).values() if _is_table(each)}
    assert {"outbox", "batches", "transactions"} < outgoing
    people = {
        each.__tablename__
        for module in (
            bulk_tables,
            disbursement_tables,
            document_tables,
            invoice_tables,
            offer_tables,
            organisation_tables,
            programme_tables,
            quote_tables,
            webhook_tables,
        )
        for each in vars(module).values()
        if _is_table(each)
    }
    people -= {"webhook_cursors"}  # whose key is a contract
    assert without == {"blocks"} | outgoing | people
    unique = [index for index in Base.metadata.tables["outbox"].indexes if index.unique]
    assert ["contract" in index.columns for index in unique] == [True]
    for table in Base.metadata.tables.values():
        for key in table.foreign_key_constraints:
            assert "contract" in key.column_keys or key.referred_table.name in {"blocks", *outgoing, *people}


def test_a_database_of_the_first_version_is_opened_and_its_pins_take_their_order(database_url: str) -> None:
    engine = open_engine(database_url)
    pin = f"'{PIN.registry}', 31337, '0x{'01' * 32}', '0x{'02' * 32}', '0x{'03' * 32}'"
    with engine.begin() as connection:
        migrate(connection, "0001")
        for statement in (
            f"insert into pins values ('{PIN.ledger}', {pin}, 5)",
            f"insert into pins values ('{OTHER}', {pin}, 3)",  # such a neighbour could be pinned then
            f"insert into cursors values ('{PIN.ledger}', 9, '0x{'04' * 32}', '0x{'05' * 32}')",
            f"insert into vouchers values ('{PIN.ledger}', '0x{'06' * 32}', null, null, 100, 11, 1, 2, 2, 0, 0, "
            "null, null)",
            f"insert into payments values ('{PIN.ledger}', '0x{'06' * 32}', 2, 1, 2, 11, 100, 100, 20000, "
            f"'0x{'07' * 32}', false, 20000, 0, null, null, 'asserted', null)",
        ):
            connection.execute(text(statement))
    engine.dispose()
    with open_store(database_url) as store:
        with store.reading() as session:
            assert pins(session) == [dataclasses.replace(PIN, ledger=OTHER), PIN]
            assert session.get_one(CursorRow, PIN.ledger).block == 9
            payment = session.scalars(select(PaymentRow)).one()
            assert (payment.fate, payment.amount, payment.arbiter, payment.ruling) == (
                "asserted",
                100,
                None,
                None,
            )
        third = dataclasses.replace(LATER, ledger=to_checksum_address("0x" + "dd" * 20))
        add_pin(store, third, first_block=2)
        with store.reading() as session:
            assert pins(session)[1:] == [PIN, third]


def _is_table(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, Base) and each is not Base


def _use(fingerprint: bytes, used: int) -> InvoiceUseRow:
    return InvoiceUseRow(contract=PIN.ledger, payer=10, fingerprint=fingerprint, total=used, used=used)
