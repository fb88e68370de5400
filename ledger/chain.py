"""One client interface to an EVM chain, and its JSON-RPC form. The embedded form is in embedded.py.

Every read can name its block; a write is simulated by the caller first and awaited afterwards. This module
never decides what an agreement means, keeps no state and never repeats a send by itself: whether a
transaction without an answer was mined is for the relay to look up. A node that is unreachable ends in
ChainError; whether it is the right chain is for `pin.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NewType, Protocol
from urllib.parse import urlsplit

import requests
from eth_account import Account
from eth_typing import ChecksumAddress, Hash32
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import BlockData, FilterParams, LogReceipt, TxParams

from ledger.abi import Abi as Abi
from ledger.abi import creation_data
from ledger.abi import decode_output as decode_output
from ledger.abi import decode_revert as decode_revert
from ledger.abi import encode_call as encode_call
from ledger.artifacts import Artifact
from ledger.errors import ChainError

Address = ChecksumAddress
Hash = NewType("Hash", bytes)
"""32 bytes: of a block, a transaction, or code."""

NOBODY: Address = to_checksum_address("0x" + "00" * 20)
DEPLOY_GAS = 12_000_000
CALL_GAS = 29_000_000
RAN_DRY = ("out of gas", "outofgas", "sentryoog")  # how nodes say it
LOG_SPAN = 2_000  # blocks per eth_getLogs; consortium nodes commonly refuse much more


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the chain kept it. `log_index` counts within the block."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    block_hash: Hash
    tx_hash: Hash
    tx_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction. `contract` is the address that it created, if any."""

    tx_hash: Hash
    ok: bool
    block: int
    block_hash: Hash
    tx_index: int
    gas_used: int
    contract: Address | None
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A new contract and the transaction that made it."""

    address: Address
    tx: Hash


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction would do now. `output` is what it returns or, when not `ok`, the revert data."""

    ok: bool
    output: bytes


class CallReverted(ChainError):
    """A read reverted. `data` is for `decode_revert`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(f"the contract refused the read with {'0x' + data.hex() if data else 'no reason'}")


class Reader(Protocol):
    """As much of a chain as answers questions about contracts."""

    def call(
        self, to: Address, data: bytes, *, block: int | None = None, sender: Address | None = None
    ) -> bytes:
        """A read on the state after `block` (None: the head). Raises CallReverted."""
        ...


class Chain(Reader, Protocol):
    """What the flows above may ask of a chain. All methods raise ChainError when the chain cannot be used."""

    @property
    def chain_id(self) -> int: ...
    @property
    def genesis_hash(self) -> Hash: ...
    @property
    def account(self) -> Address:
        """The account that pays the gas of what this client sends. It is no party's signer."""
        ...

    def height(self) -> int: ...  # of the head block
    def now(self) -> int: ...  # timestamp of the head block, Unix seconds
    def block_hash(self, number: int) -> Hash: ...
    def block_timestamp(self, number: int) -> int: ...
    def code(self, address: Address) -> bytes: ...  # empty where there is no contract
    def simulate(self, to: Address | None, data: bytes, *, sender: Address, gas: int) -> Outcome:
        """What this transaction would do in the next block; `to` None creates a contract. Changes nothing."""
        ...

    def send(self, data: bytes, *, to: Address | None, gas: int, value: int = 0) -> Hash:
        """Signs by `account` and sends; `value` in wei. It may revert when mined: look at the receipt."""
        ...

    def send_raw(self, raw: bytes) -> Hash:
        """Sends a transaction that somebody else signed."""
        ...

    def receipt(self, tx_hash: Hash) -> Receipt | None:
        """None while the transaction is unknown or not mined."""
        ...

    def wait(self, tx_hash: Hash, *, seconds: float = 60.0) -> Receipt:
        """The receipt as soon as there is one. Raises ChainError when there is none in time."""
        ...

    def logs(self, from_block: int, to_block: int, *, addresses: Sequence[Address]) -> list[Log]:
        """Events of these contracts in chain order, both blocks included."""
        ...

    def deploy(self, artifact: Artifact, args: Sequence[Any]) -> Deployed:
        """Creates a contract and waits for it. Raises Refusal with the constructor's custom error."""
        ...


# ---- deployment --------------------------------------------------------------------------------------------


def deploy_on(chain: Chain, artifact: Artifact, args: Sequence[Any]) -> Deployed:
    """`Chain.deploy` on any chain: simulated first, so that a refusal costs nothing and has its facts."""
    data = creation_data(artifact, args)
    outcome = chain.simulate(None, data, sender=chain.account, gas=DEPLOY_GAS)
    if not outcome.ok:
        raise decode_revert(outcome.output, [artifact.abi])
    receipt = chain.wait(chain.send(data, to=None, gas=DEPLOY_GAS))
    if not receipt.ok or receipt.contract is None or not chain.code(receipt.contract):
        raise ChainError(f"{artifact.name} was not created by transaction 0x{receipt.tx_hash.hex()}")
    return Deployed(address=receipt.contract, tx=receipt.tx_hash)


# ---- JSON-RPC ----------------------------------------------------------------------------------------------


