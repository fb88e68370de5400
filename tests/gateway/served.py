"""The gateway as a process of its own, which can be killed at a step of a request."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import httpx2

from tests.engines import ROOT, free_port
from tests.gateway.house import PASSPHRASE, PASSWORD

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
