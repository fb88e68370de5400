"""The index: the database is a fold of the chain, and nothing that was left out, added or changed goes
unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from sqlalchemy import text
from web3.types import RPCEndpoint

from ledger import projection, row_writing
from ledger.agreements import Pledge, PromiseId, Release
from ledger.calendar import Day
from ledger.errors import ChainError
from ledger.fold import fold_all
from ledger.indexer import Progress, follow, rebuild, rewind
from ledger.members import promise_text, voucher_text
from ledger.rows import world_of
from ledger.rpc_chain import RpcChain
from ledger.store import Store, add_pin, open_store
from ledger.tables import OPEN_FATES, hex_of
from ledger.verification import verify
from ledger.world import Lock, SignerKind, World
from tests.contract.verifying import CAP, P256Key
from tests.engines import anvil, embedded
from tests.ledger.indexing import everything
from tests.ledger.office import (
    BANK,
    FACE,
    FACTOR,
    ISSUER,
    LATER,
    LINE,
    A,
    B,
    C,
    Town,
    busy,
    copy_of,
    empty_store,
    office_in,
    open_office,
    rows,
    some_hash,
)
from tests.ledger.troubles import ARBITER, KEYED, OFFICER, troubled


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


# ---- refusals ----------------------------------------------------------------------------------------------


def test_another_chain_is_refused(town: Town, copy: Store, tmp_path: Path) -> None:
    with embedded(tmp_path) as other:
        for ask in (follow, verify):
            with pytest.raises(ChainError, match="not the chain that the database belongs to"):
                ask(copy, other)


def test_a_database_without_a_ledger_has_nothing_to_follow(town: Town, tmp_path: Path) -> None:
    with (
        open_store(f"sqlite:///{tmp_path / 'new.db'}") as store,
        pytest.raises(ChainError, match="pin a ledger first"),
    ):
        follow(store, town.chain)


def test_a_crash_while_writing_leaves_the_last_commit(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with empty_store(town, tmp_path) as store:
        follow(store, town.chain, confirmations=town.chain.height() - 4)
        before = rows(store)

        def die(*_given: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(projection._Writer, "_put_passing", die)
            with pytest.raises(KeyboardInterrupt):
                follow(store, town.chain)
        assert rows(store) == before
        follow(store, town.chain)
        assert rows(store) == rows(town.store)


# ---- a fold of the chain -----------------------------------------------------------------------------------


def test_every_table_has_rows_and_rebuilding_gives_the_same(town: Town, copy: Store) -> None:
    before = rows(copy)
    assert all(before.values())
    rebuild(copy)
    assert rows(copy) == before


@pytest.mark.parametrize("span", [1, 3, 500])
def test_in_whatever_steps_the_chain_is_followed_the_rows_are_the_same(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, span: int
) -> None:
    monkeypatch.setattr(projection, "PIECE", span)
    steps: list[Progress] = []
    with empty_store(town, tmp_path) as store:
        last = follow(store, town.chain, span=span, report=steps.append)
        assert rows(store) == rows(town.store)
    assert last.block == last.target == town.chain.height()
    assert sum(1 for _ in steps) == -(-(town.chain.height() + 1) // span)


@pytest.mark.parametrize(("piece", "many"), [(1, 50), (3, 1), (20_000, 1), (20_000, 50)])
def test_on_postgresql_the_rows_are_those_of_sqlite_one_by_one_or_in_bulk(
    town: Town, postgres_url: str, monkeypatch: pytest.MonkeyPatch, piece: int, many: int
) -> None:
    monkeypatch.setattr(projection, "PIECE", piece)
    monkeypatch.setattr(row_writing, "MANY", many)
    with open_store(postgres_url) as store:
        add_pin(store, town.office.pin)
        follow(store, town.chain, span=11)
        assert everything(store) == everything(town.store)
        rebuild(store)
        assert everything(store) == everything(town.store)
        rewind(store, town.chain.height() // 2)
        follow(store, town.chain)
        assert everything(store) == everything(town.store)
        assert verify(store, town.chain).findings == ()


def test_a_sub_line_is_drawn_on_whose_parent_was_read_long_before(town: Town, tmp_path: Path) -> None:
    """Granted and drawn on in the same piece of events, its parent in an earlier one."""
    with empty_store(town, tmp_path) as store:
        for block in range(town.chain.height() + 1):
            follow(store, town.chain, confirmations=town.chain.height() - block)
        assert rows(store) == rows(town.store)


def test_following_twice_changes_nothing(town: Town, copy: Store) -> None:
    before = rows(copy)
    assert follow(copy, town.chain).events == 0
    assert rows(copy) == before


def test_blocks_without_enough_others_on_top_are_left_for_later(town: Town, tmp_path: Path) -> None:
    with empty_store(town, tmp_path) as store:
        assert follow(store, town.chain, confirmations=2).block == town.chain.height() - 2


def test_the_rows_say_the_world_that_the_events_give(town: Town) -> None:
    with town.store.reading() as session:
        pin = town.office.pin
        happenings = [
            (each.event, each.timestamp)
            for contract in (pin.registry, pin.ledger)
            for each in projection.stored(session, contract)
        ]
        assert world_of(session, pin.ledger) == fold_all(World(), happenings)


def test_a_line_of_the_highest_limit_does_not_stop_the_index(tmp_path: Path) -> None:
    with office_in(tmp_path) as office:
        office.do(replace(office.grant_of(LINE + 5), limit=2**64 - 1), BANK, ISSUER)  # type: ignore[arg-type]
        office.follow()
        assert verify(office.store, office.chain).verified


# ---- what only events say ----------------------------------------------------------------------------------


def _select(town: Town, query: str) -> list[tuple[Any, ...]]:
    with town.store.reading() as session:
        return [tuple(row) for row in session.execute(text(query))]


def test_each_assertion_of_a_payment_keeps_its_fate(town: Town) -> None:
    fates = {
        name: [
            (fate, contested > 0, ended is None)
            for fate, contested, ended in _select(
                town,
                "select fate, contested_on, ended_on from payments "
                f"where voucher = '{voucher_text(voucher)}' order by sequence",
            )
        ]
        for name, voucher in town.vouchers.items()
    }
    assert fates["sold"] == [("completed", False, False)]
    assert fates["paid"] == [("completed", False, False)]
    assert fates["part"] == [("completed", False, False)]
    assert fates["contested"] == [("replaced", True, False), ("withdrawn", True, False)]
    assert fates["won"] == [("completed", True, False)]
    assert fates["lost"] == [("withdrawn", True, False)]
    assert fates["passed"] == []
    assert set(OPEN_FATES).isdisjoint(fate for each in fates.values() for fate, _, _ in each)


def test_a_payment_that_an_award_ended_says_who_decided(town: Town) -> None:
    decided = _select(town, "select voucher, arbiter, ruling, fate from payments where arbiter is not null")
    v = town.vouchers
    assert sorted(decided, key=repr) == sorted(
        [
            (voucher_text(v["won"]), ARBITER, hex_of(some_hash("paid")), "completed"),
            (voucher_text(v["lost"]), ARBITER, hex_of(some_hash("not paid")), "withdrawn"),
        ],
        key=repr,
    )


def test_what_an_issuer_owes_overdue_is_what_is_left_of_the_vouchers_declared_so(town: Town) -> None:
    assert _select(town, "select issuer, overdue, stopped from issuers") == [
        (ISSUER, str(FACE - FACE // 4), 1)
    ]
    left = _select(town, f"select face, holder from vouchers where locks & {int(Lock.OVERDUE)}")
    assert left == [(FACE - FACE // 4, C)]


def test_a_pledge_is_there_while_it_lasts_with_its_filing(town: Town) -> None:
    assert _select(town, "select voucher, pledgee, secured, filing from pledges") == [
        (voucher_text(town.vouchers["pledged"]), FACTOR, FACE // 2, hex_of(some_hash("pledged")))
    ]


def test_a_pledge_made_anew_in_the_same_block_has_its_own_filing(tmp_path: Path) -> None:
    with office_in(tmp_path) as office:
        voucher = office.issue()
        office.run()
        for sequence, filing in ((1, "first"), (3, "second")):
            office.put(
                Pledge(voucher, sequence, FACTOR, FACE, some_hash(filing), Day(office.today + 9), LATER),
                *(A, FACTOR),
            )
            office.put(Release(voucher, sequence + 1, FACTOR, LATER), FACTOR)
        office.put(
            Pledge(voucher, 5, FACTOR, FACE, some_hash("third"), Day(office.today + 9), LATER), A, FACTOR
        )
        assert [each.refusal for each in office.run()] == [None] * 5
        office.follow()
        office.put(Release(voucher, 6, FACTOR, LATER), FACTOR)
        office.put(
            Pledge(voucher, 7, FACTOR, FACE, some_hash("fourth"), Day(office.today + 9), LATER), A, FACTOR
        )
        assert [each.refusal for each in office.run()] == [None] * 2
        office.follow()
        with office.store.reading() as session:
            assert session.scalars(text("select filing from pledges")).all() == [hex_of(some_hash("fourth"))]
        assert verify(office.store, office.chain).findings == ()


def test_settings_say_the_last_word_and_what_is_announced(town: Town) -> None:
    [(sequence, cap, next_cap, run_off)] = _select(
        town, "select sequence, tenor_cap, next_tenor_cap, run_off from ledger_settings"
    )
    assert (sequence, cap, next_cap, run_off) == (3, 120, 100, 0)
    registry = _select(town, "select registrar, sequence, next_registrar from registry_settings")
    assert registry == [(OFFICER, 4, B)]


def test_a_party_that_signs_with_a_verifier_s_key_is_there_by_the_end_of_its_hash(town: Town) -> None:
    [(signer, kind)] = _select(town, f"select signer, kind from parties where party = {KEYED}")
    [(verifier, cap)] = _select(town, "select verifier, signature_gas from verifiers")
    key = bytes.fromhex(verifier[2:]) + P256Key(1).public
    assert (signer, kind, cap) == ("0x" + keccak(key)[-20:].hex(), SignerKind.VERIFIER, CAP)


def test_a_voucher_says_what_it_came_from_how_it_ended_and_under_which_quote_it_is_sold(town: Town) -> None:
    found = {
        voucher: (parent, ended, quote is not None)
        for voucher, parent, ended, quote in _select(
            town, "select voucher, parent, ended_as, quote from vouchers"
        )
    }
    v = {name: voucher_text(voucher) for name, voucher in town.vouchers.items()}
    assert found[v["split"]] == (None, "split", False)
    assert found[v["part"]] == (v["split"], "settled", False)
    assert found[v["cancelled"]] == (None, "cancelled", False)
    assert found[v["rescinded"]] == (None, None, True)
    assert found[v["sold"]] == (None, None, False)
    assert [row for row in found.values() if row[1] == "revoked"] == [(None, "revoked", False)]


def test_the_history_of_a_voucher_is_its_provenance(town: Town) -> None:
    steps = _select(
        town,
        "select name, party, holder, face, tier, sequence from voucher_history "
        f"where voucher = '{voucher_text(town.vouchers['passed'])}' order by block, log_index",
    )
    assert steps == [
        ("InvoiceUsed", ISSUER, None, None, None, None),
        ("Issued", A, A, FACE, 1, 1),
        ("InvoiceUsed", A, A, FACE, 1, 1),
        ("Transferred", B, B, FACE, 2, 2),
        ("Transferred", C, C, FACE, 3, 3),
        ("VoucherFrozen", None, C, FACE, 3, 3),
        ("Transferred", FACTOR, FACTOR, FACE, 4, 4),
    ]
    part = _select(
        town,
        "select name, other, face from voucher_history "
        f"where voucher = '{voucher_text(town.vouchers['part'])}' order by block, log_index",
    )
    assert part[0] == ("Parted", voucher_text(town.vouchers["split"]), FACE // 4)


def test_a_promise_knows_its_first_supplier_and_what_became_of_its_face(town: Town) -> None:
    number = promise_text(PromiseId(town.vouchers["part"] >> 96))
    row = _select(
        town, f"select supplier, face, live, settled, cancelled from promises where promise = '{number}'"
    )
    assert row == [(A, FACE, FACE - FACE // 4, FACE // 4, 0)]


# ---- reorganisations ---------------------------------------------------------------------------------------


def _reorganise(chain: RpcChain, depth: int) -> None:
    answer = chain.web3.provider.make_request(RPCEndpoint("anvil_reorg"), [depth, []])
    assert "error" not in answer, answer


def test_a_reorganised_chain_is_rewound_and_followed_anew(tmp_path: Path) -> None:
    with anvil() as node:
        chain = node.chain()
        office = open_office(chain, tmp_path)
        kept = office.issue()
        office.run()
        lost = office.issue(supplier=B)
        office.run()
        office.follow()
        before = rows(office.store)
        assert verify(office.store, chain).verified

        _reorganise(chain, 1)
        with pytest.raises(ChainError, match="a reorganisation"):
            verify(office.store, chain)
        progress = follow(office.store, chain)
        assert progress.rewound_to is not None
        with office.store.reading() as session:
            world = world_of(session, office.pin.ledger)
        assert (kept in world.vouchers, lost in world.vouchers) == (True, False)
        missing = verify(office.store, chain).findings  # the outbox still says that it has landed
        assert [finding.kind for finding in missing] == ["item"]

        # the relay notices, too, and sends again what was lost
        assert [each.refusal for each in office.run()] == [None]
        office.follow()
        assert verify(office.store, chain).verified
        with office.store.reading() as session:
            assert lost in world_of(session, office.pin.ledger).vouchers
        assert len(rows(office.store)["vouchers"]) == len(before["vouchers"])
        office.store.close()


def test_rewinding_to_nothing_and_following_again_gives_the_same_rows(town: Town, copy: Store) -> None:
    before = rows(copy)
    for block in (town.chain.height() - 1, 4, 0, -1):
        rewind(copy, block)
        assert rows(copy) != before
        follow(copy, town.chain)
        assert rows(copy) == before
    assert verify(copy, town.chain).verified


def test_a_database_put_back_from_a_copy_catches_up(town: Town, tmp_path: Path) -> None:
    with empty_store(town, tmp_path) as store:
        follow(store, town.chain, confirmations=3)
    shutil.copy(tmp_path / "new.db", tmp_path / "old.db")
    with open_store(f"sqlite:///{tmp_path / 'old.db'}") as store:
        follow(store, town.chain)
        assert rows(store) == rows(town.store)
