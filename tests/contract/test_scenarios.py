"""The stories of tests/scenarios, each played to its end. How a file is read: `story.py`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.contract.story import Story, read
from tests.engines import ROOT

STORIES = sorted((ROOT / "tests/scenarios").glob("*.csv"))


@pytest.mark.parametrize(
    ("column", "wrong"), [("outcome", "NoPayment"), ("live", "0.01"), ("drawn 2-1", "0.01"), ("A holds", "")]
)
def test_a_row_that_expects_something_else_is_named(tmp_path: Path, column: str, wrong: str) -> None:
    rows = read(ROOT / "tests/scenarios/straight_life.csv")
    rows[1][column] = wrong
    story = tmp_path / "story.csv"
    with story.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(AssertionError, match=r"story\.csv, row 3"):
        Story().play(story)


def test_a_row_of_another_length_is_refused(tmp_path: Path) -> None:
    story = tmp_path / "story.csv"
    story.write_text("day,verb,outcome\n2026-04-01,issue\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="longer or shorter"):
        Story().play(story)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_ends_as_it_is_written(path: Path) -> None:
    Story().play(path)


def test_good_lives_and_bad_ones_are_told() -> None:
    told = {path.stem for path in STORIES}
    assert told >= {"straight_life", "four_tiers", "discount_with_silence", "contest_then_agreement"}
    assert told >= {"cancel_and_freeze", "sub_line_exhaustion", "default_and_recourse", "run_off"}
    assert told >= {"pledge_in_two_assertions", "award_both_ways"}


def test_every_verb_of_the_stories_is_done_and_refused_somewhere() -> None:
    outcomes: dict[str, set[bool]] = {}
    for path in STORIES:
        for row in read(path):
            outcomes.setdefault(row["verb"], set()).add(row["outcome"] == "done")
    always_done = {"grantLine", "resizeLine", "freezeLine", "freeze", "suspend", "reinstate", "succeed"}
    assert {verb for verb, seen in outcomes.items() if seen != {True, False}} == always_done
