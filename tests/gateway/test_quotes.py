"""Quotes: sealed until the holder's deadline, then laid side by side; and who learns nothing of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.forms import utc
from ledger.calendar import date_of_day, day_of_date, is_working_day, next_working_day, start_of_day
from ledger.quote_tables import QuoteRow
from tests.engines import travel_to
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.gateway.test_access import doors_of
from tests.gateway.trading import HOUR, Asked, asked, held, question
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, REGISTRAR, A, B, C

EVERYBODY = (REGISTRAR, BANK, OTHER_BANK, FACTOR, ISSUER, A, B, C)


@pytest.fixture(scope="module")
def voucher(shared_house: House) -> str:
    return shared_house.held("1000.00", reference="PO quotes")


def everything(house: House, ids: dict[str, str], *, but: tuple[int, ...]) -> list[str]:
    """Every answer that a signatory of every other organisation gets over every GET route. Who reads it all."""
    found = []
    paths = [door.path.removeprefix("/api/v1") for door in doors_of(house) if door.method == "GET"]
    for party in EVERYBODY:
        desk = house.desk(party)
        for path in () if party in but else paths:
            answer = desk.get(path.format_map(ids))
            told = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
            found.append(f"{party} {path} {answer.status_code} {told} {answer.text}")
    return found


class Ids(dict[str, str]):
    """What stands in a path: of what is not said, an id of nothing."""

    def __missing__(self, name: str) -> str:
        return "9" if name == "organisation" else "1" * 32


# ---- who may not -------------------------------------------------------------------------------------------


def test_cash_is_wanted_on_the_first_working_day_from_the_deadline_on(house: House) -> None:
    voucher, today = house.held(), date_of_day(house.office.today)
    holiday = next(
        day for day in (today + timedelta(days=n) for n in range(1, 60)) if not is_working_day(day)
    )
    deadline = utc(start_of_day(day_of_date(holiday)) + HOUR)
    done = house.desk(A).post("/supplier/quote-requests", question(house, voucher) | {"deadline": deadline})
    assert done.json()["value_day"] == next_working_day(holiday).isoformat()


def test_only_the_holder_asks_and_only_for_what_can_be_sold(shared_house: House, voucher: str) -> None:
    house = shared_house
    for party in (B, ISSUER, BANK, FACTOR):
        done = house.desk(party).post("/supplier/quote-requests", question(house, voucher))
        assert problem(done) == (404, "NotFound")
    desk, now = house.desk(A), house.office.chain.now()
    for changed, name in (
        ({"funders": [B]}, "MissingRole"),
        ({"funders": [999]}, "UnknownParty"),
        ({"funders": [A]}, "SameParty"),
        ({"funders": []}, "InputError"),
        ({"amount": "1000.01"}, "PartsExceedFace"),
        ({"amount": "950.00"}, "PartTooSmall"),
        ({"amount": "99.00"}, "PartTooSmall"),
        ({"amount": "0.00"}, "PartTooSmall"),
        ({"deadline": utc(now - 1)}, "InputError"),
        ({"deadline": utc(now + 91 * 24 * HOUR)}, "InputError"),
        ({"deadline": "2026-02-30T00:00:00Z"}, "InputError"),
        ({"deadline": "tomorrow"}, "InputError"),
        ({"value_day": house.day(-1)}, "InputError"),
        ({"value_day": house.day(119)}, "PayByTooLate"),
    ):
        done = desk.post("/supplier/quote-requests", question(house, voucher, **changed) | changed)
        assert problem(done)[1] == name, (changed, done.text)
    holiday = date_of_day(house.office.today) + timedelta(days=1)
    while is_working_day(holiday):
        holiday += timedelta(days=1)
    asked = question(house, voucher, value_day=holiday.isoformat())
    said = desk.post("/supplier/quote-requests", asked).json()["detail"]
    assert said.endswith(f"the first working day after it is {next_working_day(holiday)}")
    for role in ("reviewer", "auditor", "partner"):
        refused = house.desk(A, role).post("/supplier/quote-requests", question(house, voucher))
        assert problem(refused) == (403, "NotAllowed")


def test_who_was_not_asked_finds_no_request_and_quotes_nothing(shared_house: House, voucher: str) -> None:
    house = shared_house
    request = asked(house, voucher, FACTOR)
    quote = request.quoted(FACTOR)
    for party in (OTHER_BANK, BANK, B, ISSUER, A):
        desk = house.desk(party)
        path = f"/bank/quote-requests/{request.id}"
        assert problem(desk.get(path)) == (404, "NotFound")
        given = desk.post(f"{path}/quote", {"recourse": False, "rate": "1.00"})
        assert problem(given) == (404, "NotFound")
        for end in ("", "/typed-data"):
            assert problem(desk.get(f"/bank/quotes/{quote['id']}{end}")) == (404, "NotFound")
        assert problem(desk.post(f"/bank/quotes/{quote['id']}/withdraw")) == (404, "NotFound")
        signed = desk.post(f"/bank/quotes/{quote['id']}/signatures", {"custodial": True})
        assert problem(signed) == (404, "NotFound")


def test_an_operator_prepares_a_quote_and_a_signatory_signs_it(shared_house: House, voucher: str) -> None:
    house = shared_house
    request = asked(house, voucher, FACTOR)
    path, body = f"/bank/quote-requests/{request.id}/quote", {"recourse": True, "rate": "4.00"}
    operator = house.desk(FACTOR, "operator")
    assert problem(operator.post(path, {**body, "sign": True})) == (403, "NotAllowed")
    assert problem(house.desk(FACTOR, "auditor").post(path, body)) == (403, "NotAllowed")
    made = operator.post(path, body).json()
    assert (made["firm"], made["version"]) == (False, 1)
    assert problem(operator.post(f"/bank/quotes/{made['id']}/signatures", {"custodial": True})) == (
        403,
        "NotAllowed",
    )
    signed = house.desk(FACTOR).post(
        f"/bank/quotes/{made['id']}/signatures", {"custodial": True}, **{"If-Match": '"1"'}
    )
    assert (signed.json()["firm"], signed.headers["etag"]) == (True, '"2"')
    unseen = house.desk(FACTOR).post(path, body, **{"If-Match": '"1"'})
    assert problem(unseen) == (412, "VersionDiffers")


@pytest.mark.parametrize(
    "changed",
    [
        {"rate": "100.01"},
        {"rate": "1e2"},
        {"rate": "NaN"},
        {"rate": 3},
        {"rate": "100.00", "fee_minimum": "900.00"},
        {"basis": "ACT/ACT"},
        {"recourse": "no"},
        {"recourse": None},
        {"fee_basis_points": 10_001},
        {"bearer": "issuer"},
        {"bearer": "shared", "issuer_share": "100.00", "issuer_ceiling": "1.00"},
        {"issuer_ceiling": "1.00"},
        {"funder": 3},
    ],
)
def test_a_price_that_cannot_be_is_not_taken(
    shared_house: House, one_request: Asked, changed: dict[str, Any]
) -> None:
    body = {"recourse": False, "rate": "3.60", **changed}
    done = shared_house.desk(FACTOR).post(f"/bank/quote-requests/{one_request.id}/quote", body)
    assert problem(done) == (422, "InputError")


def test_days_on_which_nothing_could_be_paid_are_not_taken(shared_house: House, one_request: Asked) -> None:
    house = shared_house
    for changed in (
        {"pay_by": house.day(-1)},
        {"valid_until": house.day(-1)},
        {"pay_by": house.day(1), "valid_until": house.day(2)},
    ):
        body = {"recourse": False, "rate": "3.60", **changed}
        done = house.desk(FACTOR).post(f"/bank/quote-requests/{one_request.id}/quote", body)
        assert problem(done) == (422, "InputError"), changed


@pytest.fixture(scope="module")
def one_request(shared_house: House, voucher: str) -> Asked:
    return asked(shared_house, voucher, value_day=shared_house.day(1))


# ---- sealed ------------------------------------------------------------------------------------------------


def test_a_quote_and_its_price_change_no_answer_to_anybody_else(house: House) -> None:
    voucher = held(house)
    request = asked(house, voucher)
    ids = Ids(request_id=request.id, voucher=voucher, line="2-1")
    for party in EVERYBODY:
        house.desk(party)  # who signs in is in the audit trail
    before = everything(house, ids, but=(FACTOR,))
    quote = request.quoted(FACTOR, "3.60")
    ids["quote_id"] = quote["id"]
    assert everything(house, ids, but=(FACTOR,)) == before
    request.quoted(FACTOR, "2.1234", fee_minimum="1.00", recourse=True)
    assert everything(house, ids, but=(FACTOR,)) == before
    other = request.quoted(OTHER_BANK, "2.00")
    told = house.desk(A).post(f"/supplier/quotes/{quote['id']}/ask-issuer")
    assert problem(told) == (404, "NotFound")
    absent = request.accepted("1" * 32)
    assert request.accepted(quote["id"]).text == absent.text
    request.open()
    assert problem(absent) == (404, "NotFound")
    assert request.accepted(quote["id"]).status_code == 202
    house.land()
    ids["quote_id"] = other["id"]
    others, seen = everything(house, ids, but=(FACTOR, A)), request.seen()
    with house.gateway.store.writing() as session:
        present = session.scalars(select(QuoteRow.quote).where(QuoteRow.funder == FACTOR)).one()
        dearer = present.replace('"2.1234"', '"9.0000"')
        session.execute(update(QuoteRow).where(QuoteRow.funder == FACTOR).values(quote=dearer))
    assert request.seen() != seen
    assert everything(house, ids, but=(FACTOR, A)) == others


def test_a_funder_replaces_and_withdraws_until_the_deadline_and_not_after(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house))
    first = request.quoted(FACTOR, "5.00")
    second = request.quoted(FACTOR, "4.00", fee_basis_points=10)
    assert (second["id"], second["version"]) == (first["id"], 2)
    withdrawn = house.desk(FACTOR).post(f"/bank/quotes/{first['id']}/withdraw").json()
    assert (withdrawn["status"], withdrawn["firm"]) == ("withdrawn", False)
    request.quoted(FACTOR, "3.00")
    lost = request.quoted(OTHER_BANK, "1.00")
    house.desk(OTHER_BANK).post(f"/bank/quotes/{lost['id']}/withdraw")
    travel_to(house.office.chain, request.deadline - 2)  # the last block of a second before it
    assert request.seen()["quotes"] is None
    request.open()
    (quote,) = request.seen()["quotes"]
    assert quote["rate"] == "3.00"
    path = f"/bank/quote-requests/{request.id}/quote"
    late = house.desk(FACTOR).post(path, {"recourse": False, "rate": "2.00", "sign": True})
    assert problem(late) == (409, "RequestClosed")
    bound = house.desk(FACTOR).post(f"/bank/quotes/{quote['id']}/withdraw")
    assert problem(bound) == (409, "RequestClosed")
    assert problem(request.accepted(lost["id"])) == (404, "NotFound")


# ---- opened ------------------------------------------------------------------------------------------------


def test_quotes_lie_beside_holding_to_the_due_day_recourse_first(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house, "1000000.00"))
    request.quoted(FACTOR, "4.80", basis="ACT/365", fee_basis_points=5, recourse=True)
    request.quoted(OTHER_BANK, "3.60", fee_minimum="50.00")
    request.open()
    seen = request.seen()
    assert seen["hold_to_due_day"] == {"cash": "1000000.00", "day": house.day(120), "days": 120}
    bank, factor = seen["quotes"]
    assert [*bank][:3] == ["recourse", "cash", "annual_cost"]
    # 1,000,000.00 x 3.60 % x 120 / 360 = 12,000.00 and the fee 50.00; 12,050.00 / 987,950.00 x 365 / 120
    assert (bank["recourse"], bank["cash"], bank["annual_cost"]) == ("no", "987950.00", "3.7099")
    assert (bank["interest"], bank["fee"], bank["days"]) == ("12000.00", "50.00", 120)
    # 1,000,000.00 x 4.80 % x 120 / 365 = 15,780.82 (half a fen up); fee 500.00
    assert (factor["recourse"], factor["cash"]) == ("yes", "983719.18")
    assert factor["funder"] == {"party": FACTOR, "name": "恒信保理"}


@pytest.mark.parametrize(
    ("amount", "rate", "interest", "cash"),
    [
        ("333.33", "3.60", "4.00", "329.33"),  # 3.99996
        ("100.00", "0.00", "0.00", "100.00"),
        ("123.45", "7.2345", "2.98", "120.47"),  # 2.97699…
        ("100.01", "0.0150", "0.01", "100.00"),  # half a fen goes to the funder: 0.00500…
    ],
)
def test_a_part_is_priced_by_itself_to_the_fen(
    shared_house: House, voucher: str, amount: str, rate: str, interest: str, cash: str
) -> None:
    quote = asked(shared_house, voucher, amount=amount).quoted(FACTOR, rate)
    assert (quote["face"], quote["interest"], quote["cash"]) == (amount, interest, cash)
    assert quote["voucher"] != voucher


def test_a_request_that_is_cancelled_sells_nothing(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house))
    quote = request.quoted(FACTOR)
    done = house.desk(A).post(f"/supplier/quote-requests/{request.id}/cancel")
    assert done.json()["status"] == "cancelled"
    given = house.desk(FACTOR).post(
        f"/bank/quote-requests/{request.id}/quote", {"recourse": False, "rate": "1.00"}
    )
    assert problem(given) == (409, "RequestClosed")
    request.open()
    assert problem(request.accepted(quote["id"])) == (409, "RequestClosed")


def test_lists_go_page_by_page_and_number_nothing_that_is_others(shared_house: House, voucher: str) -> None:
    house = shared_house
    for _ in range(3):
        request = asked(house, voucher)
        request.quoted(FACTOR)
        request.quoted(OTHER_BANK)
    for desk, path in (
        (house.desk(A), "/supplier/quote-requests"),
        (house.desk(FACTOR), "/bank/quote-requests"),
        (house.desk(FACTOR), "/bank/quotes"),
    ):
        whole = [each["id"] for each in desk.get(path, limit=200).json()["items"]]
        found, cursor = [], None
        while True:
            page = desk.get(path, limit=2, **({} if cursor is None else {"cursor": cursor})).json()
            found += [each["id"] for each in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert found == whole
        assert len(found) >= 3
