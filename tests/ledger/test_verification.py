"""Verification: whatever was left out, added or changed, by hand or by the node, is found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.chain import Address, Chain, Log
from ledger.errors import ChainError, VerificationError
from ledger.indexer import follow, rebuild
from ledger.members import voucher_text
from ledger.store import Store
from ledger.tables import PROJECTION
from ledger.verification import Verification, verify
from tests.ledger.office import (
    B,
    Town,
    busy,
    copy_of,
    empty_store,
    office_in,
    rows,
)
from tests.ledger.troubles import troubled


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with office_in(folder) as office:
        vouchers = busy(office) | troubled(office)
        office.follow()
        yield Town(office, vouchers)


@pytest.fixture
def copy(town: Town, tmp_path: Path) -> Iterator[Store]:
    """The town's database, to be tampered with."""
    with copy_of(town.store, tmp_path) as opened:
        yield opened


def change(store: Store, *statements: str) -> None:
    """As somebody with a database client does it: no foreign keys, no types."""
    with sqlite3.connect(str(store._engine.url.database)) as client:
        for statement in statements:
            client.execute(statement)


def kinds(verification: Verification) -> set[str]:
    return {finding.kind for finding in verification.findings}


# ---- tampering ---------------------------------------------------------------------------------------------

TAMPERED = {
    "removed": [
        "delete from events where rowid = (select rowid from events where name = 'Transferred' limit 1)"
    ],
    "altered": [
        "update events set data = replace(data, '1', '2') where name = 'Discounted' and rowid = "
        "(select rowid from events where name = 'Discounted' limit 1)"
    ],
    "duplicated": [
        "insert into events select contract, block, log_index + 1000, tx_hash, name, subject, data "
        "from events where name = 'Transferred' limit 1"
    ],
    "swapped": [
        "create temporary table two as select rowid as number, subject, data from events "
        "where name = 'Issued' order by block, log_index limit 2",
        "update events set (subject, data) = (select subject, data from two "
        "where number <> events.rowid) where rowid in (select number from two)",
    ],
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_stored_event_that_was_tampered_with_is_found(town: Town, copy: Store, how: str) -> None:
    change(copy, *TAMPERED[how])
    found = verify(copy, town.chain)
    assert not found.verified
    told = kinds(found)
    if how == "removed":  # the item that landed there, where one did, has nothing to show for it any more
        told -= {"item"}
    assert told == {"event"}


@dataclass(frozen=True)
class LyingNode:
    """The real chain, except that its event log is retold."""

    honest: Chain
    retell: Callable[[list[Log]], list[Log]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.honest, name)

    def logs(
        self,
        from_block: int,
        to_block: int,
        *,
        addresses: Sequence[Address],
        topics: Collection[bytes] | None = None,
    ) -> list[Log]:
        return self.retell(self.honest.logs(from_block, to_block, addresses=addresses, topics=topics))


def _issues(logs: list[Log]) -> list[int]:
    lengths = [len(log.data) for log in logs]
    return [n for n, size in enumerate(lengths) if size == 9 * 32]


def _without(logs: list[Log]) -> list[Log]:
    gone = _issues(logs)[1:2]
    return [log for n, log in enumerate(logs) if n not in gone]


def _altered(logs: list[Log]) -> list[Log]:
    return [
        log._replace(data=log.data[:-1] + bytes([log.data[-1] ^ 1])) if n in _issues(logs)[1:2] else log
        for n, log in enumerate(logs)
    ]


def _doubled(logs: list[Log]) -> list[Log]:
    """One of them once more, as if it had happened again."""
    again = [logs[n]._replace(log_index=1_000) for n in _issues(logs)[1:2]]
    return [*logs, *again]


def _swapped(logs: list[Log]) -> list[Log]:
    issues = _issues(logs)
    if len(issues) < 2:
        return logs
    a, b = logs[issues[0]], logs[issues[1]]
    told = list(logs)
    told[issues[0]] = a._replace(topics=b.topics, data=b.data)
    told[issues[1]] = b._replace(topics=a.topics, data=a.data)
    return told


@pytest.mark.parametrize("retell", [_without, _altered, _doubled, _swapped])
def test_a_node_that_retells_its_events_is_not_believed(
    town: Town, tmp_path: Path, retell: Callable[[list[Log]], list[Log]]
) -> None:
    liar: Any = LyingNode(town.chain, retell)
    with empty_store(town, tmp_path) as store:
        with pytest.raises(VerificationError, match=r"block \d+: .* journal head 0x.* own is 0x"):
            follow(store, liar)
        assert not any(rows(store).values()), "nothing of it may be kept"
    found = verify(town.store, liar)
    assert "journal" in kinds(found)


@pytest.mark.parametrize("table", [table.__tablename__ for table in PROJECTION])
def test_a_row_that_was_written_by_hand_is_found_in_every_column(town: Town, copy: Store, table: str) -> None:
    with copy.reading() as session:
        columns = session.execute(text(f"pragma table_info({table})")).all()
    plain = [name for _, name, _, _, _, key in columns if not key]
    assert plain or table == "freeze_orders"
    where = f"where rowid = (select min(rowid) from {table})"
    change(copy, *(f'update {table} set "{column}" = 77 {where}' for column in plain))
    found = {finding.what.rsplit(", ")[-1] for finding in verify(copy, town.chain).findings}
    assert set(plain) <= found
    rebuild(copy)
    assert rows(copy) == rows(town.store)


@pytest.mark.parametrize("table", [table.__tablename__ for table in PROJECTION])
def test_a_row_that_was_deleted_is_found(town: Town, copy: Store, table: str) -> None:
    change(copy, f"delete from {table} where rowid = (select min(rowid) from {table})")
    found = verify(copy, town.chain).findings
    assert any(each.found == "nothing" and each.what.startswith(table) for each in found)


def test_a_holder_changed_in_the_database_differs_from_the_contracts_storage(town: Town, copy: Store) -> None:
    voucher = voucher_text(town.vouchers["passed"])
    change(copy, f"update vouchers set holder = {B} where voucher = '{voucher}'")
    found = verify(copy, town.chain)
    assert kinds(found) == {"row", "storage"}
    assert any(f.kind == "storage" and voucher in f.what for f in found.findings)


def test_face_made_in_the_database_breaks_the_invariants(town: Town, copy: Store) -> None:
    voucher = voucher_text(town.vouchers["waiting"])
    change(copy, f"update vouchers set face = face + 1 where voucher = '{voucher}'")
    assert kinds(verify(copy, town.chain)) == {"row", "storage", "invariant"}


def test_a_changed_journal_head_or_block_time_is_found(town: Town, copy: Store) -> None:
    change(copy, f"update cursors set journal = '0x{'11' * 32}' where contract = '{town.office.pin.ledger}'")
    assert kinds(verify(copy, town.chain)) == {"journal"}
    change(copy, "update blocks set timestamp = timestamp + 1 where number = 3")
    assert kinds(verify(copy, town.chain)) == {"journal", "block"}


# ---- what it says


def test_what_was_not_followed_cannot_be_verified(town: Town, tmp_path: Path) -> None:
    with empty_store(town, tmp_path) as store, pytest.raises(ChainError, match="index first"):
        verify(store, town.chain)


def test_an_honest_chain_and_its_index_have_no_difference(town: Town) -> None:
    seen: list[tuple[int, int]] = []
    found = verify(town.store, town.chain, report=lambda done, total: seen.append((done, total)))
    assert found.findings == ()
    assert found.verified
    assert (found.block, found.events, found.rows) == (
        town.chain.height(),
        95,
        sum(map(len, rows(town.store).values())),
    )
    assert seen[-1] == (found.words, found.words)
