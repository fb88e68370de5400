"""A refusal as sentences, in Chinese and in English: what was refused, with its facts, and what to do next.

The words stand in `explanations.csv`, one row for each custom error of the contracts and for the few answers that
are no custom error, so that they can be corrected without touching code. A fact keeps its name from the contract
and is written as what it is: an amount in yuan, a day as a date, an id as text. Nothing is judged or looked up
here, and an error that has no row is still shown with its name and facts.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, Final

from ledger.agreements import LineId, PartyNumber, VoucherId
from ledger.calendar import CHINA_OFFSET_SECONDS, Day, date_of_day
from ledger.errors import Refusal
from ledger.members import line_text, voucher_text
from ledger.money import Fen, yuan
from ledger.sentences import Sentence
from ledger.world import Lock, Role

CHINA_TIME: Final = timezone(timedelta(seconds=CHINA_OFFSET_SECONDS))
NO_FACT: Final = "?"
_COLUMNS: Final = ("what_zh", "next_zh", "what_en", "next_en")
_YES_NO: Final = {True: ("是", "yes"), False: ("否", "no")}
_LOCKS: Final = {
    Lock.DISCOUNT: ("贴现中", "under a discount"),
    Lock.PAYMENT: ("付款待确认", "a payment is asserted"),
    Lock.CONTESTED: ("付款有异议", "the payment is contested"),
    Lock.CONFIRMED: ("付款已确认", "the payment is confirmed"),
    Lock.PLEDGE: ("已质押", "pledged"),
    Lock.FREEZE: ("法院冻结", "frozen by court order"),
    Lock.OVERDUE: ("已逾期", "overdue"),
}
_ROLES: Final = {
    Role.ISSUER: ("核心企业", "issuer"),
    Role.BANK: ("银行", "bank"),
    Role.FUNDER: ("资金方", "funder"),
    Role.ARBITER: ("仲裁人", "arbiter"),
}
# How a fact is written, by its name; some names are forms themselves. What is left is a plain number or text.
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("party", "payee", "issuer", "arbiter"), "party"),
    **dict.fromkeys(("today", "expiry", "dueDay", "payBy", "until", "earliest", "latest"), "day"),
    **dict.fromkeys(("lastDay", "from", "readyOn", "valueDay", "endDay"), "day"),
    **dict.fromkeys(("asked", "available", "face", "invoices", "recorded", "smallestPart"), "yuan"),
    **dict.fromkeys(("deadline", "timestamp"), "moment"),
    **dict.fromkeys(("vetoed", "overdue", "stopped"), "flag"),
    "parent": "line",
    "roles": "role",
}
_PARTIES: Final = frozenset({("WrongPayee", "given"), ("WrongPayee", "expected"), ("WrongIssuer", "given")})
_MOST_DAYS: Final = 2_932_896  # 9999-12-31


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was refused, and the next step, each in both languages."""

    what: Sentence
    next_step: Sentence

    def __str__(self) -> str:
        return f"{self.what.zh}{self.next_step.zh}\n{self.what.en} {self.next_step.en}"


