"""The demo as a command: its last line, its files, and that it can be killed at any moment and run again.

TALLYSTICK_KILLS says how often it is killed (3); the delays are drawn from a seed.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from typer.testing import CliRunner

from scripts import demo
from scripts.business import CHAIN, DATABASE, DOSSIER, KEYS, MARK, OPENED, own_directory
from scripts.business_book_files import write_books
from scripts.business_books import implied_books
from scripts.business_columns import COLUMNS
from scripts.business_files import SAMPLE, read_business
from scripts.cli import app
from tests.engines import ROOT

KILLS = int(os.environ.get("TALLYSTICK_KILLS", "3"))
SMALL = ("P-2026-001", "P-2026-005", "P-2026-007", "P-2026-012", "P-2026-047", "P-2026-048")
FIGURES = [
    "promises",
    "vouchers",
    "agreements",
    "refused",
    "overdue",
    "given_back",
    "pledges",
    "awards",
    "ledgers",
    "break_kinds",
    "breaks_planted",
    "breaks_found",
    "false_alarms",
    "journal_verified",
    "report",
]
LONGEST = 300


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six promises of the sample business, in both ledgers, with all that belongs to them."""
    folder = tmp_path_factory.mktemp("small")
    for name, columns in COLUMNS.items():
        text = (SAMPLE / name).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(text.splitlines()))
        key = "凭证编号"
        kept = [row for row in rows if key not in row or row[key].split("/")[0] in SMALL]
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [column.zh for column in columns])
            writer.writeheader()
            writer.writerows(kept)
    write_books(implied_books(read_business(folder)), folder)
    return folder


@contextmanager
def started(directory: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "scripts.demo", "--directory", str(directory), *options]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finished(directory: Path, small: Path) -> dict[str, Any]:
    """The last line of a run that must end well."""
    with started(directory, "--business", str(small), "--seed", "3") as process:
        out, errors = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, errors
    told = json.loads(out.splitlines()[-1])
    assert list(told) == FIGURES
    return dict(told)


@pytest.fixture(scope="module")
def first(small: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """What a run that nobody disturbs says, and how many seconds it takes."""
    began = monotonic()
    return finished(tmp_path_factory.mktemp("first") / "demo", small), monotonic() - began


def apart_from_path(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "report"}


# Refusals


def test_a_directory_with_files_of_somebody_else_is_refused_and_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (KEYS, CHAIN, "letter.txt"):
        (tmp_path / name).write_text("not a demo's")
    assert demo.main(["--directory", str(tmp_path), "--json"]) == 2
    assert "holds files that no demo has made" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        (KEYS, CHAIN, "letter.txt"), "not a demo's"
    )


def test_a_second_demo_in_the_same_directory_at_the_same_time_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_directory(tmp_path):
        assert demo.main(["--directory", str(tmp_path), "--json"]) == 2
    assert "another demo is at work" in capsys.readouterr().err


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert demo.main(["--directory", str(tmp_path / "file"), "--json"]) == 2
    assert "cannot be used" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_refused_and_an_earlier_demo_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "demo"
    with own_directory(own):
        (own / demo.REPORT).write_text("an earlier report")
        (own / DATABASE).write_text("an earlier database")
    options = ["--directory", str(own), "--business", str(tmp_path / "nowhere")]
    assert demo.main(options) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "parties.csv: 1 problem(s), nothing was imported" in told.err
    assert (own / demo.REPORT).read_text() == "an earlier report"
    assert (own / DATABASE).read_text() == "an earlier database"


# What it says and leaves behind


def test_the_last_line_is_one_json_object_whose_figures_are_computed(
    small: Path, first: tuple[dict[str, Any], float]
) -> None:
    told, _ = first
    assert told["promises"] == 6
    assert told["vouchers"] == 8
    assert told["agreements"] == 64
    assert told["ledgers"] == 2
    assert told["overdue"] == told["pledges"] == told["awards"] == told["given_back"] == 0
    assert told["break_kinds"] >= 10
    assert told["breaks_planted"] == told["breaks_found"] >= 14
    assert told["false_alarms"] == 0
    assert told["journal_verified"] is True
    folder = Path(told["report"]).parent
    assert {path.name for path in folder.iterdir()} == {
        *(CHAIN, DATABASE, DOSSIER, KEYS, MARK, OPENED),
        *(demo.REPORT, demo.REPORTS, demo.STORY, demo.PLANTED_FOLDER),
    }
    page = Path(told["report"]).read_text(encoding="utf-8")
    assert page.count("查出 found") == told["breaks_found"]
    assert all((folder / path).exists() for path in ("reports/bank-2.html", "reports/bank-3.html"))
    story = (folder / demo.STORY).read_text(encoding="utf-8")
    assert "2026-04-13 · 云石重工向启明轴承开立 P-2026-001，1,000,000.00 元" in story


def test_another_seed_plants_something_else_and_all_of_it_is_found(small: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    result = demo.conduct(tmp_path / "demo", seed=4, sample=small, say=lines.append)
    assert result.good
    assert f"Seed 4 planted {result.breaks_planted} errors" in "\n".join(lines)
    with (tmp_path / "demo" / demo.PLANTED_FOLDER / "planted.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == result.breaks_planted


def test_the_command_that_it_names_reconciles_the_clean_books_by_hand(small: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    assert demo.conduct(tmp_path / "demo", seed=4, sample=small, say=lines.append).good
    (told,) = [line for line in lines if "tallystick reconcile" in line]
    words = shlex.split(told[told.index("tallystick reconcile") :])[1:]
    out = words.index("--out") + 1
    words[out] = str(tmp_path / words[out])
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, "chain and books agree" in done.output) == (0, True), done.output


def test_books_that_disagree_from_the_start_are_false_alarms_and_exit_code_1(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong"
    for path in small.rglob("*.csv"):
        target = wrong / path.relative_to(small)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    book = wrong / "books" / "3" / "line_book.csv"
    book.write_text(book.read_text(encoding="utf-8").replace("6000000.00", "6000001.00"), encoding="utf-8")
    code = demo.main(["--directory", str(tmp_path / "demo"), "--business", str(wrong), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert told["false_alarms"] >= 1


# Killed


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_demo_that_was_killed_says_the_same_when_it_is_run_again(
    seed: int, small: Path, first: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    told, seconds = first
    delay = random.Random(f"kill {seed}").uniform(0.15, 0.95) * seconds
    with started(tmp_path / "demo", "--business", str(small), "--seed", "3") as process:
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            process.kill()
    again = finished(tmp_path / "demo", small)
    assert apart_from_path(again) == apart_from_path(told)
    assert Path(again["report"]).parent == tmp_path / "demo"
