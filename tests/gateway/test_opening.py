"""An installation that the gateway cannot serve is refused in words, before anything listens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger.errors import InputError, SealError
from ledger.installation import CHAIN_URL, DATABASE, DATABASE_URL, DEPTH, opened
from tests.gateway.house import PASSPHRASE


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (DEPTH, "two", "TALLYSTICK_DEPTH is 'two': write a number of blocks"),
        (CHAIN_URL, "http://127.0.0.1:1", "has a chain of its own"),
        (DATABASE_URL, "postgresql://ann:geheim@db.bank/books", "has a database of its own"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(
    founded: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as refused, opened(founded, passphrase=PASSPHRASE):
        pass
    assert said in str(refused.value)
    assert "geheim" not in str(refused.value)


def test_no_installation_a_lost_database_and_a_wrong_passphrase_are_told_apart(
    tmp_path: Path, founded: Path
) -> None:
    with pytest.raises(InputError, match="there is no installation in"), opened(tmp_path, passphrase="x"):
        pass
    (tmp_path / "chain.sqlite").touch()
    with pytest.raises(InputError, match=f"has no {DATABASE}"), opened(tmp_path, passphrase="x"):
        pass
    with pytest.raises(SealError, match="passphrase is wrong"), opened(founded, passphrase="another one"):
        pass


def test_the_depth_is_the_environment_s(
    tmp_path: Path, founded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEPTH, "3")
    shutil.copytree(founded, tmp_path, dirs_exist_ok=True)
    with opened(tmp_path, passphrase=PASSPHRASE) as installation:
        assert installation.depth == 3
