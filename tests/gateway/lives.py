"""A gateway that is killed and started again, often: a process that has made what each makes alike forks each life."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from select import select

from tests.engines import ROOT, free_port
from tests.gateway.house import PASSPHRASE
from tests.gateway.served import SECONDS, answers

PAUSE = 0.02

MOTHER = """
import gc, json, os, signal, sys
from types import SimpleNamespace
from fastapi.testclient import TestClient
from gateway import service
from gateway.__main__ import main
from ledger import crash_points

app = service.create_app(SimpleNamespace(sandbox=None))
assert TestClient(app).get("/nowhere").status_code == 404  # the library makes the routes with the first request
service.listening(app, host="", port=0, proxies=[]).load()
passwords = service.Passwords()
gc.collect()
gc.freeze()

def created(gateway):
    app.state.gateway = gateway
    return app

service.create_app, service.Passwords = created, lambda: passwords

for line in sys.stdin:
    given = json.loads(line)
    child = os.fork()
    if not child:
        def hook(point):
            if point == given["dies_at"]:
                os.kill(os.getpid(), signal.SIGKILL)

        crash_points.hook = hook
        sys.argv[1:] = given["words"]
        os._exit(main())
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Life:
    """A gateway that is serving, until it is killed."""

    mother: subprocess.Popen[bytes]
    pid: int
    url: str
    over: bool = False

    def ended(self) -> int:
        """Its exit code, or what killed it as a negative number; waits for it."""
        self.over = True
        return int(_said(self.mother))

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.ended()


@dataclass
class Lives:
    """The lives of the gateway over one installation. Its log is in the directory."""

    directory: Path
    mother: subprocess.Popen[bytes]

    @contextmanager
    def life(self, *, dies_at: str | None = None) -> Iterator[Life]:
        """The next one, ready; SIGKILL ends it at the crash point, or when the block does."""
        port = free_port()
        words = ["--directory", str(self.directory), "--port", str(port)]
        assert self.mother.stdin is not None
        self.mother.stdin.write(json.dumps({"words": words, "dies_at": dies_at}).encode() + b"\n")
        life = Life(self.mother, int(_said(self.mother)), f"http://127.0.0.1:{port}")
        try:
            end = time.monotonic() + SECONDS
            while not answers(life.url):
                dead = select([self.mother.stdout], [], [], PAUSE)[0]  # type: ignore[type-var]
                assert not dead, (self.directory / "log").read_text()
                assert time.monotonic() < end, "it never was ready"
            yield life
        finally:
            if not life.over:
                life.kill()


@contextmanager
def lives_of(directory: Path) -> Iterator[Lives]:
    environment = {**os.environ, "TALLYSTICK_PASSPHRASE": PASSPHRASE, "TALLYSTICK_CORE": "any"}
    with (
        (directory / "log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-c", MOTHER],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
        ) as mother,
    ):
        try:
            yield Lives(directory, mother)
        finally:
            mother.kill()


def _said(mother: subprocess.Popen[bytes]) -> bytes:
    assert mother.stdout is not None
    line = mother.stdout.readline()
    assert line, "the process that forks has ended"
    return line
