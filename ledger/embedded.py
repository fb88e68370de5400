"""The embedded chain: a whole EVM chain in this process, kept in one SQLite file. The default engine.

py-evm executes under the rules of the *prague* fork (no P-256 precompile), eth-tester gives web3 its door.
One transaction is one block (`mine` puts many into one), and one block is one commit: after kill -9 every
block that was ever reported is there.

What it refuses:
- a second opener of the file, which would fork the chain;
- transactions signed for another chain id or for none: every file draws its own when created;
- time travel, unless the file was created as a demo. A block's time is the clock's, or its parent's when the
  clock has not moved on: never ahead of the clock. (Here alone prague's rule is relaxed: two blocks of one
  second may carry the same time, else a burst of blocks would run into the next day.) A demo's time stands
  still: a block is one second after its parent, and `travel_to` moves on. While it is served its time runs, from
  wherever it stood (`let_time_run`).

The relay account, drawn with the file and rich in its genesis, pays gas and signs for nobody.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth.abc import BlockHeaderAPI, SignedTransactionAPI
from eth.db.atomic import AtomicDB
from eth.exceptions import PyEVMError
from eth_account import Account
from eth_tester import EthereumTester  # type: ignore[import-untyped]
from eth_typing import BlockNumber
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.exceptions import ValidationError
from web3 import EthereumTesterProvider, Web3
from web3.providers.eth_tester.defaults import API_ENDPOINTS

from ledger import evm
from ledger.artifacts import Artifact
from ledger.block_file import BlockFile
from ledger.chain import (
    NOBODY,
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
    deploy_on,
    priced,
)
from ledger.errors import ChainError

CLOCK_SLACK = 60
"""Seconds that the clock may stand behind the head block (it was corrected) before mining refuses."""
RELAY_WEI = 10**36
# Between 31 and 52 bits: wallets refuse chain ids above 4,503,599,627,370,476.
CHAIN_ID_FROM, CHAIN_ID_TO = 2**30, 4_503_599_627_370_476
READS = (
    "blockNumber",
    "call",
    "gasPrice",
    "getBalance",
    "getBlockByNumber",
    "getCode",
    "getStorageAt",
    "getTransactionCount",
)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the file says about its chain; drawn once, at creation."""

    chain_id: int
    relay_key: str
    demo: bool
    genesis_time: int


