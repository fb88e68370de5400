"""One client interface to an EVM chain. Its JSON-RPC form is in rpc_chain.py, the embedded one in embedded.py.

Every read can name its block; a write is simulated by the caller first and awaited afterwards. This module
never decides what an agreement means, keeps no state and never repeats a send by itself: whether a
transaction without an answer was mined is for the relay to look up. A node that is unreachable ends in
ChainError; whether it is the right chain is for `pin.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NewType, Protocol

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from ledger.abi import Abi as Abi
from ledger.abi import creation_data
from ledger.abi import decode_output as decode_output
from ledger.abi import decode_revert as decode_revert
from ledger.abi import encode_call as encode_call
from ledger.artifacts import Artifact
from ledger.errors import ChainError
from ledger.reading_apart import ReadingApart

Address = ChecksumAddress
Hash = NewType("Hash", bytes)
"""32 bytes: of a block, a transaction, or code."""

NOBODY: Address = to_checksum_address("0x" + "00" * 20)
DEPLOY_GAS = 12_000_000
CALL_GAS = 29_000_000
RAN_DRY = ("out of gas", "outofgas", "sentryoog")  # how nodes say it
METHODS = (
    "eth_chainId",
    "eth_blockNumber",
    "eth_getBlockByNumber",
    "eth_getLogs",
    "eth_call",
    "eth_getCode",
    "eth_getTransactionCount",
    "eth_gasPrice",
    "eth_getTransactionReceipt",
    "eth_sendRawTransaction",
)
"""All that a node is ever asked: standard methods, so that any client of any consortium will do."""
LOG_SPAN = 2_000  # blocks per eth_getLogs; consortium nodes commonly refuse much more


class Log(NamedTuple):
    """One event as the chain kept it. `log_index` counts within the block.

    A tuple, because an index makes one of every event there ever was: a frozen dataclass takes three times as long.
    """

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    block_hash: Hash
    tx_hash: Hash
    tx_index: int
    log_index: int


@dataclass(frozen=True, slots=True)
class Block:
    """What the chain says of one of its blocks. `timestamp` in Unix seconds."""

    number: int
    hash: Hash
    timestamp: int


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


@dataclass(frozen=True, slots=True)
class Fees:
    """What is paid for a unit of gas, in wei: at most `highest`, of which `tip` goes to the block's maker. `tip` None:
    a network without a base fee, which takes one price. A network where gas costs nothing says 0 and 0."""

    highest: int
    tip: int | None


class Unreachable(ChainError):
    """No answer, or none that can be understood. Whether what was sent has arrived nobody knows."""


class NodeRefused(ChainError):
    """The node answered, and it does not do what was asked."""


class NonceTooLow(NodeRefused):
    """A transaction of this account with this nonce was mined already."""


class NonceTooHigh(NodeRefused):
    """One of the nonces before this one is missing, and the node does not wait for it."""


class Underpriced(NodeRefused):
    """The node wants a higher price of gas for this transaction, or for replacing the one that it has."""


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

    @property
    def exclusive(self) -> bool:
        """Whether no other process can have this chain open."""
        ...

    def head(self) -> Block: ...  # the newest block
    def height(self) -> int: ...  # of the head block
    def now(self) -> int: ...  # timestamp of the head block, Unix seconds
    def block_hash(self, number: int) -> Hash: ...
    def block_timestamp(self, number: int) -> int: ...
    def blocks(self, numbers: Sequence[int]) -> list[Block]:
        """These blocks in this order, asked for together."""
        ...

    def code(self, address: Address) -> bytes: ...  # empty where there is no contract
    def simulate(self, to: Address | None, data: bytes, *, sender: Address, gas: int) -> Outcome:
        """What this transaction would do in the next block; `to` None creates a contract. Changes nothing."""
        ...

    def nonce(self, account: Address) -> int:
        """How many transactions of this account are mined: the nonce of its next."""
        ...

    def fees(self) -> Fees:
        """What a transaction should offer now, so that it is mined soon."""
        ...

    def sign(
        self, data: bytes, *, to: Address | None, gas: int, nonce: int, fees: Fees, value: int = 0
    ) -> bytes:
        """The bytes of a transaction signed by `account`; `value` in wei. Sends nothing and asks nobody."""
        ...

    def send(self, data: bytes, *, to: Address | None, gas: int, value: int = 0) -> Hash:
        """Signs by `account` and sends; `value` in wei. It may revert when mined: look at the receipt."""
        ...

    def send_raw(self, raw: bytes) -> Hash:
        """Hands over a signed transaction; one that the node has already is no error.

        Unreachable where nobody knows whether it arrived; NonceTooLow, NonceTooHigh, Underpriced or another
        NodeRefused where the node did not take it.
        """
        ...

    def receipt(self, tx_hash: Hash) -> Receipt | None:
        """None while the transaction is unknown or not mined."""
        ...

    def wait(self, tx_hash: Hash, *, seconds: float = 60.0) -> Receipt:
        """The receipt as soon as there is one. Raises ChainError when there is none in time."""
        ...

    def logs(
        self,
        from_block: int,
        to_block: int,
        *,
        addresses: Sequence[Address],
        topics: Collection[bytes] | None = None,
    ) -> list[Log]:
        """Events of these contracts in chain order, both blocks included; `topics`: only those whose first one is one
        of these."""
        ...

    def reading_apart(self, names: Mapping[str, str]) -> ReadingApart | None:
        """A process that reads the events of these names, by first topic as 0x text; the caller closes it. None where
        there cannot be one."""
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


def priced(fees: Fees) -> dict[str, int]:
    """The members of a transaction that say what it offers for gas."""
    if fees.tip is None:
        return {"gasPrice": fees.highest}
    return {"maxFeePerGas": fees.highest, "maxPriorityFeePerGas": min(fees.tip, fees.highest)}
