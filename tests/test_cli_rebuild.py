"""A database that is lost, or does not agree with the chain, is made again from it; other files are missed by name."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ledger.installation import DATABASE_URL
from scripts.cli_screen import PASSPHRASE
from tests.cli_desk import Desk, opened
from tests.engines import Postgres
from tests.test_cli_engines import found
from tests.test_cli_rules import STOP

__all__ = ["opened"]
DATABASE = "tallystick.sqlite"


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


def rows(file: Path) -> dict[str, list[Any]]:
    """What is folded from the chain, table by table: not what was sent from here, nor the block hashes that are
    noted wherever following came to an end."""
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
    found = {name: sorted(map(str, database.execute(f"select * from {name}"))) for name in names}
    database.close()
    assert {"events", "vouchers", "parties", "cursors", "blocks", "outbox"} <= set(found)
    return {
        name: rows
        for name, rows in found.items()
        if name not in ("outbox", "outbox_calls", "batches", "transactions", "relay_accounts", "blocks")
    }


def lose(desk: Desk, name: str) -> None:
    for path in desk.directory.glob(f"{name}*"):
        path.unlink()


def test_a_lost_database_is_missed_with_the_command_that_makes_it_again(desk: Desk) -> None:
    before = rows(desk.directory / DATABASE)
    lose(desk, DATABASE)
    assert "tallystick index --rebuild" in desk.run("index", code=2).stderr
    assert "made again from 1 ledgers" in desk.run("index", "--rebuild").output
    assert rows(desk.directory / DATABASE) == before
    assert desk.ask("verify")["verified"] is True
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "6")


def test_a_database_that_was_altered_is_kept_beside_the_one_that_is_made_again(desk: Desk) -> None:
    with sqlite3.connect(desk.directory / DATABASE) as database:
        database.execute("update vouchers set holder = 6")
    database.close()
    assert "tallystick index --rebuild" in desk.run("verify", code=1).output
    altered = rows(desk.directory / DATABASE)
    assert f"{DATABASE}.kept-1" in desk.run("index", "--rebuild").output
    assert rows(desk.directory / f"{DATABASE}.kept-1") == altered
    assert desk.ask("verify")["verified"] is True


def test_all_ledgers_of_a_succession_are_made_again(desk: Desk) -> None:
    desk.do(*STOP)
    newest = desk.do("succeed")["ledger"]
    before = rows(desk.directory / DATABASE)
    lose(desk, DATABASE)
    desk.run("index", "--rebuild", "--ledger", newest)
    assert rows(desk.directory / DATABASE) == before
    assert len(desk.ask("ledgers")["ledgers"]) == 2


def test_without_dossier_the_ledger_is_to_be_named_and_what_is_none_is_refused(desk: Desk) -> None:
    ledger = desk.ask("ledgers")["ledgers"][0]["ledger"]
    lose(desk, DATABASE)
    (desk.directory / "dossier.json").rename(desk.directory / "copy")
    assert "--ledger ADDRESS" in desk.run("index", "--rebuild", code=2).stderr
    assert "is no ledger" in desk.run("index", "--rebuild", "--ledger", "0x" + "11" * 20, code=2).stderr
    assert not list(desk.directory.glob(f"*{DATABASE}*"))
    said = desk.run("index", "--rebuild", "--ledger", ledger, code=2).stderr
    assert "stands on no chain: restore it from a copy" in said
    (desk.directory / "copy").rename(desk.directory / "dossier.json")
    assert desk.ask("verify")["verified"] is True


def test_index_alone_takes_no_ledger_and_an_empty_folder_is_no_installation(
    desk: Desk, tmp_path: Path
) -> None:
    assert "only --rebuild" in desk.unusable("index", "--ledger", "0x" + "11" * 20)
    said = Desk(tmp_path / "nowhere").run("index", "--rebuild", code=2).stderr
    assert "make one with: tallystick deploy" in said


def test_a_lost_chain_a_lost_dossier_and_a_lost_key_file_are_named_with_what_to_do(desk: Desk) -> None:
    for name, said in (
        ("chain.sqlite", "if it was here, restore the file from a copy"),
        ("dossier.json", "restore it from a copy"),
        ("keys.json", "restore it from a copy. Without one the parties get new keys"),
    ):
        (desk.directory / name).rename(desk.directory / "copy")
        given = desk.run("transfer", "P-2026-001", "--from", "5", "--to", "6", "--yes", code=2).stderr
        assert said in given
        (desk.directory / "copy").rename(desk.directory / name)


def test_on_a_server_it_is_made_again_in_an_empty_database_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_postgres: Postgres
) -> None:
    monkeypatch.setenv(PASSPHRASE, "open")
    with shared_postgres.fresh() as old, shared_postgres.fresh() as new:
        monkeypatch.setenv(DATABASE_URL, old)
        desk = found(tmp_path / "desk")
        desk.do("admit", "云山零件", "--code", "91350100MA00012370")
        said = desk.run("index", "--rebuild", code=2).stderr
        assert "is not empty" in said and "name that in the environment" in said
        monkeypatch.setenv(DATABASE_URL, new)
        for _ in range(2):  # and once more: it goes on where it was broken off
            said = desk.run("index", "--rebuild").output
            assert "made again from 1 ledgers" in said and "The old one is as it was" in said
        assert desk.ask("verify")["verified"] is True
        monkeypatch.setenv(DATABASE_URL, old)
        assert desk.ask("verify")["verified"] is True


def test_beside_a_database_of_its_own_no_other_is_filled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE_URL, "postgresql://nobody@127.0.0.1/none")
    said = desk.run("index", "--rebuild", code=2).stderr
    assert f"take {DATABASE_URL} out of the environment" in said
