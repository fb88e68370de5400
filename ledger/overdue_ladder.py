"""The ladder of days overdue: which stage, and which of the five classes of assets a stage stands for.

The rungs are parameters with a date, in `overdue_ladder_cn.csv`: a change of the rules is a new set of rows, and a
day is judged by the set in force on it. `standing` says of each row whether its figures were compared with the text
of the rule (`verified`) or are taken over (`parameter`); a bank sets its own file in their place. Days overdue alone
decide here: who classifies an asset looks at more, and nothing on chain depends on it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final

from ledger.calendar import Day, parse_date
from ledger.errors import FileError, InputError, RowProblem
from ledger.money import shown

FILE: Final = "overdue_ladder_cn.csv"
COLUMNS: Final = ("in_force_from", "stage", "lowest_day", "asset_class", "class_en", "source", "standing")
STANDINGS: Final = ("parameter", "verified")


@dataclass(frozen=True, slots=True)
class Rung:
    """A stage from its lowest day overdue to the day before the next one's; stage 0 is not overdue."""

    in_force_from: date
    stage: int
    lowest_day: int
    asset_class: str
    class_en: str
    source: str
    standing: str


def days_overdue(due_day: Day, as_of: Day) -> int:
    """Days after the due day; on the due day and before it none."""
    return max(as_of - due_day, 0)


def stage_of(days: int, as_of: date, *, ladder: Sequence[Rung] | None = None) -> Rung:
    """The rung on which so many days overdue stand, by the set in force on a day.

    InputError for days below 0 and for a day before the first set.
    """
    rungs = committed_ladder() if ladder is None else ladder
    if days < 0:
        raise InputError(f"{days} days overdue: give 0 or more")
    in_force = max((rung.in_force_from for rung in rungs if rung.in_force_from <= as_of), default=None)
    if in_force is None:
        first = min((rung.in_force_from for rung in rungs), default=None)
        raise InputError(f"no overdue ladder is in force on {as_of}: the first is from {first}")
    return max(
        (rung for rung in rungs if rung.in_force_from == in_force and rung.lowest_day <= days),
        key=lambda rung: rung.lowest_day,
    )


@cache
def committed_ladder() -> tuple[Rung, ...]:
    """The rungs of the committed file."""
    return parse_ladder(files("ledger").joinpath(FILE).read_text(encoding="utf-8"), FILE)


def parse_ladder(text: str, name: str) -> tuple[Rung, ...]:
    """Read the rungs, in the file's order; FileError naming every bad row.

    Each set has stage 0 from day 0 and then stage after stage, each from a later day than the one before.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    header = tuple(next(rows, []))
    if header != COLUMNS:
        raise FileError(name, [RowProblem(1, "", f"expected the columns {COLUMNS}, found {header}")])
    rungs: list[Rung] = []
    problems: list[RowProblem] = []
    for number, cells in enumerate(rows, start=2):
        found = list(_cell_problems(cells))
        if not found:
            rung = Rung(parse_date(cells[0]), int(cells[1]), int(cells[2]), *cells[3:])
            found = list(_order_problems(rungs, rung))
            rungs.append(rung)
        problems += (RowProblem(number, column, problem) for column, problem in found)
    if not rungs and not problems:
        problems.append(RowProblem(0, "", "the file has no rung"))
    if problems:
        raise FileError(name, problems)
    return tuple(rungs)


def _cell_problems(cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(cells) != len(COLUMNS):
        yield "", f"{len(cells)} cells, expected {len(COLUMNS)}"
        return
    row = dict(zip(COLUMNS, cells, strict=True))
    try:
        parse_date(row["in_force_from"])
    except InputError as error:
        yield "in_force_from", str(error)
    for column in ("stage", "lowest_day"):
        if not (row[column].isascii() and row[column].isdigit() and len(row[column]) <= 5):
            yield column, f"{shown(row[column])} is no number of at most five digits"
    for column in ("asset_class", "class_en", "source"):
        if not row[column].strip():
            yield column, "the cell is empty"
    if row["standing"] not in STANDINGS:
        yield "standing", f"{shown(row['standing'])} is none of {', '.join(STANDINGS)}"


def _order_problems(before: Sequence[Rung], rung: Rung) -> Iterator[tuple[str, str]]:
    same = [each for each in before if each.in_force_from == rung.in_force_from]
    expected = same[-1].stage + 1 if same else 0
    if rung.stage != expected:
        yield "stage", f"stage {rung.stage}, expected {expected}"
    if not same and rung.lowest_day != 0:
        yield "lowest_day", "the first stage of a set is from day 0, not overdue"
    if same and rung.lowest_day <= same[-1].lowest_day:
        yield "lowest_day", f"{rung.lowest_day} is not above the {same[-1].lowest_day} of the stage before"
