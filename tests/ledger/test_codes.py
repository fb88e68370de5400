"""Unified social credit codes: each way of being wrong has its own message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.codes import ALPHABET, check_credit_code, code_check_character
from ledger.errors import InputError
from tests.credit_codes import complete_credit_code

VALID = "91350100M000100Y43"
ALSO_VALID = "91350100MA00012370"


@pytest.mark.parametrize("code", ["", VALID[:-1], VALID + "0", " " + VALID, VALID + "\n"])
def test_a_code_of_another_length_is_refused_with_both_lengths(code: str) -> None:
    with pytest.raises(InputError, match=f"has {len(code)} characters, expected 18"):
        check_credit_code(code)


@pytest.mark.parametrize(
    ("code", "place", "character"),
    [
        (VALID.lower(), 9, "m"),
        ("91350100M000100Y4Z", 18, "Z"),
        ("\uff19" + VALID[1:], 1, "\uff19"),
        (VALID[:-1] + "\uff13", 18, "\uff13"),
        (VALID[:9] + "O" + VALID[10:], 10, "O"),
        (VALID[:9] + " " + VALID[10:], 10, " "),
    ],
)
def test_a_character_outside_the_alphabet_is_refused_with_its_place(
    code: str, place: int, character: str
) -> None:
    with pytest.raises(InputError, match=f"character {place} is {character!r}"):
        check_credit_code(code)


def test_a_letter_in_the_region_is_refused() -> None:
    with pytest.raises(InputError, match="characters 3 to 8 are '35A100'; they are the six digits"):
        check_credit_code("9135A100M000100Y43")


def test_a_wrong_check_character_is_refused_with_the_right_one() -> None:
    with pytest.raises(InputError, match="check character is 4, expected 3"):
        check_credit_code("91350100M000100Y44")


def test_a_wrong_inner_organisation_code_is_refused_even_when_the_whole_checks() -> None:
    first17 = "91350100M000100Y5"
    with pytest.raises(InputError, match="inner organisation code M000100Y5 is 5, expected 4"):
        check_credit_code(first17 + code_check_character(first17))


@pytest.mark.parametrize("code", [VALID, ALSO_VALID])
def test_a_valid_code_is_returned_as_it_is(code: str) -> None:
    assert check_credit_code(code) == code
    assert complete_credit_code(code[:16]) == code


def test_a_sum_that_31_divides_has_the_check_character_0() -> None:
    assert ALSO_VALID.endswith("0")
    assert code_check_character(ALSO_VALID[:17]) == "0"


def test_an_organisation_code_may_end_in_x() -> None:
    assert check_credit_code("91350100MA000004XJ") == complete_credit_code("91350100MA000004")


BODIES = st.tuples(
    st.text(ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=8, max_size=8),
).map("".join)


@given(BODIES, st.integers(min_value=0, max_value=17), st.sampled_from(ALPHABET))
def test_one_wrong_character_anywhere_is_always_found(body: str, place: int, other: str) -> None:
    code = complete_credit_code(body)
    assert check_credit_code(code) == code
    changed = code[:place] + other + code[place + 1 :]
    if changed != code:
        with pytest.raises(InputError):
            check_credit_code(changed)


@given(BODIES, st.integers(min_value=0, max_value=16))
def test_two_neighbours_exchanged_are_always_found(body: str, place: int) -> None:
    code = complete_credit_code(body)
    changed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if changed != code:
        with pytest.raises(InputError):
            check_credit_code(changed)
