"""One core for the process that answers.

Python lets one thread of a process work at a time. Where the threads wander between cores, each hand-over goes from one
core to another and finds cold caches there: on two cores a request then takes a half more of the processor's time
(`tests/bench_gateway.md`). So the process is kept on one core; database and node use the others. Threads and processes
that are begun afterwards stay on it, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ledger.errors import InputError

ANY: Final = "any"
"""The word for: wherever the system likes."""
CORE: Final = "TALLYSTICK_CORE"
"""The number of the core, or `any`; not set: the one that has least to do. Who runs several gateways on one machine
gives each its own."""
LOOK: Final = 0.1
"""Seconds that the cores are looked at."""
_TIMES: Final = Path("/proc/stat")


def keep_to_one_core(asked: str = "") -> int | None:
    """Keeps the calling thread and all that it begins from now on on one core, and says which; None where that cannot
    be had here, or is not wanted. InputError for a core that there is not."""
    if asked == ANY or not hasattr(os, "sched_setaffinity"):
        return None
    allowed = os.sched_getaffinity(0)
    core = _idlest(allowed) if not asked else int(asked) if asked.isdecimal() else -1
    if core not in allowed:
        there = ", ".join(map(str, sorted(allowed)))
        raise InputError(f"{CORE}={asked[:20]}: give the number of a core ({there}) or {ANY}")
    os.sched_setaffinity(0, {core})
    return core


def _idlest(cores: Collection[int]) -> int:
    before = _idle()
    time.sleep(LOOK)
    after = _idle()
    return max(sorted(cores), key=lambda core: after.get(core, 0) - before.get(core, 0))


def _idle() -> dict[int, int]:
    """Ticks that each core had nothing to do; empty where the system does not tell."""
    try:
        lines = _TIMES.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    fields = [line.split() for line in lines if line[:3] == "cpu" and line[3:4].isdecimal()]
    return {int(name[3:]): int(times[3]) for name, *times in fields}
