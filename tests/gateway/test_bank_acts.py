"""What a bank does at its desk: payments asserted and taken back, lines changed, court freezes asked for, overdue."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.agreements import Freeze, VoucherId
from ledger.calendar import Day
from ledger.columns import bytes_of
from ledger.members import parse_voucher
from ledger.negotiation.openings import contents
from ledger.offer_tables import OpeningRow
from ledger.reconciliation import reference_hash
from tests.gateway.banking import pledged, row_of, sold
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, FACTOR, ISSUER, LATER, OTHER_BANK, REGISTRAR, A, B, some_hash


def paid(house: House, voucher: str, **more: Any) -> dict[str, Any]:
    """What the bank sends when it has paid."""
    return {
        "voucher": voucher,
        "purpose": "settlement",
        "value_day": house.day(0),
        "reference": "2026 0001",
        "sign": True,
        **more,
    }


# ---- who may not -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("party", [OTHER_BANK, FACTOR, ISSUER, A])
def test_only_the_line_s_bank_says_that_it_paid(shared_house: House, party: int) -> None:
    house, voucher = shared_house, shared_house.held(reference=f"P {party}")
    desk = house.desk(party)
    for path, body in (
        ("payment-offers", paid(house, voucher)),
        ("payment-offers", paid(house, voucher, purpose="disbursement")),
        ("withdrawal-offers", {"voucher": voucher}),
        ("overdue-declarations", {"voucher": voucher}),
    ):
        assert problem(desk.post(f"/bank/{path}", body)) == (404, "NotFound")
    for path, body in (
        ("line-change-offers", {"line": "2-1", "limit": "1.00"}),
        ("line-freeze-offers", {"line": "2-1", "frozen": True, "reason": "x"}),
    ):
        assert problem(desk.post(f"/bank/{path}", body)) == (409, "UnknownLine")


@pytest.mark.parametrize("role", ["reviewer", "auditor", "partner"])
def test_who_only_reads_asserts_nothing(shared_house: House, role: str) -> None:
    house, voucher = shared_house, shared_house.held(reference=f"R {role}")
    desk = house.desk(BANK, role)
    body = paid(house, voucher, sign=False)
    assert problem(desk.post("/bank/payment-offers", body)) == (403, "NotAllowed")
    assert problem(desk.post("/bank/overdue-declarations", {"voucher": voucher})) == (403, "NotAllowed")


def test_the_contract_s_rules_are_asked_first(shared_house: House) -> None:
    house, desk = shared_house, shared_house.desk(BANK)
    voucher = house.held(reference="rules")
    for body, name in (
        (paid(house, voucher), "HolderMustSign"),
        (paid(house, voucher, with_payee=True, amount="1.00"), "WrongAmount"),
        (paid(house, voucher, with_payee=True, payee=B), "WrongPayee"),
        (paid(house, voucher, with_payee=True, value_day=house.day(1)), "ValueDayAhead"),
        (paid(house, voucher, purpose="disbursement", amount="1.00"), "InputError"),
        (paid(house, voucher, reference=" x"), "InputError"),
    ):
        assert problem(desk.post("/bank/payment-offers", body))[1] == name
    done = desk.post("/bank/overdue-declarations", {"voucher": voucher})
    assert problem(done) == (409, "NotYetOverdue")
    assert problem(desk.get(f"/bank/overdue-declarations/{voucher}")) == (404, "NotFound")
    assert problem(desk.post("/bank/line-change-offers", {"line": "2-1"})) == (422, "InputError")


def test_a_hash_of_others_is_not_opened_by_putting_it_into_an_agreement_of_one_s_own(
    shared_house: House,
) -> None:
    house = shared_house
    voucher = house.held(reference="secret reason")
    offer = house.desk(BANK).offers("/bank/payment-offers", paid(house, voucher, with_payee=True))
    assert house.desk(A).get(f"/offers/{offer['id']}/openings").json()["items"][0]["text"] == "2026 0001"
    other = house.held(reference="mine")
    copied = {
        "agreement": "AssertPayment",
        "voucher": other,
        "sequence": 1,
        "purpose": "settlement",
        "payee": A,
        "amount": "1000.00",
        "value_day": house.day(0),
        "payment_reference": offer["agreement"]["payment_reference"],
    }
    mine = house.desk(A).post("/offers", {"agreement": copied, "agreed": True})
    assert mine.status_code == 201, mine.text
    assert house.desk(A).get(f"/offers/{mine.json()['id']}/openings").json() == {"items": []}


# ---- what it does ------------------------------------------------------------------------------------------


def test_a_settlement_before_the_due_day_takes_effect_when_the_holder_has_signed(any_house: House) -> None:
    house, voucher = any_house, any_house.held()
    offer = house.desk(BANK).offers("/bank/payment-offers", paid(house, voucher, with_payee=True))
    assert [(each["party"], each["signed"]) for each in offer["consents"]] == [(BANK, True), (A, False)]
    hashed = bytes_of(offer["agreement"]["payment_reference"])
    with house.office.store.reading() as session:
        assert contents(session, {hashed})[hashed]["text"] == "2026 0001"
        salt = bytes.fromhex(session.get_one(OpeningRow, hashed).salt)
    assert bytes(reference_hash("2026 0001", salt)) == hashed
    assert house.desk(A).signs(offer["id"])["status"] == "complete"
    house.land()
    assert house.desk(A).get(f"/vouchers/{voucher}").json()["ended_as"] == "settled"


def test_on_the_due_day_the_bank_alone_asserts_and_takes_back(house: House) -> None:
    voucher = house.held()
    house.office.pass_days(120)
    house.office.follow()
    first = house.desk(BANK).offers("/bank/payment-offers", paid(house, voucher, amount="400.00"))
    assert (first["status"], first["agreement"]["payee"]) == ("complete", A)
    house.land()
    listed = house.desk(BANK).get(f"/bank/settlement-lists/{house.day(0)}").json()
    assert (listed["total"]["final"], listed["items"][0]["payment"]) == (True, "asserted")
    shares = house.desk(BANK).get(f"/bank/settlement-lists/{house.day(0)}/shares", issuer=ISSUER, paid="0.00")
    assert problem(shares) == (422, "InputError")  # nothing is left to be shared on
    assert problem(house.desk(BANK).post("/bank/payment-offers", paid(house, voucher)))[1] == "PaymentPending"
    back = house.desk(BANK).offers("/bank/withdrawal-offers", {"voucher": voucher, "sign": True})
    assert back["status"] == "complete"
    house.land()
    assert row_of(house, voucher).face == 100_000
    assert problem(house.desk(BANK).post("/bank/withdrawal-offers", {"voucher": voucher})) == (
        404,
        "NotFound",
    )


def test_a_due_day_is_asserted_in_one_list_and_a_list_sent_again_asserts_nothing_twice(house: House) -> None:
    plain, pledged_, frozen = (house.held(reference=f"L {n}") for n in range(3))
    pledged(house, pledged_, OTHER_BANK, 30_000)
    house.office.pass_days(120)
    stop = Freeze(VoucherId(parse_voucher(frozen)), some_hash("o"), Day(house.office.today + 9), LATER)
    house.office.do(stop, REGISTRAR)
    house.office.follow()
    day, desk = house.day(0), house.desk(BANK)
    shares = desk.get(f"/bank/settlement-lists/{day}/shares", issuer=ISSUER, paid="3000.00").json()
    rows = [
        {"voucher": each["voucher"], "payee": each["payee"], "amount": each["amount"], "reference": f"R {n}"}
        for n, each in enumerate(shares["items"])
    ]
    assert len(rows) == 4
    body = {"value_day": day, "rows": rows, "sign": True}
    assert problem(house.desk(BANK, "operator").post("/bank/settlement-offers", body)) == (403, "NotAllowed")
    theirs = house.desk(OTHER_BANK).post("/bank/settlement-offers", body).json()
    assert (theirs["asserted"], {each["problem"]["type"] for each in theirs["items"]}) == (
        0,
        {"/problems/NotFound"},
    )
    done = desk.post("/bank/settlement-offers", body).json()
    said = {
        (row["voucher"], row["payee"]): each["problem"]["type"] if each["problem"] else "asserted"
        for row, each in zip(rows, done["items"], strict=True)
    }
    assert said[plain, A] == said[pledged_, OTHER_BANK] == "asserted"
    assert said[pledged_, A] != "asserted"  # the holder's turn is when the pledgee's payment is complete
    assert done["asserted"] == sum(each == "asserted" for each in said.values())
    again = desk.post("/bank/settlement-offers", body).json()
    assert again["asserted"] == 0
    house.land()
    offers = desk.get("/offers", verb="assertPayment").json()["items"]
    assert {each["status"] for each in offers} == {"landed"}
    assert len(offers) == done["asserted"]


def test_a_pledgee_is_paid_first_and_the_holder_signs_too_where_it_is_agreed(house: House) -> None:
    voucher = house.held()
    pledged(house, voucher, OTHER_BANK, 30_000)
    house.office.pass_days(120)
    house.office.follow()
    body = paid(house, voucher, with_payee=True)
    offer = house.desk(BANK).offers("/bank/payment-offers", body)
    assert [each["party"] for each in offer["consents"]] == [BANK, OTHER_BANK, A]
    assert (offer["agreement"]["payee"], offer["agreement"]["amount"]) == (OTHER_BANK, "300.00")


def test_a_price_that_was_paid_is_asserted_by_the_funder(house: House) -> None:
    voucher = house.held()
    sold(house, voucher, OTHER_BANK, quote=some_hash("quote"))
    body = paid(house, voucher, purpose="disbursement")
    assert problem(house.desk(BANK).post("/bank/payment-offers", body)) == (404, "NotFound")
    offer = house.desk(OTHER_BANK).offers("/bank/payment-offers", body)
    assert (offer["agreement"]["payee"], offer["agreement"]["amount"]) == (A, "0.00")
    house.land()
    assert problem(house.desk(A).post("/bank/withdrawal-offers", {"voucher": voucher})) == (404, "NotFound")
    assert house.desk(OTHER_BANK).offers("/bank/withdrawal-offers", {"voucher": voucher})["status"] == "open"


def test_a_line_is_changed_and_frozen_by_its_bank(house: House) -> None:
    desk = house.desk(BANK)
    desk.offers("/bank/line-change-offers", {"line": "2-1", "limit": "700.00", "sign": True})
    house.land()
    body = {"line": "2-1", "frozen": True, "reason": "covenant broken", "sign": True}
    desk.offers("/bank/line-freeze-offers", body)
    house.land()
    line = desk.get("/lines/2-1").json()
    assert (line["own"]["limit"], line["frozen"]) == ("700.00", True)
    refused = house.desk(ISSUER).post("/issuer/promise-offers", house.promise("100.00"))
    assert problem(refused) == (409, "LineIsFrozen")


def test_a_court_freeze_is_asked_for_by_the_bank_and_signed_by_the_registrar_alone(house: House) -> None:
    voucher = house.held()
    body = {"voucher": voucher, "order": "(2026)闽01执118号", "until": house.day(300)}
    assert problem(house.desk(B).post("/bank/court-freeze-requests", body)) == (404, "NotFound")
    assert problem(house.desk(BANK).post("/bank/court-freeze-requests", {**body, "sign": True}))[0] == 422
    offer = house.desk(BANK).offers("/bank/court-freeze-requests", body)
    assert [each["party"] for each in offer["consents"]] == [REGISTRAR]
    order = house.desk(REGISTRAR).get(f"/offers/{offer['id']}/openings").json()
    assert order == {"items": [{"member": "order", "text": body["order"]}]}
    own = house.desk(BANK).post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(own) == (403, "NotASigner")
    house.desk(REGISTRAR).signs(offer["id"])
    house.land()
    assert house.desk(A).get(f"/vouchers/{voucher}").json()["locks"] == ["freeze"]


def test_a_voucher_is_declared_overdue_once_grace_has_passed(house: House) -> None:
    voucher, desk = house.held(), house.desk(BANK)
    house.office.pass_days(131)
    house.office.follow()
    done = desk.post("/bank/overdue-declarations", {"voucher": voucher})
    assert (done.status_code, done.json()["status"]) == (202, "queued")
    assert desk.get(done.headers["location"].removeprefix("/api/v1")).json()["status"] == "queued"
    house.land()
    assert desk.get(f"/bank/overdue-declarations/{voucher}").json()["status"] == "landed"
    assert problem(desk.post("/bank/overdue-declarations", {"voucher": voucher})) == (409, "AlreadyOverdue")
    (sum_,) = desk.get("/bank/exposure").json()["items"]
    assert (sum_["live"], sum_["overdue"]) == ("1000.00", "1000.00")
