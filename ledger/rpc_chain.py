"""A chain behind JSON-RPC: anvil, Besu, any other node that knows the standard methods.

No repeating: whether a transaction without an answer was mined is for the relay to look up. What the node answers is
checked as far as it can be (hashes, places, addresses); whether it is the right chain is for `pin.py`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware

from ledger.artifacts import Artifact
from ledger.chain import (
    CALL_GAS,
    LOG_SPAN,
    NOBODY,
    RAN_DRY,
    Address,
    Block,
    CallReverted,
    Deployed,
    Fees,
    Hash,
    Log,
    NodeRefused,
    NonceTooHigh,
    NonceTooLow,
    Outcome,
    Receipt,
    Underpriced,
    Unreachable,
    deploy_on,
    priced,
)
from ledger.errors import ChainError
from ledger.reading_apart import ReadingApart
from ledger.rpc import NodeError, Rpc


class RpcChain:
    """A node that speaks JSON-RPC: anvil, Besu, any other. `key` is the private key that pays the gas."""

    def __init__(self, url: str, *, key: bytes, timeout: float = 10.0) -> None:
        self._url, self._timeout, self._shown_url = url, timeout, _without_password(url)
        # Without this setting web3 repeats by itself, raw transactions too.
        self._rpc = Rpc(url, timeout=timeout)
        provider = HTTPProvider(url, request_kwargs={"timeout": timeout}, exception_retry_configuration=None)
        self.web3 = Web3(provider)
        self.web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # QBFT and clique blocks
        self._signer = Account.from_key(key)
        with self._asking("its chain id"):
            self._chain_id = int(self.web3.eth.chain_id)
        self._genesis_hash = self.block_hash(0)

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def genesis_hash(self) -> Hash:
        return self._genesis_hash

    @property
    def account(self) -> Address:
        return to_checksum_address(self._signer.address)

    @property
    def exclusive(self) -> bool:
        return False

    def head(self) -> Block:
        with self._asking("the head block"):
            found = self._rpc.ask("eth_getBlockByNumber", ["latest", False])
            return _block(int(found["number"], 16), found)

    def height(self) -> int:
        with self._asking("its height"):
            return int(self._rpc.ask("eth_blockNumber", []), 16)

    def now(self) -> int:
        with self._asking("the head block"):
            found = self._rpc.ask("eth_getBlockByNumber", ["latest", False])
            return int(found["timestamp"], 16)

    def block_hash(self, number: int) -> Hash:
        return self.blocks([number])[0].hash

    def block_timestamp(self, number: int) -> int:
        return self.blocks([number])[0].timestamp

    def blocks(self, numbers: Sequence[int]) -> list[Block]:
        if not numbers:
            return []
        with self._asking(f"block {numbers[0]}" + (f" and {len(numbers) - 1} others" if numbers[1:] else "")):
            asked = [[hex(number), False] for number in numbers]
            found = self._rpc.ask_each("eth_getBlockByNumber", asked)
            there = [
                _block(number, each) for number, each in zip(numbers, found, strict=True) if each is not None
            ]
        if len(there) < len(numbers):
            missing = min(set(numbers) - {each.number for each in there})
            raise ChainError(f"{self._shown_url} has no block {missing} (yet, or any more): ask again later")
        return there

    def code(self, address: Address) -> bytes:
        with self._asking(f"the code of {address}"):
            return _bytes(self._rpc.ask("eth_getCode", [address, "latest"]))

    def call(
        self, to: Address, data: bytes, *, block: int | None = None, sender: Address | None = None
    ) -> bytes:
        outcome = self._execute(
            to, data, sender or NOBODY, CALL_GAS, "latest" if block is None else hex(block)
        )
        if not outcome.ok:
            raise CallReverted(outcome.output)
        return outcome.output

    def simulate(self, to: Address | None, data: bytes, *, sender: Address, gas: int) -> Outcome:
        return self._execute(to, data, sender, gas, "pending")

    def nonce(self, account: Address) -> int:
        with self._asking("the number of an account's transactions"):
            return int(self._rpc.ask("eth_getTransactionCount", [account, "latest"]), 16)

    def fees(self) -> Fees:
        with self._asking("the price of gas"):
            base = self._rpc.ask("eth_getBlockByNumber", ["latest", False]).get("baseFeePerGas")
            price = int(self._rpc.ask("eth_gasPrice", []), 16)
            if base is None:
                return Fees(price, None)
            tip = max(price - int(base, 16), 0)
            return Fees(2 * int(base, 16) + tip, tip)

    def sign(
        self, data: bytes, *, to: Address | None, gas: int, nonce: int, fees: Fees, value: int = 0
    ) -> bytes:
        params: dict[str, Any] = {"chainId": self._chain_id, "nonce": nonce, "gas": gas, "value": value}
        params |= {"data": data} | priced(fees) | ({} if to is None else {"to": to})
        return bytes(self._signer.sign_transaction(params).raw_transaction)

    def send(self, data: bytes, *, to: Address | None, gas: int, value: int = 0) -> Hash:
        with self._asking("the sender's nonce"):
            nonce = int(self._rpc.ask("eth_getTransactionCount", [self.account, "pending"]), 16)
        return self.send_raw(self.sign(data, to=to, gas=gas, nonce=nonce, fees=self.fees(), value=value))

    def send_raw(self, raw: bytes) -> Hash:
        with self._asking("to take a transaction"):
            try:
                said = Hash(_bytes(self._rpc.ask("eth_sendRawTransaction", ["0x" + raw.hex()])))
            except NodeError as refused:
                kind = _kind_of_refusal(str(refused).lower())
                if kind is None:
                    return Hash(keccak(raw))  # it has it: sending again is harmless
                raise kind(f"{self._shown_url} did not take a transaction: {refused}") from None
            if said != keccak(raw):
                raise ValueError(f"transaction 0x{keccak(raw).hex()} was sent, the answer is 0x{said.hex()}")
            return said

    def receipt(self, tx_hash: Hash) -> Receipt | None:
        # Not through web3's formatters: those of a full batch take longer than everything else that the relay does.
        with self._asking("a receipt"):
            found = self._rpc.ask("eth_getTransactionReceipt", ["0x" + tx_hash.hex()])
            return None if found is None else _receipt(tx_hash, found)

    def wait(self, tx_hash: Hash, *, seconds: float = 60.0) -> Receipt:
        end, pause = time.monotonic() + seconds, 0.005
        while True:
            found = self.receipt(tx_hash)
            if found is not None:
                return found
            if time.monotonic() >= end:
                raise ChainError(f"{self._shown_url}: 0x{tx_hash.hex()} not mined in {seconds:g} s: wait on")
            time.sleep(pause)
            pause = min(pause * 2, 0.5)

    def logs(
        self,
        from_block: int,
        to_block: int,
        *,
        addresses: Sequence[Address],
        topics: Collection[bytes] | None = None,
    ) -> list[Log]:
        found: list[Log] = []
        for start in range(from_block, to_block + 1, LOG_SPAN) if addresses else ():
            found += self._logs(start, min(start + LOG_SPAN - 1, to_block), addresses, topics)
        return found

    def _logs(
        self, start: int, end: int, addresses: Sequence[Address], topics: Collection[bytes] | None
    ) -> list[Log]:
        asked: dict[str, Any] = {"fromBlock": hex(start), "toBlock": hex(end), "address": list(addresses)}
        if topics is not None:
            asked["topics"] = [["0x" + topic.hex() for topic in topics]]
        with self._asking(f"the events of blocks {start} to {end}"):
            try:
                found = self._rpc.ask("eth_getLogs", [asked])
            except NodeError as refused:
                if start == end or not any(words in str(refused).lower() for words in _TOO_MUCH):
                    raise
                middle = (start + end) // 2
                return self._logs(start, middle, addresses, topics) + self._logs(
                    middle + 1, end, addresses, topics
                )
            return _asked_for(found, frozenset(addresses), start, end)

    def reading_apart(self, names: Mapping[str, str]) -> ReadingApart | None:
        return ReadingApart(self._url, timeout=self._timeout, names=names)

    def deploy(self, artifact: Artifact, args: Sequence[Any]) -> Deployed:
        return deploy_on(self, artifact, args)

    def _execute(self, to: Address | None, data: bytes, sender: Address, gas: int, block: Any) -> Outcome:
        asked: Any = {"data": "0x" + data.hex(), "from": sender, "gas": hex(gas)}
        if to is not None:
            asked["to"] = to
        with self._asking("to simulate a call"):
            try:
                return Outcome(True, _bytes(self._rpc.ask("eth_call", [asked, block])))
            except NodeError as refused:
                if _is_busy(refused):
                    raise
            # Asked once more through web3, which knows in how many ways nodes say that a call reverted.
            try:
                return Outcome(True, bytes(self.web3.eth.call(asked, block, ccip_read_enabled=False)))
            except ContractLogicError as reverted:
                return Outcome(False, _revert_data(reverted.data))
            except Web3RPCError as refused:
                if any(words in str(refused).lower() for words in RAN_DRY):
                    return Outcome(False, b"")  # no data, as on the embedded chain
                raise

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except requests.exceptions.Timeout:
            raise Unreachable(
                f"{self._shown_url} did not answer within {self._timeout:g} s (asked: {what}). "
                f"What was sent may have arrived: look it up before sending again"
            ) from None
        except requests.exceptions.RequestException as broken:
            facts = f"{type(broken).__name__}, asked: {what}"
            raise Unreachable(
                f"{self._shown_url} cannot be used ({facts}): start the node or correct its address"
            ) from None
        except (NodeError, Web3RPCError) as refused:
            kind = Unreachable if _is_busy(refused) else NodeRefused
            raise kind(f"{self._shown_url} refused (asked: {what}): {refused}") from None
        except (Web3Exception, ValueError, KeyError, TypeError, AttributeError) as garbage:
            raise Unreachable(
                f"{self._shown_url} gave no answer that can be understood (asked: {what}): {str(garbage)[:200]}"
            ) from None


# How nodes (geth, Besu, reth, Nethermind, anvil) put what they have against a transaction, in lower case. The order
# counts: "replacement transaction underpriced" is about the price, not about what is known.
_HAS_IT = ("already known", "already imported", "known transaction", "alreadyknown")
_REFUSALS: tuple[tuple[tuple[str, ...], type[NodeRefused]], ...] = (
    (("underpriced", "fee too low", "gas price below", "less than block base fee", "feetoolow"), Underpriced),
    (("max fee per gas less than", "gas price too low", "gasprice is less"), Underpriced),
    (("nonce too low", "nonce below", "oldnonce", "nonce has already been used"), NonceTooLow),
    (("nonce too high", "too distant", "nonce gap", "future nonce"), NonceTooHigh),
)
_TOO_MUCH = ("limit", "range", "too many", "more than", "too large", "exceed", "-32005")
"""How nodes say that they do not tell the events of so many blocks at once."""
_BUSY = ("limit exceeded", "rate limit", "too many requests", "timed out", "timeout", "-32005")


def _kind_of_refusal(message: str) -> type[ChainError] | None:
    """None where the node says that it has the transaction."""
    for words, kind in _REFUSALS:
        if any(each in message for each in words):
            return kind
    if any(each in message for each in _HAS_IT):
        return None
    return Unreachable if any(each in message for each in _BUSY) else NodeRefused


def _is_busy(refused: Exception) -> bool:
    return any(words in str(refused).lower() for words in _BUSY)


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        pass
    raise ChainError("this is no address of a node: it looks like http://host:port")


def _receipt(tx_hash: Hash, found: dict[str, Any]) -> Receipt:
    if _bytes(found["transactionHash"]) != tx_hash:
        raise ValueError(f"this is the receipt of {found['transactionHash']}")
    created = found.get("contractAddress")
    return Receipt(
        tx_hash=tx_hash,
        ok=int(found["status"], 16) == 1,
        block=int(found["blockNumber"], 16),
        block_hash=Hash(_bytes(found["blockHash"])),
        tx_index=int(found["transactionIndex"], 16),
        gas_used=int(found["gasUsed"], 16),
        contract=_checksummed(created) if created else None,
        logs=tuple(_raw_logs(found["logs"])),
    )


def _asked_for(found: Any, addresses: frozenset[str], start: int, end: int) -> list[Log]:
    """The answer to a question for events in chain order; ValueError where it is none. Those of a block that was just
    reorganised away, which some nodes tell as removed, are left out."""
    if not isinstance(found, list):
        raise ValueError(f"events are a list, this is a {type(found).__name__}")
    logs = sorted(_raw_logs(entry for entry in found if not entry.get("removed")), key=_place)
    before = (-1, -1)
    for log in logs:
        place = (log.block, log.log_index)
        if log.address not in addresses or not start <= log.block <= end:
            raise ValueError(
                f"log {log.log_index} of block {log.block} and of {log.address} was not asked for"
            )
        if place == before:
            raise ValueError(f"log {log.log_index} of block {log.block} is told twice")
        before = place
    return logs


def _raw_logs(entries: Iterable[dict[str, Any]]) -> list[Log]:
    read, found = bytes.fromhex, list[Log]()
    read_before: dict[
        tuple[str, str, str, str], tuple[int, Hash, Hash, int]
    ] = {}  # many are of one transaction
    for entry in entries:
        place = entry["blockNumber"], entry["blockHash"], entry["transactionHash"], entry["transactionIndex"]
        at = read_before.get(place)
        if at is None:
            number, block, tx, index = place
            at = int(number, 16), Hash(read(block[2:])), Hash(read(tx[2:])), int(index, 16)
            read_before[place] = at
        found.append(
            Log(
                _checksummed(entry["address"]),
                tuple([read(topic[2:]) for topic in entry["topics"]]),
                read(entry["data"][2:]),
                *at,
                int(entry["logIndex"], 16),
            )
        )
    return found


def _block(number: int, found: dict[str, Any]) -> Block:
    if int(found["number"], 16) != number:
        raise ValueError(f"asked for block {number}, the answer is block {int(found['number'], 16)}")
    return Block(number, Hash(_bytes(found["hash"])), int(found["timestamp"], 16))


def _place(log: Log) -> tuple[int, int]:
    return log.block, log.log_index


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


@lru_cache(maxsize=256)
def _checksummed(address: str) -> Address:
    return to_checksum_address(address)


def _revert_data(data: Any) -> bytes:
    if isinstance(data, dict):  # some nodes wrap it once more
        data = data.get("data", "")
    return bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b""
