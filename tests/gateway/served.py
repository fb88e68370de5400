"""The gateway as a process of its own, on a port."""

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


@contextmanager
def serving(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    words = [sys.executable, "-m", "gateway", "--directory", str(directory), "--port", str(port)]
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
        client.headers.update(signed_in(client, f"signatory.{party}"))
        yield client


def signed_in(client: httpx2.Client, login: str, *, at: str = "") -> dict[str, str]:
    """What the requests of somebody who has signed in have among their headers."""
    done = client.post(f"{at}/session", json={"login": login, "password": PASSWORD})
    assert done.status_code == 201, done.text
    cookies = "; ".join(f"{name}={value}" for name, value in done.cookies.items())
    client.cookies.clear()
    return {"X-CSRF-Token": done.json()["csrf"], "Cookie": cookies}


def accepted(client: httpx2.Client, offer: str) -> httpx2.Response:
    told = {"Idempotency-Key": "accept"}
    return client.post(f"/offers/{offer}/signatures", json={"custodial": True}, headers=told)