class RpcChain:
    """A node that speaks JSON-RPC: anvil, Besu, any other. `key` is the private key that pays the gas."""

    def __init__(self, url: str, *, key: bytes, timeout: float = 10.0) -> None:
        self._timeout, self._shown_url = timeout, _without_password(url)
        # Without this setting web3 repeats by itself, raw transactions too.
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

    def height(self) -> int:
        with self._asking("its height"):
            return int(self.web3.eth.block_number)

    def now(self) -> int:
        return int(self._block("latest")["timestamp"])

    def block_hash(self, number: int) -> Hash:
        return Hash(bytes(self._block(number)["hash"]))

    def block_timestamp(self, number: int) -> int:
        return int(self._block(number)["timestamp"])

    def code(self, address: Address) -> bytes:
        with self._asking(f"the code of {address}"):
            return bytes(self.web3.eth.get_code(address))

    def call(
        self, to: Address, data: bytes, *, block: int | None = None, sender: Address | None = None
    ) -> bytes:
        params: TxParams = {"to": to, "data": data, "from": sender or NOBODY, "gas": CALL_GAS}
        outcome = self._execute(params, "latest" if block is None else block)
        if not outcome.ok:
            raise CallReverted(outcome.output)
        return outcome.output

    def simulate(self, to: Address | None, data: bytes, *, sender: Address, gas: int) -> Outcome:
        params: TxParams = {"data": data, "from": sender, "gas": gas}
        if to is not None:
            params["to"] = to
        return self._execute(params, "pending")

    def send(self, data: bytes, *, to: Address | None, gas: int, value: int = 0) -> Hash:
        with self._asking("the sender's nonce and the price of gas"):
            nonce = self.web3.eth.get_transaction_count(self.account, "pending")
            fees = self._fees()
        params: dict[str, Any] = {"chainId": self._chain_id, "nonce": nonce, "gas": gas, "value": value}
        params |= {"data": data, **fees} | ({} if to is None else {"to": to})
        return self.send_raw(bytes(self._signer.sign_transaction(params).raw_transaction))

    def send_raw(self, raw: bytes) -> Hash:
        with self._asking("to take a transaction"):
            try:
                return Hash(bytes(self.web3.eth.send_raw_transaction(raw)))
            except Web3RPCError as refused:
                if any(words in str(refused).lower() for words in ("already known", "already imported")):
                    return Hash(keccak(raw))  # it has it: sending again is harmless
                raise

    def receipt(self, tx_hash: Hash) -> Receipt | None:
        with self._asking("a receipt"):
            try:
                found = self.web3.eth.get_transaction_receipt(Hash32(tx_hash))
            except TransactionNotFound:
                return None
        created = found.get("contractAddress")
        return Receipt(
            tx_hash=tx_hash,
            ok=found["status"] == 1,
            block=int(found["blockNumber"]),
            block_hash=Hash(bytes(found["blockHash"])),
            tx_index=int(found["transactionIndex"]),
            gas_used=int(found["gasUsed"]),
            contract=to_checksum_address(created) if created else None,
            logs=tuple(_log(entry) for entry in found["logs"]),
        )

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

    def logs(self, from_block: int, to_block: int, *, addresses: Sequence[Address]) -> list[Log]:
        found: list[Log] = []
        for start in range(from_block, to_block + 1, LOG_SPAN) if addresses else ():
            end = min(start + LOG_SPAN - 1, to_block)
            span: FilterParams = {"fromBlock": start, "toBlock": end, "address": list(addresses)}
            with self._asking(f"the events of blocks {start} to {end}"):
                found += [_log(entry) for entry in self.web3.eth.get_logs(span)]
        return sorted(found, key=lambda log: (log.block, log.log_index))

    def deploy(self, artifact: Artifact, args: Sequence[Any]) -> Deployed:
        return deploy_on(self, artifact, args)

    def _block(self, which: Any) -> BlockData:
        with self._asking(f"block {which}"):
            return self.web3.eth.get_block(which)

    def _fees(self) -> dict[str, int]:
        base = self.web3.eth.get_block("latest").get("baseFeePerGas")
        price = int(self.web3.eth.gas_price)
        if base is None:
            return {"gasPrice": price}
        tip = max(price - int(base), 0)
        return {"maxFeePerGas": 2 * int(base) + tip, "maxPriorityFeePerGas": tip}

    def _execute(self, params: TxParams, block: Any) -> Outcome:
        with self._asking("to simulate a call"):
            try:
                return Outcome(True, bytes(self.web3.eth.call(params, block, ccip_read_enabled=False)))
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
            raise ChainError(
                f"{self._shown_url} did not answer within {self._timeout:g} s (asked: {what}). "
                f"What was sent may have arrived: look it up before sending again"
            ) from None
        except requests.exceptions.RequestException as broken:
            facts = f"{type(broken).__name__}, asked: {what}"
            raise ChainError(
                f"{self._shown_url} cannot be used ({facts}): start the node or correct its address"
            ) from None
        except (Web3Exception, ValueError, KeyError) as refused:
            raise ChainError(f"{self._shown_url} refused (asked: {what}): {refused}") from None


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        pass
    raise ChainError("this is no address of a node: it looks like http://host:port")


def _log(entry: LogReceipt) -> Log:
    return Log(
        address=to_checksum_address(entry["address"]),
        topics=tuple(bytes(topic) for topic in entry["topics"]),
        data=bytes(entry["data"]),
        block=int(entry["blockNumber"]),
        block_hash=Hash(bytes(entry["blockHash"])),
        tx_hash=Hash(bytes(entry["transactionHash"])),
        tx_index=int(entry["transactionIndex"]),
        log_index=int(entry["logIndex"]),
    )


def _revert_data(data: Any) -> bytes:
    if isinstance(data, dict):  # some nodes wrap it once more
        data = data.get("data", "")
    return bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b""
