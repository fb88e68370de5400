"""Offers: who may make and sign them, and how they are taken back."""

from __future__ import annotations

import pytest
from eth_account import Account
from sqlalchemy import select

from ledger.negotiation.recalls import sweep
from ledger.offer_tables import OfferRow
from ledger.outbox import machine_clock
from ledger.outbox_acts import withdraw
from tests.gateway.house import House
from tests.gateway.offering import WHOLE, offered, problem, signed_outside, sums
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, A, B, C, key_of

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


def test_a_recall_whose_revocation_came_to_nothing_is_begun_again(house: House) -> None:
    issuer = house.desk(ISSUER)
    offer = issuer.offers("/issuer/promise-offers", {**house.promise(reference="PO again"), "sign": False})
    signed_outside(house, issuer, offer["id"], ISSUER)
    path = f"/offers/{offer['id']}/recall"
    assert issuer.post(path, {"reason": "ordered twice"}).json()["status"] == "recalling"
    assert problem(issuer.post(path, {"reason": "sooner"})) == (409, "OfferClosed")
    (first,) = issuer.get("/offers", to_sign=True).json()["items"]
    issuer.signs(first["id"])
    with house.office.store.writing() as session:
        item = int(session.scalars(select(OfferRow.item).where(OfferRow.id == first["id"])).one() or 0)
    withdraw(house.office.store, item, who="operator", reason="taken out")
    assert issuer.post(path, {"reason": "ordered twice"}).json()["status"] == "recalling"
    blocked = house.desk(A).post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(blocked) == (409, "OfferClosed")
    (second,) = issuer.get("/offers", to_sign=True).json()["items"]
    issuer.signs(second["id"])
    house.land()
    assert issuer.get(f"/offers/{offer['id']}").json()["status"] == "recalled"
    assert sums(house) == ("0.00", "0.00", WHOLE)


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
