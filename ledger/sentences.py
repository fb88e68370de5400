"""An agreement as sentences, in Chinese and in English: what you sign is what you read.

Every member appears: those that a verb is about in its first sentence, the others in one sentence each, every
part and every invoice in one of its own, in the order in which they are signed. Ids and signers are written
whole; 32-byte hashes as 0x1234…abcd, because nobody compares more and nothing can be read out of them. A name
only ever stands beside the party's number. The words are in `wording.py`. Nothing is looked up: a voucher's
holder or face is for the caller to show beside this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from string import Formatter
from typing import Any, Final

from eth_utils.address import to_checksum_address

from ledger.agreements import Agreement, PartyNumber
from ledger.calendar import CHINA_OFFSET_SECONDS, date_of_day
from ledger.members import Form, Member, Struct, line_text, members_of, promise_text, voucher_text
from ledger.money import yuan
from ledger.wording import EMPTY, FIRST, NONE, OTHERS, PURPOSES, QUOTES, REPLACED, ROLES, YES_NO, YES_OR_NO

CHINA_TIME: Final = timezone(timedelta(seconds=CHINA_OFFSET_SECONDS))
LAST_SECOND: Final = int(datetime(9999, 12, 31, tzinfo=CHINA_TIME).timestamp())


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in both languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


VARIANTS: Final[Mapping[str, Callable[[Any], str]]] = {
    "StopIssue": lambda a: ("one" if a.issuer else "all") + ("" if a.stopped else " again"),
    "Award": lambda a: "paid" if a.paid else "unpaid",
}
"""Agreements with a first sentence for each case; it stands under this word behind their name."""
IMPLIED: Final[Mapping[str, frozenset[str]]] = {
    "StopIssue": frozenset({"issuer", "stopped"}),
    "Award": frozenset({"paid"}),
}
"""Members that the choice of the first sentence tells."""


def sentences(
    agreement: Agreement, *, names: Mapping[PartyNumber, str] | None = None
) -> tuple[Sentence, ...]:
    """The agreement, one sentence each; `names` gives the names of parties that are known to the reader."""
    known = names or {}
    said = _first(agreement, known, at=0)
    others = [
        sentence
        for member in members_of(type(agreement))
        if member.name not in _told(agreement)
        for sentence in _other(type(agreement).__name__, member, getattr(agreement, member.name), names=known)
    ]
    return (said, *others)


def _told(struct: Struct) -> set[str]:
    named = {name for _, name, _, _ in Formatter().parse(_first_text(struct)[1]) if name}
    return named | IMPLIED.get(type(struct).__name__, frozenset())


def _first_text(struct: Struct) -> tuple[str, str]:
    name = type(struct).__name__
    return FIRST[f"{name} {VARIANTS[name](struct)}" if name in VARIANTS else name]


def _first(struct: Struct, names: Mapping[PartyNumber, str], *, at: int) -> Sentence:
    values = {
        m.name: _read(m, getattr(struct, m.name), names) for m in members_of(type(struct)) if not m.item
    }
    zh, en = _first_text(struct)
    return _sentence(
        zh.format(at=at, **{name: value[0] for name, value in values.items()}),
        en.format(at=at, **{name: value[1] for name, value in values.items()}),
    )


def _other(kind: str, member: Member, value: Any, *, names: Mapping[PartyNumber, str]) -> Iterator[Sentence]:
    if member.form is Form.LIST:
        if not value:
            yield _sentence(*EMPTY[member.name])
        yield from (_first(item, names, at=at) for at, item in enumerate(value, start=1))
        return
    if member.name in YES_OR_NO:
        yield _sentence(*YES_OR_NO[member.name][value])
        return
    zh, en = OTHERS.get(f"{kind}.{member.name}") or OTHERS[member.name]
    value_zh, value_en = _read(member, value, names)
    yield _sentence(zh.format(value_zh), en.format(value_en))


def _sentence(zh: str, en: str) -> Sentence:
    return Sentence(zh, en[0].upper() + en[1:])


def _read(member: Member, value: Any, names: Mapping[PartyNumber, str]) -> tuple[str, str]:
    """A member's value in Chinese and in English; two different values never read the same, hashes apart."""
    match member.form:
        case Form.PARTY:
            return _party(value, names)
        case Form.ROLES:
            return _roles(value)
        case Form.FLAG:
            return YES_NO[value]
        case Form.PURPOSE:
            return PURPOSES[value]
        case Form.LINE if value == 0:
            return NONE
        case Form.HASH if not any(value):
            return NONE
    text = _plain(member.form, value)
    return text, text


def _plain(form: Form, value: Any) -> str:
    match form:
        case Form.LINE:
            return line_text(value)
        case Form.VOUCHER:
            return voucher_text(value)
        case Form.PROMISE:
            return promise_text(value)
        case Form.AMOUNT:
            return yuan(value)
        case Form.DAY:
            return date_of_day(value).isoformat()
        case Form.TIME:
            return _moment(value)
        case Form.HASH:
            return f"0x{value.hex()[:4]}…{value.hex()[-4:]}"
        case Form.BYTES:
            return "0x" + bytes(value).hex()
        case Form.ADDRESS:
            return to_checksum_address(value)
    return str(int(value))


def _party(party: PartyNumber, names: Mapping[PartyNumber, str]) -> tuple[str, str]:
    if party == 0:
        return NONE
    # A name with a line break, a closing quote or a change of writing direction could add words of its own.
    given = names.get(party, "")
    name = "".join(sign if sign.isprintable() and sign not in QUOTES else REPLACED for sign in given)
    return (
        (f"{party} 号参与方「{name}」", f"party {party} “{name}”")
        if name
        else (f"{party} 号参与方", f"party {party}")
    )


def _roles(roles: int) -> tuple[str, str]:
    bits = [1 << bit for bit in range(16) if roles >> bit & 1]
    words = [ROLES.get(bit, (f"未知角色 {bit}", f"unknown role {bit}")) for bit in bits]
    if not words:
        return NONE
    return "、".join(zh for zh, _ in words), ", ".join(en for _, en in words)


def _moment(second: int) -> str:
    if second > LAST_SECOND:
        return f"{second} s (Unix, > 9999-12-31)"
    return datetime.fromtimestamp(second, CHINA_TIME).strftime("%Y-%m-%d %H:%M:%S (UTC+8)")
