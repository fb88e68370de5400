"""What an open offer keeps reserved, whichever way it ends and whoever else is at it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ledger.agreements import PartyNumber
from ledger.money import Fen
from ledger.negotiation.recalls import sweep
from ledger.outbox import machine_clock
from tests.gateway.house import House
from tests.gateway.offering import WHOLE, offered, problem, sums
from tests.ledger.office import BANK, ISSUER, A, B

# ---- reserved ----------------------------------------------------------------------------------------------


def test_what_is_reserved_comes_back_once_whichever_way_the_offer_ends(any_house: House) -> None:
    house = any_house
    assert sums(house) == ("0.00", "0.00", WHOLE)
    declined, recalled, expired, accepted = (
        offered(house, f"{n}000.00", reference=f"PO {n}", valid_until=house.day(3)) for n in (1, 2, 3, 4)
    )
    assert sums(house) == ("0.00", "10000.00", "49990000.00")
    done = house.desk(A).post(f"/offers/{declined['id']}/decline", {"reason": "the price is wrong"})
    assert (done.json()["status"], done.json()["reason"]) == ("declined", "the price is wrong")
    assert sums(house)[1] == "9000.00"
    done = house.desk(ISSUER).post(f"/offers/{recalled['id']}/recall", {"reason": "typed wrong"})
    assert (done.status_code, done.json()["status"]) == (200, "recalled")
    assert sums(house)[1] == "7000.00"
    house.desk(A).signs(accepted["id"])
    assert sums(house) == ("0.00", "7000.00", "49993000.00")  # complete, and not on chain yet
    house.office.run()
    assert sums(house) == ("0.00", "7000.00", "49993000.00")  # on chain, and not in the rows yet
    house.office.follow()
    assert sums(house) == ("4000.00", "3000.00", "49993000.00")
    house.office.pass_days(4)
    assert sums(house) == ("4000.00", "0.00", "49996000.00")
    assert house.desk(A).get(f"/offers/{expired['id']}").json()["status"] == "expired"
    for offer in (declined, recalled, expired):
        done = house.desk(A).post(f"/offers/{offer['id']}/signatures", {"custodial": True})
        assert problem(done) == (409, "OfferClosed")
    with house.office.store.writing() as session:
        assert sweep(session, now=house.office.chain.now() + 1, at=machine_clock()) == 2
    with house.office.store.writing() as session:
        assert sweep(session, now=house.office.chain.now() + 1, at=machine_clock()) == 0
    assert sums(house) == ("4000.00", "0.00", "49996000.00")


def test_offers_at_once_never_promise_more_than_the_line(any_house: House) -> None:
    house, desk = any_house, any_house.desk(ISSUER)
    bodies = [
        house.promise("12000000.00", reference=f"PO race {n}", smallest_part="10000.00") for n in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda body: desk.post("/issuer/promise-offers", body), bodies))
    assert sorted(each.status_code for each in done) == [201] * 4 + [409] * 4
    refused = [each.json() for each in done if each.status_code == 409]
    assert {each["type"] for each in refused} == {"/problems/LimitExceeded"}
    assert refused[0]["facts"] == {"line": "2-1", "asked": "12000000.00", "available": "2000000.00"}
    assert sums(house) == ("0.00", "48000000.00", "2000000.00")


def test_a_sub_line_is_bound_by_its_parent_s_reservations_too(house: House) -> None:
    body = {"reference": 2, "issuer": ISSUER, "parent": "2-1", "limit": WHOLE, "expiry": house.day(300)}
    line = house.desk(BANK).offers("/bank/line-offers", {**body, "sign": True})
    house.desk(ISSUER).signs(line["id"])
    house.land()
    offered(house, "49000000.00", reference="PO parent", smallest_part="10000.00")
    assert sums(house, "2-2") == ("0.00", "0.00", WHOLE)
    answer = house.desk(ISSUER).get("/lines/2-2").json()
    assert (answer["available"], answer["binding"]) == ("1000000.00", "2-1")
    short = house.promise("2000000.00", line="2-2", reference="PO short", smallest_part="10000.00")
    done = house.desk(ISSUER).post("/issuer/promise-offers", short)
    assert done.json()["facts"] == {"line": "2-1", "asked": "2000000.00", "available": "1000000.00"}
    offered(house, "1000000.00", line="2-2", reference="PO fits")
    assert sums(house) == ("0.00", WHOLE, "0.00")


# ---- races -------------------------------------------------------------------------------------------------


def test_of_two_who_accept_at_once_one_does(any_house: House) -> None:
    house, desk = any_house, any_house.desk(A)
    offer = offered(house, reference="PO twice")
    path = f"/offers/{offer['id']}/signatures"
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: desk.post(path, {"custodial": True}), range(2)))
    assert sorted(each.status_code for each in done) == [202, 409]
    lost = next(each for each in done if each.status_code == 409)
    assert problem(lost)[1] in ("AlreadySigned", "OfferClosed")
    house.land()
    assert len(desk.get("/vouchers", held=True).json()["items"]) == 1


def test_a_line_that_was_exhausted_on_the_chain_meanwhile_is_noticed_before_signing(house: House) -> None:
    offer = offered(house, reference="PO late")
    for _ in range(50):
        house.office.issue(Fen(999_990_00), supplier=PartyNumber(B))
    house.land()
    done = house.desk(A).post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(done) == (409, "LimitExceeded")
    assert done.json()["facts"] == {"line": "2-1", "asked": "1000.00", "available": "500.00"}


def test_who_goes_to_the_chain_directly_bypasses_the_reservation_and_the_offer_says_what_came_of_it(
    any_house: House,
) -> None:
    house = any_house
    offer = offered(house, "1000000.00", reference="PO bypassed")
    for _ in range(50):
        house.office.issue(Fen(1_000_000_00), supplier=PartyNumber(B))
    accepted = house.desk(A).signs(offer["id"])
    assert accepted["status"] == "complete"
    house.land()
    found = house.desk(ISSUER).get(f"/offers/{offer['id']}").json()
    assert found["status"] == "refused"
    assert found["problem"]["type"] == "/problems/LimitExceeded"
    assert found["problem"]["facts"]["available"] == "0.00"
    assert found["problem"]["next"]
    assert sums(house) == (WHOLE, "0.00", "0.00")
    assert house.desk(A).get(f"/vouchers/{offer['voucher']}").status_code == 404
