"""Measures the pipeline and writes `tests/bench_pipeline.md`: `make bench-pipeline`.

    python -m tests.bench_pipeline [--agreements N] [--into FILE] [--profile]

N agreements (100,000 unless said otherwise), and a tenth of them, go from the outbox through relay and indexer; the
chain that they leave is indexed once more from nothing. Beside them run a loop of web3.py, a plain ledger in
PostgreSQL, a mere download of the logs and a first version of an indexer: `bench_pipeline_relay.py`,
`bench_pipeline_ledger.py` and `bench_pipeline_index.py` say what each does. Everything is measured in one run, on one
anvil at a time and one PostgreSQL that syncs every commit; what is said to bound a figure was measured in it too.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

import psycopg

from tests.bench_pipeline_index import download, index, naive
from tests.bench_pipeline_ledger import WAYS, prepare, together
from tests.bench_pipeline_relay import TERMS, Piped, loop, piped
from tests.bench_pipeline_table import Figure, Took, Wanted, as_table, best, cpu_of, markdown, timed
from tests.engines import ROOT, Postgres, postgres

K = TypeVar("K")
FILE: Final = ROOT / "tests/bench_pipeline.md"
COMMAND: Final = "make bench-pipeline"
AGREEMENTS: Final = 100_000
LOOPED: Final = 300
"""Agreements that the loop carries with each of its poll intervals, and at most a tenth of all."""
HEAD_OF_TRIED: Final = (
    "what",
    "agreements or transfers",
    "a second",
    "µs each",
    "of them this process's CPU (two connections: others')",
)
BOOKED: Final = 2_000
"""Transfers of the plain ledger in each of its ways, and at most all."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """A chain that was there already: seconds to download its logs and to index it; CPU seconds of this process, of
    anvil and of PostgreSQL for the index; the naive indexer, where it was tried."""

    agreements: int
    all_logs: Took
    logs: Took
    index: Took
    anvil: float
    postgres: float
    naive: Took | None


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything of one run, of a tenth of the agreements and of all."""

    piped: tuple[Piped, Piped]
    indexed: tuple[Indexed, Indexed]
    loop: dict[float, Took]
    looped: int
    ledger: dict[str, Took]
    two_connections: Took
    booked: int