class EmbeddedChain:
    """Opens the chain kept at `path`. Raises ChainError when it is missing, damaged or open elsewhere.

    `clock` gives Unix seconds (None: the machine's). `create` makes the file when there is none; `demo` says
    that it is one (or is to be), its genesis at the clock's time, which is the last time the clock is asked.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], int] | None = None, create: bool = False, demo: bool = False
    ) -> None:
        self._clock = clock or (lambda: int(time.time()))
        self._lock = threading.RLock()
        self._file = BlockFile(path, create=create)
        self._running: tuple[int, float] | None = None  # a demo's time, and when (monotonic) it was that
        try:
            if self._file.facts is None:
                if not create:
                    raise ChainError(f"the chain at {path} was never finished: create it again")
                self._create(demo)
            self._facts = _facts(self._file)
            if demo and not self._facts.demo:
                raise ChainError(f"{path} holds a real chain, not a demo: name another file")
            self._chain = self._load()
            self._genesis_hash = self.block_hash(0)
        except BaseException:
            self._file.close()
            raise
        self._signer = Account.from_key(self._facts.relay_key)
        self._backend = evm.ReadOnlyBackend(self._chain)
        self.web3 = self._open_web3()

    def close(self) -> None:
        """Gives the file free. A killed process does, too."""
        self._file.close()

    def __enter__(self) -> EmbeddedChain:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    # ---- reads ---------------------------------------------------------------------------------------------

    @property
    def chain_id(self) -> int:
        return self._facts.chain_id

    @property
    def genesis_hash(self) -> Hash:
        return self._genesis_hash

    @property
    def account(self) -> Address:
        return to_checksum_address(self._signer.address)

    @property
    def exclusive(self) -> bool:
        return True

    @property
    def demo(self) -> bool:
        """Whether time may be moved on by hand."""
        return self._facts.demo

    def next_time(self) -> int:
        """The time (Unix seconds) that a block made now would carry."""
        with self._lock:
            return self._next_time(self._head())

    def head(self) -> Block:
        header = self._head()
        return Block(int(header.block_number), Hash(bytes(header.hash)), int(header.timestamp))

    def height(self) -> int:
        return int(self._head().block_number)

    def now(self) -> int:
        return int(self._head().timestamp)

    def block_hash(self, number: int) -> Hash:
        return Hash(bytes(self._header(number).hash))

    def block_timestamp(self, number: int) -> int:
        return int(self._header(number).timestamp)

    def blocks(self, numbers: Sequence[int]) -> list[Block]:
        headers = [self._header(number) for number in numbers]
        return [
            Block(number, Hash(bytes(header.hash)), int(header.timestamp))
            for number, header in zip(numbers, headers, strict=True)
        ]

    def code(self, address: Address) -> bytes:
        with self._lock:
            return bytes(self._chain.get_vm(self._head()).state.get_code(to_canonical_address(address)))

    def nonce(self, account: Address) -> int:
        with self._lock:
            return int(self._chain.get_vm(self._head()).state.get_nonce(to_canonical_address(account)))

    def fees(self) -> Fees:
        with self._lock:
            return Fees(2 * int(self._chain.header.base_fee_per_gas or 0), 0)

    def call(
        self, to: Address, data: bytes, *, block: int | None = None, sender: Address | None = None
    ) -> bytes:
        header = self._head() if block is None else self._header(block)
        outcome = self._execute(header, to, data, sender=sender or NOBODY, gas=evm.GAS_LIMIT)
        if not outcome.ok:
            raise CallReverted(outcome.output)
        return outcome.output

    def simulate(self, to: Address | None, data: bytes, *, sender: Address, gas: int) -> Outcome:
        head = self._head()
        pending = self._chain.create_header_from_parent(head, timestamp=self._next_time(head))
        return self._execute(pending, to, data, sender=sender, gas=gas)

    def receipt(self, tx_hash: Hash) -> Receipt | None:
        with self._lock:
            return evm.receipt(self._chain, tx_hash)

    def wait(self, tx_hash: Hash, *, seconds: float = 60.0) -> Receipt:
        found = self.receipt(tx_hash)  # a transaction is mined when it is sent: there is nothing to wait for
        if found is None:
            raise ChainError(f"the embedded chain has no transaction 0x{bytes(tx_hash).hex()}: send it again")
        return found

    def logs(
        self,
        from_block: int,
        to_block: int,
        *,
        addresses: Sequence[Address],
        topics: Collection[bytes] | None = None,
    ) -> list[Log]:
        asked, found = frozenset(addresses), list[Log]()
        with self._lock:
            for number in range(from_block, min(to_block, self.height()) + 1):
                found += [log for log in evm.block_logs(self._chain, number) if log.address in asked]
        if topics is None:
            return found
        return [log for log in found if log.topics and log.topics[0] in topics]

    def reading_apart(self, names: Mapping[str, str]) -> None:
        return None  # this process alone has the chain open

    # ---- writes --------------------------------------------------------------------------------------------

    def deploy(self, artifact: Artifact, args: Sequence[Any]) -> Deployed:
        return deploy_on(self, artifact, args)

    def send(self, data: bytes, *, to: Address | None, gas: int, value: int = 0) -> Hash:
        with self._lock:
            nonce = self.nonce(self.account)
            return self.send_raw(self.sign(data, to=to, gas=gas, nonce=nonce, fees=self.fees(), value=value))

    def sign(
        self, data: bytes, *, to: Address | None, gas: int, nonce: int, fees: Fees, value: int = 0
    ) -> bytes:
        params = {"chainId": self.chain_id, "nonce": nonce, "gas": gas, "value": value, "data": data}
        params |= priced(fees) | ({} if to is None else {"to": to})
        return bytes(self._signer.sign_transaction(params).raw_transaction)

    def send_raw(self, raw: bytes) -> Hash:
        with self._lock:
            transaction = self._admit(raw)
            found = Hash(bytes(transaction.hash))
            mined = self.nonce(to_checksum_address(transaction.sender))
            if transaction.nonce < mined and self.receipt(found) is not None:
                return found  # it is mined: sending again is harmless
            said = f"the transaction has nonce {transaction.nonce}, its sender's next is {mined}"
            if transaction.nonce != mined:
                raise (NonceTooLow if transaction.nonce < mined else NonceTooHigh)(said)
            base = int(self._chain.header.base_fee_per_gas or 0)
            if transaction.max_fee_per_gas < base:
                raise Underpriced(
                    f"the transaction offers {transaction.max_fee_per_gas} wei for gas, the block wants {base}"
                )
            self._mine([transaction], self._next_time(self._head()))
            return found

    def mine(self, raws: Sequence[bytes]) -> list[Hash]:
        """Puts these signed transactions into one block, in this order; nothing happens if one is unfit.

        A transaction that reverts is mined all the same: its receipt says so.
        """
        with self._lock:
            transactions = [self._admit(raw) for raw in raws]
            self._mine(transactions, self._next_time(self._head()))
            return [Hash(bytes(transaction.hash)) for transaction in transactions]

    def travel_to(self, timestamp: int) -> None:
        """Demo only: mines an empty block at this time (Unix seconds); nothing if it is the present one."""
        if not self._facts.demo:
            raise ChainError("time cannot be set on this chain: it was not created as a demo")
        with self._lock:
            head = self._head()
            if timestamp < head.timestamp:
                raise ChainError(
                    f"the past cannot be visited: asked {timestamp}, the head is {head.timestamp}"
                )
            if timestamp > head.timestamp:
                self._mine([], timestamp)
            if self._running is not None:
                self._running = (timestamp, time.monotonic())

    def let_time_run(self) -> None:
        """Demo only: from the newest block's time on, and until it is closed, a second takes a second."""
        if not self._facts.demo:
            raise ChainError("this chain's time is the machine's: only a demo's own can be let run")
        with self._lock:
            self._running = self._running or (self.now(), time.monotonic())

    def keep_time(self) -> None:
        """Demo only: an empty block at the present time, which is where a later opener begins."""
        with self._lock:
            self.travel_to(self.next_time())

    # ---- inside --------------------------------------------------------------------------------------------

    def _create(self, demo: bool) -> None:
        facts = _Facts(
            chain_id=CHAIN_ID_FROM + secrets.randbelow(CHAIN_ID_TO - CHAIN_ID_FROM),
            relay_key="0x" + secrets.token_bytes(32).hex(),
            demo=demo,
            genesis_time=int(self._clock()),
        )
        evm.write_genesis(
            AtomicDB(self._file),
            chain_id=facts.chain_id,
            timestamp=facts.genesis_time,
            rich=to_checksum_address(Account.from_key(facts.relay_key).address),
            wei=RELAY_WEI,
        )
        self._file.facts = json.dumps(asdict(facts)).encode()
        self._file.flush()

    def _load(self) -> evm.KeptChain:
        return evm.open_chain(AtomicDB(self._file), chain_id=self._facts.chain_id)

    def _open_web3(self) -> Web3:
        endpoints: dict[str, Any] = {
            "eth": {name: API_ENDPOINTS["eth"][name] for name in READS},
            "net": {"version": lambda _tester, _params: str(self.chain_id)},
            "web3": API_ENDPOINTS["web3"],
        }
        endpoints["eth"]["chainId"] = lambda _tester, _params: hex(self.chain_id)
        endpoints["eth"]["sendRawTransaction"] = lambda _tester, params: self._send_text(params[0])
        return Web3(EthereumTesterProvider(EthereumTester(self._backend), api_endpoints=endpoints))

    def _send_text(self, raw: str | bytes) -> str:
        return "0x" + self.send_raw(bytes.fromhex(raw[2:]) if isinstance(raw, str) else raw).hex()

    def _head(self) -> BlockHeaderAPI:
        with self._lock:
            return self._chain.get_canonical_head()

    def _header(self, number: int) -> BlockHeaderAPI:
        with self._lock:
            try:
                return self._chain.get_canonical_block_header_by_number(BlockNumber(number))
            except (PyEVMError, ValidationError):
                raise ChainError(f"there is no block {number}: the head is {self.height()}") from None

    def _next_time(self, parent: BlockHeaderAPI) -> int:
        if self._facts.demo:
            at, since = self._running or (0, time.monotonic())
            return max(int(parent.timestamp) + 1, at + int(time.monotonic() - since))
        now = int(self._clock())
        if now + CLOCK_SLACK < parent.timestamp:
            raise ChainError(
                f"the clock stands at {now}, the last block at {parent.timestamp}: set the machine's clock"
            )
        return max(int(parent.timestamp), now)

    def _admit(self, raw: bytes) -> SignedTransactionAPI:
        transaction = evm.decode_transaction(self._chain, raw)
        signed_for = transaction.chain_id
        if signed_for != self.chain_id:
            whose = "no chain" if signed_for is None else f"chain {signed_for}"
            raise ChainError(f"the transaction is signed for {whose}, this is {self.chain_id}: sign it anew")
        return transaction

    def _mine(self, transactions: Sequence[SignedTransactionAPI], timestamp: int) -> None:
        try:
            self._chain.set_header_timestamp(timestamp)
            self._chain.mine_all(transactions, **evm.MINING)
            self._file.flush()
        except BaseException as broken:
            # Nothing half done stays: neither in the file's pending writes nor in the chain's own memory.
            self._file.drop()
            self._chain = self._backend.chain = self._load()
            if isinstance(broken, (ValidationError, PyEVMError)):
                raise NodeRefused(f"the transaction cannot be mined: {broken}") from None
            raise

    def _execute(
        self, header: BlockHeaderAPI, to: Address | None, data: bytes, *, sender: Address, gas: int
    ) -> Outcome:
        with self._lock:
            return evm.execute(self._chain, header, to=to, data=data, sender=sender, gas=gas)


def _facts(file: BlockFile) -> _Facts:
    try:
        return _Facts(**json.loads(file.facts or b""))
    except (ValueError, TypeError):
        said = f"{file.path} is no chain of this product, or damaged: restore it from a copy"
        raise ChainError(said) from None
