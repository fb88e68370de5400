"""What the READMEs say is there: every command, every file and folder, every figure that they repeat."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command

from ledger import artifacts
from scripts.cli import app
from tests.engines import ROOT

READMES: Final = ("README.md", "contracts/README.md", "tests/README.md")
SUFFIXES: Final = r"\.(?:py|sol|md|csv|toml|txt|sql|json)"
MADE_LATER: Final = (".venv/",)  # by the commands themselves


def text_of(readme: str) -> str:
    return (ROOT / readme).read_text(encoding="utf-8")


def names_in(readme: str) -> Iterator[str]:
    """What stands in backticks or behind a link and looks like a file or a folder."""
    text = re.sub(r"^```.*?^```", "", text_of(readme), flags=re.S | re.M)
    for name in (*re.findall(r"`([^`\n]+)`", text), *re.findall(r"\]\(([^)#:]+)\)", text)):
        if re.fullmatch(rf"[\w./-]+(?:/|{SUFFIXES})", name) and not name.startswith(MADE_LATER):
            yield name


def is_there(name: str, folder: Path) -> bool:
    """Below the root, below the README's folder, or, a bare file name, in a folder of that one."""
    if (ROOT / name).exists() or (folder / name).exists():
        return True
    inner = (place for place in folder.iterdir() if place.is_dir() and place.name != "node_modules")
    return "/" not in name and folder != ROOT and any((place / name).is_file() for place in inner)


@pytest.mark.parametrize("readme", READMES)
def test_every_file_that_a_readme_names_is_there(readme: str) -> None:
    folder = (ROOT / readme).parent
    names = set(names_in(readme))
    assert names
    assert sorted(name for name in names if not is_there(name, folder)) == []


@pytest.mark.parametrize("readme", READMES)
def test_nothing_in_a_readme_waits_to_be_filled_in(readme: str) -> None:
    assert re.findall(r"^[A-Z_]{6,}$|\b(?:TODO|FIXME|FIGURE|TBD)\b", text_of(readme), flags=re.M) == []


@pytest.mark.parametrize("readme", READMES)
def test_every_make_command_in_a_readme_is_in_the_makefile(readme: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", text_of("Makefile"), flags=re.M))
    commands = re.findall(r"(?:`|^)make ([\w-]+)", text_of(readme), flags=re.M)
    assert set(commands) <= targets
    if readme == "README.md":
        assert {"demo", "test", "check", "fuzz"} <= set(commands)


def test_every_command_that_the_readme_names_is_one_of_the_command_line() -> None:
    section = text_of("README.md").split("## By hand")[1].split("\n## ")[0]
    named = re.findall(
        r"`(?:\.venv/bin/)?(?:tallystick )?([a-z][a-z -]*?)(?: --[^`]*| [0-9][^`]*)?`", section
    )
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    paying = {f"pay {name}" for name in commands["pay"].commands}
    assert {"deploy", "issue", "pay award", "travel"} <= set(named)
    assert set(named) - {"tallystick"} <= set(commands) | paying


def test_every_target_of_the_makefile_that_is_no_file_is_declared_so() -> None:
    makefile = text_of("Makefile")
    named = set(re.findall(r"^([\w-]+):", makefile, flags=re.M))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.M)
    assert phony is not None
    assert set(phony[1].split()) == named


def test_who_may_call_what_lists_every_verb_once() -> None:
    section = text_of("contracts/README.md").split("## Who may call what")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]*`) \|", section, flags=re.M)
    listed = [verb for cell in first_cells for verb in re.findall(r"`(\w+)`", cell)]
    verbs = {
        entry["name"]
        for name in artifacts.CONTRACTS
        for entry in artifacts.load(name).abi
        if entry["type"] == "function" and entry["stateMutability"] == "nonpayable"
    } - {"batch"}
    assert sorted(listed) == sorted(verbs)


def test_the_verb_by_state_table_is_named_as_the_csv_and_not_repeated() -> None:
    text = text_of("contracts/README.md")
    assert "`verbs.csv`" in text or "(verbs.csv)" in text
    # shown there again it could differ: the one table is the file
    states = next(csv.reader([text_of("contracts/verbs.csv").splitlines()[0]]))[2:]
    shown = [
        line for line in text.splitlines() if line.startswith("|") and sum(s in line for s in states) > 5
    ]
    assert shown == []


def test_the_gas_table_shows_the_committed_figures() -> None:
    totals = re.search(r"^\| \*\*together\*\* \|(.*)\|$", text_of("contracts/README.md"), flags=re.M)
    heads = re.search(r"^\| gas \|(.*)\|$", text_of("contracts/README.md"), flags=re.M)
    assert totals is not None
    assert heads is not None
    shown = [int(re.sub(r"\D", "", cell)) for cell in totals[1].split("|")]
    names = [re.findall(r"`(\w+)`, (.*\S)", cell)[0] for cell in heads[1].split("|")]
    with (ROOT / "contracts" / "gas.csv").open(encoding="utf-8", newline="") as file:
        alone = {
            (row["verb"], row["case"]): int(row["gas"])
            for row in csv.DictReader(file)
            if row["batch"] == "1" and row["signer"] == "wallet key"
        }
    assert shown == [alone[name] for name in names]


def test_the_sizes_that_the_readme_promises_are_those_that_are_tested() -> None:
    rows = dict(re.findall(r"^\| `(\w+)\.sol` \|.*\| (\d+) \|$", text_of("contracts/README.md"), flags=re.M))
    assert {name: int(lines) for name, lines in rows.items()} == {
        "PartyRegistry": 400,
        "VoucherLedger": 700,
        "State": 600,
    }
