"""Backup and restore, drilled: after a backup more agreements land, the installation is lost, the backup is put back,
and nothing is there twice, nothing is missing, and what had landed is known to have landed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from ledger import relay
from ledger.embedded import EmbeddedChain
from ledger.installation import CHAIN_URL, DATABASE_URL
from ledger.outbox_tables import OutboxRow
from ledger.store import open_store
from tests.cli_desk import Desk, opened
from tests.engines import Node, Postgres, anvil
from tests.service_desk import desk_on, issue, issue_of, now, settings

__all__ = ["opened"]


@pytest.fixture
def desk(opened: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A copy of the installation on an embedded chain."""
    for name in (DATABASE_URL, CHAIN_URL):
        monkeypatch.delenv(name, raising=False)
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


@pytest.fixture
def node() -> Iterator[Node]:
    with anvil(timestamp=now()) as started:
        yield started


def modes(folder: Path) -> dict[str, str]:
    return {each.name: oct(stat.S_IMODE(each.stat().st_mode)) for each in folder.iterdir()}


# ---- refusals ----------------------------------------------------------------------------------------------


def test_a_folder_that_has_something_in_it_is_refused_and_left_alone(desk: Desk, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    assert "is there already: name a folder that is to be made" in desk.unusable("backup", str(full))
    assert [each.name for each in full.iterdir()] == ["mine"]
    assert "there is no installation in" in Desk(tmp_path / "none").run("backup", "b", code=2).stderr


def test_an_embedded_chain_that_is_open_elsewhere_is_not_copied(desk: Desk, tmp_path: Path) -> None:
    with EmbeddedChain(desk.directory / "chain.sqlite"):
        assert "two at once would fork the chain" in desk.unusable("backup", str(tmp_path / "copy"))
    assert not list(tmp_path.glob("*copy*"))


def test_a_damaged_database_is_said_and_leaves_no_backup(desk: Desk, tmp_path: Path) -> None:
    (desk.directory / "tallystick.sqlite").write_bytes(b"SQLite format 3\0" + bytes(5_000))
    assert "cannot be copied" in desk.run("backup", str(tmp_path / "copy"), code=2).stderr
    assert not list(tmp_path.glob("*copy*"))


def test_without_pg_dump_the_command_is_named_and_no_password(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.directory / "tallystick.sqlite").unlink()
    monkeypatch.setenv(DATABASE_URL, "postgresql://ann:geheim@db.bank/books?password=geheim")
    monkeypatch.setenv("PATH", str(tmp_path))
    said = desk.run("backup", str(tmp_path / "copy"), code=2).stderr
    assert "pg_dump --format=custom --no-owner --dbname=postgresql://ann@db.bank/books --file=" in said
    assert "--without-database" in said
    assert "geheim" not in said
    assert not list(tmp_path.glob("*copy*"))
    desk.run("backup", str(tmp_path / "copy"), "--without-database")
    assert sorted(modes(tmp_path / "copy")) == ["chain.sqlite", "dossier.json", "keys.json"]


def test_a_dump_that_fails_is_said_with_the_server_s_words(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_postgres: Postgres
) -> None:
    (desk.directory / "tallystick.sqlite").unlink()
    monkeypatch.setenv(DATABASE_URL, shared_postgres.url("nowhere").replace("postgres@", "postgres:geheim@"))
    monkeypatch.setenv("PATH", f"{shared_postgres.binaries}:{os.environ['PATH']}")
    said = desk.run("backup", str(tmp_path / "copy"), code=2).stderr
    assert 'database "nowhere" does not exist' in said
    assert "geheim" not in said
    assert not list(tmp_path.glob("*copy*"))


# ---- a copy ------------------------------------------------------------------------------------------------


def test_a_backup_is_an_installation_for_its_owner_s_eyes_alone(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "deep" / "copy"
    (desk.directory / "keys.json").chmod(0o644)
    with sqlite3.connect(desk.directory / "tallystick.sqlite") as reader:
        reader.execute("select * from pins").fetchall()  # others may be at work meanwhile
        answer = desk.ask("backup", str(copy))
        reader.rollback()
    names = ["chain.sqlite", "dossier.json", "keys.json", "tallystick.sqlite"]
    assert answer == {"folder": str(copy), "files": names}
    assert modes(copy) == dict.fromkeys(names, "0o600")
    assert oct(stat.S_IMODE(copy.stat().st_mode)) == "0o700"
    desk.do("transfer", "P-2026-001", "--from", "5", "--to", "6")
    other = Desk(copy)
    assert other.ask("verify")["verified"] is True
    assert other.do("transfer", "P-2026-001", "--from", "5", "--to", "7")["verb"] == "transfer"
    assert other.ask("verify")["verified"] is True
    assert desk.ask("verify")["verified"] is True


# ---- the drill ---------------------------------------------------------------------------------------------


def test_what_landed_after_the_backup_is_there_once_after_restoring_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: Node
) -> None:
    settings(node, monkeypatch)
    desk = desk_on(node, tmp_path / "installation")
    drill(desk, tmp_path, restore=lambda _copy: None)


def test_the_same_with_a_dump_of_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: Node, shared_postgres: Postgres
) -> None:
    with shared_postgres.fresh() as first, shared_postgres.fresh() as second:
        settings(node, monkeypatch, database=plain(first))
        monkeypatch.setenv("PATH", f"{shared_postgres.binaries}:{os.environ['PATH']}")
        desk = desk_on(node, tmp_path / "installation")

        def restore(copy: Path) -> None:
            words = [
                "--no-owner",
                "--exit-on-error",
                f"--dbname={plain(second)}",
                str(copy / "database.dump"),
            ]
            subprocess.run([shared_postgres.binaries / "pg_restore", *words], check=True, capture_output=True)
            (copy / "database.dump").unlink()
            with psycopg.connect(plain(first)) as lost:
                lost.execute("drop schema public cascade")
            monkeypatch.setenv(DATABASE_URL, plain(second))

        drill(desk, tmp_path, restore=restore)


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def drill(desk: Desk, tmp_path: Path, *, restore: Any) -> None:
    """A backup with an item that is signed and not sent; then that item, others, and one out of a file land."""
    issued = issue(desk, "5000.00")["number"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "run", lambda *_given, **_named: [])
        desk.run(*issue_of("700.00"), "--yes", code=2)
    copy = tmp_path / "backup"
    desk.run("backup", str(copy))
    assert "landed in block" in desk.run(*issue_of("1.00"), "--yes", code=1).stdout  # the signed one is sent
    desk.do("split", issued, "--from", "4", "--part", "5=1000.00")
    issue(desk, "900.00")
    file = str(tmp_path / "transfer.json")
    desk.run("transfer", f"{issued}/1", "--from", "5", "--to", "4", "--yes", "--save", file)
    landed = desk.do("send", file)
    before = state(desk)
    assert len(before) == 4

    shutil.rmtree(desk.directory)
    restore(copy)
    shutil.copytree(copy, desk.directory)

    answer = desk.ask("index")
    assert answer["events"] > 0
    assert [each["verb"] for each in answer["unfinished"]] == ["issue"]
    assert desk.ask("verify")["verified"] is True
    assert state(desk) == before
    said = desk.run(
        *issue_of("1.00"), "--yes", code=1
    ).stdout  # what was signed before is not sent a second time
    assert "An earlier command stopped half-way: issue" in said
    assert "landed in block" in said
    again = desk.do("send", file)
    assert (again["before"], again["block"], again["tx"]) == (True, landed["block"], landed["tx"])
    assert state(desk) == before

    [account] = desk.ask("outbox")["alarms"]
    assert "the database is older than the chain" in desk.run("outbox").stdout
    desk.run("outbox", "clear-alarm", account, "--reason", "restored from the backup")
    issue(desk, "1100.00")
    assert len(state(desk)) == 5
    assert desk.ask("outbox")["items"] == []
    assert desk.ask("outbox")["alarms"] == {}
    assert desk.ask("verify")["verified"] is True
    with open_store(database_of(desk)) as store, store.reading() as session:
        rows = session.query(OutboxRow).all()
        assert {row.status for row in rows} == {"final"}
        places = [(row.block, row.log_index) for row in rows]
        assert len(set(places)) == len(places)


def state(desk: Desk) -> list[Any]:
    """Every voucher as the commands show it, without the names that the dossier has for it."""
    shown = desk.ask("vouchers")["vouchers"]
    return sorted([{**each, "number": None} for each in shown], key=repr)


def database_of(desk: Desk) -> str:
    return os.environ.get(DATABASE_URL) or f"sqlite:///{desk.directory / 'tallystick.sqlite'}"
