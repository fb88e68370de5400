"""An issuer pays less than falls due: who gets what, to the fen."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.agreements import PartyNumber, VoucherId
from ledger.calendar import Day
from ledger.errors import InputError
from ledger.money import Fen, parse_yuan, yuan
from ledger.shortfall import Claim, Settlement, share_shortfall

DUE = Day(20_700)


def claim(voucher: int, face: int, *, holder: int = 20, pledgee: int = 0, secured: int = 0) -> Claim:
    return Claim(
        voucher=VoucherId(voucher),
        due_day=DUE,
        holder=PartyNumber(holder),
        face=Fen(face),
        pledgee=PartyNumber(pledgee),
        secured=Fen(secured),
    )


THREE = [claim(1, 50_000_000), claim(2, 30_000_000, holder=21), claim(3, 20_000_000, holder=22)]


# Refusals


def test_more_than_is_owed_and_less_than_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"1,000,000\.01 yuan cannot be shared on 1,000,000\.00"):
        share_shortfall(Fen(100_000_001), THREE)
    with pytest.raises(InputError, match=r"-0\.01 yuan cannot be shared"):
        share_shortfall(Fen(-1), THREE)


def test_a_day_without_vouchers_and_vouchers_of_two_days_are_refused() -> None:
    with pytest.raises(InputError, match="no voucher falls due"):
        share_shortfall(Fen(1), [])
    with pytest.raises(
        InputError, match="fall due on 2026-09-04, 2026-09-05: share what was paid for one due day"
    ):
        share_shortfall(Fen(1), [*THREE, replace(claim(4, 1), due_day=Day(DUE + 1))])


def test_a_voucher_named_twice_is_refused() -> None:
    with pytest.raises(InputError, match=r"0x0+2 is named twice"):
        share_shortfall(Fen(1), [*THREE, THREE[1]])


@pytest.mark.parametrize(
    ("face", "pledgee", "secured", "says"),
    [
        (0, 0, 0, "nothing can be shared"),
        (100, 5, 0, "name a pledgee and a sum"),
        (100, 0, 5, "name a pledgee and a sum"),
        (100, 5, 101, "is secured for 1.01 of 1.00 yuan"),
        (100, 20, 50, "cannot be holder and pledgee"),
    ],
)
def test_a_claim_that_no_voucher_can_have_is_refused(
    face: int, pledgee: int, secured: int, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        claim(1, face, pledgee=pledgee, secured=secured)


# What each gets


def test_a_shortfall_is_shared_in_the_proportion_of_what_is_owed() -> None:
    shared = share_shortfall(parse_yuan("600000.00"), THREE)
    assert [(each.voucher, each.payee, yuan(each.amount)) for each in shared] == [
        (1, 20, "300,000.00"),
        (2, 21, "180,000.00"),
        (3, 22, "120,000.00"),
    ]


def test_the_fen_left_over_go_to_the_largest_fractions_and_among_equal_ones_to_the_lower_voucher() -> None:
    equal = [claim(number, 100) for number in (9, 7, 8)]
    assert [each.amount for each in share_shortfall(Fen(200), equal)] == [67, 67, 66]
    assert [each.voucher for each in share_shortfall(Fen(200), equal)] == [7, 8, 9]
    assert [each.amount for each in share_shortfall(Fen(10), [claim(1, 100), claim(2, 199)])] == [3, 7]


def test_of_a_pledged_voucher_the_pledgee_gets_its_secured_sum_before_the_holder() -> None:
    pledged = [claim(1, 50_000_000, pledgee=3, secured=20_000_000), *THREE[1:]]
    shared = share_shortfall(parse_yuan("600000.00"), pledged)
    assert shared[:2] == (
        Settlement(VoucherId(1), PartyNumber(3), Fen(20_000_000)),
        Settlement(VoucherId(1), PartyNumber(20), Fen(10_000_000)),
    )
    assert [each.amount for each in shared[2:]] == [18_000_000, 12_000_000]
    less = share_shortfall(parse_yuan("300000.00"), pledged)
    assert [(each.payee, yuan(each.amount)) for each in less if each.voucher == 1] == [(3, "150,000.00")]


def test_nobody_is_asserted_a_payment_of_nothing() -> None:
    assert share_shortfall(Fen(0), THREE) == ()
    assert share_shortfall(Fen(1), THREE) == (Settlement(VoucherId(1), PartyNumber(20), Fen(1)),)


claims = st.lists(
    st.tuples(st.integers(1, 2**200), st.integers(1, 10**15), st.integers(0, 100)),
    min_size=1,
    max_size=20,
    unique_by=lambda row: row[0],
).map(
    lambda rows: [
        claim(voucher, face, pledgee=3 if face * part // 100 else 0, secured=face * part // 100)
        for voucher, face, part in rows
    ]
)


@given(claims, st.fractions(0, 1), st.randoms())
def test_the_sum_is_exact_nobody_gets_more_than_owed_and_the_order_makes_no_difference(
    given_claims: list[Claim], ratio: Fraction, random: object
) -> None:
    owed = sum(each.face for each in given_claims)
    paid = Fen(int(owed * ratio))
    shared = share_shortfall(paid, given_claims)
    assert sum(each.amount for each in shared) == paid
    got: defaultdict[tuple[int, int], int] = defaultdict(int)
    for each in shared:
        assert each.amount > 0
        got[each.voucher, each.payee] += each.amount
    for each_claim in given_claims:
        to_pledgee, to_holder = got[each_claim.voucher, 3], got[each_claim.voucher, 20]
        exact = Fraction(paid * each_claim.face, owed)
        assert to_pledgee + to_holder <= each_claim.face
        assert abs(to_pledgee + to_holder - exact) < 1
        assert to_pledgee <= each_claim.secured
        assert to_holder == 0 or to_pledgee == each_claim.secured
    mixed = list(given_claims)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert share_shortfall(paid, mixed) == shared
    if paid == owed:
        assert all(got[each.voucher, 3] + got[each.voucher, 20] == each.face for each in given_claims)
