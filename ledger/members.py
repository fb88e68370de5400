"""The members that agreements are made of: their types, what fits them, how they are written as text.

A member's annotation carries its EIP-712 type and its form (a day, an amount, a party, …); checking, JSON,
hashing and sentences all follow from these two, so that no agreement needs code of its own. A value that does
not fit is refused with an InputError that names the member; nothing is converted or cut to size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, IntEnum
from typing import Annotated, Any, ClassVar, Final, NewType, TypeVar, get_args, get_type_hints

from ledger.calendar import LAST_YEAR, Day, Timestamp, date_of_day, day_of_date, parse_date
from ledger.errors import InputError
from ledger.money import Fen, shown

PartyNumber = NewType("PartyNumber", int)
"""A party's number; 0 is nobody."""

VoucherId = NewType("VoucherId", int)
"""promise (160 bits) << 96 | child (96 bits, 0 for the root); as text 0x and 64 hex digits."""

PromiseId = NewType("PromiseId", int)
"""The last 160 bits of the issue's digest; as text 0x and 40 hex digits."""

LineId = NewType("LineId", int)
"""bank << 32 | the bank's own reference; as text such as 2-17."""


LAST_DAY: Final = day_of_date(date(LAST_YEAR, 12, 31))
"""The last day that can be written: a later one is taken for a slip, and could not be read before signing."""

S = TypeVar("S", bound="Struct")
T = TypeVar("T")


class Contract(Enum):
    """Which of the two contracts an agreement is for."""

    REGISTRY = "registry"
    LEDGER = "ledger"


class Purpose(IntEnum):
    """What a payment is for: the price of a discount, or the promise itself."""

    DISBURSEMENT = 0
    SETTLEMENT = 1


class Form(Enum):
    """What a member is, beyond its Solidity type: how it is written and shown."""

    NUMBER = "number"
    PARTY = "party"
    ROLES = "roles"
    LINE = "line"
    PROMISE = "promise"
    VOUCHER = "voucher"
    AMOUNT = "amount"
    DAY = "day"
    TIME = "time"
    FLAG = "flag"
    PURPOSE = "purpose"
    HASH = "hash"
    BYTES = "bytes"
    ADDRESS = "address"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Word:
    """The mark on a member's annotation: its EIP-712 type and its form."""

    solidity: str
    form: Form


Number8 = Annotated[int, Word("uint8", Form.NUMBER)]
Number16 = Annotated[int, Word("uint16", Form.NUMBER)]
Number32 = Annotated[int, Word("uint32", Form.NUMBER)]
Party = Annotated[PartyNumber, Word("uint32", Form.PARTY)]
Roles = Annotated[int, Word("uint16", Form.ROLES)]
Line = Annotated[LineId, Word("uint64", Form.LINE)]
Voucher = Annotated[VoucherId, Word("uint256", Form.VOUCHER)]
Amount = Annotated[Fen, Word("uint64", Form.AMOUNT)]
SmallAmount = Annotated[Fen, Word("uint32", Form.AMOUNT)]
OnDay = Annotated[Day, Word("uint24", Form.DAY)]
Deadline = Annotated[Timestamp, Word("uint40", Form.TIME)]
Flag = Annotated[bool, Word("bool", Form.FLAG)]
Hash32 = Annotated[bytes, Word("bytes32", Form.HASH)]
Signer = Annotated[bytes, Word("bytes", Form.BYTES)]
ContractAddress = Annotated[bytes, Word("address", Form.ADDRESS)]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a struct type. `item` is the struct that a list holds."""

    name: str
    solidity: str
    form: Form
    item: type[Struct] | None = None

    @property
    def camel(self) -> str:
        """The member's name in Solidity and in typed data."""
        first, *rest = self.name.split("_")
        return first + "".join(word.capitalize() for word in rest)


