"""A node in this process, for the simulator: a branch and a pool of its own, the real contracts on revm below.

It answers JSON-RPC as `eth_…` methods do; mines when it is told to; forgets, reorganises, falls back. Nothing happens
here by itself, and nothing is drawn: whoever holds the node says what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from tests.simulator_state import (
    BASE_FEE,
    BLOCK_GAS,
    CHAIN_ID,
    Answer,
    Made,
    Refused,
    State,
    States,
    Tx,
    address_of,
    decoded,
)


@dataclass
class SimNode:
    """One node. `clock` gives Unix seconds; `salt` makes blocks of two branches differ."""

    name: str
    clock: Callable[[], int]
    states: States
    salt: Callable[[], int]
    blocks: list[Made] = field(default_factory=list)
    pool: dict[tuple[str, int], Tx] = field(default_factory=dict)
    floor: int = 0
    """Below this fee (wei per gas) nothing is taken into the pool."""
    mining_floor: int = 0
    """Below this fee nothing is put into a block."""
    patient: bool = True
    """Whether a transaction may wait for those before it."""
    said: Callable[[SimNode, Tx], None] | None = None
    """Who is told of what was taken into the pool."""
    places: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Block and index of each mined transaction."""

    def __post_init__(self) -> None:
        if not self.blocks:
            genesis = keccak(b"genesis of the simulator")
            self.blocks = [Made(0, genesis, bytes(32), self.clock(), (), (), {})]
        self._look_up()

    @property
    def head(self) -> Made:
        return self.blocks[-1]

    # ---- what it does ----------------------------------------------------------------------------------------

    def take(self, raw: bytes) -> bytes:
        """A transaction for the pool; Refused in the words that nodes use."""
        tx = decoded(raw)
        present = self.pool.get((tx.sender, tx.nonce))
        mined = self.head.nonces.get(tx.sender, 0)
        if present is not None and present.hash == tx.hash:
            raise Refused("already known")
        if tx.nonce < mined:
            raise Refused(f"nonce too low: next nonce {mined}, tx nonce {tx.nonce}")
        if tx.fee < self.floor:
            raise Refused(f"transaction underpriced: tip needed {self.floor}")
        if present is not None and (10 * tx.fee < 11 * present.fee or 10 * tx.tip < 11 * present.tip):
            raise Refused("replacement transaction underpriced")
        waits = all((tx.sender, nonce) in self.pool for nonce in range(mined, tx.nonce))
        if not waits and not self.patient:
            raise Refused(f"nonce too high: next nonce {mined}, tx nonce {tx.nonce}")
        self.hear(tx)
        if self.said is not None:
            self.said(self, tx)
        return tx.hash

    def hear(self, tx: Tx) -> None:
        """Another node's transaction, if there is no dearer one under its nonce."""
        present = self.pool.get((tx.sender, tx.nonce))
        if tx.nonce >= self.head.nonces.get(tx.sender, 0) and (present is None or tx.fee > present.fee):
            self.pool[tx.sender, tx.nonce] = tx

    def ready(self, senders: Iterable[str]) -> list[Tx]:
        """What can be mined now, the accounts in this order."""
        found, gas = list[Tx](), 0
        for sender in senders:
            nonce = self.head.nonces.get(sender, 0)
            while (tx := self.pool.get((sender, nonce))) is not None and tx.fee >= self.mining_floor:
                if (gas := gas + tx.gas) > BLOCK_GAS:
                    return found
                found.append(tx)
                nonce += 1
        return found

    def senders(self) -> list[str]:
        """The accounts that have something in the pool."""
        return sorted({sender for sender, _ in self.pool})

    def mine(self, transactions: Sequence[Tx] = ()) -> Made:
        """A block with these transactions on top of the head."""
        parent = self.head
        number, timestamp = parent.number + 1, max(parent.timestamp + 1, self.clock())
        seed = b"".join(tx.hash for tx in transactions) + self.salt().to_bytes(8)
        own = keccak(parent.hash + number.to_bytes(8) + timestamp.to_bytes(8) + seed)
        state = self.states.after(self.blocks)
        self.states.kept.pop(parent.hash)
        state.at(number, timestamp)
        nonces, receipts, logs = dict(parent.nonces), list[Answer](), 0
        for index, tx in enumerate(transactions):
            sent, created = state.execute(tx)
            nonces[tx.sender] = tx.nonce + 1
            place = {
                "blockNumber": hex(number),
                "blockHash": "0x" + own.hex(),
                "transactionHash": "0x" + tx.hash.hex(),
                "transactionIndex": hex(index),
            }
            told = [
                {
                    "address": address.lower(),
                    "topics": ["0x" + topic.hex() for topic in topics],
                    "data": "0x" + data.hex(),
                    "logIndex": hex(logs + at),
                    "removed": False,
                    **place,
                }
                for at, (address, topics, data) in enumerate(sent.logs)
            ]
            logs += len(told)
            receipts.append(
                place
                | {
                    "status": hex(sent.ok),
                    "gasUsed": hex(sent.gas),
                    "contractAddress": created,
                    "logs": told,
                }
            )
        made = Made(number, own, parent.hash, timestamp, tuple(transactions), tuple(receipts), nonces)
        self.states.keep(own, state)
        self.blocks.append(made)
        self._mined(made)
        return made

    def fall_back(self, depth: int, *, keeping: bool) -> list[Tx]:
        """The last blocks have never been; `keeping`: what was in them is in the pool again. Gives it."""
        lost = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        self._look_up()
        gone = [tx for block in lost for tx in block.transactions]
        if keeping:
            for tx in gone:
                self.hear(tx)
        return gone

    def adopt(self, blocks: Sequence[Made]) -> None:
        """This branch instead of its own; what was in the blocks that go is in the pool again."""
        common = 0
        for own, other in zip(self.blocks, blocks, strict=False):
            if own.hash != other.hash:
                break
            common += 1
        gone = [tx for block in self.blocks[common:] for tx in block.transactions]
        self.blocks = list(blocks)
        self._look_up()
        for tx in gone:
            self.hear(tx)
        for block in self.blocks[common:]:
            self._mined(block)

    def _mined(self, block: Made) -> None:
        for index, tx in enumerate(block.transactions):
            self.places[tx.hash] = (block.number, index)
            self.pool.pop((tx.sender, tx.nonce), None)

    def _look_up(self) -> None:
        self.places = {
            tx.hash: (block.number, index)
            for block in self.blocks
            for index, tx in enumerate(block.transactions)
        }

    # ---- what it answers -------------------------------------------------------------------------------------

    def answer(self, request: Answer) -> Answer:
        """One JSON-RPC call."""
        told = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            method = getattr(self, "_" + str(request["method"]), None)
            if method is None:
                raise Refused("the method does not exist")
            return told | {"result": method(*request.get("params", ()))}
        except Refused as refused:
            if refused.data is None:
                return told | {"error": {"code": -32_000, "message": str(refused)}}
            data = "0x" + refused.data.hex()
            return told | {"error": {"code": 3, "message": str(refused), "data": data}}

    def _eth_chainId(self) -> str:  # noqa: N802
        return hex(CHAIN_ID)

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self.head.number)

    def _eth_gasPrice(self) -> str:  # noqa: N802
        return hex(max(2 * BASE_FEE, self.floor, self.mining_floor))

    def _eth_getBlockByNumber(self, named: str, _whole: bool) -> Answer | None:  # noqa: N802
        number = self._number(named)
        if number >= len(self.blocks):
            return None
        block = self.blocks[number]
        return {
            "number": hex(block.number),
            "hash": "0x" + block.hash.hex(),
            "timestamp": hex(block.timestamp),
            "baseFeePerGas": hex(BASE_FEE),
        }

    def _eth_getTransactionCount(self, account: str, named: str) -> str:  # noqa: N802
        return hex(self._block(named).nonces.get(address_of(account), 0))

    def _eth_getCode(self, account: str, named: str) -> str:  # noqa: N802
        state, address = self._state(named), address_of(account)
        if address not in state.codes:  # a contract's code is never changed
            code = bytes(state.evm.get_code(address) or b"").rstrip(b"\0")
            if not code:
                return "0x"
            state.codes[address] = "0x" + code.hex()
        return state.codes[address]

    def _eth_call(self, call: Answer, named: str) -> str:
        data = bytes.fromhex(str(call.get("data") or call.get("input"))[2:])
        if call.get("to") is None:
            return "0x" + data.hex()  # a creation: whether it does is found out by sending it
        state, next_block = self._state(named), named == "pending"
        block = self._block(named)
        state.at(
            block.number + next_block,
            max(block.timestamp + 1, self.clock()) if next_block else block.timestamp,
        )
        sent = state.asked(
            address_of(call["to"]),
            data,
            sender=address_of(call["from"]),
            gas=int(str(call["gas"]), 16),
        )
        if not sent.ok:
            raise Refused("execution reverted", data=sent.output)
        return "0x" + sent.output.hex()

    def _eth_getLogs(self, asked: Answer) -> list[Answer]:  # noqa: N802
        first, last = self._number(asked["fromBlock"]), self._number(asked["toBlock"])
        addresses = {str(address).lower() for address in asked["address"]}
        topics = set(asked["topics"][0]) if asked.get("topics") else None
        return [
            log
            for block in self.blocks[first : last + 1]
            for receipt in block.receipts
            for log in receipt["logs"]
            if log["address"] in addresses and (topics is None or log["topics"][0] in topics)
        ]

    def _eth_getTransactionReceipt(self, tx_hash: str) -> Answer | None:  # noqa: N802
        place = self.places.get(bytes.fromhex(tx_hash[2:]))
        return None if place is None else self.blocks[place[0]].receipts[place[1]]

    def _eth_sendRawTransaction(self, raw: str) -> str:  # noqa: N802
        return "0x" + self.take(bytes.fromhex(raw[2:])).hex()

    def _number(self, named: str) -> int:
        if named in ("latest", "pending"):
            return self.head.number
        return 0 if named == "earliest" else int(named, 16)

    def _block(self, named: str) -> Made:
        number = self._number(named)
        if number >= len(self.blocks):
            raise Refused("header not found")
        return self.blocks[number]

    def _state(self, named: str) -> State:
        return self.states.after(self.blocks[: self._block(named).number + 1])
