"""Sales: a quote is accepted, whole or in part, and followed to its end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import service
from ledger.agreements import Suspend
from ledger.errors import InputError
from ledger.negotiation.silence import complete_silent
from tests.gateway.house import Desk, House
from tests.gateway.offering import problem, signed_outside
from tests.gateway.trading import asked, asserted, held, sale, sold
from tests.ledger.office import BANK, FACTOR, ISSUER, LATER, OTHER_BANK, REGISTRAR, A, B, C, some_hash

# ---- what is refused ---------------------------------------------------------------------------------------


def test_a_quote_that_has_expired_is_not_accepted(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house))
    quote = request.quoted(FACTOR, valid_until=house.day(0))
    house.office.pass_days(1)
    assert problem(request.accepted(quote["id"])) == (409, "QuoteClosed")
    assert request.seen()["quotes"][0]["status"] == "expired"


def test_a_funder_that_was_suspended_since_its_quote_buys_nothing(house: House) -> None:
    request = asked(house, held(house))
    quote = request.quoted(FACTOR)
    house.office.do(Suspend(FACTOR, 1, some_hash("why"), LATER), REGISTRAR)
    house.office.follow()
    request.open()
    assert problem(request.accepted(quote["id"])) == (409, "PartySuspended")
    assert house.desk(A).get("/sales").json()["items"] == []


def test_nobody_but_the_holder_accepts(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house))
    quote = request.quoted(FACTOR)
    request.open()
    for party in (B, C, ISSUER, BANK, FACTOR, OTHER_BANK):
        done = house.desk(party).post(f"/supplier/quotes/{quote['id']}/accept", {"sign": True})
        assert problem(done) == (404, "NotFound")
    operator = house.desk(A, "operator").post(f"/supplier/quotes/{quote['id']}/accept", {"sign": True})
    assert problem(operator) == (403, "NotAllowed")


def test_of_two_acceptances_on_one_request_the_first_counts(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house))
    one, other = request.quoted(FACTOR), request.quoted(OTHER_BANK)
    request.open()
    assert request.accepted(one["id"]).status_code == 202
    for again in (one, other):
        assert problem(request.accepted(again["id"])) == (409, "RequestClosed")
    assert problem(house.desk(A).post(f"/supplier/quote-requests/{request.id}/cancel")) == (
        409,
        "RequestClosed",
    )


def test_of_two_acceptances_at_once_one_is_refused(any_house: House) -> None:
    house = any_house
    request = asked(house, held(house))
    quotes = [request.quoted(funder)["id"] for funder in (FACTOR, OTHER_BANK)]
    request.open()
    desks = [house.desk(A), house.dying_desk(A)]
    ready = Barrier(2)

    def accept(desk: Desk, quote: str) -> Any:
        ready.wait()
        return desk.post(f"/supplier/quotes/{quote}/accept", {"sign": True})

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(accept, desks, quotes))
    assert sorted(each.status_code for each in done) == [202, 409]
    house.land()
    stages = [house.desk(A).get(f"/sales/{quote}").json().get("stage") for quote in quotes]
    assert sorted(stages, key=str) == [None, "on_chain"]


def test_a_voucher_that_has_moved_on_is_not_sold(shared_house: House) -> None:
    house = shared_house
    voucher = held(house)
    request = asked(house, voucher)
    quote = request.quoted(FACTOR)
    body = {"agreement": {"agreement": "Revoke", "voucher": voucher, "sequence": 1}, "sign": True}
    house.desk(A).offers("/offers", body)
    house.land()
    request.open()
    assert problem(request.accepted(quote["id"])) == (409, "WrongSequence")


def test_a_sale_that_the_chain_refuses_leaves_the_request_as_it_was(house: House) -> None:
    request = asked(house, held(house))
    one, other = request.quoted(FACTOR), request.quoted(OTHER_BANK)
    request.open()
    house.office.put(Suspend(FACTOR, 1, some_hash("why"), LATER), REGISTRAR)  # and lands before the sale
    assert request.accepted(one["id"]).status_code == 202
    house.land()
    assert sale(house, one["id"])["stage"] == "refused"
    assert request.accepted(other["id"]).status_code == 202
    house.land()
    assert sale(house, other["id"])["stage"] == "on_chain"


# ---- the whole life ----------------------------------------------------------------------------------------


def test_a_sale_is_followed_from_signature_to_cash(any_house: House) -> None:
    house = any_house
    voucher = held(house)
    request = asked(house, voucher)
    quote = request.quoted(FACTOR)
    request.open()
    accepted = request.accepted(quote["id"])
    assert (accepted.status_code, accepted.json()["stage"]) == (202, "signed")
    assert accepted.headers["location"] == f"/api/v1/sales/{quote['id']}"
    house.land()
    assert sale(house, quote["id"])["stage"] == "on_chain"
    asserted(house, voucher)
    assert sale(house, quote["id"], party=FACTOR)["stage"] == "cash_asserted"
    confirmed = house.desk(A).post(f"/vouchers/{voucher}/confirm-payment", {"sign": True})
    assert confirmed.status_code == 202, confirmed.text
    house.land()
    for party in (A, FACTOR):
        assert sale(house, quote["id"], party=party)["stage"] == "complete"
    assert house.desk(FACTOR).get(f"/vouchers/{voucher}").json()["holder"]["party"] == FACTOR
    passed = {"voucher": voucher, "recipient": B, "sign": True}
    house.desk(B).signs(house.desk(FACTOR).offers("/supplier/transfer-offers", passed)["id"])
    house.land()
    assert sale(house, quote["id"])["stage"] == "complete"


def test_a_part_is_cut_off_and_sold_together(any_house: House) -> None:
    house = any_house
    voucher = held(house)
    request = asked(house, voucher, amount="400.00")
    quote = request.quoted(FACTOR)
    request.open()
    done = request.accepted(quote["id"])
    assert done.status_code == 202, done.text
    assert [each["verb"] for each in done.json()["offers"]] == ["split", "discount"]
    house.land()
    assert sale(house, quote["id"])["stage"] == "on_chain"
    kept, part = (house.desk(A).get(f"/vouchers/{each}").json() for each in (voucher, quote["voucher"]))
    assert (kept["face"], kept["locks"], part["face"], part["locks"]) == (
        "600.00",
        [],
        "400.00",
        ["discount"],
    )
    assert (kept["tier"], part["tier"]) == (1, 1)
    seen = sale(house, quote["id"], party=FACTOR)
    assert [each["verb"] for each in seen["offers"]] == ["discount"]
    assert voucher not in str(seen)
    asserted(house, part["id"])
    house.desk(A).post(f"/vouchers/{part['id']}/confirm-payment", {"sign": True})
    house.land()
    assert sale(house, quote["id"])["stage"] == "complete"


def test_a_line_of_an_own_wallet_sells_a_part_only_once_both_are_signed(shared_house: House) -> None:
    house = shared_house
    voucher = held(house)
    offer = house.desk(A).offers(
        "/supplier/transfer-offers", {"voucher": voucher, "recipient": C, "sign": True}
    )
    signed_outside(house, house.desk(C), offer["id"], C)
    house.land()
    request = asked(house, voucher, holder=C, amount="400.00")
    quote = request.quoted(FACTOR)
    request.open()
    desk = house.desk(C)
    assert problem(request.accepted(quote["id"])) == (409, "NoCustodialKey")
    done = request.accepted(quote["id"], sign=False)
    assert (done.status_code, done.json()["stage"]) == (201, "open")
    split, discount = done.json()["offers"]
    assert [each["signed"] for each in discount["consents"]] == [False, True]
    for first, second in ((discount, split),):
        assert signed_outside(house, desk, first["id"], C).json()["status"] == "open"
        house.land()
        assert desk.get(f"/vouchers/{voucher}").json()["face"] == "1000.00"
        assert signed_outside(house, desk, second["id"], C).status_code == 202
    house.land()
    assert sale(house, quote["id"], party=C)["stage"] == "on_chain"


def test_what_is_accepted_and_not_signed_is_taken_back_together(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house), amount="400.00")
    quote = request.quoted(FACTOR)
    request.open()
    split, discount = request.accepted(quote["id"], sign=False).json()["offers"]
    bound = house.desk(FACTOR).post(f"/offers/{discount['id']}/decline", {"reason": "dearer now"})
    assert problem(bound) == (409, "AlreadySigned")
    house.desk(A).signs(split["id"])
    done = house.desk(A).post(f"/offers/{discount['id']}/recall", {"reason": "kept"})
    assert done.status_code == 200, done.text
    assert house.desk(A).get(f"/offers/{split['id']}").json()["status"] == "recalled"
    assert sale(house, quote["id"])["stage"] == "recalled"
    house.land()
    assert request.accepted(quote["id"]).status_code == 202


def test_a_quote_that_its_funder_has_not_signed_waits_for_it(shared_house: House) -> None:
    house = shared_house
    request = asked(house, held(house))
    quote = request.quoted(FACTOR, sign=False)
    assert quote["firm"] is False
    request.open()
    done = request.accepted(quote["id"])
    assert (done.status_code, done.json()["stage"]) == (201, "open")
    (offer,) = done.json()["offers"]
    assert house.desk(FACTOR).signs(offer["id"])["status"] == "complete"
    assert sale(house, quote["id"])["stage"] == "signed"


# ---- payments ----------------------------------------------------------------------------------------------


def test_a_contest_says_why_to_who_has_paid_and_to_nobody_else(shared_house: House) -> None:
    house = shared_house
    made = sold(house)
    voucher = made["voucher"]
    for party in (FACTOR, BANK, ISSUER, B):
        done = house.desk(party).post(f"/vouchers/{voucher}/contest-payment", {"reason": "x", "sign": True})
        assert problem(done)[1] in ("NotFound", "NoPayment"), done.text
    asserted(house, voucher)
    for party in (BANK, ISSUER, B):
        done = house.desk(party).post(f"/vouchers/{voucher}/confirm-payment", {"sign": True})
        assert problem(done) == (404, "NotFound")
    blank = house.desk(A).post(f"/vouchers/{voucher}/contest-payment", {"reason": " ", "sign": True})
    assert problem(blank) == (422, "InputError")
    told = {"reason": "nothing has arrived", "sign": True}
    assert house.desk(A).post(f"/vouchers/{voucher}/contest-payment", told).status_code == 202
    house.land()
    seen = sale(house, made["id"], party=FACTOR)
    assert (seen["stage"], seen["payment"]["contest_reason"]) == ("contested", "nothing has arrived")
    asserted(house, voucher)
    house.desk(A).post(f"/vouchers/{voucher}/confirm-payment", {"sign": True})
    house.land()
    assert sale(house, made["id"])["stage"] == "complete"


def test_silence_through_the_window_completes_a_sale(shared_house: House) -> None:
    house = shared_house
    made = sold(house)
    path = f"/vouchers/{made['voucher']}/complete-payment"
    assert problem(house.desk(FACTOR).post(path)) == (409, "NoPayment")
    asserted(house, made["voucher"])
    assert problem(house.desk(FACTOR).post(path)) == (409, "WindowOpen")
    house.office.pass_days(6)
    assert problem(house.desk(B).post(path)) == (404, "NotFound")
    assert problem(house.desk(FACTOR, "auditor").post(path)) == (403, "NotAllowed")
    assert house.desk(FACTOR).post(path).status_code == 202
    house.land()
    assert sale(house, made["id"])["stage"] == "complete"


def test_payments_that_nobody_answered_are_completed_once_by_the_gateway_itself(any_house: House) -> None:
    house, setting = any_house, any_house.gateway.setting
    store = house.office.store
    silent, contested = sold(house), sold(house)
    for made in (silent, contested):
        asserted(house, made["voucher"])
    told = {"reason": "nothing has arrived", "sign": True}
    assert house.desk(A).post(f"/vouchers/{contested['voucher']}/contest-payment", told).status_code == 202
    house.land()
    house.office.pass_days(5)
    assert complete_silent(store, setting) == 0  # the window's last day
    house.office.pass_days(1)
    assert complete_silent(store, setting) == 1
    assert complete_silent(store, setting) == 0  # it waits in the outbox
    house.land()
    assert complete_silent(store, setting) == 0
    assert [sale(house, made["id"])["stage"] for made in (silent, contested)] == ["complete", "contested"]


def test_housekeeping_completes_them_though_another_part_of_it_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sold(house)
    asserted(house, made["voucher"])
    house.office.pass_days(6)

    def waits(*_given: Any) -> None:
        raise InputError("this part waits")

    monkeypatch.setattr(service, "settle", waits)
    turns = iter([False] * service.MINUTE + [True])
    stop: Any = SimpleNamespace(wait=lambda _seconds: next(turns))
    kept: Any = SimpleNamespace(
        store=house.office.store, chain=house.office.chain, clock=house.gateway.setting.chain_clock
    )
    service._keep_house(kept, house.gateway.setting, stop)
    house.land()
    assert sale(house, made["id"])["stage"] == "complete"


def test_a_sale_is_rescinded_by_its_funder_at_once_and_by_its_holder_when_cash_is_late(
    shared_house: House,
) -> None:
    house = shared_house
    first, second = sold(house), sold(house)
    for party in (BANK, B):
        done = house.desk(party).post(f"/vouchers/{first['voucher']}/rescind", {"sign": True})
        assert problem(done) == (404, "NotFound")
    early = house.desk(A).post(f"/vouchers/{first['voucher']}/rescind", {"sign": True})
    assert problem(early) == (409, "RescindTooEarly")
    assert house.desk(FACTOR).post(f"/vouchers/{first['voucher']}/rescind", {"sign": True}).status_code == 202
    house.land()
    assert sale(house, first["id"])["stage"] == "rescinded"
    house.office.pass_days(2)
    assert house.desk(A).post(f"/vouchers/{second['voucher']}/rescind", {"sign": True}).status_code == 202
    house.land()
    both = house.desk(FACTOR).get("/sales", limit=2).json()["items"]
    assert [(each["id"], each["stage"]) for each in both] == [
        (second["id"], "rescinded"),
        (first["id"], "rescinded"),
    ]
