"""What the two contracts say has happened: typed events, their log form, and the journal.

Each event is one dataclass (in `events_registry.py` and `events_ledger.py`), its fields those of the Solidity
event in snake_case and in the declared order, and the first field the only indexed one. The journal is a running
hash: head' = keccak(head ‖ entry), entry = keccak(topic0 ‖ every field as one word), from the contract's EIP-712
domain separator on. `Refused` and ERC-721's `Transfer` are logs but no events in this sense: their topics stand
in `OUTSIDE_JOURNAL`, and decoding them is an error. Nothing here guesses: a log of another length, an unknown
topic or a value out of range is refused.

An index reads every event there ever was, so how each type is laid out is worked out once, when this is imported:
`decode` checks the unused bits of all fields at once and takes the fields apart in one step, and `advance_log`
hashes a log just as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from struct import Struct
from types import MappingProxyType
from typing import Any, Final

from sha3 import keccak_256  # type: ignore[import-untyped]

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

__all__ = [
    "EMPTY_JOURNAL",
    "EVENTS",
    "OUTSIDE_JOURNAL",
    "TOPICS",
    "Event",
    "EventType",
    "advance",
    "advance_entry",
    "advance_log",
    "decode",
    "decode_words",
]
__all__ += ["encode", "entry_hash", "form_of", "journal_entry", "journal_start", "topics_of"]
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
    bytes(keccak_256(signature).digest())
    for signature in (b"Refused(uint256,bytes)", b"Transfer(address,address,uint256)")
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
_ENUMS: Final[dict[str, type]] = {"Role": Role, "SignerKind": SignerKind, "Purpose": Purpose}
_WORD: Final = 256
_LAYOUT: Final = {8: "31xB", 16: "30xH", 24: "28xI", 32: "28xI", 64: "24xQ", 160: "32s", 256: "32s"}
"""How `struct` takes a number of so many bits out of a word; 24 bits as 32, whose highest are unused anyway."""
_read_number: Final = partial(int.from_bytes, byteorder="big")


_SUBJECT_LATE: Final = ((0, _read_number),)


@dataclass(frozen=True, slots=True)
class EventType:
    """How one event is logged: its class, first topic, and the ABI type of each field in order.

    `layout` takes subject and data apart; `unused` are their bits that no value sets; `late` are the fields that are
    not yet what they mean then.
    """

    event: type
    topic0: bytes
    types: tuple[str, ...]
    enums: tuple[type | None, ...]
    layout: Struct
    unused: int
    late: tuple[tuple[int, Callable[[Any], Any]], ...]

    @property
    def signature(self) -> str:
        """As Solidity writes it, without names."""
        return f"{self.event.__name__}({','.join(self.types)})"


def _bits(abi: str) -> int:
    return {"bool": 1, "address": 160, "bytes32": 256}.get(abi) or int(abi.removeprefix("uint"))


def _event_type(event: type) -> EventType:
    # the module's annotations are text, because of the __future__ import
    kinds = [(str(each.type), each.name) for each in fields(event)]
    types = tuple(_VALUES.get(kind) or _NUMBERS[name] for kind, name in kinds)
    topic0 = keccak_256(f"{event.__name__}({','.join(types)})".encode()).digest()
    enums = tuple(_ENUMS.get(kind) for kind, _ in kinds)
    layout, unused = ">", 0
    late: list[tuple[int, Callable[[Any], Any]]] = []
    for at, (abi, enum) in enumerate(zip(types, enums, strict=True)):
        bits = _bits(abi)
        unused = unused << _WORD | (1 << _WORD) - (1 << bits)
        layout += {"bytes32": "32s", "bool": "31x?"}.get(abi) or _LAYOUT[bits]
        if enum is not None:
            late.append((at, enum))
        elif abi != "bytes32" and bits > 64:
            late.append((at, _read_number))
    same = _SUBJECT_LATE if tuple(late) == _SUBJECT_LATE else tuple(late)  # known by its identity
    return EventType(event, topic0, types, enums, Struct(layout), unused, same)


_BY_CLASS: Final = {event: _event_type(event) for event in (*RegistryEvent.__args__, *LedgerEvent.__args__)}
EVENTS: Final = MappingProxyType({each.topic0: each for each in _BY_CLASS.values()})
"""Every event of both contracts, by first topic."""
TOPICS: Final = MappingProxyType({each.event.__name__: each.topic0 for each in EVENTS.values()})
"""The first topics, by the event's name."""


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
    return _decoded(form_of(topics, data), topics[1] + data)


