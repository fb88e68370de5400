"""Which chain and which contracts a database belongs to: read off a chain once, compared with it ever after.

A pin names one ledger with its registry, and the ledger that it succeeds. Nothing is stored here, and nothing is
repaired: a chain that is not the pinned one, and a ledger on another registry, are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.abi import view_call, words_of
from ledger.chain import NOBODY, Address, CallReverted, Chain, Hash, Reader
from ledger.errors import ChainError


class OtherChain(ChainError):
    """The node shows another chain than the one that the database belongs to: nothing is sent there or read from it."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A chain, a registry and a ledger on it. `*_code` is Keccak-256 of deployed code, which holds the
    addresses that a ledger was constructed with. `predecessor`: `NOBODY` for the first ledger."""

    chain_id: int
    genesis_hash: Hash
    registry: Address
    ledger: Address
    registry_code: Hash
    ledger_code: Hash
    predecessor: Address = NOBODY


def pin_of(chain: Chain, *, registry: Address, ledger: Address) -> Pin:
    """The pin of these two contracts on this chain.

    ChainError where there is no contract, and where the ledger works on another registry.
    """
    codes = {address: chain.code(address) for address in (registry, ledger)}
    for address, code in codes.items():
        if not code:
            raise ChainError(f"there is no contract at {address} on chain {chain.chain_id}: deploy first")
    own = _named(chain, ledger, "registry()")
    if own != registry:
        raise ChainError(f"the ledger {ledger} works on the registry {own}, not on {registry}: name that one")
    return Pin(
        chain_id=chain.chain_id,
        genesis_hash=chain.genesis_hash,
        registry=registry,
        ledger=ledger,
        registry_code=Hash(keccak(codes[registry])),
        ledger_code=Hash(keccak(codes[ledger])),
        predecessor=predecessor_of(chain, ledger),
    )


def check_pin(chain: Chain, pin: Pin) -> None:
    """OtherChain, with every mismatch named, for a chain that is not the pinned one."""
    asked = (
        ("chain id", pin.chain_id, chain.chain_id),
        ("genesis block", pin.genesis_hash, chain.genesis_hash),
        (f"code of the registry {pin.registry}", pin.registry_code, keccak(chain.code(pin.registry))),
        (f"code of the ledger {pin.ledger}", pin.ledger_code, keccak(chain.code(pin.ledger))),
    )
    wrong = [
        f"  {what}: pinned {_shown(want)}, found {_shown(have)}" for what, want, have in asked if want != have
    ]
    if wrong:
        lines = "\n".join(wrong)
        raise OtherChain(f"this is not the chain that the database belongs to; open the right one\n{lines}")


def predecessor_of(node: Reader, ledger: Address) -> Address:
    """The ledger that this one succeeds, by its own word; `NOBODY` for the first. ChainError for what is no ledger."""
    return _named(node, ledger, "predecessor()")


def _named(node: Reader, ledger: Address, view: str) -> Address:
    """The address that a view without arguments names."""
    try:
        words = words_of(node.call(ledger, view_call(view)))
    except CallReverted:
        words = ()
    if len(words) != 1 or words[0] >> 160:
        raise ChainError(f"the contract at {ledger} is no ledger of this product: it does not answer {view}")
    return to_checksum_address(words[0].to_bytes(20))


def _shown(value: int | bytes) -> str:
    return str(value) if isinstance(value, int) else "0x" + value.hex()
