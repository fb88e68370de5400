"""The gateway as one process: the app on a port, relay and index beside it, killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import httpx2
import pytest

from ledger.crash_points import REQUEST_POINTS
from tests.engines import ROOT, free_port
from tests.gateway.house import PASSPHRASE, PASSWORD, embedded_copy
from tests.ledger.office import ISSUER, A

SECONDS = 180.0
"""Longer than anything here takes on a busy machine."""
KILLED_AT = """
import os, signal, sys
from ledger import crash_points

wanted = sys.argv.pop(1)

def hook(point):
    if point == wanted:
        os.kill(os.getpid(), signal.SIGKILL)

crash_points.hook = hook
from gateway.__main__ import main
raise SystemExit(main())
"""


@pytest.fixture
def installation(tmp_path: Path, founded: Path) -> tuple[Path, dict[str, Any]]:
    """A directory with an installation in it, and what an issuer has offered there."""
    with embedded_copy(founded, tmp_path) as house:
        return tmp_path, house.desk(ISSUER).offers("/issuer/promise-offers", house.promise())


@contextmanager
def serving(directory: Path, *, dies_at: str | None = None) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    start = ["-c", KILLED_AT, dies_at] if dies_at else ["-m", "gateway"]
    words = [sys.executable, *start, "--directory", str(directory), "--port", str(port)]
    environment = {**os.environ, "TALLYSTICK_PASSPHRASE": PASSPHRASE}
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(url), process, directory)
        yield process, url
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/ready", timeout=5) as answer:  # a client of httpx2 is dear to make so often
            return bool(answer.status == 200)
    except OSError:
        return False


def until(true: Callable[[], Any], process: subprocess.Popen[bytes], directory: Path) -> Any:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        assert process.poll() is None, (directory / "log").read_text()
        time.sleep(0.05)
    raise AssertionError(f"waited in vain: {(directory / 'log').read_text()}")


@contextmanager
def desk(url: str, party: int) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{url}/api/v1", timeout=30) as client:
        done = client.post("/session", json={"login": f"signatory.{party}", "password": PASSWORD})
        assert done.status_code == 201
        client.headers["X-CSRF-Token"] = done.json()["csrf"]
        yield client


def accepted(client: httpx2.Client, offer: str) -> httpx2.Response:
    told = {"Idempotency-Key": "accept"}
    return client.post(f"/offers/{offer}/signatures", json={"custodial": True}, headers=told)


def test_what_is_accepted_over_http_lands_and_is_there_after_sigterm_and_a_new_start(
    installation: tuple[Path, dict[str, Any]],
) -> None:
    directory, offer = installation
    with serving(directory) as (process, url):
        with desk(url, A) as supplier:
            assert accepted(supplier, offer["id"]).status_code == 202

            def voucher() -> Any:
                found = supplier.get(f"/vouchers/{offer['voucher']}")
                return found.json() if found.status_code == 200 else None

            assert until(voucher, process, directory)["face"] == "1000.00"
            assert supplier.get(f"/offers/{offer['id']}").json()["status"] == "landed"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    with serving(directory) as (_, url), desk(url, A) as supplier:
        assert supplier.get(f"/vouchers/{offer['voucher']}").json()["face"] == "1000.00"
    log = (directory / "log").read_text()
    assert PASSPHRASE not in log
    assert PASSWORD not in log
    lines = [json.loads(line) for line in log.splitlines()]
    (signed,) = [line for line in lines if line.get("path") == f"/api/v1/offers/{offer['id']}/signatures"]
    assert (signed["method"], signed["status"], len(signed["request"])) == ("POST", 202, 16)
    assert {line["logger"] for line in lines} >= {"gateway", "ledger.relay", "ledger.indexer"}


def test_killed_between_request_and_answer_at_one_step_after_the_other_it_is_done_once_all_the_same(
    installation: tuple[Path, dict[str, Any]],
) -> None:
    directory, offer = installation
    for point in REQUEST_POINTS:
        with serving(directory, dies_at=point) as (process, url), desk(url, A) as supplier:
            with pytest.raises(httpx2.TransportError):
                accepted(supplier, offer["id"])
            assert process.wait(SECONDS) == -signal.SIGKILL, point
    with serving(directory) as (process, url), desk(url, A) as supplier:
        again = accepted(supplier, offer["id"])
        assert (again.status_code, again.json()["status"]) == (202, "complete")
        until(lambda: supplier.get(f"/vouchers/{offer['voucher']}").status_code == 200, process, directory)
        assert len(supplier.get("/vouchers", params={"held": True}).json()["items"]) == 1
