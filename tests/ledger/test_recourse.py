"""An overdue voucher goes back three tiers, a discounted one is bought back: each sum and each party's net."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.agreements import PartyNumber
from ledger.calendar import Day, DayCount, day_of_date
from ledger.discount import Bearer, Part, Quote, price, price_lot
from ledger.errors import InputError
from ledger.late_interest import Receipt, parse_late_rate
from ledger.money import Fen, parse_rate, parse_yuan, yuan
from ledger.recourse import TakeBack, buy_back, recourse

FACE = parse_yuan("1,000,000.00")
DUE = day_of_date(date(2026, 8, 28))
FUNDER, THIRD, SECOND, FIRST = (PartyNumber(number) for number in (2, 22, 21, 20))
QUOTE = Quote(
    recourse=True,
    funder=FUNDER,
    rate=parse_rate("3.60"),
    basis=DayCount.ACT_360,
    value_day=day_of_date(date(2026, 4, 15)),
    due_day=DUE,
)


def after(days: int) -> Day:
    return Day(DUE + days)


def on(text: str) -> Day:
    return day_of_date(date.fromisoformat(text))


WAY = (TakeBack(THIRD, after(30)), TakeBack(SECOND, after(40)), TakeBack(FIRST, after(40)))


# Refusals


def test_a_voucher_that_is_not_late_does_not_go_back_as_overdue() -> None:
    for day in (0, -1):
        with pytest.raises(InputError, match="is not after the due day 2026-08-28"):
            recourse(FACE, DUE, holder=FUNDER, back_to=[TakeBack(THIRD, after(day))])


def test_a_way_back_without_hops_out_of_order_or_in_a_circle_is_refused() -> None:
    with pytest.raises(InputError, match="at least one party"):
        recourse(FACE, DUE, holder=FUNDER, back_to=[])
    with pytest.raises(
        InputError, match="party 21 cannot take the voucher back on 2026-09-26, before party 22"
    ):
        recourse(FACE, DUE, holder=FUNDER, back_to=[WAY[0], TakeBack(SECOND, after(29))])
    for circle in ([TakeBack(FUNDER, after(30))], [WAY[0], WAY[1], TakeBack(THIRD, after(50))]):
        with pytest.raises(InputError, match="is in the way back twice"):
            recourse(FACE, DUE, holder=FUNDER, back_to=circle)


def test_a_funder_that_bought_without_recourse_has_no_way_back() -> None:
    with pytest.raises(InputError, match="bought without recourse"):
        recourse(FACE, DUE, holder=FUNDER, back_to=WAY, quote=replace(QUOTE, recourse=False))
    with pytest.raises(InputError, match="the quote is of funder 7, the holder is party 2"):
        recourse(FACE, DUE, holder=FUNDER, back_to=WAY, quote=replace(QUOTE, funder=7))


def test_a_voucher_that_is_paid_does_not_go_back() -> None:
    with pytest.raises(InputError, match="was paid by 2026-09-27: nothing is left"):
        recourse(FACE, DUE, holder=FUNDER, back_to=WAY, receipts=[Receipt(after(30), FACE)])


@pytest.mark.parametrize("day", ["2026-04-14", "2026-08-28", "2026-08-29"])
def test_a_buy_back_outside_the_days_of_the_discount_is_refused(day: str) -> None:
    with pytest.raises(InputError, match="is not between the value day 2026-04-15"):
        buy_back(price(FACE, QUOTE), QUOTE, on(day))


# Recourse


def test_over_three_tiers_each_pays_face_and_late_interest_and_the_nets_add_up_to_nothing() -> None:
    back = recourse(FACE, DUE, holder=FUNDER, back_to=WAY, quote=QUOTE)
    assert [(hop.payer, hop.payee, yuan(hop.interest), yuan(hop.amount)) for hop in back.hops] == [
        (THIRD, FUNDER, "15,000.00", "1,015,000.00"),
        (SECOND, THIRD, "20,000.00", "1,020,000.00"),
        (FIRST, SECOND, "20,000.00", "1,020,000.00"),
    ]
    assert [(net.party, yuan(net.net)) for net in back.nets] == [
        (FUNDER, "1,015,000.00"),
        (THIRD, "5,000.00"),  # ten days of interest for ten days without its money
        (SECOND, "0.00"),
        (FIRST, "-1,020,000.00"),
    ]
    assert sum(net.net for net in back.nets) == 0
    assert back.left == FACE


def test_what_the_issuer_pays_meanwhile_belongs_to_who_holds_the_voucher_that_day() -> None:
    receipts = [
        Receipt(after(0), parse_yuan("300000.00")),
        Receipt(after(35), parse_yuan("200000.00")),
        Receipt(after(41), parse_yuan("100000.00")),
    ]
    back = recourse(FACE, DUE, holder=FUNDER, back_to=WAY, receipts=receipts)
    assert [(yuan(hop.face), yuan(hop.interest)) for hop in back.hops] == [
        ("700,000.00", "10,500.00"),
        ("500,000.00", "13,500.00"),  # 35 days on 700,000 + 5 on 500,000
        ("500,000.00", "13,500.00"),
    ]
    assert [(yuan(net.from_issuer), yuan(net.net)) for net in back.nets] == [
        ("300,000.00", "1,010,500.00"),
        ("200,000.00", "3,000.00"),
        ("0.00", "0.00"),
        ("0.00", "-513,500.00"),
    ]
    assert yuan(back.left) == "500,000.00"


def test_a_payment_on_the_day_of_a_hop_is_of_who_gives_the_voucher_back() -> None:
    receipt = Receipt(after(30), parse_yuan("400000.00"))
    back = recourse(FACE, DUE, holder=FUNDER, back_to=WAY[:1], receipts=[receipt])
    assert [yuan(net.from_issuer) for net in back.nets] == ["400,000.00", "0.00"]
    assert yuan(back.hops[0].amount) == "615,000.00"


def test_each_hop_has_the_late_interest_that_its_two_parties_agreed() -> None:
    way = [WAY[0], TakeBack(SECOND, after(30), parse_late_rate("5.40 ACT/360"))]
    back = recourse(FACE, DUE, holder=FUNDER, back_to=way)
    assert [yuan(hop.interest) for hop in back.hops] == ["15,000.00", "4,500.00"]
    assert [yuan(net.net) for net in back.nets] == ["1,015,000.00", "-10,500.00", "-1,004,500.00"]


@given(
    days=st.lists(st.integers(1, 400), min_size=1, max_size=5).map(sorted),
    paid=st.lists(st.tuples(st.integers(-30, 400), st.integers(1, 10**6)), max_size=5),
)
def test_however_it_goes_back_the_nets_add_up_to_what_the_issuer_paid(
    days: list[int], paid: list[tuple[int, int]]
) -> None:
    way = [TakeBack(PartyNumber(10 + place), after(day)) for place, day in enumerate(days)]
    receipts = [Receipt(after(day), Fen(amount)) for day, amount in paid]
    back = recourse(FACE, DUE, holder=FUNDER, back_to=way, receipts=receipts)
    received = sum(each.amount for each in receipts if each.value_day <= after(days[-1]))
    assert sum(net.net for net in back.nets) == received
    assert sum(net.from_issuer for net in back.nets) == received == FACE - back.left


# Buy-back before maturity


def test_a_buy_back_gives_back_the_interest_of_the_days_that_are_left() -> None:
    back = buy_back(price(FACE, QUOTE), QUOTE, on("2026-06-14"))  # 60 of 135 days
    assert (back.basis, back.days_held, back.days_left) == (DayCount.ACT_360, 60, 75)
    assert [yuan(each) for each in (back.earned, back.unearned, back.seller_pays)] == [
        "6,000.00",
        "7,500.00",
        "992,500.00",
    ]


def test_on_the_value_day_all_interest_goes_back_and_the_fee_stays() -> None:
    priced = price(FACE, QUOTE)
    back = buy_back(priced, QUOTE, QUOTE.value_day)
    assert back.earned == 0
    assert back.seller_pays == FACE - priced.interest == priced.proceeds + priced.fee


def test_a_buy_back_counts_days_as_its_quote_does() -> None:
    quote = replace(QUOTE, basis=DayCount.THIRTY_360)
    back = buy_back(price(FACE, quote), quote, on("2026-06-14"))
    assert (back.days_held, back.days_left) == (59, 74)
    assert [yuan(back.earned), yuan(back.unearned)] == ["5,900.00", "7,400.00"]


def test_unearned_interest_goes_back_to_who_bore_it() -> None:
    quote = replace(QUOTE, bearer=Bearer.SHARED, issuer_share=4_000, issuer_ceiling=parse_yuan("20,000.00"))
    back = buy_back(price(FACE, quote), quote, on("2026-06-14"))
    assert [yuan(each) for each in (back.to_supplier, back.to_issuer)] == ["4,500.00", "3,000.00"]
    assert yuan(back.seller_pays) == "995,500.00"


def test_half_a_fen_of_earned_interest_is_the_funder_s() -> None:
    quote = replace(QUOTE, due_day=Day(QUOTE.value_day + 2))
    part = Part(Fen(100_000), Fen(1), Fen(0), Fen(1), Fen(0), Fen(99_999))
    back = buy_back(part, quote, Day(QUOTE.value_day + 1))
    assert (back.earned, back.unearned) == (1, 0)


@given(
    faces=st.lists(st.integers(10**4, 10**9), min_size=1, max_size=6),
    held=st.integers(0, 134),
    basis=st.sampled_from(DayCount),
    share=st.sampled_from([0, 1, 4_000, 9_999, 10_000]),
)
def test_a_buy_back_leaves_the_funder_its_earned_interest_and_the_fee(
    faces: list[int], held: int, basis: DayCount, share: int
) -> None:
    bearer = {0: Bearer.SUPPLIER, 10_000: Bearer.ISSUER}.get(share, Bearer.SHARED)
    quote = replace(
        QUOTE,
        basis=basis,
        bearer=bearer,
        issuer_share=share if bearer is Bearer.SHARED else 0,
        issuer_ceiling=None if bearer is Bearer.SUPPLIER else Fen(10**12),
    )
    for part in price_lot([Fen(face) for face in faces], quote).parts:
        back = buy_back(part, quote, Day(QUOTE.value_day + held))
        assert back.earned + back.unearned == part.interest
        assert back.to_supplier + back.to_issuer == back.unearned
        assert 0 <= back.to_supplier <= part.supplier_interest
        assert 0 <= back.to_issuer <= part.issuer_interest
        received = back.seller_pays + part.issuer_interest
        assert received - back.to_issuer - part.proceeds == back.earned + part.fee
