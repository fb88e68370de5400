"""py-evm as the embedded chain runs it: its rules, its genesis, how one call is executed and a block is read.

Blocks are read directly: eth-tester finds a transaction by walking back block by block. Nothing here writes
but `write_genesis`; mining is the business of embedded.py, and eth-tester's own doors to it are shut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth._utils.address import generate_contract_address
from eth.abc import AtomicDatabaseAPI, BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth.chains.base import MiningChain
from eth.constants import POST_MERGE_DIFFICULTY, POST_MERGE_MIX_HASH, POST_MERGE_NONCE
from eth.exceptions import PyEVMError, Revert, TransactionNotFound
from eth.typing import AccountDetails
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_tester.backends.pyevm.main import PyEVMBackend  # type: ignore[import-untyped]
from eth_typing import BlockNumber, Hash32
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.exceptions import ValidationError

from ledger.chain import Address, Hash, Log, Outcome, Receipt
from ledger.errors import ChainError

GAS_LIMIT = 30_029_122
"""Gas per block, from the genesis block on."""
MINING: Mapping[str, Any] = {"mix_hash": POST_MERGE_MIX_HASH, "coinbase": bytes(20), "blob_gas_used": 0}
TRANSACTION_KINDS = (None, 1, 2)  # legacy, access list, dynamic fee


class Rules(PragueVM):
    """Prague, but a block may carry its parent's time."""

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        if parent_header is not None and parent_header.timestamp == header.timestamp:
            parent_header = parent_header.copy(timestamp=header.timestamp - 1)
        super().validate_header(header, parent_header)


class KeptChain(MiningChain):
    """The gas limit is constant; the time is set by whoever mines, never read here from the machine."""

    vm_configuration = ((BlockNumber(0), Rules),)

    def create_header_from_parent(self, parent_header: BlockHeaderAPI, **params: Any) -> BlockHeaderAPI:
        fixed = {"gas_limit": parent_header.gas_limit, "timestamp": parent_header.timestamp}
        return super().create_header_from_parent(parent_header, **{**fixed, **params})

    def get_transaction_builder(self) -> Any:
        """eth-tester asks for it here."""
        return self.get_vm().get_transaction_builder()


class ReadOnlyBackend(PyEVMBackend):  # type: ignore[misc]
    """eth-tester's backend over a kept chain."""

    def __init__(self, chain: KeptChain) -> None:
        self._kept = chain
        super().__init__()

    def reset_to_genesis(self, *_given: Any, **_named: Any) -> None:
        """Called by the parent class at its start."""
        self.account_keys = ()
        self.chain = self._kept

    def _closed(self, *_given: Any, **_named: Any) -> Any:
        raise ChainError("this door of the embedded chain is closed: use EmbeddedChain.send_raw or travel_to")

    mine_blocks = time_travel = revert_to_snapshot = apply_withdrawals = add_account = _closed
    send_transaction = send_raw_transaction = send_signed_transaction = _closed


def open_chain(database: AtomicDatabaseAPI, *, chain_id: int) -> KeptChain:
    """The chain that lies in this database."""
    return _chain_class(chain_id)(database)


def write_genesis(
    database: AtomicDatabaseAPI, *, chain_id: int, timestamp: int, rich: Address, wei: int
) -> None:
    """Block 0, in which `rich` owns `wei` and nobody else anything."""
    params: dict[str, Any] = {
        "coinbase": bytes(20),
        "difficulty": POST_MERGE_DIFFICULTY,
        "extra_data": b"",
        "gas_limit": GAS_LIMIT,
        "mix_hash": POST_MERGE_MIX_HASH,
        "nonce": POST_MERGE_NONCE,
        "timestamp": timestamp,
    }
    purse: AccountDetails = {"balance": wei, "nonce": 0, "code": b"", "storage": {}}
    state = {to_canonical_address(rich): purse}
    _chain_class(chain_id).from_genesis(database, params, state)


def decode_transaction(chain: KeptChain, raw: bytes) -> SignedTransactionAPI:
    """A signed transaction of a plain kind. Raises ChainError for anything else."""
    try:
        transaction: SignedTransactionAPI = chain.get_transaction_builder().decode(raw)
        transaction.check_signature_validity()
    except (
        rlp.exceptions.RLPException,
        ValidationError,
        PyEVMError,
        LookupError,
        TypeError,
        ValueError,
    ) as bad:
        raise ChainError(f"this is no signed transaction ({bad})") from None
    kind = getattr(transaction, "type_id", None)
    if kind not in TRANSACTION_KINDS:
        raise ChainError(f"transactions of type {kind} are not taken: use a plain one (type 2)")
    return transaction


def execute(
    chain: KeptChain, header: BlockHeaderAPI, *, to: Address | None, data: bytes, sender: Address, gas: int
) -> Outcome:
    """Runs a call on the state and in the block of `header`, free of charge, and leaves nothing behind."""
    caller = to_canonical_address(sender)
    state = chain.get_vm(header.copy(base_fee_per_gas=0)).state
    plain = chain.create_unsigned_transaction(
        nonce=state.get_nonce(caller),
        gas_price=0,
        gas=min(gas, GAS_LIMIT),
        to=to_canonical_address(to) if to is not None else b"",  # type: ignore[arg-type]
        value=0,
        data=data,
    )
    try:
        done = state.apply_transaction(SpoofTransaction(plain, from_=caller))  # type: ignore[arg-type]
    except (ValidationError, PyEVMError) as unfit:
        raise ChainError(f"the call cannot be made: {unfit}") from None
    if done.is_success:
        return Outcome(True, bytes(done.output))
    return Outcome(False, bytes(done.output) if isinstance(done.error, Revert) else b"")


def receipt(chain: KeptChain, tx_hash: Hash) -> Receipt | None:
    """None when no block has this transaction."""
    try:
        number, index = chain.chaindb.get_transaction_index(Hash32(tx_hash))
    except TransactionNotFound:
        return None
    block = chain.get_canonical_block_by_number(number)
    kept = block.get_receipts(chain.chaindb)
    transaction, before = block.transactions[index], kept[index - 1].gas_used if index else 0
    created = (
        generate_contract_address(transaction.sender, transaction.nonce) if transaction.to == b"" else None
    )
    return Receipt(
        tx_hash=tx_hash,
        ok=kept[index].state_root == b"\x01",
        block=int(block.number),
        block_hash=Hash(bytes(block.hash)),
        tx_index=index,
        gas_used=int(kept[index].gas_used - before),
        contract=to_checksum_address(created) if created else None,
        logs=tuple(log for log in _logs(block, kept) if log.tx_index == index),
    )


def block_logs(chain: KeptChain, number: int) -> list[Log]:
    """All events of one block, in order."""
    block = chain.get_canonical_block_by_number(BlockNumber(number))
    return _logs(block, block.get_receipts(chain.chaindb))


def _chain_class(identity: int) -> type[KeptChain]:
    class Identified(KeptChain):
        chain_id = identity

    return Identified


def _logs(block: BlockAPI, receipts: tuple[ReceiptAPI, ...]) -> list[Log]:
    found: list[Log] = []
    for index, (transaction, kept) in enumerate(zip(block.transactions, receipts, strict=True)):
        for entry in kept.logs:
            log = Log(
                address=to_checksum_address(entry.address),
                topics=tuple(topic.to_bytes(32, "big") for topic in entry.topics),
                data=bytes(entry.data),
                block=int(block.number),
                block_hash=Hash(bytes(block.hash)),
                tx_hash=Hash(bytes(transaction.hash)),
                tx_index=index,
                log_index=len(found),
            )
            found.append(log)
    return found
