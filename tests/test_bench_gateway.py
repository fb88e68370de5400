"""The gateway's benchmark in small: nothing is said of how long it takes, all of what it has to show."""

from __future__ import annotations

from datetime import date

import pytest

from tests.bench_gateway import CLIENTS, Measured, figures, measured, report

REQUESTS = 80


@pytest.fixture(scope="module")
def run() -> Measured:
    """In it every request is answered as it should be, and every sale is seen on the chain, or there is no run."""
    return measured(REQUESTS)


def test_every_wanted_figure_has_its_line(run: Measured) -> None:
    lines = figures(run)
    assert [str(line.wanted) for line in lines] == [
        "at least 0.6×",
        "at least 0.6×",
        "at least 0.5×",
        "at least 1×",
    ]
    assert all(line.ratio > 0 and "p99" in line.ours and "p99" in line.baseline for line in lines)


def test_the_table_says_how_it_was_measured(run: Measured) -> None:
    text = report(run, command="make bench-gateway", day=date(2026, 11, 30), load=0.5)
    assert f"{CLIENTS} clients" in text and "fsync on" in text and "2026-11-30" in text
    assert text.count("| gateway, ") == text.count("| bare, kept to one core too, ") == 3
    assert text.count("| bare, ") == 6
