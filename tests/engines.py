"""The engines that tests run on: the embedded chain as a demo, and an anvil of its own per use."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eth_account import Account
from web3.types import RPCEndpoint

from ledger.chain import RpcChain
from ledger.embedded import EmbeddedChain
from ledger.errors import ChainError

ROOT = Path(__file__).resolve().parent.parent
DEV_WORDS = "test " * 11 + "junk"  # public: anvil's own default
EPOCH = 1_774_972_800
"""2026-04-01 00:00 China time: where the sample world begins."""


@dataclass(frozen=True, slots=True)
class Node:
    """A running anvil. `keys` are the private keys of its rich accounts."""

    url: str
    keys: tuple[bytes, ...]
    process: subprocess.Popen[bytes]

    def chain(self, account: int = 0) -> RpcChain:
        """A client that sends from the account of this index."""
        return RpcChain(self.url, key=self.keys[account])


@contextmanager
def anvil(
    hardfork: str = "cancun", *, chain_id: int = 31_337, timestamp: int = EPOCH, accounts: int = 10
) -> Iterator[Node]:
    """Starts a node on a free port, waits until it answers, and kills it at the end.

    TALLYSTICK_ANVIL names another binary than the one that npm installs.
    """
    binary = os.environ.get("TALLYSTICK_ANVIL", str(ROOT / "contracts/node_modules/.bin/anvil"))
    Account.enable_unaudited_hdwallet_features()
    keys = tuple(
        bytes(Account.from_mnemonic(DEV_WORDS, account_path=f"m/44'/60'/0'/0/{n}").key)
        for n in range(accounts)
    )
    port = _free_port()
    options = {
        "--port": port,
        "--chain-id": chain_id,
        "--hardfork": hardfork,
        "--timestamp": timestamp,
        "--accounts": accounts,
        "--mnemonic": DEV_WORDS,
    }
    command = [binary, "--silent", *(str(word) for pair in options.items() for word in pair)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_port(port, process)
        yield Node(url=f"http://127.0.0.1:{port}", keys=keys, process=process)
    finally:
        process.kill()
        process.wait()


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
    for method, params in (("evm_setNextBlockTimestamp", [timestamp]), ("evm_mine", [])):
        answer = chain.web3.provider.make_request(RPCEndpoint(method), params)
        if "error" in answer:
            raise ChainError(f"{method}: {answer['error']}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):  # 20 s at most
        if process.poll() is not None:
            raise RuntimeError(f"anvil ended at once with exit code {process.returncode}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"anvil does not listen on port {port}")
