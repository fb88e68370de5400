"""Quotes and what they come to, on the one canonical example: 1,000,000.00 from 2026-04-15 to 2026-08-28."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calendar import Day, day_of_date
from ledger.discount import (
    Bearer,
    DayCount,
    Fee,
    Part,
    Quote,
    from_json,
    parse_share,
    price,
    price_lot,
    quote_hash,
    share_over_funders,
    to_json,
)
from ledger.errors import InputError
from ledger.money import Fen, Percent, parse_rate, parse_yuan, yuan

FACE = parse_yuan("1,000,000.00")
SEVEN_PARTS = [parse_yuan("142,857.14")] * 6 + [parse_yuan("142,857.16")]
QUOTE = Quote(
    recourse=False,
    funder=7,
    rate=parse_rate("3.60"),
    basis=DayCount.ACT_360,
    value_day=day_of_date(date(2026, 4, 15)),
    due_day=day_of_date(date(2026, 8, 28)),
)
SHARED = replace(QUOTE, bearer=Bearer.SHARED, issuer_share=4_000, issuer_ceiling=parse_yuan("20,000.00"))
BY_ISSUER = replace(QUOTE, bearer=Bearer.ISSUER, issuer_ceiling=parse_yuan("20,000.00"))
SALT = bytes(range(32))


def written(fen: list[Fen]) -> list[str]:
    return [yuan(amount) for amount in fen]


# Refusals


@pytest.mark.parametrize(
    ("quote", "term", "values", "complaint"),
    [
        (QUOTE, "funder", [0, -1, 2**32], "is not a party number"),
        (
            QUOTE,
            "rate",
            [Decimal("-0.0001"), Decimal("100.0001"), Decimal("3.60001")],
            "is not 0 to 100 % a year",
        ),
        (QUOTE, "value_day", [QUOTE.due_day], "value day 2026-08-28 is not before the due day 2026-08-28"),
        (QUOTE, "issuer_share", [1], "here the supplier bears it all"),
        (BY_ISSUER, "issuer_share", [1], "here the issuer bears it all"),
        (SHARED, "issuer_share", [0, 10_000, -1], "is not between 0 and 10000"),
        (SHARED, "issuer_ceiling", [None, -1], "needs the ceiling that the issuer signed"),
        (BY_ISSUER, "issuer_ceiling", [None, -1], "needs the ceiling that the issuer signed"),
        (QUOTE, "issuer_ceiling", [0, 1], "only for interest that the issuer bears or shares"),
    ],
)
def test_terms_that_make_no_sense_together_are_refused_when_the_quote_is_made(
    quote: Quote, term: str, values: list[Any], complaint: str
) -> None:
    for value in values:
        with pytest.raises(InputError, match=complaint):
            replace(quote, **{term: value})


@pytest.mark.parametrize(("basis_points", "minimum"), [(-1, 0), (10_001, 0), (0, -1)])
def test_a_negative_or_boundless_fee_is_refused(basis_points: int, minimum: int) -> None:
    with pytest.raises(InputError, match="a minimum that is not negative"):
        Fee(basis_points, Fen(minimum))


@pytest.mark.parametrize("face", [0, -1])
def test_a_face_that_is_not_above_0_is_not_priced(face: int) -> None:
    with pytest.raises(InputError, match="only an amount above 0"):
        price(Fen(face), QUOTE)


def test_a_fee_that_leaves_nothing_to_pay_out_is_refused() -> None:
    quote = replace(QUOTE, fee=Fee(minimum=parse_yuan("100.00")))
    with pytest.raises(
        InputError, match=r"face 100\.00 yuan less interest 1\.35 and fee 100\.00: nothing is left"
    ):
        price(parse_yuan("100.00"), quote)


def test_interest_as_large_as_the_face_is_refused_even_if_the_issuer_bears_it() -> None:
    quote = replace(BY_ISSUER, rate=parse_rate("100"), due_day=Day(QUOTE.value_day + 360))
    with pytest.raises(InputError, match="nothing is left"):
        price(FACE, replace(quote, issuer_ceiling=FACE))


@pytest.mark.parametrize("faces", [[], [100, 0], [100, -1]])
def test_a_lot_without_vouchers_or_with_an_empty_one_is_refused(faces: list[int]) -> None:
    with pytest.raises(InputError, match="a lot has at least one voucher, each above 0"):
        price_lot([Fen(face) for face in faces], QUOTE)


def test_a_part_too_small_to_bear_its_interest_and_fee_is_refused() -> None:
    quote = replace(QUOTE, rate=parse_rate("100"), due_day=Day(QUOTE.value_day + 216), fee=Fee(3_900))
    with pytest.raises(InputError, match=r"part 2 of 0\.01 yuan: interest and fee leave nothing"):
        price_lot([Fen(100), Fen(1)], quote)


@pytest.mark.parametrize("shares", [[], [5_000, 4_999], [5_000, 5_001], [10_000, 0], [10_001, -1]])
def test_shares_of_funders_that_do_not_make_the_whole_are_refused(shares: list[int]) -> None:
    with pytest.raises(InputError, match="together they must make 10000"):
        share_over_funders(price(FACE, QUOTE), shares)


@pytest.mark.parametrize("share", ["33.333", "33,33", "", "101"])
def test_a_share_that_is_no_percent_with_two_decimals_is_refused(share: str) -> None:
    with pytest.raises(InputError):
        parse_share(share)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_salt_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InputError, match=f"a salt has 32 bytes, this one has {length}"):
        quote_hash(QUOTE, bytes(length))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", "[" * 100_000, to_json(QUOTE) + " ", to_json(QUOTE).replace(":", ": ")],
)
def test_text_that_is_not_the_canonical_json_of_a_quote_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read|not in canonical form"):
        from_json(text)


BAD_CELLS: dict[str, list[object]] = {
    "funder": ["7", 7.0, True, None],
    "recourse": [0, "no"],
    "basis": ["ACT/364", []],
    "bearer": ["bank", "supplier"],
    "rate_percent": ["3.60", 3.6, "-1"],
    "value_day": ["2026-02-30", "2026-08-28", 20_558],
    "fee_minimum_fen": [1e400, -1],
    "issuer_ceiling_fen": [None, 0.5],
    "schema": ["tallystick quote 2"],
    "an_extra_cell": [1],
}


def canonical(cells: dict[str, object]) -> str:
    return json.dumps(cells, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("cell", "value"), [(cell, value) for cell in BAD_CELLS for value in BAD_CELLS[cell]]
)
def test_a_quote_with_one_bad_cell_is_refused(cell: str, value: object) -> None:
    with pytest.raises(InputError):
        from_json(canonical(json.loads(to_json(SHARED)) | {cell: value}))


@pytest.mark.parametrize("cell", sorted(json.loads(to_json(SHARED))))
def test_a_quote_with_a_cell_missing_or_given_twice_is_refused(cell: str) -> None:
    cells = json.loads(to_json(SHARED))
    twice = to_json(SHARED)[:-1] + f',"{cell}":{json.dumps(cells.pop(cell))}}}'
    for text in (twice, canonical(cells)):
        with pytest.raises(InputError):
            from_json(text)


# Prices


@pytest.mark.parametrize(
    ("basis", "days", "interest"),
    [
        (DayCount.ACT_360, 135, "13,500.00"),
        (DayCount.ACT_365, 135, "13,315.07"),
        (DayCount.THIRTY_360, 133, "13,300.00"),
    ],
)
def test_the_example_costs_what_each_basis_says(basis: DayCount, days: int, interest: str) -> None:
    priced = price(FACE, replace(QUOTE, basis=basis))
    assert (priced.days, yuan(priced.interest)) == (days, interest)
    assert priced.proceeds == FACE - priced.interest
    assert (priced.supplier_interest, priced.issuer_interest) == (priced.interest, Fen(0))


def test_the_example_pays_986500_and_yields_3_6493_percent() -> None:
    priced = price(FACE, QUOTE)
    assert yuan(priced.proceeds) == "986,500.00"
    assert str(priced.true_yield) == "3.6493"


def test_half_a_fen_of_interest_is_the_funders() -> None:
    quote = replace(QUOTE, rate=parse_rate("3.60"), due_day=Day(QUOTE.value_day + 1))
    assert price(parse_yuan("50.00"), quote).interest == 1  # exactly 0.5 fen
    assert price(parse_yuan("49.99"), quote).interest == 0


def test_a_fee_is_its_basis_points_but_at_least_the_minimum_and_the_supplier_bears_it() -> None:
    quote = replace(BY_ISSUER, fee=Fee(basis_points=5, minimum=parse_yuan("200.00")))
    assert yuan(price(FACE, quote).fee) == "500.00"
    assert yuan(price(parse_yuan("100,000.00"), quote).fee) == "200.00"
    assert yuan(price(FACE, quote).proceeds) == "999,500.00"
    assert Fee(basis_points=5).of(Fen(1_000)) == 1  # exactly half a fen


def test_interest_shared_60_to_40_is_8100_and_5400() -> None:
    priced = price(FACE, SHARED)
    assert yuan(priced.supplier_interest) == "8,100.00"
    assert yuan(priced.issuer_interest) == "5,400.00"
    assert yuan(priced.proceeds) == "991,900.00"
    other_way = price(FACE, replace(SHARED, issuer_share=6_000))
    assert yuan(other_way.issuer_interest) == "8,100.00"


def test_the_odd_fen_of_shared_interest_is_the_issuers() -> None:
    quote = replace(SHARED, issuer_share=5_000, due_day=Day(QUOTE.value_day + 1))
    priced = price(parse_yuan("100.00"), quote)
    assert (priced.interest, priced.supplier_interest, priced.issuer_interest) == (1, 0, 1)


@pytest.mark.parametrize(
    ("quote", "ceiling", "supplier", "issuer"),
    [
        (BY_ISSUER, "13,500.00", "0.00", "13,500.00"),
        (BY_ISSUER, "13,499.99", "0.01", "13,499.99"),
        (BY_ISSUER, "0.00", "13,500.00", "0.00"),
        (SHARED, "5,400.00", "8,100.00", "5,400.00"),
        (SHARED, "5,000.00", "8,500.00", "5,000.00"),
    ],
)
def test_interest_above_the_issuers_ceiling_is_the_suppliers(
    quote: Quote, ceiling: str, supplier: str, issuer: str
) -> None:
    priced = price(FACE, replace(quote, issuer_ceiling=parse_yuan(ceiling)))
    assert written([priced.supplier_interest, priced.issuer_interest]) == [supplier, issuer]
    assert priced.proceeds == FACE - priced.supplier_interest


def test_no_days_and_no_rate_cost_nothing() -> None:
    quote = replace(
        QUOTE,
        basis=DayCount.THIRTY_360,
        value_day=day_of_date(date(2026, 7, 30)),
        due_day=day_of_date(date(2026, 7, 31)),
    )
    for priced in (price(FACE, quote), price(FACE, replace(QUOTE, rate=parse_rate("0")))):
        assert priced.proceeds == FACE
        assert not any((priced.interest, priced.fee, priced.true_yield))


# Lots


def test_seven_parts_priced_as_one_lot_bear_exactly_what_the_whole_bears() -> None:
    quote = replace(QUOTE, rate=parse_rate("3.55"))
    lot = price_lot(SEVEN_PARTS, quote)
    assert yuan(lot.whole.interest) == "13,312.50"
    assert written([part.interest for part in lot.parts]) == ["1,901.79"] * 3 + ["1,901.78"] * 3 + [
        "1,901.79"
    ]
    alone = sum(price(face, quote).interest for face in SEVEN_PARTS)
    assert yuan(Fen(alone)) == "13,312.53"  # which is why a lot is priced as one


def test_a_lot_pays_the_minimum_fee_once() -> None:
    lot = price_lot(SEVEN_PARTS, replace(QUOTE, fee=Fee(minimum=parse_yuan("200.00"))))
    assert yuan(Fen(sum(part.fee for part in lot.parts))) == "200.00"


def test_no_part_has_more_of_the_issuers_interest_than_interest_though_largest_remainder_can_jump() -> None:
    quote = replace(BY_ISSUER, due_day=Day(QUOTE.value_day + 103), issuer_ceiling=Fen(24))
    lot = price_lot([Fen(624), Fen(928), Fen(232), Fen(631)], quote)
    # 24 fen divided by these faces would give the third part 3, one more than its interest.
    assert [part.interest for part in lot.parts] == [6, 10, 2, 7]
    assert_parts_make_the_whole(lot.whole, lot.parts)


def test_a_lot_shared_over_three_banks_is_4438_39_and_4437_06_and_4437_05() -> None:
    whole = price(FACE, replace(QUOTE, rate=parse_rate("3.55")))
    parts = share_over_funders(whole, [parse_share(share) for share in ("33.34", "33.33", "33.33")])
    assert written([part.interest for part in parts]) == ["4,438.39", "4,437.06", "4,437.05"]
    assert written([part.face for part in parts]) == ["333,400.00", "333,300.00", "333,300.00"]


def assert_parts_make_the_whole(whole: Part, parts: tuple[Part, ...]) -> None:
    for field in ("face", "interest", "fee", "supplier_interest", "issuer_interest", "proceeds"):
        assert sum(getattr(part, field) for part in parts) == getattr(whole, field), field
    for part in parts:
        assert part.interest == part.supplier_interest + part.issuer_interest
        assert part.proceeds == part.face - part.supplier_interest - part.fee
        assert min(part.supplier_interest, part.issuer_interest, part.fee) >= 0


# Realistic bounds: a voucher of at least 1.00 yuan, at most 36 % a year and 366 days.
FACES = st.integers(min_value=100, max_value=10**13).map(Fen)
RATES = st.integers(min_value=0, max_value=360_000).map(lambda units: Percent(Decimal(units).scaleb(-4)))
DAYS = st.integers(min_value=1, max_value=366)


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    bearer = draw(st.sampled_from(Bearer))
    value_day = Day(draw(st.integers(min_value=20_000, max_value=22_000)))
    return Quote(
        recourse=draw(st.booleans()),
        funder=draw(st.integers(min_value=1, max_value=2**32 - 1)),
        rate=draw(RATES),
        basis=draw(st.sampled_from(DayCount)),
        value_day=value_day,
        due_day=Day(value_day + draw(DAYS)),
        fee=Fee(
            draw(st.integers(min_value=0, max_value=300)), Fen(draw(st.integers(min_value=0, max_value=10)))
        ),
        bearer=bearer,
        issuer_share=draw(st.integers(1, 9_999)) if bearer is Bearer.SHARED else 0,
        issuer_ceiling=None if bearer is Bearer.SUPPLIER else draw(FACES),
    )


@given(FACES, quotes())
def test_interest_is_at_most_half_a_fen_from_the_exact_figure(face: Fen, quote: Quote) -> None:
    priced = price(face, quote)
    exact = Fraction(face) * Fraction(quote.rate) * priced.days / (100 * quote.basis.year_days)
    assert Fraction(-1, 2) < priced.interest - exact <= Fraction(1, 2)
    assert_parts_make_the_whole(priced, (priced,))


@given(st.lists(FACES, min_size=1, max_size=12), quotes())
def test_a_lot_adds_up_and_each_part_is_within_a_fen_of_its_share(faces: list[Fen], quote: Quote) -> None:
    lot = price_lot(faces, quote)
    assert_parts_make_the_whole(lot.whole, lot.parts)
    for face, part in zip(faces, lot.parts, strict=True):
        assert part.face == face
        assert abs(part.interest - Fraction(lot.whole.interest * face, lot.whole.face)) < 1
        assert abs(part.fee - Fraction(lot.whole.fee * face, lot.whole.face)) < 1


@given(FACES.filter(lambda face: face >= 1_000_000), quotes(), st.integers(min_value=100, max_value=9_900))
def test_two_funders_together_have_the_whole(face: Fen, quote: Quote, share: int) -> None:
    whole = price(face, quote)
    assert_parts_make_the_whole(whole, share_over_funders(whole, [share, 10_000 - share]))


@given(FACES, quotes(), DAYS)
def test_more_days_never_cost_less(face: Fen, quote: Quote, more: int) -> None:
    longer = replace(quote, due_day=Day(quote.due_day + more))
    assert price(face, longer).interest >= price(face, quote).interest


@given(FACES, quotes(), RATES)
def test_a_higher_rate_never_costs_less(face: Fen, quote: Quote, rate: Percent) -> None:
    low, high = sorted([quote.rate, rate])
    assert price(face, replace(quote, rate=low)).interest <= price(face, replace(quote, rate=high)).interest


# JSON and hash


@given(quotes())
def test_a_quote_comes_back_from_json_as_it_was(quote: Quote) -> None:
    assert from_json(to_json(quote)) == quote


def test_the_hash_is_keccak_over_the_canonical_text_and_the_salt() -> None:
    assert to_json(SHARED) == (
        '{"basis":"ACT/360","bearer":"shared","due_day":"2026-08-28","fee_basis_points":0,"fee_minimum_fen":0,'
        '"funder":7,"issuer_ceiling_fen":2000000,"issuer_share_basis_points":4000,"rate_percent":"3.6000",'
        '"recourse":false,"schema":"tallystick quote 1","value_day":"2026-04-15"}'
    )
    assert (
        quote_hash(SHARED, SALT).hex() == "3e2551288d4a468749a37a2caaa4c6930b99e2cd3ce0d3055e5319e89ac64d2f"
    )


def test_a_rate_written_otherwise_has_the_same_hash() -> None:
    assert quote_hash(replace(QUOTE, rate=Percent(Decimal("3.6"))), SALT) == quote_hash(QUOTE, SALT)


def test_every_term_of_a_quote_and_the_salt_change_the_hash() -> None:
    terms: list[dict[str, Any]] = [{}, {"recourse": True}, {"funder": 8}, {"rate": parse_rate("3.6001")}]
    terms += [{"basis": DayCount.ACT_365}, {"value_day": Day(20_000)}, {"due_day": Day(21_000)}]
    terms += [{"fee": Fee(1)}, {"fee": Fee(0, Fen(1))}, {"issuer_share": 4_001}, {"issuer_ceiling": Fen(1)}]
    variants = [replace(SHARED, **term) for term in terms] + [QUOTE, BY_ISSUER]
    assert len({quote_hash(variant, SALT) for variant in variants}) == len(variants)
    assert quote_hash(QUOTE, bytes(32)) != quote_hash(QUOTE, SALT)
