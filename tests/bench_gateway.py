"""Measures the gateway and writes `tests/bench_gateway.md`: `make bench-gateway`.

    python -m tests.bench_gateway [--requests N] [--into FILE]

Everything is measured in one run on one house (`bench_gateway_house.py`): the gateway and, one after the other and each
in a process of its own with one worker, the bare routes that it is compared with (`bench_gateway_bare.py`). Thirty-two
clients (`bench_gateway_load.py`), each an enterprise of its own with its session. On a discount's way to the
chain relay and index run as the services of their own that they are on a node.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from gateway.app import create_app
from gateway.callers import COOKIE, CSRF
from gateway.core import keep_to_one_core
from gateway.request_log import InRequest
from ledger import indexer, relay
from ledger.logs import write_logs
from ledger.members import voucher_text
from ledger.store import open_store
from tests.bench_gateway_bare import create_bare_app
from tests.bench_gateway_house import Filled, Premises, Session, filled
from tests.bench_gateway_load import Served, request, served
from tests.bench_pipeline_table import Figure, Wanted, as_table, cpu_of, markdown
from tests.engines import ROOT, free_port

FILE: Final = ROOT / "tests/bench_gateway.md"
COMMAND: Final = "make bench-gateway"
CLIENTS: Final = 32
REQUESTS: Final = 4_000
WARM: Final = 200
"""Requests of each kind before those that count."""
WAIT: Final = 120.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What is measured of one kind of request, and the CPU seconds of the worker and of PostgreSQL."""

    served: Served
    worker: float
    postgres: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything of one run, by the name of the kind."""

    ours: dict[str, Kind]
    bare: dict[str, Kind]
    bare_on_a_core: dict[str, Kind]
    settled: Served
    naive: Served


# ---- the processes -----------------------------------------------------------------------------------------


@contextmanager
def running(work: Callable[..., None], *given: Any) -> Iterator[int]:
    """Runs it in a process of its own until the block ends; gives its pid once it is ready."""
    apart = multiprocessing.get_context("spawn")
    ready = apart.Event()
    process: Any = apart.Process(target=work, args=(*given, ready), daemon=True)
    process.start()
    try:
        assert ready.wait(WAIT), "a process did not begin"
        yield process.pid
    finally:
        process.terminate()
        process.join()


def gateway_process(premises: Premises, port: int, ready: Any) -> None:
    """The gateway, which keeps to one core and logs each request as it does in production, to nowhere."""
    keep_to_one_core()
    nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  open as long as the process
    write_logs(stream=nowhere).addFilter(InRequest())
    with premises.gateway() as gateway:
        _listen(create_app(gateway), port, ready)


def bare_process(premises: Premises, port: int, ready: Any) -> None:
    """The bare routes, as the library serves them."""
    with premises.gateway() as gateway:
        _listen(create_bare_app(gateway, premises), port, ready)


def bare_process_on_a_core(premises: Premises, port: int, ready: Any) -> None:
    """The bare routes, helped by what the gateway does for itself."""
    keep_to_one_core()
    bare_process(premises, port, ready)


def _listen(app: FastAPI, port: int, ready: Any) -> None:
    config = uvicorn.Config(app, host="127.0.0.1", port=port, access_log=False, log_config=None)
    server = uvicorn.Server(config)
    threading.Thread(target=_tell, args=(server, ready), daemon=True).start()
    server.run()


def _tell(server: uvicorn.Server, ready: Any) -> None:
    while not server.started:
        time.sleep(0.01)
    ready.set()


def relay_process(premises: Premises, ready: Any) -> None:
    """`tallystick relay`."""
    logging.disable(logging.CRITICAL)
    with open_store(premises.database) as store:
        ready.set()
        relay.serve(store, premises.chain(2), stop=threading.Event())


def index_process(premises: Premises, ready: Any) -> None:
    """`tallystick index --follow`."""
    logging.disable(logging.CRITICAL)
    with open_store(premises.database) as store:
        ready.set()
        indexer.serve(store, premises.chain(2), stop=threading.Event(), pause=0.2)


# ---- the requests ------------------------------------------------------------------------------------------


def _headers(session: Session) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={session.token}", CSRF: session.csrf}


def _asked(house: Filled, paths: Sequence[str], bodies: Sequence[Any] = ()) -> list[bytes]:
    """Requests in the clients' turn: the n-th is the n-th client's own."""
    found = []
    for number, path in enumerate(paths):
        headers = _headers(house.sessions[number % len(house.sessions)])
        if bodies:
            headers["Idempotency-Key"] = f"{path} {number}"
            found.append(request("POST", path, headers, json.dumps(bodies[number]).encode()))
        else:
            found.append(request("GET", path, headers))
    return found


def _kinds(house: Filled, count: int, *, bare: bool) -> dict[str, tuple[list[bytes], int]]:
    """Requests of each kind and the status that answers them."""
    vouchers = [voucher_text(house.vouchers[number % len(house.vouchers)]) for number in range(count)]
    offers = house.offers
    if bare:
        return {
            "voucher": (_asked(house, [f"/voucher/{each}" for each in vouchers]), 200),
            "page": (_asked(house, ["/vouchers"] * (count // 2)), 200),
            "accept": (_asked(house, ["/rows"] * len(offers), [{"offer": each} for each in offers]), 202),
        }
    accepted = [f"/api/v1/offers/{each}/signatures" for each in offers]
    return {
        "voucher": (_asked(house, [f"/api/v1/vouchers/{each}" for each in vouchers]), 200),
        "page": (_asked(house, ["/api/v1/vouchers?held=true&limit=50"] * (count // 2)), 200),
        "accept": (_asked(house, accepted, [{"custodial": True}] * len(offers)), 202),
    }


def _measured(house: Filled, work: Callable[..., None], count: int, *, bare: bool) -> dict[str, Kind]:
    port, found = free_port(), {}
    with running(work, house.premises, port) as pid:
        for name, (requests, status) in _kinds(house, count, bare=bare).items():
            warm = min(WARM, len(requests) // 10)
            served(port, requests[:warm], clients=CLIENTS, status=status)
            before = cpu_of(pid), cpu_of(house.premises.server)
            took = served(port, requests[warm:], clients=CLIENTS, status=status)
            found[name] = Kind(took, cpu_of(pid) - before[0], cpu_of(house.premises.server) - before[1])
    return found


def _settled(house: Filled) -> Served:
    """Each client accepts a discount and asks for the voucher until it says that it is under discount."""
    port, sales = free_port(), house.sales
    rounds = [
        (
            _asked_by(house, number, "POST", f"/api/v1/offers/{sale.offer}/signatures"),
            _asked_by(house, number, "GET", f"/api/v1/vouchers/{voucher_text(sale.voucher)}"),
        )
        for number, sale in enumerate(sales)
    ]
    with (
        running(gateway_process, house.premises, port),
        running(relay_process, house.premises),
        running(index_process, house.premises),
    ):
        return served(port, rounds, clients=CLIENTS, status=202, until=b'"discount"')


def _naive(house: Filled) -> Served:
    port = free_port()
    bodies = [{"call": "0x" + sale.call.hex()} for sale in house.naive]
    requests = _asked(house, ["/discounts"] * len(bodies), bodies)
    with running(bare_process, house.premises, port):
        return served(port, requests, clients=CLIENTS, status=200)


def _asked_by(house: Filled, number: int, method: str, path: str) -> bytes:
    headers = _headers(house.sessions[number % len(house.sessions)])
    if method == "GET":
        return request("GET", path, headers)
    return request("POST", path, {**headers, "Idempotency-Key": path}, b'{"custodial": true}')


def measured(count: int) -> Measured:
    """One run: `count` reads of a voucher, half so many pages, a quarter acceptances, an eighth sales."""
    with filled(CLIENTS, vouchers=count, offers=count // 4, sales=count // 8) as house:
        bare = _measured(house, bare_process, count, bare=True)
        on_a_core = _measured(house, bare_process_on_a_core, count, bare=True)
        ours = _measured(house, gateway_process, count, bare=False)
        return Measured(
            ours=ours, bare=bare, bare_on_a_core=on_a_core, settled=_settled(house), naive=_naive(house)
        )


# ---- the table ---------------------------------------------------------------------------------------------

_WANTED: Final = {
    "voucher": ("a voucher by its id, with its way", "one query", Wanted(at_least=0.6)),
    "page": ("a page of 50 holdings", "one query", Wanted(at_least=0.6)),
    "accept": (
        "accept an offer: judged, signed, committed, queued",
        "one row inserted",
        Wanted(at_least=0.5),
    ),
}


def figures(run: Measured) -> list[Figure]:
    """The lines of the table."""
    found = [
        Figure(
            what,
            _said(run.ours[name].served),
            f"bare FastAPI route, {against}: {_said(run.bare[name].served)}",
            run.ours[name].served.rate / run.bare[name].served.rate,
            wanted,
            _bound(run.ours[name]),
        )
        for name, (what, against, wanted) in _WANTED.items()
    ]
    return [
        *found,
        Figure(
            "accepted discount → final on chain and visible in the API",
            _said(run.settled),
            f"one request, one web3.py transaction, wait: {_said(run.naive)}",
            run.settled.rate / run.naive.rate,
            Wanted(at_least=1),
            "the gateway, which its clients ask until the voucher says so; relay, index and anvil on the same cores",
        ),
    ]


def _said(took: Served) -> str:
    return f"{took.rate:,.0f}/s, p99 {took.p99 * 1e3:,.0f} ms"


def _bound(kind: Kind) -> str:
    each = 1e3 / len(kind.served.each)
    busy = kind.worker / kind.served.seconds
    return (
        f"the worker's Python: {kind.worker * each:.1f} ms of CPU a request ({busy:.0%} of a core); PostgreSQL "
        f"{kind.postgres * each:.1f} ms"
    )


def report(run: Measured, *, command: str, day: date, load: float) -> str:
    """The file."""
    where = f"{os.cpu_count()} cores, {platform.system()}"
    rows = [
        (
            f"{side}, {name}",
            f"{len(kind.served.each):,}",
            f"{kind.served.rate:,.0f}",
            f"{kind.served.p99 * 1e3:,.0f}",
            f"{kind.worker / len(kind.served.each) * 1e3:.2f}",
            f"{kind.postgres / len(kind.served.each) * 1e3:.2f}",
        )
        for side, kinds in (
            ("gateway", run.ours),
            ("bare", run.bare),
            ("bare, kept to one core too", run.bare_on_a_core),
        )
        for name, kind in kinds.items()
    ]
    head = ("route", "requests", "a second", "p99 ms", "worker's CPU ms", "PostgreSQL's CPU ms")
    return (
        "# The gateway, measured\n\n"
        f"{day.isoformat()}, {where}, load average {load:.1f} before the run; `{command}`. One worker, anvil and "
        f"PostgreSQL with fsync on the same cores, {CLIENTS} clients in one process that share them too, each an "
        "enterprise of its own. Both sides find out who is calling by the same code. The gateway keeps its process to "
        "one core (`gateway/core.py`), which FastAPI's users do not do by themselves; what the bare routes gain by it "
        "stands below.\n\n"
        f"{as_table(figures(run))}\n"
        "## Each route\n\n"
        f"{markdown(head, rows)}"
    )


def main() -> None:
    """Measures, writes the file and prints it."""
    asked = argparse.ArgumentParser(description="measures the gateway and writes a table")
    asked.add_argument("--requests", type=int, default=REQUESTS)
    asked.add_argument(
        "--into", type=Path, default=None, help="another file; a run of another size needs one"
    )
    given = asked.parse_args()
    load, full = os.getloadavg()[0], given.requests == REQUESTS
    command = COMMAND if full else f"python -m tests.bench_gateway --requests {given.requests}"
    text = report(measured(given.requests), command=command, day=date.today(), load=load)
    into = given.into or (FILE if full else None)
    if into is not None:
        into.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
