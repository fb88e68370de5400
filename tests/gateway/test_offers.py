"""Offers: who may sign, what is reserved meanwhile, and every way in which they end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eth_account import Account

from ledger.agreements import PartyNumber
from ledger.money import Fen
from ledger.negotiation.recalls import sweep
from ledger.outbox import machine_clock
from tests.gateway.house import Desk, House
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, A, B, C, key_of

WHOLE = "50000000.00"
"""The line's limit."""


def sums(house: House, line: str = "2-1") -> tuple[str, str, str]:
    """Drawn, reserved, available."""
    own = house.desk(ISSUER).get(f"/lines/{line}").json()["own"]
    return own["drawn"], own["reserved"], own["available"]


def offered(house: House, face: str = "1000.00", **more: Any) -> dict[str, Any]:
    return house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(face, **more))


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def signed_outside(house: House, desk: Desk, offer: str, party: int) -> Any:
    typed = desk.get(f"/offers/{offer}/typed-data").json()
    signed = Account.sign_typed_data(key_of(party).to_bytes(), full_message=typed)
    return desk.post(f"/offers/{offer}/signatures", {"signature": "0x" + bytes(signed.signature).hex()})


# ---- who may not -------------------------------------------------------------------------------------------


def test_who_is_no_signer_makes_no_offer_and_signs_none(shared_house: House) -> None:
    house = shared_house
    offer = offered(house, reference="PO strangers")
    for stranger in (B, FACTOR, OTHER_BANK):
        desk = house.desk(stranger)
        for path, body in (
            ("signatures", {"custodial": True}),
            ("decline", {"reason": "x"}),
            ("recall", {"reason": "x"}),
        ):
            assert problem(desk.post(f"/offers/{offer['id']}/{path}", body)) == (404, "NotFound")
        assert problem(desk.get(f"/offers/{offer['id']}")) == (404, "NotFound")
        assert problem(desk.get(f"/offers/{offer['id']}/typed-data")) == (404, "NotFound")
        assert desk.get("/offers").json()["items"] == []


def test_a_line_of_others_is_as_good_as_none(shared_house: House) -> None:
    body = shared_house.promise(reference="PO others")
    theirs = shared_house.desk(A).post("/issuer/promise-offers", {**body, "supplier": B})
    none = shared_house.desk(A).post("/issuer/promise-offers", {**body, "supplier": B, "line": "9-9"})
    assert problem(theirs) == problem(none) == (409, "UnknownLine")


@pytest.mark.parametrize("role", ["operator", "reviewer", "auditor", "partner", "registrar"])
def test_only_a_signatory_signs(shared_house: House, role: str) -> None:
    offer = offered(shared_house, reference=f"PO {role}")
    done = shared_house.desk(A, role).post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(done) == (403, "NotAllowed")


@pytest.mark.parametrize("role", ["reviewer", "auditor", "partner"])
def test_who_only_reads_offers_nothing(shared_house: House, role: str) -> None:
    desk = shared_house.desk(ISSUER, role)
    body = shared_house.promise(reference=f"PO read {role}")
    assert problem(desk.post("/issuer/promise-offers", body)) == (403, "NotAllowed")


def test_an_operator_offers_and_a_signatory_signs(shared_house: House) -> None:
    body = {**shared_house.promise(reference="PO four eyes"), "sign": False}
    offer = shared_house.desk(ISSUER, "operator").offers("/issuer/promise-offers", body)
    assert [each["signed"] for each in offer["consents"]] == [False, False]
    assert problem(
        shared_house.desk(ISSUER, "operator").post("/issuer/promise-offers", {**body, "sign": True})
    ) == (403, "NotAllowed")
    assert shared_house.desk(ISSUER).signs(offer["id"])["consents"][0]["signed"]


def test_the_contract_s_rules_are_asked_before_anybody_signs(shared_house: House) -> None:
    desk = shared_house.desk(ISSUER)
    for changed, name in (
        ({"supplier": ISSUER}, "SameParty"),
        ({"supplier": 999}, "UnknownParty"),
        ({"due": shared_house.day(0)}, "InputError"),
        ({"smallest_part": "1.00"}, "SmallestPartTooSmall"),
        ({"invoices": [{"number": "F", "amount": "1.00", "total": "1.00"}]}, "InvoicesDoNotMatch"),
    ):
        done = desk.post("/issuer/promise-offers", {**shared_house.promise(reference="PO bad"), **changed})
        assert problem(done)[1] == name
        assert done.json()["detail"]


def test_a_signature_of_another_key_or_of_another_agreement_is_not_taken(shared_house: House) -> None:
    house, desk = shared_house, shared_house.desk(A)
    one, other = (offered(house, reference=f"PO sig {n}") for n in range(2))
    assert problem(signed_outside(house, desk, one["id"], B)) == (422, "WrongSignature")
    typed = desk.get(f"/offers/{other['id']}/typed-data").json()
    signed = bytes(Account.sign_typed_data(key_of(A).to_bytes(), full_message=typed).signature)
    done = desk.post(f"/offers/{one['id']}/signatures", {"signature": "0x" + signed.hex()})
    assert problem(done) == (422, "WrongSignature")
    for text in ("0x", "0x12", "0x" + "00" * 65, "0x" + "ff" * 65):
        done = desk.post(f"/offers/{one['id']}/signatures", {"signature": text})
        assert done.status_code == 422
    assert problem(desk.post(f"/offers/{one['id']}/signatures", {})) == (422, "InputError")
    assert signed_outside(house, desk, one["id"], A).status_code == 202


