"""Amounts and rates: what is refused, how they are written, and how a sum is divided."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.money import Fen, allocate, parse_rate, parse_yuan, rate_text, yuan

FULL_WIDTH_1234 = "\uff11\uff12\uff13\uff14"
ARABIC_INDIC_12 = "\u0661\u0662"


@pytest.mark.parametrize(
    "written",
    [
        "1,000.005",
        "-1",
        "1e5",
        "NaN",
        "Infinity",
        "",
        " ",
        "+1",
        "1 000",
        " 1",
        "1 ",
        "1\n",
        "1.0",
        "1.",
        ".50",
        "1.000",
        "1_000",
        "0x10",
        "1,00",
        "1000,000",
        "1,0000",
        ",100",
        "0,100.00",
        "007",
        "1,000,00.00",
        "1.00 CNY",
        FULL_WIDTH_1234,
        f"1{FULL_WIDTH_1234}.00",
        ARABIC_INDIC_12,
    ],
)
def test_an_amount_not_written_exactly_is_refused_and_the_message_shows_it_and_the_right_form(
    written: str,
) -> None:
    with pytest.raises(InputError) as refused:
        parse_yuan(written)
    assert repr(written) in str(refused.value)
    assert "1,000,000.00" in str(refused.value)


def test_an_amount_of_sixteen_digits_is_refused_and_one_of_fifteen_is_read() -> None:
    assert parse_yuan("999999999999999.99") == 99_999_999_999_999_999
    assert parse_yuan("999,999,999,999,999.99") == 99_999_999_999_999_999
    with pytest.raises(InputError, match="16 digits before the decimal point, at most 15"):
        parse_yuan("1000000000000000")


def test_a_very_long_text_is_not_repeated_in_full_in_the_message() -> None:
    with pytest.raises(InputError) as refused:
        parse_yuan("x" * 10_000)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("0", 0),
        ("0.01", 1),
        ("1", 100),
        ("100.00", 10_000),
        ("1000000.00", 100_000_000),
        ("1,000,000.00", 100_000_000),
        ("142,857.14", 14_285_714),
    ],
)
def test_an_amount_is_read_as_fen(written: str, fen: int) -> None:
    assert parse_yuan(written) == fen


@given(st.integers(min_value=0, max_value=10**17 - 1))
def test_a_written_amount_reads_back_as_the_same_fen(fen: int) -> None:
    assert parse_yuan(yuan(Fen(fen))) == fen


def test_a_negative_difference_is_written_with_a_sign() -> None:
    assert yuan(Fen(-1)) == "-0.01"
    assert yuan(Fen(-123_456_789)) == "-1,234,567.89"
    assert yuan(Fen(0)) == "0.00"


@pytest.mark.parametrize(
    "written",
    ["3.60%", "-3.60", "+3.60", "3.60001", "3,60", "1e1", "NaN", "", " 3.60", "03.60", "3.", "\uff13.60"],
)
def test_a_rate_not_written_exactly_is_refused(written: str) -> None:
    with pytest.raises(InputError, match="at most four decimals"):
        parse_rate(written)


def test_a_rate_above_a_hundred_percent_is_taken_for_a_slip() -> None:
    assert parse_rate("100") == 100
    with pytest.raises(InputError, match="check the decimal point"):
        parse_rate("100.0001")


def test_a_rate_has_four_decimals_however_it_was_written() -> None:
    assert str(parse_rate("3.6")) == str(parse_rate("3.60")) == "3.6000"
    assert parse_rate("3.5525") == Decimal("3.5525")
    assert parse_rate("0") == 0


@pytest.mark.parametrize("written", ["3.60", "3.555", "3.5525", "0.00", "10.00", "100.00"])
def test_a_rate_is_written_with_the_decimals_it_needs(written: str) -> None:
    assert rate_text(parse_rate(written)) == written


@pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [0, 0]), (1, [2, -1]), (-1, [1]), (0, [])])
def test_a_sum_without_a_proportion_cannot_be_divided(total: int, weights: list[int]) -> None:
    with pytest.raises(InputError, match="cannot be divided"):
        allocate(Fen(total), weights)


def test_equal_fractions_give_the_odd_fen_to_the_earlier_part() -> None:
    assert allocate(Fen(100), [1, 1, 1]) == (34, 33, 33)
    assert allocate(Fen(101), [1, 1, 1]) == (34, 34, 33)


def test_the_largest_fraction_gets_the_odd_fen_wherever_it_stands() -> None:
    assert allocate(Fen(10), [3, 1, 2]) == (5, 2, 3)


WEIGHTS = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=20).filter(any)


@given(st.integers(min_value=0, max_value=10**17), WEIGHTS)
def test_parts_add_up_and_each_is_less_than_a_fen_from_its_exact_share(
    total: int, weights: list[int]
) -> None:
    parts = allocate(Fen(total), weights)
    assert sum(parts) == total
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * whole - total * weight) < whole