def form_of(topics: Sequence[bytes], data: bytes) -> EventType:
    """The kind of event that a log is, by its topics; of its data nothing is judged. VerificationError as `decode`."""
    form = EVENTS.get(topics[0]) if topics else None
    if form is None or len(topics) != 2 or len(topics[1]) != 32:
        raise _unfit(form, topics, data)
    return form


def decode_words(words: bytes) -> Event:
    """As `decode`, of both topics and the data in one piece."""
    form = EVENTS.get(words[:32])
    if form is None or len(words) < 64:
        raise _unfit(form, (words[:32], words[32:64]), words[64:])
    return _decoded(form, words[32:])


def _decoded(form: EventType, raw: bytes) -> Event:
    """The event of its second topic and data."""
    if len(raw) != form.layout.size or int.from_bytes(raw) & form.unused:
        raise _unfit(form, (form.topic0, raw[:32]), raw[32:])
    values = form.layout.unpack(raw)
    if form.late is _SUBJECT_LATE:  # by far the commonest
        event: Event = form.event(int.from_bytes(values[0]), *values[1:])
        return event
    if form.late:
        given = list(values)
        try:
            for at, read in form.late:
                given[at] = read(given[at])
        except ValueError:
            raise _unfit(form, (form.topic0, raw[:32]), raw[32:]) from None
        values = tuple(given)
    event = form.event(*values)
    return event


def topics_of(name: str, subject: bytes) -> tuple[bytes, bytes]:
    """The topics of the log of an event of this name. VerificationError where there is none."""
    topic0 = TOPICS.get(name)
    if topic0 is None:
        raise VerificationError(f"{name!r} is no event of these contracts")
    return topic0, subject


def _unfit(form: EventType | None, topics: Sequence[bytes], data: bytes) -> VerificationError:
    """What is wrong with a log that is no event."""
    if form is None:
        first = "0x" + topics[0].hex() if topics else "none"
        return VerificationError(f"log with first topic {first} is no event of these contracts")
    name, expected = form.event.__name__, form.layout.size - 32
    if len(topics) != 2 or len(topics[1]) != 32 or len(data) != expected:
        return VerificationError(
            f"log of {name} has {len(topics)} topics and {len(data)} bytes of data, expected 2 and {expected}"
        )
    raw = topics[1] + data
    for at, (each, abi, enum) in enumerate(zip(fields(form.event), form.types, form.enums, strict=True)):
        number, what = int.from_bytes(raw[32 * at : 32 * at + 32]), f"{name}.{each.name}"
        if number >> _bits(abi):
            return VerificationError(f"{what} = {number} does not fit {abi}")
        if enum is not None and number not in list(enum) and not issubclass(enum, Role):  # type: ignore[call-overload]
            return VerificationError(f"{what} = {number} is not a value of {enum.__name__}")
    return VerificationError(f"log of {name} cannot be read")


def _word(value: Any, abi: str, what: str) -> bytes:
    if abi == "bytes32":
        if not isinstance(value, bytes) or len(value) != 32:
            raise VerificationError(f"{what} is not 32 bytes")
        return value
    if not 0 <= int(value) < 1 << _bits(abi):
        raise VerificationError(f"{what} = {value} does not fit {abi}")
    return int(value).to_bytes(32)


# Journal


def journal_start(domain: Domain) -> bytes:
    """The journal head of a contract before its first event: its EIP-712 domain separator."""
    members = ",".join(f"{kind} {name}" for name, kind in DOMAIN_MEMBERS)
    texts = (f"EIP712Domain({members})", domain.name, VERSION)
    address = bytes.fromhex(domain.verifying_contract[2:])
    numbers = domain.chain_id.to_bytes(32) + bytes(12) + address
    hashes = b"".join(keccak_256(text.encode()).digest() for text in texts)
    return bytes(keccak_256(hashes + numbers).digest())


def journal_entry(event: Event) -> bytes:
    """keccak(topic0 ‖ every field as one word)."""
    (topic0, subject), data = encode(event)
    return bytes(keccak_256(topic0 + subject + data).digest())


def advance(head: bytes, event: Event) -> bytes:
    """The journal head after one more event."""
    return bytes(keccak_256(head + journal_entry(event)).digest())


def advance_log(head: bytes, topics: Sequence[bytes], data: bytes) -> bytes:
    """As `advance`, of an event's log just as it is; for one that `decode` takes."""
    return advance_entry(head, entry_hash(topics[0] + topics[1] + data))


def entry_hash(words: bytes) -> bytes:
    """The entry of a log: the hash of its topics and data, one after the other."""
    return bytes(keccak_256(words).digest())


def advance_entry(head: bytes, entry: bytes) -> bytes:
    """As `advance`, of the event's entry."""
    return bytes(keccak_256(head + entry).digest())
