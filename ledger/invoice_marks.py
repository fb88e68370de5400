"""By what an invoice is found again when somebody writes it a little differently.

    marks_of   keyed hashes of parts of an invoice: its number, its amount, its date, in several combinations
    score      how like two invoices are, by the marks that they share

A mark says nothing without the key: who has the marks alone cannot try numbers. Two invoices share a mark only where
the parts that it is made of are the same, so a score needs nobody's plain text but the asker's.

Weights, and the classes made of them, are this product's own; nobody prescribes them:

    exact          payer, number as it was written                               100
    number         payer, number without marks, blanks, leading zeros, O for 0    60
    number_amount  that number and the total, whoever is to pay                   50
    amount_date    payer, total and date                                          40
    tail_amount    payer, the number's last six signs and the total               35
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ledger.calendar import Day
from ledger.errors import InputError
from ledger.money import Fen, shown

TAIL: Final = 6
LONGEST: Final = 100
_ALIKE: Final = str.maketrans("oil", "011")
"""Letters that are written for digits, and the other way round."""


class Mark(StrEnum):
    """What a mark is made of."""

    EXACT = "exact"
    NUMBER = "number"
    NUMBER_AMOUNT = "number_amount"
    AMOUNT_DATE = "amount_date"
    TAIL_AMOUNT = "tail_amount"


class Likeness(StrEnum):
    """How like two invoices are, as a class."""

    EXACT = "exact"
    STRONG = "strong"
    WEAK = "weak"
    NONE = "none"


WEIGHTS: Final[Mapping[Mark, int]] = MappingProxyType(
    {
        Mark.EXACT: 100,
        Mark.NUMBER: 60,
        Mark.NUMBER_AMOUNT: 50,
        Mark.AMOUNT_DATE: 40,
        Mark.TAIL_AMOUNT: 35,
    }
)
STRONG_FROM: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedInvoice:
    """An invoice. `payer`: one text per payer, however it is named. `total` in fen; `issued_on` None: not known."""

    payer: str
    number: str
    total: Fen
    issued_on: Day | None

    def __post_init__(self) -> None:
        fits = 0 < len(self.number) <= LONGEST and self.number == self.number.strip()
        if not fits or not self.number.isprintable():
            raise InputError(f"invoice {shown(self.number)}: give its number without blanks at the ends")
        if self.total <= 0:
            raise InputError(f"invoice {shown(self.number)}: give a total above 0")


def marks_of(invoice: MarkedInvoice, *, key: bytes) -> Mapping[Mark, bytes]:
    """The marks that the invoice has, each 32 bytes (HMAC-SHA256). One without a date has none of the date."""
    number, total = plain_number(invoice.number), str(int(invoice.total))
    parts: dict[Mark, tuple[str, ...]] = {
        Mark.EXACT: (invoice.payer, invoice.number),
        Mark.NUMBER: (invoice.payer, number),
        Mark.NUMBER_AMOUNT: (number, total),
        Mark.TAIL_AMOUNT: (invoice.payer, number[-TAIL:], total),
    }
    if invoice.issued_on is not None:
        parts[Mark.AMOUNT_DATE] = (invoice.payer, total, str(int(invoice.issued_on)))
    return {mark: _hash(key, mark, texts) for mark, texts in parts.items()}


def plain_number(text: str) -> str:
    """The number as a machine compares it: width, capital letters, marks, blanks, leading zeros and letters that look
    like digits apart. A number that is nothing but marks stays as it is."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(sign for sign in folded if sign.isalnum()).translate(_ALIKE).lstrip("0")
    return kept or folded


def score(shared: Collection[Mark]) -> int:
    """From 0 (nothing is shared) to 100 (it is the same); below 100 where the number is not written the same."""
    if Mark.EXACT in shared:
        return WEIGHTS[Mark.EXACT]
    return min(sum(WEIGHTS[mark] for mark in shared), WEIGHTS[Mark.EXACT] - 1)


def likeness(points: int) -> Likeness:
    """The class of a score."""
    if points >= WEIGHTS[Mark.EXACT]:
        return Likeness.EXACT
    if points >= STRONG_FROM:
        return Likeness.STRONG
    return Likeness.WEAK if points else Likeness.NONE


def _hash(key: bytes, mark: Mark, texts: tuple[str, ...]) -> bytes:
    told = b"".join(len(part).to_bytes(4) + part for part in (each.encode() for each in (mark, *texts)))
    return hmac.digest(key, told, "sha256")
