"""The process that answers keeps to one core, where the system has such a thing."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from gateway.core import ANY, keep_to_one_core
from ledger.errors import InputError

CORES = getattr(os, "sched_getaffinity", lambda _: set[int]())(0)


def tried(asked: str) -> tuple[int | None, set[int]]:
    """Which core a process says that it keeps to, and those that the system lets it use afterwards."""
    return keep_to_one_core(asked), os.sched_getaffinity(0)


def test_a_core_that_is_not_there_is_refused_with_those_that_are() -> None:
    for asked in ("x", "-1", "4096", "0,1"):
        with pytest.raises(InputError, match=r"TALLYSTICK_CORE=.*give the number of a core \("):
            keep_to_one_core(asked)
    assert os.sched_getaffinity(0) == CORES


def test_a_process_keeps_to_the_core_that_it_was_given_or_to_one_of_its_own_choice() -> None:
    last = max(CORES)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as apart:
        core, kept = apart.submit(tried, "").result()
        assert core in CORES and kept == {core}
        assert apart.submit(tried, str(last)).result() == (last, {last})
        assert apart.submit(tried, ANY).result() == (None, CORES)