class Struct:
    """What EIP-712 can hash: an agreement, or an item of one of its lists."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for member in members_of(type(self)):
            _check(type(self).__name__, member, getattr(self, member.name))


class Agreement(Struct):
    """What all agreements have: a contract, a verb, a deadline (the last second at which it may land)."""

    __slots__ = ()
    contract: ClassVar[Contract] = Contract.LEDGER
    deadline: Deadline

    @classmethod
    def verb(cls) -> str:
        """The Solidity function that takes this agreement."""
        return cls.__name__[0].lower() + cls.__name__[1:]


class RegistryAgreement(Agreement):
    """An agreement for PartyRegistry."""

    __slots__ = ()
    contract: ClassVar[Contract] = Contract.REGISTRY


_MEMBERS: Final[dict[type[Struct], tuple[Member, ...]]] = {}


def members_of(cls: type[Struct]) -> tuple[Member, ...]:
    """The members of a struct type, in the order in which they are signed."""
    known = _MEMBERS.get(cls)
    if known is None:
        known = _MEMBERS[cls] = _read_members(cls)
    return known


def _read_members(cls: type[Struct]) -> tuple[Member, ...]:
    hints = get_type_hints(cls, include_extras=True)
    found = []
    for name in cls.__match_args__:
        kind, word = get_args(hints[name])
        item = get_args(kind)[0] if word.form is Form.LIST else None
        found.append(Member(name, word.solidity, word.form, item))
    return tuple(found)


# What fits


def _check(owner: str, member: Member, value: object) -> None:
    expected = _misfit(member, value)
    if expected:
        raise InputError(f"{owner}.{member.name}: {_brief(value)} does not fit: expected {expected}")


def _misfit(member: Member, value: object) -> str:
    """What was expected of a value that does not fit; empty where it fits."""
    match member.form:
        case Form.FLAG:
            return "" if isinstance(value, bool) else "true or false"
        case Form.PURPOSE:
            return "" if isinstance(value, Purpose) else "a Purpose"
        case Form.BYTES:
            return "" if isinstance(value, bytes) else "bytes"
        case Form.HASH:
            return "" if isinstance(value, bytes) and len(value) == 32 else "32 bytes"
        case Form.ADDRESS:
            return "" if isinstance(value, bytes) and len(value) == 20 else "an address of 20 bytes"
        case Form.LIST:
            kind = member.item or Struct
            fits = isinstance(value, tuple) and all(type(item) is kind for item in value)
            return "" if fits else f"a tuple of {kind.__name__}"
    highest = LAST_DAY if member.form is Form.DAY else 2 ** int(member.solidity.removeprefix("uint")) - 1
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest
    return "" if fits else f"a whole number from 0 to {highest}"


def _brief(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else shown(str(value))


# Ids as text


def line_id(bank: int, reference: int) -> LineId:
    """The id of a bank's line; InputError where a number does not fit 32 bits."""
    if not (0 <= bank < 2**32 and 0 <= reference < 2**32):
        raise InputError(f"line {bank}-{reference}: bank and reference are numbers from 0 to {2**32 - 1}")
    return LineId(bank << 32 | reference)


def line_text(line: LineId) -> str:
    """`2-17`: bank and the bank's own reference."""
    return f"{line >> 32}-{line & 0xFFFFFFFF}"


def parse_line(text: str) -> LineId:
    """The reverse of `line_text`; InputError for any other writing."""
    match = re.fullmatch(r"(0|[1-9][0-9]{0,9})-(0|[1-9][0-9]{0,9})", text)
    if match is None:
        raise InputError(f"line {shown(text)} cannot be read: give bank and reference such as 2-17")
    return line_id(int(match.group(1)), int(match.group(2)))


def voucher_text(voucher: VoucherId) -> str:
    """0x and 64 hex digits."""
    return f"0x{voucher:064x}"


def parse_voucher(text: str) -> VoucherId:
    """The reverse of `voucher_text`; capital digits are read too. InputError for anything else."""
    return VoucherId(int.from_bytes(parse_hex(text, "voucher", length=32), "big"))


def promise_text(promise: PromiseId) -> str:
    """0x and 40 hex digits."""
    return f"0x{promise:040x}"


