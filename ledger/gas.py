"""How much gas an agreement has to be given: a floor by verb, its size, and its signers' wallets and verifiers.

A node's estimate is never asked: a signature check that runs out of gas looks like a wrong signature, so an
estimate can be far too low. What is given and not used costs nothing. Figures in gas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ledger.agreements import Agreement
from ledger.consent import ADDRESS_BYTES, HIGHEST_SIGNATURE_GAS, HIGHEST_SIGNER_BYTES
from ledger.payment import Unsigned
from ledger.signing import WITH_NEW_SIGNER

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


def bare_floor(agreement: Agreement | Unsigned, call: bytes) -> int:
    """The floor of an item apart from the checks whose cap only the registry knows. A signer that is to serve a party
    from now on proves itself under the cap that the agreement names."""
    own = int(getattr(agreement, "signature_gas", 0)) if isinstance(agreement, WITH_NEW_SIGNER) else 0
    return item_gas(agreement, call, signature_gas=own)


def with_checks(floor: int, signature_gas: int) -> int:
    """A bare floor with the caps of the checks that it does not know."""
    return floor + signature_gas + signature_gas // 63


def key_of(consent: bytes) -> str | None:
    """The address of the verifier that a consent names, 0x text; None where it names none.

    Such a consent is two bytes of length, signer bytes that begin with the address, and a signature.
    """
    length = int.from_bytes(consent[:2])
    if not ADDRESS_BYTES < length <= min(HIGHEST_SIGNER_BYTES, len(consent) - 2):
        return None
    return "0x" + consent[2:22].hex()


@dataclass(frozen=True, slots=True)
class Caps:
    """Gas caps of signature checks, as the index knows them: of parties that are contract wallets, and of verifiers
    by the number of their address."""

    wallets: Mapping[int, int]
    verifiers: Mapping[int, int]

    def of(self, keys: Sequence[str | None], signers: Sequence[int] | None) -> int:
        """What the checks of an item's consents may take together; `keys` as `key_of` gives them, one per consent.

        A consent of a verifier's key names the verifier; one that the index does not know yet counts as the dearest
        there can be. One of a contract wallet does not name it: where the signers are not known, each consent
        counts as the dearest wallet's.
        """
        caps = [0 if key is None else self.verifiers.get(int(key, 16), HIGHEST_SIGNATURE_GAS) for key in keys]
        if signers is None:
            dearest = max(self.wallets.values(), default=0)
            return sum(max(dearest, cap) for cap in caps)
        return sum(caps) + sum(self.wallets.get(party, 0) for party in signers)

    def of_wallets(self, signers: Sequence[int] | None) -> dict[int, int]:
        """What of it is a contract wallet's, by party. Nobody's where the signers are not named: to refuse plain keys
        for what wallets have spent would be worse, so who puts items in should name them."""
        if not self.wallets or signers is None:
            return {}
        return {party: self.wallets[party] for party in signers if party in self.wallets}
