"""The pipeline's benchmark in small: nothing is said of how long it takes, all of what it has to show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from tests.bench_pipeline import Measured, figures, measured, report
from tests.bench_pipeline_ledger import ACCOUNTS, AMOUNT, OPENING, sides
from tests.bench_pipeline_relay import POLLS
from tests.bench_pipeline_table import HEAD, Figure, Wanted, as_table

AGREEMENTS = 200


@pytest.fixture(scope="module")
def run() -> Measured:
    """In it every agreement lands once and `verify` finds nothing, or there is no run."""
    return measured(AGREEMENTS)


@pytest.fixture(scope="module")
def lines(run: Measured) -> Sequence[Figure]:
    return figures(run)


def test_a_ratio_is_met_at_its_bound_and_not_beyond() -> None:
    assert Wanted(at_least=40).met(40.0) and not Wanted(at_least=40).met(39.99)
    assert Wanted(at_most=2).met(2.0) and not Wanted(at_most=2).met(2.01)


def test_what_is_not_met_is_said_plainly() -> None:
    missed = Figure("index", "3 s", "1 s", 3.0, Wanted(at_most=2), "the CPU")
    assert as_table([missed]).splitlines()[2] == (
        "| index | 3 s | 1 s | 3.00× | at most 2× | **no** | the CPU |"
    )


def test_the_plain_ledger_takes_from_one_account_and_gives_to_another() -> None:
    pairs = [sides(number) for number in range(3 * ACCOUNTS)]
    assert all(giver != taker and 0 <= giver < ACCOUNTS and 0 <= taker < ACCOUNTS for giver, taker in pairs)
    assert len({giver for giver, _ in pairs}) == ACCOUNTS  # nobody waits for a row that all want
    assert OPENING > 3 * ACCOUNTS * AMOUNT


def test_every_wanted_figure_has_its_line(lines: Sequence[Figure]) -> None:
    assert [str(line.wanted) for line in lines] == [
        "at least 40×",
        "at least 1×",
        "at most 2×",
        "at least 30×",
        "at most 11×",
        "at most 11×",
    ]
    assert all(line.ratio > 0 and line.bound for line in lines)


def test_a_tenth_and_all_were_carried_and_indexed_and_what_they_took_is_known(run: Measured) -> None:
    assert [took.agreements for took in run.piped] == [AGREEMENTS // 10, AGREEMENTS]
    assert [took.agreements for took in run.indexed] == [AGREEMENTS // 10, AGREEMENTS]
    for took in run.piped:
        assert took.seconds > 0 and took.relay > 0 and took.indexer > 0
    assert [took.naive is not None for took in run.indexed] == [True, False]


def test_every_poll_interval_and_every_way_to_keep_the_ledger_was_tried(run: Measured) -> None:
    assert tuple(run.loop) == POLLS
    assert set(run.ledger) == {"psycopg", "SQLAlchemy, statements", "SQLAlchemy, objects"}


def test_the_file_has_the_table_and_says_when_where_and_by_which_command(
    run: Measured, lines: Sequence[Figure]
) -> None:
    text = report(run, command="make bench-pipeline", day=date(2026, 12, 1), load=0.5)
    assert as_table(lines) in text and " | ".join(HEAD) in text
    for said in ("2026-12-01", "cores", "load average 0.5", "`make bench-pipeline`", "fsync"):
        assert said in text
