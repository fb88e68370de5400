"""The node on which gas is measured: anvil, in as few requests as possible, its state taken back at will.

It sends from an account of anvil's own, which pays and is nobody's signer. A transaction that reverts is told with
what it reverted with; nothing is simulated first.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final, NamedTuple

import requests
from eth_utils.address import to_checksum_address

from ledger.rpc_chain import RpcChain
from tests.engines import Node
from tests.rig import GAS, SENDER, OnChain, Sent

SECONDS: Final = 120
PLENTY: Final = 2 * 10**9
"""Gas for what is prepared and not measured."""
BLOCK: Final = 2 * PLENTY


class Mark(NamedTuple):
    """A state of the node, and its clock then."""

    snapshot: str
    now: int


class Meter(OnChain):
    """An engine whose state can be marked and taken back."""

    def __init__(self, node: Node) -> None:
        self.node = RpcChain(node.url, key=node.keys[0])
        super().__init__(self.node)
        self._url, self._http = node.url, requests.Session()
        self.accounts = [str(name) for name in self.rpc("eth_accounts")]
        self.rpc("evm_setBlockGasLimit", hex(BLOCK))
        self._now: int | None = None

    def rpc(self, method: str, *params: Any) -> Any:
        """One request; its result. RuntimeError with the node's own words where it refuses."""
        body: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._http.post(self._url, json=body, timeout=SECONDS).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def deploy(self, code: bytes) -> str:
        receipt = self._transact({"from": self.accounts[0], "data": "0x" + code.hex(), "gas": hex(PLENTY)})
        assert receipt["status"] == "0x1"
        return to_checksum_address(receipt["contractAddress"])

    def send(self, to: str, data: bytes, *, sender: str = SENDER, gas: int = GAS) -> Sent:
        """`sender`: one of the node's accounts, any other stands for the first."""
        sent = self.attempt(to, data, sender=sender, gas=gas)
        if sent.ok:
            return sent
        outcome = self.node.simulate(to, data, sender=self.node.account, gas=gas)  # type: ignore[arg-type]
        return replace(sent, output=outcome.output)

    def attempt(self, to: str, data: bytes, *, sender: str = SENDER, gas: int = GAS) -> Sent:
        """As `send`, without asking for the reason of a revert."""
        payer = sender if sender in self.accounts else self.accounts[0]
        call = {"from": payer, "to": to, "data": "0x" + data.hex(), "gas": hex(gas)}
        receipt = self._transact(call)
        if receipt["status"] != "0x1":
            return Sent(False, b"", int(receipt["gasUsed"], 16), ())
        logs = tuple(
            (log["address"], tuple(_bytes(topic) for topic in log["topics"]), _bytes(log["data"]))
            for log in receipt["logs"]
        )
        return Sent(True, b"", int(receipt["gasUsed"], 16), logs)

    def now(self) -> int:
        if self._now is None:
            self._now = super().now()
        return self._now

    def travel(self, timestamp: int) -> None:
        super().travel(timestamp)
        self._now = timestamp

    def mark(self) -> Mark:
        """Where `back` can return to."""
        return Mark(str(self.rpc("evm_snapshot")), self.now())

    def back(self, mark: Mark) -> Mark:
        """Everything is as it was at the mark, the clock too. A mark is good once: the answer is the next one.

        The node answers a mined transaction before it has left its pool, and would mine it once more if it were taken
        back then.
        """
        while any(int(count, 16) for count in self.rpc("txpool_status").values()):
            time.sleep(0.001)
        assert self.rpc("evm_revert", mark.snapshot)
        self._now = mark.now
        return self.mark()

    def _transact(self, call: dict[str, str]) -> dict[str, Any]:
        """Sends, and gives the receipt, which the node answers with as soon as there is one."""
        receipt = self.rpc("eth_sendTransactionSync", call)
        assert isinstance(receipt, dict)
        return receipt


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
