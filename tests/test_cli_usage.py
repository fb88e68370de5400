"""How the `tallystick` command says that it cannot be used so: the option's name, JSON where it is wanted, no crash."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ledger.errors import InputError
from scripts.business_dossier import read_dossier
from tests.cli_desk import Desk, opened
from tests.test_cli_refusals import PASS_ON, SALE

__all__ = ["opened"]


@pytest.fixture
def desk(opened: Desk, tmp_path: Path) -> Desk:
    """A copy of the installation."""
    return Desk(Path(shutil.copytree(opened.directory, tmp_path / "installation")))


# Usage


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("issue", "--issuer", "4", "--json"), "Missing option"),
        (("lines", "--json", "--nonsense"), "No such option"),
        (("nonsense", "--json"), "No such command"),
        (("--nonsense", "--json"), "No such option"),
        (
            (
                "grant-line",
                "--json",
                "--issuer",
                "4",
                "--limit",
                "1.00",
                "--expiry",
                "2027-01-01",
                "--window",
                "x",
            ),
            "--window",
        ),
        (("pay", "nonsense", "--json"), "No such command"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_with_json_a_command_that_cannot_be_read_is_answered_with_json_too(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    done = desk.run(*words, code=2)
    assert said in json.loads(done.stdout)["error"]
    assert said in done.stderr


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ((*PASS_ON[:-1], "无名"), "--to"),
        (("grant-line", "--issuer", "4", "--limit", "1e5", "--expiry", "2027-01-01"), "--limit"),
        (("grant-line", "--issuer", "4", "--limit", "1.00", "--expiry", "x"), "--expiry"),
        (
            ("issue", *("--issuer", "4", "--supplier", "5", "--line", "x", "--face", "1.00", "--due", "x")),
            "--line",
        ),
        ((*PASS_ON, "--invoice", "F-1=x"), "--invoice"),
        ((*PASS_ON, "--valid-until", "x"), "--valid-until"),
        (("split", "P-2026-001", "--from", "5", "--part", "6=x"), "--part"),
        (("discount", "P-2026-001", *SALE, "--issuer-share", "x"), "--issuer-share"),
        (
            ("pay", "assert", "P-2026-001", "--for", "settlement", "--by", "2", "--reference", " "),
            "--reference",
        ),
        (("suspend", "6", "--reason", ""), "--reason"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_message_names_the_option_whose_text_cannot_be_used(
    desk: Desk, words: tuple[str, ...], option: str
) -> None:
    assert f"Error: {option}" in desk.unusable(*words, "--yes")


@pytest.mark.parametrize("name", ["keys.json", "dossier.json", "given.json"])
def test_a_file_of_two_hundred_thousand_brackets_is_refused_in_a_sentence(
    desk: Desk, tmp_path: Path, name: str
) -> None:
    file = (tmp_path if name == "given.json" else desk.directory) / name
    file.write_text('{"a":' * 200_000, encoding="utf-8")
    words = ("send", str(file)) if name == "given.json" else PASS_ON
    said = desk.run(*words, "--yes", code=2).stderr
    assert ("no signed agreement" if name == "given.json" else "restore it from a copy") in said
    assert "not foreseen" not in said


def test_a_dossier_of_a_bank_nested_two_hundred_thousand_deep_is_refused(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "dossier.json"
    file.write_text("[" * 200_000, encoding="utf-8")
    words = (
        "reconcile",
        "2",
        "--books",
        str(tmp_path),
        "--cut-off",
        "2026-03-31",
        "--out",
        str(tmp_path / "out"),
    )
    with pytest.raises(InputError, match="brackets inside brackets"):
        read_dossier(file)
    assert "Error:" in desk.unusable(*words, "--dossier", str(file))
