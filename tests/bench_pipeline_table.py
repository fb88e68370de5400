"""What the measurements of the pipeline share: how long something took, whose CPU it was, and the table of figures."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and of the CPU time of this process and of those that it has begun and ended meanwhile."""

    seconds: float
    cpu: float


def timed(work: Callable[[], object]) -> Took:
    """How long this takes."""
    clock, cpu = time.perf_counter(), _own_cpu()
    work()
    return Took(time.perf_counter() - clock, _own_cpu() - cpu)


def _own_cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def best(work: Callable[[], Took], *, times: int) -> Took:
    """The quickest of some runs."""
    return min((work() for _ in range(times)), key=lambda took: took.seconds)


def cpu_of(pid: int) -> float:
    """Seconds of CPU time that a process and all those that it has started took so far; 0 where there is no /proc."""
    stats: list[tuple[int, list[str]]] = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            stats.append(
                (int(each.parent.name), each.read_text("utf-8", "replace").rpartition(")")[2].split())
            )
    mine, more = {pid}, {pid}
    while more:
        more = {number for number, fields in stats if int(fields[1]) in more} - mine
        mine |= more
    # its own time, and that of its children that have ended
    ticks = sum(sum(map(int, fields[11:15])) for number, fields in stats if number in mine)
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a ratio should be: at least, or at most, so much."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, ratio: float) -> bool:
        """Whether it is."""
        if self.at_least is not None:
            return ratio >= self.at_least
        return self.at_most is not None and ratio <= self.at_most

    def __str__(self) -> str:
        return f"at least {self.at_least:g}×" if self.at_least is not None else f"at most {self.at_most:g}×"


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table. `ours` and `baseline` as they are shown, `bound`: what keeps it from being better."""

    what: str
    ours: str
    baseline: str
    ratio: float
    wanted: Wanted
    bound: str

    @property
    def met(self) -> bool:
        """Whether the ratio is what is wanted."""
        return self.wanted.met(self.ratio)


HEAD = ("figure", "ours", "baseline", "ratio", "wanted", "met", "what bounds it")


def as_table(figures: Iterable[Figure]) -> str:
    """The figures in Markdown."""
    rows = [
        (
            each.what,
            each.ours,
            each.baseline,
            f"{each.ratio:.2f}×",
            str(each.wanted),
            "yes" if each.met else "**no**",
            each.bound,
        )
        for each in figures
    ]
    return markdown(HEAD, rows)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
