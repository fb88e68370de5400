"""A voucher for an enterprise that is not admitted yet: it waits, off the chain, and comes to an end."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from ledger.negotiation.waiting_transfers import go_on
from ledger.organisation_tables import PersonRow
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.gateway.test_onboarding import admitted, checked
from tests.ledger.office import ISSUER, A, B

PATH = "/supplier/invited-transfers"


def waits(house: House, voucher: str, **more: Any) -> dict[str, Any]:
    done = house.desk(A).post(PATH, {"voucher": voucher, "name": "青禾齿轮", "sign": True, **more})
    assert done.status_code == 201, done.text
    return dict(done.json())


def status(house: House, transfer: str) -> dict[str, Any]:
    return dict(house.desk(A).get(f"{PATH}/{transfer}").json())


def goes_on(house: House) -> int:
    with house.office.store.writing() as session:
        return go_on(session, house.gateway.setting)


def test_who_does_not_hold_the_voucher_or_may_not_sign_invites_nobody_to_it(house: House) -> None:
    voucher = house.held()
    for desk, expected in (
        (house.desk(B), (404, "NotFound")),
        (house.desk(ISSUER), (404, "NotFound")),
        (house.desk(A, "operator"), (403, "NotAllowed")),
        (house.desk(A, "auditor"), (403, "NotAllowed")),
    ):
        assert problem(desk.post(PATH, {"voucher": voucher, "name": "青禾", "sign": True})) == expected
    first = waits(house, voucher)
    again = house.desk(A).post(PATH, {"voucher": voucher, "name": "青禾"})
    assert problem(again) == (409, "TransferWaiting")
    assert again.json()["facts"] == {"transfer": first["id"]}
    for stranger in (B, ISSUER):
        assert problem(house.desk(stranger).get(f"{PATH}/{first['id']}")) == (404, "NotFound")
        assert problem(house.desk(stranger).post(f"{PATH}/{first['id']}/withdraw")) == (404, "NotFound")
        assert house.desk(stranger).get(PATH).json()["items"] == []


def test_by_its_link_the_enterprise_learns_that_something_waits_and_not_what(house: House) -> None:
    voucher = house.held("1234.56")
    transfer = waits(house, voucher)
    seen = house.nobody().post("/api/v1/invitations/look", json={"invitation": transfer["token"]})
    assert seen.json() == {"inviter": "甲零件厂", "voucher_waits": True}
    none = house.nobody().post("/api/v1/invitations/look", json={"invitation": "x" * 43})
    assert problem(none) == (404, "NotFound")
    assert house.desk(A).post(f"{PATH}/{transfer['id']}/withdraw").json()["status"] == "withdrawn"
    seen = house.nobody().post("/api/v1/invitations/look", json={"invitation": transfer["token"]})
    assert seen.json() == {"inviter": "甲零件厂", "voucher_waits": False}
    late = house.desk(A).post(f"{PATH}/{transfer['id']}/withdraw")
    assert problem(late) == (409, "TransferEnded")


def test_once_admitted_the_enterprise_gets_the_offer_and_with_its_signature_the_voucher(
    any_house: House,
) -> None:
    house = any_house
    voucher = house.held()
    transfer = waits(house, voucher)
    assert goes_on(house) == 0
    number = checked(house, invitation=transfer["token"])
    assert status(house, transfer["id"])["status"] == "applied"
    assert house.desk(A).get(f"/vouchers/{voucher}").json()["locks"] == []
    applicant = house.signed_in("li.wei")
    party = admitted(house, number, applicant)
    assert (goes_on(house), goes_on(house)) == (1, 0)
    seen = status(house, transfer["id"])
    assert seen["status"] == "offered"
    (offer,) = applicant.get("/offers", to_sign=True).json()["items"]
    assert (offer["id"], offer["verb"]) == (seen["offer"], "transfer")
    assert applicant.signs(offer["id"])["status"] == "complete"
    house.land()
    assert applicant.get(f"/vouchers/{voucher}").json()["holder"]["party"] == party


@pytest.mark.parametrize("why", ["passed on", "left", "too late"])
def test_what_cannot_be_offered_any_more_says_why_and_the_voucher_stays(house: House, why: str) -> None:
    voucher = house.held()
    transfer = waits(house, voucher, valid_until=house.day(3))
    number = checked(house, invitation=transfer["token"])
    admitted(house, number, house.signed_in("li.wei"))
    expected: tuple[str, str | None]
    if why == "passed on":
        offer = house.desk(A).offers(
            "/supplier/transfer-offers", {"voucher": voucher, "recipient": B, "sign": True}
        )
        house.desk(B).signs(offer["id"])
        house.land()
        expected = ("refused", "/problems/NotFound")
    elif why == "left":
        with house.office.store.writing() as session:
            session.execute(
                update(PersonRow).where(PersonRow.login == f"signatory.{A}").values(disabled=True)
            )
        expected = ("refused", "/problems/NotAllowed")
    else:
        house.office.pass_days(5)
        expected = ("expired", None)
    assert goes_on(house) == (0 if why == "too late" else 1)
    desk = house.desk(A, "operator")
    seen = desk.get(f"{PATH}/{transfer['id']}").json()
    assert seen["status"] == expected[0]
    assert (seen["problem"] or {"type": None})["type"] == expected[1]
    assert seen["offer"] is None
    holder = house.desk(ISSUER).get(f"/vouchers/{voucher}").json()["holder"]["party"]
    assert holder == (B if why == "passed on" else A)