def measured(agreements: int, *, profiled: bool = False) -> Measured:
    """One run."""
    with postgres() as server:
        require_synced(server)
        few, fewer = _carried(max(agreements // 10, 1), server, with_naive=True, profiled=False)
        many, more = _carried(agreements, server, with_naive=False, profiled=profiled)
        looped, booked = min(LOOPED, max(agreements // 10, 1)), min(BOOKED, agreements)
        return Measured(
            piped=(few, many),
            indexed=(fewer, more),
            loop=loop(looped),
            looped=looped,
            ledger={name: _booked(server, way, booked) for name, way in WAYS.items()},
            two_connections=_two(server, booked),
            booked=booked,
        )


def require_synced(server: Postgres) -> None:
    """Nothing here is measured on a database that loses what it has acknowledged."""
    with psycopg.connect(server.url().replace("+psycopg", "")) as connection:
        for setting in ("fsync", "synchronous_commit"):
            [value] = connection.execute(f"show {setting}".encode()).fetchone() or [None]
            assert value == "on", f"{setting} is {value}"


def _carried(agreements: int, server: Postgres, *, with_naive: bool, profiled: bool) -> tuple[Piped, Indexed]:
    with piped(agreements, server, profiled=profiled) as on:
        url, chain, pin = on.node.url, on.chain, on.pin
        assert server.process is not None
        node, database_server = on.node.process.pid, server.process.pid
        tries: list[tuple[Took, float, float]] = []
        for _ in range(3):
            with server.fresh(migrated=True) as database:
                before = cpu_of(node), cpu_of(database_server)
                took = index(chain, pin, database, profiled=profiled)
                tries.append((took, cpu_of(node) - before[0], cpu_of(database_server) - before[1]))
        indexed, anvil, database_cpu = min(tries, key=lambda each: each[0].seconds)
        slow = None
        if with_naive:
            with server.fresh() as database:
                slow = naive(url, pin, database)
        return on.took, Indexed(
            agreements,
            all_logs=best(lambda: download(url, chain, pin, journal_only=False), times=3),
            logs=best(lambda: download(url, chain, pin, journal_only=True), times=3),
            index=indexed,
            anvil=anvil,
            postgres=database_cpu,
            naive=slow,
        )


def _booked(server: Postgres, way: Callable[[str, int], None], count: int) -> Took:
    with server.fresh() as url:
        prepare(url)
        return timed(lambda: way(url, count))


def _two(server: Postgres, count: int) -> Took:
    with server.fresh() as url:
        prepare(url)
        return together(url, count, connections=2)


# ---- the table ---------------------------------------------------------------------------------------------


def figures(run: Measured) -> list[Figure]:
    """The lines of the table."""
    (few, many), (fewer, more) = run.piped, run.indexed
    poll, looped = _quickest(run.loop)
    way, booked = _quickest(run.ledger)
    by_loop, by_ledger = run.looped / looped.seconds, run.booked / booked.seconds
    assert fewer.naive is not None
    count, part = f"{many.agreements:,}", f"{few.agreements:,}"
    naive_each, index_each = fewer.naive.seconds / fewer.agreements, more.index.seconds / more.agreements
    return [
        Figure(
            f"{count} signed agreements → final and indexed, both signatures verified on chain",
            f"{many.rate:,.0f}/s",
            f"web3.py loop, poll {poll:g} s: {by_loop:,.1f}/s",
            many.rate / by_loop,
            Wanted(at_least=40),
            _bound_of_pipeline(many),
        ),
        Figure(
            "the same",
            f"{many.rate:,.0f}/s",
            f"PostgreSQL double entry, {way}, one connection: {by_ledger:,.0f}/s",
            many.rate / by_ledger,
            Wanted(at_least=1),
            f"as above; the ledger waits for its disk once a transfer ({1e3 / by_ledger:.1f} ms, of which "
            f"{booked.cpu / run.booked * 1e3:.1f} ms are Python's)",
        ),
        Figure(
            f"index a chain of {count} agreements, journal head included",
            f"{more.index.seconds:.2f} s",
            f"download the same logs and json.loads: {more.logs.seconds:.2f} s",
            more.index.seconds / more.logs.seconds,
            Wanted(at_most=2),
            _bound_of_index(more),
        ),
        Figure(
            "the same, per agreement",
            f"{index_each * 1e6:.1f} µs",
            f"web3.py get_logs and ORM, on {part}: {naive_each * 1e6:,.0f} µs",
            naive_each / index_each,
            Wanted(at_least=30),
            "as above",
        ),
        _growth(f"relay and index {part} → {count} agreements", few.seconds, many.seconds),
        _growth(f"index a chain of {part} → {count} agreements", fewer.index.seconds, more.index.seconds),
    ]


def _quickest(took: dict[K, Took]) -> tuple[K, Took]:
    return min(took.items(), key=lambda each: each[1].seconds)


def _growth(what: str, few: float, many: float) -> Figure:
    return Figure(
        what, f"{many:.2f} s", f"{few:.2f} s", many / few, Wanted(at_most=11), "ten times as much to do"
    )


def _bound_of_pipeline(many: Piped) -> str:
    spent = {"relay": many.relay, "indexer": many.indexer, "anvil": many.anvil, "PostgreSQL": many.postgres}
    each = ", ".join(f"{name} {seconds / many.agreements * 1e6:.0f}" for name, seconds in spent.items())
    busy = sum(spent.values()) / many.seconds
    return f"CPU: {each} µs an agreement keep {busy:.1f} of {os.cpu_count()} cores busy"


def _bound_of_index(more: Indexed) -> str:
    per = 1e6 / more.agreements
    return (
        f"index and what reads for it {more.index.cpu * per:.0f}, PostgreSQL {more.postgres * per:.0f}, anvil "
        f"{more.anvil * per:.0f} µs of CPU an agreement; the download {more.logs.cpu * per:.0f} µs and anvil"
    )


def report(run: Measured, *, command: str, day: date, load: float) -> str:
    """The file."""
    (_, many), (_, more) = run.piped, run.indexed
    where = f"{os.cpu_count()} cores, {platform.system()}"
    tried = [
        *((f"web3.py loop, poll {poll:g} s", run.looped, took) for poll, took in run.loop.items()),
        *((f"PostgreSQL ledger, {name}", run.booked, took) for name, took in run.ledger.items()),
        ("PostgreSQL ledger, psycopg, two connections", run.booked, run.two_connections),
        ("download of the journal's logs", more.agreements, more.logs),
        ("download of all logs of the contracts", more.agreements, more.all_logs),
    ]
    rows = [
        (
            name,
            f"{count:,}",
            f"{count / took.seconds:,.1f}",
            f"{took.seconds / count * 1e6:,.0f}",
            f"{took.cpu / count * 1e6:,.0f}",
        )
        for name, count, took in tried
    ]
    return (
        "# The pipeline, measured\n\n"
        f"{day.isoformat()}, {where}, load average {load:.1f} before the run; `{command}`. "
        "anvil and PostgreSQL run on the same cores; PostgreSQL has fsync and synchronous_commit on. An agreement is a "
        "transfer with the signatures of two wallets. A block is final as soon as it is there, as on a QBFT network. "
        "Signing by the parties and filling the outbox come before and are not measured. A batch has "
        f"{TERMS.gas_budget / 1e6:.1f} M gas. One relay, one indexer, a process each.\n\n"
        f"{as_table(figures(run))}\n"
        "anvil mines a block for each transaction as soon as it has it, which flatters the loop: on a chain that makes "
        "a block a second it carries less than one agreement a second. anvil keeps one core busy for "
        f"{many.anvil / many.seconds:.0%} of the pipeline's time.\n\n"
        "## All that was tried\n\n"
        f"{markdown(HEAD_OF_TRIED, rows)}"
    )


def main() -> None:
    """Measures, writes the file and prints it."""
    asked = argparse.ArgumentParser(description="measures the pipeline and writes a table")
    asked.add_argument("--agreements", type=int, default=AGREEMENTS)
    asked.add_argument(
        "--into", type=Path, default=None, help="another file; a run of another size needs one"
    )
    asked.add_argument("--profile", action="store_true", help="prints where relay's and indexer's time went")
    given = asked.parse_args()
    load = os.getloadavg()[0]
    full = given.agreements == AGREEMENTS
    command = COMMAND if full else f"python -m tests.bench_pipeline --agreements {given.agreements}"
    text = report(
        measured(given.agreements, profiled=given.profile), command=command, day=date.today(), load=load
    )
    into = given.into or (FILE if full else None)
    if into is not None:
        into.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
