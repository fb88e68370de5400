"""What the two contracts say has happened: typed events, their log form, and the journal.

Each event is one dataclass (in `events_registry.py` and `events_ledger.py`), its fields those of the Solidity
event in snake_case and in the declared order, and the first field the only indexed one. The journal is a running
hash: head' = keccak(head ‖ entry), entry = keccak(topic0 ‖ every field as one word), from the contract's EIP-712
domain separator on. `Refused` and ERC-721's `Transfer` are logs but no events in this sense: their topics stand
in `OUTSIDE_JOURNAL`, and decoding them is an error. Nothing here guesses: a log of another length, an unknown
topic or a value out of range is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from eth_utils.crypto import keccak

from ledger.agreements import Purpose
from ledger.errors import VerificationError
from ledger.events_ledger import (
    Cancelled,
    Discounted,
    InvoiceReturned,
    InvoiceUsed,
    Issued,
    IssueRevoked,
    IssueStopped,
    LedgerEvent,
    LineEvent,
    LineFreezing,
    LineGranted,
    LineResized,
    Parted,
    PaymentAsserted,
    PaymentAwarded,
    PaymentCompleted,
    PaymentConfirmed,
    PaymentContested,
    PaymentWithdrawn,
    PledgeReleased,
    Rescinded,
    Revoked,
    SettingsEvent,
    TenorCapSet,
    Transferred,
    VoucherEvent,
    VoucherFrozen,
    VoucherOverdue,
    VoucherPledged,
    VoucherUnfrozen,
)
from ledger.events_registry import (
    HandOverAccepted,
    HandOverProposed,
    PartyAdmitted,
    PartyRekeyed,
    PartySuspension,
    RegistryEvent,
    RekeyProposed,
    RekeyVetoed,
    RekeyWithdrawn,
    VerifierListed,
)
from ledger.signing import DOMAIN_MEMBERS, VERSION, Domain
from ledger.world import Role, SignerKind

__all__ = ["EMPTY_JOURNAL", "EVENTS", "OUTSIDE_JOURNAL", "Event", "EventType", "advance", "decode"]
__all__ += ["encode", "journal_entry", "journal_start"]
__all__ += ["HandOverAccepted", "HandOverProposed", "PartyAdmitted", "PartyRekeyed", "PartySuspension"]
__all__ += ["RegistryEvent", "RekeyProposed", "RekeyVetoed", "RekeyWithdrawn", "VerifierListed"]
__all__ += ["Cancelled", "Discounted", "InvoiceReturned", "InvoiceUsed", "IssueRevoked", "IssueStopped"]
__all__ += ["Issued", "LedgerEvent", "LineEvent", "LineFreezing", "LineGranted", "LineResized", "Parted"]
__all__ += ["PaymentAsserted", "PaymentAwarded", "PaymentCompleted", "PaymentConfirmed", "PaymentContested"]
__all__ += ["PaymentWithdrawn", "PledgeReleased", "Rescinded", "Revoked", "SettingsEvent", "TenorCapSet"]
__all__ += ["Transferred", "VoucherEvent", "VoucherFrozen", "VoucherOverdue", "VoucherPledged"]
__all__ += ["VoucherUnfrozen"]

EMPTY_JOURNAL: Final = bytes(32)
"""The journal head of a contract that is not there yet; see `journal_start` for one that is."""

OUTSIDE_JOURNAL: Final = frozenset(
    keccak(text=signature) for signature in ("Refused(uint256,bytes)", "Transfer(address,address,uint256)")
)
"""First topics of the logs that are not part of the journal."""

Event = RegistryEvent | LedgerEvent


# Log form

_VALUES: Final = {
    "PartyNumber": "uint32", "LineId": "uint64", "VoucherId": "uint256", "Day": "uint24", "Role": "uint16",
    "SignerKind": "uint8", "Purpose": "uint8", "bool": "bool", "bytes": "bytes32",
}  # fmt: skip
"""The ABI type of each field type; an `int` has its type by name."""

_NUMBERS: Final = {
    "signer": "uint160", "verifier": "address", "signature_gas": "uint32", "sequence": "uint32", "cap": "uint16",
    "limit": "uint64", "face": "uint64", "amount": "uint64", "total": "uint64", "secured": "uint64",
    "smallest_part": "uint32", "window": "uint8", "grace": "uint8", "highest_tier": "uint8", "tier": "uint8",
}  # fmt: skip
_BITS: Final = {"bool": 1, "address": 160}
_ENUMS: Final[dict[str, type]] = {"Role": Role, "SignerKind": SignerKind, "Purpose": Purpose}


@dataclass(frozen=True, slots=True)
class EventType:
    """How one event is logged: its class, first topic, and the ABI type of each field in order."""

    event: type
    topic0: bytes
    types: tuple[str, ...]
    enums: tuple[type | None, ...]

    @property
    def signature(self) -> str:
        """As Solidity writes it, without names."""
        return f"{self.event.__name__}({','.join(self.types)})"


def _event_type(event: type) -> EventType:
    # the module's annotations are text, because of the __future__ import
    kinds = [(str(each.type), each.name) for each in fields(event)]
    types = tuple(_VALUES.get(kind) or _NUMBERS[name] for kind, name in kinds)
    topic0 = keccak(text=f"{event.__name__}({','.join(types)})")
    return EventType(event, topic0, types, tuple(_ENUMS.get(kind) for kind, _ in kinds))


_BY_CLASS: Final = {event: _event_type(event) for event in (*RegistryEvent.__args__, *LedgerEvent.__args__)}
EVENTS: Final = MappingProxyType({each.topic0: each for each in _BY_CLASS.values()})
"""Every event of both contracts, by first topic."""


def encode(event: Event) -> tuple[tuple[bytes, bytes], bytes]:
    """The log of an event: its two topics, and its data. VerificationError where a value is out of range."""
    form = _BY_CLASS[type(event)]
    words = [
        _word(getattr(event, each.name), abi, f"{form.event.__name__}.{each.name}")
        for each, abi in zip(fields(event), form.types, strict=True)
    ]
    return (form.topic0, words[0]), b"".join(words[1:])


def decode(topics: Sequence[bytes], data: bytes) -> Event:
    """The event of a log. VerificationError for an unknown topic, another length, a value out of range."""
    form = EVENTS.get(bytes(topics[0])) if topics else None
    if form is None:
        first = "0x" + topics[0].hex() if topics else "none"
        raise VerificationError(f"log with first topic {first} is no event of these contracts")
    name = form.event.__name__
    if len(topics) != 2 or len(topics[1]) != 32 or len(data) != 32 * (len(form.types) - 1):
        raise VerificationError(
            f"log of {name} has {len(topics)} topics and {len(data)} bytes of data, "
            f"expected 2 and {32 * (len(form.types) - 1)}"
        )
    raw = bytes(topics[1]) + bytes(data)
    words = [raw[at : at + 32] for at in range(0, len(raw), 32)]
    parts = zip(words, form.types, form.enums, fields(form.event), strict=True)
    event: Event = form.event(
        *(_value(word, abi, enum, f"{name}.{each.name}") for word, abi, enum, each in parts)
    )
    return event


def _word(value: Any, abi: str, what: str) -> bytes:
    if abi == "bytes32":
        if not isinstance(value, bytes) or len(value) != 32:
            raise VerificationError(f"{what} is not 32 bytes")
        return value
    bits = _BITS.get(abi) or int(abi.removeprefix("uint"))
    if not 0 <= int(value) < 1 << bits:
        raise VerificationError(f"{what} = {value} does not fit {abi}")
    return int(value).to_bytes(32)


def _value(word: bytes, abi: str, enum: type | None, what: str) -> Any:
    if abi == "bytes32":
        return word
    number = int.from_bytes(word)
    _word(number, abi, what)
    if abi == "bool":
        return bool(number)
    if enum is None:
        return number
    try:
        return enum(number)
    except ValueError:
        raise VerificationError(f"{what} = {number} is not a value of {enum.__name__}") from None


# Journal


def journal_start(domain: Domain) -> bytes:
    """The journal head of a contract before its first event: its EIP-712 domain separator."""
    members = ",".join(f"{kind} {name}" for name, kind in DOMAIN_MEMBERS)
    texts = (f"EIP712Domain({members})", domain.name, VERSION)
    address = bytes.fromhex(domain.verifying_contract[2:])
    numbers = domain.chain_id.to_bytes(32) + bytes(12) + address
    return keccak(b"".join(keccak(text=text) for text in texts) + numbers)


def journal_entry(event: Event) -> bytes:
    """keccak(topic0 ‖ every field as one word)."""
    (topic0, subject), data = encode(event)
    return keccak(topic0 + subject + data)


def advance(head: bytes, event: Event) -> bytes:
    """The journal head after one more event."""
    return keccak(head + journal_entry(event))
