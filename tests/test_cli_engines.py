"""The two settings that name other engines: which combinations are refused, and that the same commands then work on a
node and on PostgreSQL."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.installation import CHAIN_URL, DATABASE_URL
from ledger.store import open_store
from scripts.cli_installation import create
from scripts.cli_options import day
from scripts.cli_screen import PASSPHRASE, Screen
from tests.cli_desk import Desk
from tests.engines import anvil, free_port


@pytest.fixture(autouse=True)
def plain_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine is named by the environment that the tests happen to run in."""
    for name in (DATABASE_URL, CHAIN_URL):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(PASSPHRASE, "open")


def found(directory: Path) -> Desk:
    """A new demo installation, its keys easy to open, with the engines of the environment."""
    create(
        Screen(),
        directory,
        registrar="登记机构",
        banks=["江城银行"],
        node=None,
        demo_from=day("2026-04-01"),
        cost=2,
    )
    return Desk(directory)


def refused(desk: Desk, *words: str) -> str:
    said = desk.run(*words, code=2).stderr
    assert "secret" not in said
    return said


# ---- refusals ----------------------------------------------------------------------------------------------


def test_an_installation_with_a_database_of_its_own_takes_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    desk = found(tmp_path / "desk")
    before = (desk.directory / "tallystick.sqlite").read_bytes()
    monkeypatch.setenv(DATABASE_URL, postgres_url)
    assert "has a database of its own: take TALLYSTICK_DATABASE_URL out" in refused(desk, "verify")
    assert (desk.directory / "tallystick.sqlite").read_bytes() == before


def test_without_its_setting_an_installation_on_a_server_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    assert "there is no installation in" in refused(Desk(tmp_path), "verify")
    monkeypatch.setenv(DATABASE_URL, postgres_url)
    assert "there is no installation in" in refused(Desk(tmp_path), "verify")
    desk = found(tmp_path / "desk")
    monkeypatch.setenv(DATABASE_URL, "")
    said = refused(desk, "verify")
    assert "has no tallystick.sqlite: set TALLYSTICK_DATABASE_URL to the address of its database" in said


def test_the_database_of_another_installation_is_refused_on_opening_and_on_deploying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv(DATABASE_URL, f"sqlite:///{tmp_path / 'other.sqlite'}")
    found(tmp_path / "other")
    monkeypatch.setenv(DATABASE_URL, postgres_url)
    desk = found(tmp_path / "desk")
    words = ("deploy", "--bank", "海州银行", "--demo-from", "2026-04-01")
    assert "belongs to ledger 0x" in refused(Desk(tmp_path / "third"), *words)
    assert not (tmp_path / "third").exists()
    monkeypatch.setenv(DATABASE_URL, f"sqlite:///{tmp_path / 'other.sqlite'}")
    said = refused(desk, "verify")
    assert "the dossier in" in said and "let TALLYSTICK_DATABASE_URL name the database of this" in said


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://ann:secret@host/books", "no address of a database"),
        ("postgresql://ann:se@secret@host/books", "write an @ that is part of the password as %40"),
        ("postgresql://ann:secret@127.0.0.1:{port}/books", "cannot be used: connection"),
    ],
)
def test_an_address_that_does_not_do_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setenv(DATABASE_URL, address.format(port=free_port()))
    desk = Desk(tmp_path / "desk")
    assert words in refused(desk, "deploy", "--bank", "江城银行", "--demo-from", "2026-04-01")
    assert list(tmp_path.iterdir()) == []


def test_a_chain_of_its_own_takes_no_node_by_setting_or_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = found(tmp_path / "desk")
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert "has a chain of its own" in refused(desk, "verify", "--node", nowhere)
    monkeypatch.setenv(CHAIN_URL, nowhere)
    assert "leave --node and TALLYSTICK_CHAIN_URL away" in refused(desk, "verify")


# ---- the same commands on other engines --------------------------------------------------------------------


def test_on_postgresql_the_same_commands_work_and_the_directory_has_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv(DATABASE_URL, postgres_url.replace("postgresql+psycopg", "postgresql"))
    desk = found(tmp_path / "desk")
    assert sorted(each.name for each in desk.directory.iterdir()) == [
        "chain.sqlite",
        "dossier.json",
        "keys.json",
    ]
    desk.do("admit", "云山零件", "--code", "91350100MA00012370")
    assert desk.ask("verify")["verified"] is True
    with open_store(postgres_url) as store, store.writing() as session:
        assert session.scalar(text("select count(*) from parties")) == 3
        session.execute(text("update parties set status = 9 where party = 3"))
    desk.run("verify", code=1)


def test_an_option_overrides_the_setting_and_node_and_postgresql_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    with anvil() as node:
        monkeypatch.setenv("TALLYSTICK_GAS_KEY", "0x" + node.keys[0].hex())
        monkeypatch.setenv(CHAIN_URL, f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv(DATABASE_URL, postgres_url)
        desk = Desk(tmp_path / "desk")
        desk.ask("deploy", "--bank", "江城银行", "--node", node.url)
        assert sorted(each.name for each in desk.directory.iterdir()) == ["dossier.json", "keys.json"]
        assert "cannot be used" in refused(desk, "verify")
        assert desk.ask("verify", "--node", node.url)["verified"] is True
        monkeypatch.setenv(CHAIN_URL, node.url)
        assert desk.ask("verify")["verified"] is True


def test_a_moved_directory_finds_its_database_on_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv(DATABASE_URL, postgres_url)
    desk = found(tmp_path / "desk")
    shutil.move(desk.directory, tmp_path / "moved")
    assert Desk(tmp_path / "moved").ask("verify")["verified"] is True
