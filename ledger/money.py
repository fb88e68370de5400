"""Money and rates as text and as exact numbers.

An amount is a whole number of fen everywhere inside; text is read here and written here. Nothing in this
module rounds silently, guesses what somebody meant, or touches a float: an amount that is not written
exactly as expected is refused, and a division gives parts whose sum is the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NewType

from ledger.errors import InputError

Fen = NewType("Fen", int)
"""A whole number of fen; 100 fen are 1 yuan (CNY)."""

Percent = NewType("Percent", Decimal)
"""Percent a year with exactly four decimals: 3.6000 is 3.60 % a year."""

MAX_INTEGER_DIGITS: Final = 15
"""Digits before the decimal point of an amount; the width of the regulator's message fields."""

MAX_RATE: Final = Decimal(100)
"""Above 100 % a year a rate is taken for a slip of the decimal point."""

_YUAN = re.compile(r"((?:0|[1-9][0-9]*)|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.([0-9]{2}))?")
_RATE = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,4})?")
_RATE_STEP = Decimal("0.0001")


def shown(text: str) -> str:
    """The text that somebody gave, quoted and cut to 40 characters, for an error message."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def parse_yuan(text: str) -> Fen:
    """Read an amount in yuan, `1000000`, `1000000.00` or `1,000,000.00`, as fen.

    Refused with an InputError: a sign, an exponent, one or three decimals, a separator in the wrong place, a
    leading zero (such a column is rather an account number), blanks, digits that are not ASCII, more than 15
    digits before the point. Blanks around the amount are the caller's to remove.
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise InputError(
            f"amount {shown(text)} cannot be read: give yuan without a sign, with no decimals or two, and "
            "with thousands separators or none, such as 1000000, 1000000.00 or 1,000,000.00"
        )
    whole = match.group(1).replace(",", "")
    if len(whole) > MAX_INTEGER_DIGITS:
        raise InputError(
            f"amount {shown(text)} is too long: {len(whole)} digits before the decimal point, "
            f"at most {MAX_INTEGER_DIGITS} are accepted"
        )
    return Fen(int(whole) * 100 + int(match.group(2) or 0))


def yuan(amount: Fen) -> str:
    """Write fen as yuan with thousands separators and two decimals; a difference may be negative."""
    whole, cents = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole:,}.{cents:02d}"


def parse_rate(text: str) -> Percent:
    """Read percent a year, such as `3.60`, with at most four decimals and no percent sign.

    The day-count basis belongs beside it and is read elsewhere. Refused with an InputError: everything that
    `parse_yuan` refuses, thousands separators, more than four decimals, more than 100 % a year.
    """
    if _RATE.fullmatch(text) is None:
        raise InputError(
            f"rate {shown(text)} cannot be read: give percent a year without sign or percent mark and with "
            "at most four decimals, such as 3.60"
        )
    rate = Decimal(text).quantize(_RATE_STEP)
    if rate > MAX_RATE:
        raise InputError(f"rate {shown(text)} is above {MAX_RATE} % a year: check the decimal point")
    return Percent(rate)


def rate_text(rate: Percent) -> str:
    """Write a rate with as many decimals as it needs, at least two: `3.60`, `3.5525`."""
    text = f"{rate:.4f}"
    return text[:-2] if text.endswith("00") else text.removesuffix("0")


def allocate(total: Fen, weights: Sequence[int]) -> tuple[Fen, ...]:
    """Divide `total` in the proportion of `weights`; the parts add up to `total` exactly.

    Largest remainder: each part first gets its share rounded down, then the fen left over go one each to the
    largest cut-off fractions, and among equal fractions to the earlier part, which is whom the rounding
    favours. So each part is less than one fen from its exact share, and a weight of 0 gets 0. Raises
    InputError for a negative total or weight, and where no weight is above 0.
    """
    whole = sum(weights)
    if total < 0 or any(weight < 0 for weight in weights) or whole <= 0:
        raise InputError(
            f"{total} fen cannot be divided by the weights {list(weights)}: neither the total nor a weight "
            "may be negative, and at least one weight must be above 0"
        )
    shares = [divmod(total * weight, whole) for weight in weights]
    left = total - sum(share for share, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda index: -shares[index][1])
    favoured = set(by_remainder[:left])
    return tuple(Fen(share + (index in favoured)) for index, (share, _) in enumerate(shares))
