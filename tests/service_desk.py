"""A small installation on a node, and the services that run beside its commands as processes of their own.

Party 1 is the registrar, 2 a bank, 3 an issuer, 4 and 5 are suppliers; line 2-1 is the issuer's. The node's time is
the machine's, as in production.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.installation import CHAIN_URL, DATABASE_URL, GAS_KEY
from scripts.cli_installation import create
from scripts.cli_screen import PASSPHRASE, Screen
from tests.cli_desk import Desk
from tests.credit_codes import complete_credit_code
from tests.engines import ROOT, Node

PARTIES = (("青峰制造", "issuer"), ("云山零件", ""), ("江南模具", ""))
DUE = (date.today() + timedelta(days=90)).isoformat()
LATER = (date.today() + timedelta(days=300)).isoformat()


def now() -> int:
    """The machine's time, for a node that is to have it."""
    return int(time.time())


def settings(node: Node, patch: pytest.MonkeyPatch, *, url: str = "", database: str = "") -> None:
    """The environment of an installation on this node, reached under `url`."""
    patch.setenv(PASSPHRASE, "open")
    patch.setenv(CHAIN_URL, url or node.url)
    patch.setenv(GAS_KEY, "0x" + node.keys[0].hex())
    patch.setenv(DATABASE_URL, database)


def desk_on(node: Node, directory: Path) -> Desk:
    """Deploys with the engines of the environment, admits the cast, grants the line."""
    create(
        Screen(), directory, registrar="登记机构", banks=["江城银行"], node=node.url, demo_from=None, cost=2
    )
    desk = Desk(directory)
    for at, (name, role) in enumerate(PARTIES):
        code = complete_credit_code(f"91350100MA{at:06d}")
        desk.do("admit", name, "--code", code, *(("--role", role) if role else ()))
    desk.do("grant-line", "--issuer", "3", "--line", "2-1", "--limit", "9000000.00", "--expiry", LATER)
    return desk


def issue_of(face: str) -> tuple[str, ...]:
    """The words of an issue from party 3 to party 4."""
    return ("issue", "--issuer", "3", "--supplier", "4", "--line", "2-1", "--face", face, "--due", DUE)


def issue(desk: Desk, face: str = "1000.00") -> Any:
    """That issue, done."""
    return desk.do(*issue_of(face))


@dataclass
class Service:
    """A running `tallystick` command that does not end. `lines`: what it has logged so far."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Until the process ends; each line has to be an object."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.text.append(line)
            self.lines.append(json.loads(line))

    def events(self, start: str) -> list[dict[str, Any]]:
        """The lines whose event begins so."""
        return [line for line in list(self.lines) if line["event"].startswith(start)]

    def logged(self, start: str) -> dict[str, Any]:
        """Waits for such a line and gives the first."""
        until(lambda: self.events(start) or self.process.poll() is not None)
        found = self.events(start)
        assert found, "".join(self.text)
        return found[0]

    def stop(self, word: signal.Signals = signal.SIGTERM) -> int:
        """Signals, and gives the exit code; fails where it takes more than ten seconds."""
        self.process.send_signal(word)
        return self.process.wait(timeout=10)

    def ended(self) -> int:
        """Waits for it to end by itself and gives the exit code."""
        return self.process.wait(timeout=60)


@contextmanager
def service(directory: Path, *words: str) -> Iterator[Service]:
    """Such a command on an installation, with the settings of the environment; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.cli", *words],
        cwd=ROOT,
        env=os.environ | {"TALLYSTICK_DIRECTORY": str(directory), "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    found = Service(process)
    reader = threading.Thread(target=found.read, daemon=True)
    reader.start()
    try:
        yield found
    finally:
        process.kill()
        process.wait()
        reader.join()


def until(done: Callable[[], object], *, seconds: float = 60) -> None:
    """Waits until it is so; fails when it does not become so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.02)
