"""The ladder of days overdue: each rung's first and last day, and sets of rungs that come into force on a day."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.calendar import day_of_date
from ledger.errors import FileError, InputError
from ledger.overdue_ladder import COLUMNS, committed_ladder, days_overdue, parse_ladder, stage_of

TODAY = date(2026, 11, 24)
HEADER = ",".join(COLUMNS) + "\n"
SOURCE = "a notice,parameter\n"


def problems(text: str) -> list[str]:
    with pytest.raises(FileError) as refused:
        parse_ladder(text, "ladder.csv")
    return [str(problem) for problem in refused.value.problems]


# Refusals


def test_days_below_zero_and_days_before_the_first_set_are_refused() -> None:
    with pytest.raises(InputError, match="-1 days overdue"):
        stage_of(-1, TODAY)
    with pytest.raises(
        InputError, match="no overdue ladder is in force on 2023-06-30: the first is from 2023-07-01"
    ):
        stage_of(1, date(2023, 6, 30))


def test_a_file_with_other_columns_or_without_a_rung_is_refused() -> None:
    (problem,) = problems("stage,lowest_day\n0,0\n")
    assert problem.startswith("row 1: expected the columns")
    assert problems(HEADER) == ["the file has no rung"]


def test_every_bad_cell_is_named_at_once() -> None:
    text = (
        HEADER
        + f"2023-7-1,x,-1,,normal,{SOURCE}"
        + "2023-07-01,0,0\n"
        + "2023-07-01,0,0,正常,normal,n,guess\n"
    )
    assert [problem.split(":")[0] for problem in problems(text)] == [
        "row 2, column in_force_from",
        "row 2, column stage",
        "row 2, column lowest_day",
        "row 2, column asset_class",
        "row 3",
        "row 4, column standing",
    ]


def test_rungs_out_of_order_are_refused() -> None:
    text = HEADER + "".join(
        f"2023-07-01,{stage},{day},级,class,{SOURCE}" for stage, day in ((0, 1), (1, 91), (3, 92), (4, 92))
    )
    assert problems(text) == [
        "row 2, column lowest_day: the first stage of a set is from day 0, not overdue",
        "row 4, column stage: stage 3, expected 2",
        "row 5, column lowest_day: 92 is not above the 92 of the stage before",
    ]


# The rungs


@pytest.mark.parametrize(
    ("days", "stage", "name"),
    [
        (0, 0, "normal"),
        (1, 1, "special mention"),
        (90, 1, "special mention"),
        (91, 2, "substandard"),
        (270, 2, "substandard"),
        (271, 3, "doubtful"),
        (360, 3, "doubtful"),
        (361, 4, "loss"),
        (9999, 4, "loss"),
    ],
)
def test_each_rung_begins_and_ends_on_its_day(days: int, stage: int, name: str) -> None:
    rung = stage_of(days, TODAY)
    assert (rung.stage, rung.class_en) == (stage, name)


def test_the_due_day_is_not_overdue_and_the_next_day_is_the_first() -> None:
    due = day_of_date(date(2026, 8, 28))
    assert [days_overdue(due, day_of_date(date(2026, 8, day))) for day in (27, 28, 29)] == [0, 0, 1]


def test_every_committed_rung_names_its_source_and_says_that_it_is_a_parameter() -> None:
    for rung in committed_ladder():
        assert "2023年第1号" in rung.source
        assert rung.standing == "parameter"


def test_a_later_set_holds_from_its_first_day_and_the_former_until_the_day_before() -> None:
    text = HEADER + "".join(
        f"{since},{stage},{day},级,class,{SOURCE}"
        for since, stage, day in (
            ("2027-01-01", 0, 0),
            ("2027-01-01", 1, 31),
            ("2023-07-01", 0, 0),
            ("2023-07-01", 1, 1),
            ("2023-07-01", 2, 91),
        )
    )
    ladder = parse_ladder(text, "ladder.csv")
    assert [stage_of(100, when, ladder=ladder).stage for when in (date(2026, 12, 31), date(2027, 1, 1))] == [
        2,
        1,
    ]
    assert [stage_of(days, date(2027, 1, 1), ladder=ladder).stage for days in (30, 31)] == [0, 1]