def test_an_offer_that_has_changed_is_not_signed_unseen(shared_house: House) -> None:
    house, desk = shared_house, shared_house.desk(A)
    offer = offered(house, reference="PO tag")
    seen = desk.get(f"/offers/{offer['id']}").headers["ETag"]
    path = f"/offers/{offer['id']}/signatures"
    old = desk.post(path, {"custodial": True}, **{"If-Match": '"1"'})
    assert problem(old) == (412, "VersionDiffers")
    assert problem(desk.post(path, {"custodial": True}, **{"If-Match": "what"})) == (422, "InputError")
    assert desk.post(path, {"custodial": True}, **{"If-Match": seen}).status_code == 202


def test_the_same_agreement_is_not_offered_twice(house: House) -> None:
    voucher = house.held()
    body = {"voucher": voucher, "recipient": B, "sign": True}
    first = house.desk(A).offers("/supplier/transfer-offers", body)
    again = house.desk(A).post("/supplier/transfer-offers", body)
    assert problem(again) == (409, "OfferKnown")
    assert again.json()["facts"] == {"offer": first["id"]}
    assert house.desk(B).post(f"/offers/{first['id']}/decline", {"reason": "not ours"}).status_code == 200
    assert house.desk(A).post("/supplier/transfer-offers", body).status_code == 201


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


# ---- recalls -----------------------------------------------------------------------------------------------


def test_an_issue_that_was_signed_outside_is_recalled_by_a_revocation_that_lands(any_house: House) -> None:
    house, issuer = any_house, any_house.desk(ISSUER)
    offer = issuer.offers("/issuer/promise-offers", {**house.promise(reference="PO out"), "sign": False})
    assert signed_outside(house, issuer, offer["id"], ISSUER).status_code == 200
    done = issuer.post(f"/offers/{offer['id']}/recall", {"reason": "ordered twice"})
    assert (done.status_code, done.json()["status"]) == (202, "recalling")
    assert sums(house)[1] == "1000.00"
    blocked = house.desk(A).post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(blocked) == (409, "OfferClosed")
    (revocation,) = issuer.get("/offers", to_sign=True).json()["items"]
    assert revocation["verb"] == "revokeIssue"
    issuer.signs(revocation["id"])
    house.land()
    assert issuer.get(f"/offers/{offer['id']}").json()["status"] == "recalled"
    assert sums(house) == ("0.00", "0.00", WHOLE)


def test_a_transfer_that_was_signed_outside_is_recalled_by_moving_the_voucher_on(house: House) -> None:
    voucher, desk = house.held(supplier=A), house.desk(C)
    passed = house.desk(A).offers(
        "/supplier/transfer-offers", {"voucher": voucher, "recipient": C, "sign": True}
    )
    assert signed_outside(house, desk, passed["id"], C).status_code == 202
    house.land()
    offer = desk.offers("/supplier/transfer-offers", {"voucher": voucher, "recipient": B})
    assert signed_outside(house, desk, offer["id"], C).status_code == 200
    assert desk.post(f"/offers/{offer['id']}/recall", {"reason": "another buyer"}).status_code == 202
    (revocation,) = desk.get("/offers", to_sign=True).json()["items"]
    assert revocation["verb"] == "revoke"
    assert signed_outside(house, desk, revocation["id"], C).status_code == 202
    house.land()
    with house.office.store.writing() as session:
        sweep(session, now=house.office.chain.now() + 1, at=machine_clock())
    assert desk.get(f"/offers/{offer['id']}").json()["status"] == "recalled"
    assert desk.get(f"/vouchers/{voucher}").json()["sequence"] == 3


def test_nobody_recalls_what_others_offered_or_what_is_complete(shared_house: House) -> None:
    house = shared_house
    offer = offered(house, reference="PO whose")
    done = house.desk(A).post(f"/offers/{offer['id']}/recall", {"reason": "x"})
    assert problem(done) == (403, "NotAllowed")
    house.desk(A).signs(offer["id"])
    late = house.desk(ISSUER).post(f"/offers/{offer['id']}/recall", {"reason": "x"})
    assert problem(late) == (409, "OfferClosed")


def test_a_bank_that_countersigns_signs_last(house: House) -> None:
    line = {
        "reference": 3,
        "issuer": ISSUER,
        "limit": "5000.00",
        "expiry": house.day(300),
        "countersign": True,
    }
    made = house.desk(BANK).offers("/bank/line-offers", {**line, "sign": True})
    house.desk(ISSUER).signs(made["id"])
    house.land()
    offer = offered(house, line="2-3", reference="PO counter")
    assert [each["party"] for each in offer["consents"]] == [ISSUER, A, BANK]
    assert house.desk(A).signs(offer["id"])["status"] == "open"
    assert house.desk(BANK).signs(offer["id"])["status"] == "complete"
    house.land()
    assert house.desk(BANK).get(f"/vouchers/{offer['voucher']}").json()["standing"] == "bank"
