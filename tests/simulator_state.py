"""Blocks, signed transactions, and what the real contracts hold after each block, on revm: under the simulator's nodes.

A block is what its branch makes of its transactions. The state after an older block is made again from the first one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import pyrevm
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from tests.rig import Revm, Sent

CHAIN_ID: Final = 53_431
BASE_FEE: Final = 7
BLOCK_GAS: Final = 30_000_000
KEYS: Final = tuple(bytes([n]) * 32 for n in (1, 2))
ACCOUNTS: Final = tuple(str(Account.from_key(key).address) for key in KEYS)
"""Of the two relays."""
STATES: Final = 4
"""States after blocks that are kept at a time."""
Answer = dict[str, Any]


class Refused(Exception):
    """An error that the node answers with; `data` is what a call reverted with."""

    def __init__(self, message: str, *, data: bytes | None = None) -> None:
        self.data = data
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Tx:
    """A signed transaction."""

    raw: bytes
    hash: bytes
    sender: str
    nonce: int
    to: str | None
    data: bytes
    gas: int
    fee: int
    tip: int


@dataclass(frozen=True, slots=True)
class Made:
    """A block of one branch. `nonces`: transactions of each account up to here; `receipts` as JSON-RPC gives them."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int
    transactions: tuple[Tx, ...]
    receipts: tuple[Answer, ...]
    nonces: dict[str, int]


@lru_cache(maxsize=256)
def address_of(told: Any) -> str:
    return to_checksum_address(told)


@lru_cache(maxsize=4_096)
def decoded(raw: bytes) -> Tx:
    """Refused for what is no signed transaction of this chain."""
    try:
        told = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = str(Account.recover_transaction(raw))
    except Exception as bad:
        raise Refused(f"rlp: {bad}") from None
    if told["chainId"] != CHAIN_ID:
        raise Refused("invalid chain id for signer")
    to = bytes(told.get("to") or b"")
    return Tx(
        raw=raw,
        hash=keccak(raw),
        sender=sender,
        nonce=int(told["nonce"]),
        to=address_of(to) if to else None,
        data=bytes(HexBytes(told["data"])),
        gas=int(told["gas"]),
        fee=int(told["maxFeePerGas"]),
        tip=int(told["maxPriorityFeePerGas"]),
    )


class State(Revm):
    """What the contracts hold after some block."""

    def __init__(self, *, chain_id: int, start: int) -> None:
        super().__init__(chain_id=chain_id, start=start)
        self.codes: dict[str, str] = {}

    def at(self, number: int, timestamp: int) -> None:
        """The block in which what follows is executed."""
        self._timestamp = timestamp
        self.evm.set_block_env(pyrevm.BlockEnv(number=number, timestamp=timestamp, gas_limit=BLOCK_GAS))

    def execute(self, tx: Tx) -> tuple[Sent, str | None]:
        """Carries a transaction out; the address of what it created, if anything."""
        if tx.to is None:
            self.evm.set_balance(tx.sender, 10**24)
            created = address_of(self.evm.deploy(tx.sender, tx.data))
            result = self.evm.result
            assert result is not None
            logs = tuple(
                (log.address, tuple(bytes.fromhex(topic[2:]) for topic in log.topics), bytes(log.data[1]))
                for log in result.logs
            )
            return Sent(True, b"", result.gas_used, logs), created
        return self.send(tx.to, tx.data, sender=tx.sender, gas=tx.gas), None

    def asked(self, to: str, data: bytes, *, sender: str, gas: int) -> Sent:
        """What a call would do; leaves nothing behind."""
        before = self.evm.snapshot()
        try:
            return self.send(to, data, sender=sender, gas=min(gas, BLOCK_GAS))
        finally:
            self.evm.revert(before)


@dataclass
class States:
    """The states after blocks, by branch; made again where they are not kept."""

    kept: OrderedDict[bytes, State] = field(default_factory=OrderedDict)

    def after(self, blocks: Sequence[Made]) -> State:
        """The state after the last of these blocks, which begin with the first of all."""
        top = blocks[-1]
        if top.hash not in self.kept:
            below = blocks[-2].hash if len(blocks) > 1 else b""
            if below in self.kept:
                state, rest = self.kept.pop(below), blocks[-1:]
            else:
                state, rest = State(chain_id=CHAIN_ID, start=blocks[0].timestamp), blocks
            for block in rest:
                state.at(block.number, block.timestamp)
                for tx in block.transactions:
                    state.execute(tx)
            self.keep(top.hash, state)
        self.kept.move_to_end(top.hash)
        return self.kept[top.hash]

    def keep(self, block: bytes, state: State) -> None:
        self.kept[block] = state
        while len(self.kept) > STATES:
            self.kept.popitem(last=False)
