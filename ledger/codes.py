"""The unified social credit code of an enterprise (GB 32100-2015).

Eighteen characters: registration authority, kind of organisation, six digits of the region, nine characters
of organisation code (GB 11714-1997, the last of them its own check character), and a check character over the
first seventeen. This module finds slips of the pen. It does not know whether an enterprise exists, corrects
nothing (lower case and full width are refused, not folded), and a code never goes on chain.
"""

from __future__ import annotations

from typing import Final, NewType

from ledger.errors import InputError
from ledger.money import shown

CreditCode = NewType("CreditCode", str)
"""Eighteen characters that passed `check_credit_code`."""

LENGTH: Final = 18
ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100 leaves out I, O, S, V and Z; a character's value is its place in here."""

_REGION = slice(2, 8)
_ORGANISATION = slice(8, 17)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_CHECKS = "0123456789X"


def code_check_character(first17: str) -> str:
    """GB 32100-2015: (31 - sum of value x 3^place mod 31) mod 31, as a character of the alphabet."""
    total = sum(ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(first17))
    return ALPHABET[-total % 31]


def organisation_check_character(first8: str) -> str:
    """GB 11714-1997, modulus 11: (11 - sum of value x weight mod 11) mod 11, where 10 is written X."""
    total = sum(
        int(character, 36) * weight for character, weight in zip(first8, _ORGANISATION_WEIGHTS, strict=True)
    )
    return _ORGANISATION_CHECKS[-total % 11]


def check_credit_code(text: str) -> CreditCode:
    """Return the code unchanged, or raise InputError naming the first thing wrong with it.

    In this order: length, characters, check character of the whole, check character of the organisation code.
    """
    if len(text) != LENGTH:
        raise InputError(f"credit code {shown(text)} has {len(text)} characters, expected {LENGTH}")
    _check_characters(text)
    expected = code_check_character(text[:-1])
    if text[-1] != expected:
        raise InputError(
            f"credit code {shown(text)}: check character is {text[-1]}, expected {expected}; compare "
            "the code with the business licence"
        )
    organisation = text[_ORGANISATION]
    expected = organisation_check_character(organisation[:-1])
    if organisation[-1] != expected:
        raise InputError(
            f"credit code {shown(text)}: check character of the inner organisation code {organisation} is "
            f"{organisation[-1]}, expected {expected}; compare the code with the business licence"
        )
    return CreditCode(text)


def _check_characters(text: str) -> None:
    for place, character in enumerate(text):
        if character not in ALPHABET:
            raise InputError(
                f"credit code {shown(text)}: character {place + 1} is {character!r}; only half-width digits "
                "and capital letters other than I, O, S, V and Z are used"
            )
    if not text[_REGION].isdecimal():
        raise InputError(
            f"credit code {shown(text)}: characters 3 to 8 are {text[_REGION]!r}; they are the six digits "
            "of the region"
        )
