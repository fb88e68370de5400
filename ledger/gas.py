"""How much gas an agreement has to be given: a floor by verb, its size, and its signers' wallets and verifiers.

A node's estimate is never asked: a signature check that runs out of gas looks like a wrong signature, so an
estimate can be far too low. What is given and not used costs nothing. Figures in gas.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from ledger.agreements import Agreement
from ledger.payment import Unsigned

CEILING: Final = 16_000_000
"""The most that one transaction is given: newer rules of the EVM allow 16,777,216 (EIP-7825)."""
ITEM_RESERVE: Final = 100_000
"""What the contract wants to have left before it begins an item."""
TRANSACTION: Final = 21_000
CONSENT: Final = 9_000
"""Checking one wallet key's signature in the registry, and a contract wallet's or a verifier's apart from its cap."""
_VERBS: Final = MappingProxyType(
    {
        "Admit": 120_000,
        "GrantLine": 110_000,
        "Issue": 130_000,
        "ProposeRekey": 120_000,
        "CompletePayment": 70_000,
    }
)
_OTHER_VERB: Final = 80_000
_INVOICE: Final = 35_000
_PART: Final = 50_000


def item_gas(agreement: Agreement | Unsigned, call: bytes, *, signature_gas: int) -> int:
    """The floor of one item. `signature_gas`: the caps of its contract wallets' and verifiers' checks together."""
    verb = _VERBS.get(type(agreement).__name__, _OTHER_VERB)
    lists = len(getattr(agreement, "invoices", ())) * _INVOICE + len(getattr(agreement, "parts", ())) * _PART
    consents = 3 + len(getattr(agreement, "parts", ()))
    # 64/63: a call can hand on all but a 64th of what is left
    checks = consents * CONSENT + signature_gas + signature_gas // 63
    zeros = call.count(0)
    return verb + lists + checks + 10 * zeros + 40 * (len(call) - zeros)  # EIP-7623's dearer rate


def batch_gas(floors: Sequence[int]) -> int:
    """What a batch of items with these floors is given."""
    return TRANSACTION + ITEM_RESERVE + sum(floors) * 64 // 63