def explain(
    refusal: Refusal,
    *,
    names: Mapping[PartyNumber, str] | None = None,
    vouchers: Mapping[VoucherId, str] | None = None,
) -> Explanation:
    """The refusal in words. `names` of parties and readable numbers of `vouchers` stand beside their ids.

    A fact that is missing reads as a question mark: whatever a chain answers is explained, never an exception.
    """
    row = explanations().get(refusal.name)
    if row is None:
        text = f"{refusal.name}({', '.join(f'{key}={value}' for key, value in refusal.facts.items())})"
        return Explanation(
            Sentence(f"合约拒绝：{text}。", f"The contract refused: {text}."),
            Sentence("请核对合约版本。", "Check that contract and program are of one version."),
        )
    writer = _Writer(refusal, names or {}, vouchers or {})
    what_zh, next_zh, what_en, next_en = (writer.fill(text, at // 2) for at, text in enumerate(row))
    return Explanation(
        Sentence(f"{what_zh}。", f"{_capital(what_en)}."), Sentence(f"{next_zh}。", f"{_capital(next_en)}.")
    )


@cache
def explanations() -> Mapping[str, tuple[str, str, str, str]]:
    """The committed words by error name: what and next step in Chinese, then in English."""
    text = files("ledger").joinpath("explanations.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        row["name"]: (row[_COLUMNS[0]], row[_COLUMNS[1]], row[_COLUMNS[2]], row[_COLUMNS[3]]) for row in rows
    }


def plain_facts(refusal: Refusal) -> dict[str, object]:
    """The facts for a program: amounts in yuan and days, lines and vouchers as text, the rest as it is."""
    kinds = {
        name: kind
        for text in explanations().get(refusal.name, ())
        for _, name, kind, _ in Formatter().parse(text)
        if name
    }
    return {
        name: _plain(value, kinds.get(name) or _KINDS.get(name) or name)
        if isinstance(value, int) and not isinstance(value, bool)
        else value
        for name, value in refusal.facts.items()
    }


def _plain(value: int, kind: str) -> object:
    match kind:
        case "yuan":
            return yuan(Fen(value)).replace(",", "")
        case "day" if 0 <= value <= _MOST_DAYS:
            return date_of_day(Day(value)).isoformat()
        case "line":
            return line_text(LineId(value))
        case "voucher":
            return voucher_text(VoucherId(value))
        case "id" if value >= 2**64:
            return voucher_text(VoucherId(value))
        case "id" if value >= 2**32:
            return line_text(LineId(value))
    return value


@dataclass(frozen=True, slots=True)
class _Writer:
    refusal: Refusal
    names: Mapping[PartyNumber, str]
    vouchers: Mapping[VoucherId, str]

    def fill(self, text: str, language: int) -> str:
        """The text with its facts in it; language 0 is Chinese, 1 English."""
        parts = []
        for plain, name, kind, _ in Formatter().parse(text):
            parts.append(plain)
            if name is not None:
                parts.append(self._fact(name, kind or "", language))
        return "".join(parts)

    def _fact(self, name: str, kind: str, language: int) -> str:
        value = self.refusal.facts.get(name, NO_FACT)
        if not isinstance(value, int):
            return str(value)
        if not kind and (self.refusal.name, name) in _PARTIES:
            kind = "party"
        write = _FORMS.get(kind or _KINDS.get(name, "") or name)
        return str(value) if write is None else write(self, value)[language]

    def party(self, value: int) -> tuple[str, str]:
        name = self.names.get(PartyNumber(value))
        zh, en = f"{value} 号参与方", f"party {value}"
        return (f"{zh}「{name}」", f"{en} “{name}”") if name else (zh, en)

    def voucher(self, value: int) -> tuple[str, str]:
        known = self.vouchers.get(VoucherId(value))
        text = voucher_text(VoucherId(value))
        return _both(f"{known} ({text[:10]}…{text[-4:]})" if known else text)

    def consumed(self, value: int) -> tuple[str, str]:
        """What a sequence belongs to: its id says whether that is a party, a line, a voucher, or the settings."""
        if value == 0:
            return "登记机构的设置", "the record of the registrar's settings"
        if value < 2**32:
            return self.party(value)
        if value < 2**64:
            return f"额度 {line_text(LineId(value))}", f"credit line {line_text(LineId(value))}"
        zh, en = self.voucher(value)
        return f"凭证 {zh}", f"voucher {en}"


def _both(text: str) -> tuple[str, str]:
    return text, text


def _day(_writer: _Writer, value: int) -> tuple[str, str]:
    return _both(date_of_day(Day(value)).isoformat() if 0 <= value <= _MOST_DAYS else str(value))


def _moment(_writer: _Writer, value: int) -> tuple[str, str]:
    try:
        return _both(datetime.fromtimestamp(value, CHINA_TIME).strftime("%Y-%m-%d %H:%M:%S (UTC+8)"))
    except (OverflowError, ValueError, OSError):
        return _both(f"{value} s (Unix)")


def _bits(words: Mapping[Any, tuple[str, str]], value: int) -> tuple[str, str]:
    found = [text for bit, text in words.items() if value & bit]
    return "、".join(zh for zh, _ in found) or str(value), ", ".join(en for _, en in found) or str(value)


_FORMS: Final[Mapping[str, Callable[[_Writer, int], tuple[str, str]]]] = {
    "party": _Writer.party,
    "voucher": _Writer.voucher,
    "id": _Writer.consumed,
    "line": lambda _, value: _both(line_text(LineId(value))),
    "day": _day,
    "moment": _moment,
    "yuan": lambda _, value: _both(yuan(Fen(value))),
    "flag": lambda _, value: _YES_NO[bool(value)],
    "locks": lambda _, value: _bits(_LOCKS, value),
    "role": lambda _, value: _bits(_ROLES, value),
    "plain": lambda _, value: _both(str(value)),
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def lock_words(locks: int) -> Sentence:
    """What keeps a voucher from moving, in words."""
    return Sentence(*_bits(_LOCKS, locks)) if locks else Sentence("无", "none")


def role_words(roles: int) -> Sentence:
    """What a party was admitted as, in words; without a role it holds vouchers."""
    return Sentence(*_bits(_ROLES, roles)) if roles else Sentence("持有人", "holder")