def parse_promise(text: str) -> PromiseId:
    """The reverse of `promise_text`; capital digits are read too. InputError for anything else."""
    return PromiseId(int.from_bytes(parse_hex(text, "promise", length=20), "big"))


def parse_hex(text: str, what: str, *, length: int | None = None) -> bytes:
    """The bytes behind 0x; InputError naming `what` where it is no hex text, or not of `length` bytes."""
    right = re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", text) is not None
    if not right or length not in (None, len(text) // 2 - 1):
        size = "pairs of" if length is None else f"{2 * length}"
        raise InputError(f"{what} {shown(text)} cannot be read: expected 0x and {size} hex digits")
    return bytes.fromhex(text[2:])


# Members in JSON


def member_to_json(member: Member, value: Any) -> object:
    """Numbers and amounts as numbers, ids and bytes as 0x text, a day as ISO date, a purpose by its name."""
    match member.form:
        case Form.LINE:
            return line_text(value)
        case Form.VOUCHER:
            return voucher_text(value)
        case Form.PROMISE:
            return promise_text(value)
        case Form.DAY:
            return date_of_day(value).isoformat()
        case Form.PURPOSE:
            return Purpose(value).name.lower()
        case Form.HASH | Form.BYTES | Form.ADDRESS:
            return "0x" + bytes(value).hex()
        case Form.LIST:
            return [struct_to_json(item) for item in value]
    return bool(value) if member.form is Form.FLAG else int(value)


def member_from_json(member: Member, given: object, where: str) -> object:
    """The reverse of `member_to_json`, for an untrusted text; InputError naming `where`.

    Whether a number is in its range is checked by the struct that it ends in.
    """
    if member.form is Form.LIST:
        if not isinstance(given, list) or member.item is None:
            raise InputError(f"{where}: expected a list, given {shown(str(given))}")
        kind = member.item
        return tuple(struct_from_json(kind, item, f"{where}[{at}]") for at, item in enumerate(given))
    if member.form in (
        Form.NUMBER,
        Form.PARTY,
        Form.ROLES,
        Form.AMOUNT,
        Form.TIME,
        Form.FLAG,
    ):
        return given
    if not isinstance(given, str):
        raise InputError(f"{where}: expected a text, given {shown(str(given))}")
    match member.form:
        case Form.LINE:
            return _named(where, parse_line, given)
        case Form.VOUCHER:
            return _named(where, parse_voucher, given)
        case Form.PROMISE:
            return _named(where, parse_promise, given)
        case Form.DAY:
            return _named(where, _parse_day, given)
        case Form.PURPOSE:
            return _named(where, _parse_purpose, given)
    return parse_hex(given, where, length=_LENGTHS.get(member.form))


_LENGTHS: Final = {Form.HASH: 32, Form.ADDRESS: 20}


def struct_to_json(struct: Struct) -> dict[str, object]:
    """The members by their Python names, in their order."""
    return {m.name: member_to_json(m, getattr(struct, m.name)) for m in members_of(type(struct))}


def struct_from_json(cls: type[S], given: object, where: str) -> S:
    """The reverse of `struct_to_json`; InputError for a missing, unknown or unfit member."""
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: expected an object, given {shown(str(given))}")
    names = {member.name for member in members_of(cls)}
    for name in sorted(names - set(given)):
        raise InputError(f"{where}.{name} is missing")
    for name in sorted(str(key) for key in given if key not in names):
        raise InputError(f"{where}.{name} is not a member of {cls.__name__}")
    values = {m.name: member_from_json(m, given[m.name], f"{where}.{m.name}") for m in members_of(cls)}
    return cls(**values)


def _named(where: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except InputError as wrong:
        raise InputError(f"{where}: {wrong}") from None


def _parse_day(text: str) -> Day:
    return day_of_date(parse_date(text))


def _parse_purpose(text: str) -> Purpose:
    for purpose in Purpose:
        if text == purpose.name.lower():
            return purpose
    raise InputError(f"purpose {shown(text)} is neither disbursement nor settlement")
