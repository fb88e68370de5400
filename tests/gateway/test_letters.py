"""Letters of authorisation and notices to the debtor: who may look until when, and who told whom when."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from ledger.negotiation.audit import broken_at
from ledger.organisation_tables import OrganisationRow
from ledger.tables import CursorRow
from tests.gateway.house import NAMES, House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, A, B


def letter(house: House, days: int = 9, *, reader: int = OTHER_BANK) -> dict[str, Any]:
    body = {"reader": reader, "until": house.machine_day(days), "purpose": "credit assessment"}
    done = house.desk(A).post("/letters", body)
    assert done.status_code == 201, done.text
    return dict(done.json())


# ---- letters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"until": -1}, (422, "InputError")),
        ({"until": 367}, (422, "InputError")),
        ({"reader": A}, (422, "InputError")),
        ({"reader": 99}, (409, "UnknownParty")),
        ({"purpose": " "}, (422, "InputError")),
    ],
    ids=repr,
)
def test_what_cannot_be_is_refused(
    shared_house: House, changed: dict[str, Any], expected: tuple[int, str]
) -> None:
    body = {"reader": BANK, "until": 9, "purpose": "x", **changed}
    body["until"] = shared_house.machine_day(int(body["until"]))
    assert problem(shared_house.desk(A).post("/letters", body)) == expected


def test_only_a_signatory_grants_and_only_who_granted_it_revokes(shared_house: House) -> None:
    body = {"reader": BANK, "until": shared_house.machine_day(9), "purpose": "x"}
    for role in ("operator", "reviewer", "auditor", "partner"):
        assert problem(shared_house.desk(A, role).post("/letters", body)) == (403, "NotAllowed")
    made = letter(shared_house)
    for stranger in (OTHER_BANK, B):
        answer = shared_house.desk(stranger).post(f"/letters/{made['id']}/revoke")
        assert problem(answer) == (404, "NotFound")


def test_a_letter_lends_eyes_to_its_reader_alone_and_every_look_is_in_both_trails(any_house: House) -> None:
    house = any_house
    voucher = house.held()
    desk = house.desk(OTHER_BANK, "auditor")
    assert problem(desk.get(f"/vouchers/{voucher}")) == (404, "NotFound")
    made = letter(house)
    (seen,) = desk.get("/letters").json()["items"]
    assert (seen["own"], seen["granted_by"]) == (False, {"party": A, "name": NAMES[A]})
    assert (made["own"], made["reader"]) == (True, {"party": OTHER_BANK, "name": NAMES[OTHER_BANK]})
    page = desk.get(f"/letters/{made['id']}/vouchers").json()
    assert [each["id"] for each in page["items"]] == [voucher]
    own = house.desk(A).get(f"/vouchers/{voucher}").json()
    assert desk.get(f"/letters/{made['id']}/vouchers/{voucher}").json() == own
    assert problem(desk.get(f"/vouchers/{voucher}")) == (404, "NotFound")  # by the letter alone
    for stranger in (FACTOR, B, A):
        answer = house.desk(stranger).get(f"/letters/{made['id']}/vouchers")
        assert problem(answer) == (404, "NotFound")
    for party in (A, OTHER_BANK):
        trail = house.desk(party).get("/audit").json()
        looks = [each["facts"]["at"] for each in trail["items"] if each["act"] == "look by letter"]
        assert looks == ["vouchers", voucher]


def test_a_letter_lends_nothing_to_act_with(house: House) -> None:
    voucher = house.held()
    letter(house)
    body = {"voucher": voucher, "recipient": B}
    assert problem(house.desk(OTHER_BANK).post("/supplier/transfer-offers", body)) == (404, "NotFound")


def test_a_letter_ends_with_its_day_and_with_its_revocation(house: House) -> None:
    voucher = house.held()
    made = letter(house, 1)
    path = f"/letters/{made['id']}/vouchers/{voucher}"
    assert house.desk(OTHER_BANK).get(path).status_code == 200
    house.clock.now += 86_400
    house.desks.clear()
    assert house.desk(OTHER_BANK).get(path).status_code == 200  # the last day
    house.clock.now += 86_400
    house.desks.clear()
    assert problem(house.desk(OTHER_BANK).get(path)) == (404, "NotFound")
    (shown,) = house.desk(OTHER_BANK).get("/letters").json()["items"]
    assert (shown["in_force"], shown["own"]) == (False, False)


def test_a_revoked_letter_lends_nothing_from_then_on(house: House) -> None:
    made = letter(house)
    assert house.desk(OTHER_BANK).get(f"/letters/{made['id']}/vouchers").status_code == 200
    done = house.desk(A).post(f"/letters/{made['id']}/revoke")
    assert (done.status_code, done.json()["in_force"]) == (200, False)
    assert problem(house.desk(OTHER_BANK).get(f"/letters/{made['id']}/vouchers")) == (404, "NotFound")


# ---- notices -----------------------------------------------------------------------------------------------


def test_only_the_holder_notifies_and_only_the_debtor_acknowledges(house: House) -> None:
    voucher = house.held()
    body = {"voucher": voucher, "text": "pay to us alone"}
    for stranger in (B, BANK, ISSUER):
        assert problem(house.desk(stranger).post("/notices", body)) == (404, "NotFound")
    assert house.desk(A).post("/notices", {**body, "text": ""}).status_code == 422
    sent = house.desk(A).post("/notices", body)
    assert sent.status_code == 201, sent.text
    path = f"/notices/{sent.json()['id']}"
    for stranger in (B, BANK):
        assert problem(house.desk(stranger).get(path)) == (404, "NotFound")
        assert house.desk(stranger).get("/notices").json()["items"] == []
    assert problem(house.desk(A).post(f"{path}/acknowledgement")) == (403, "NotAllowed")
    assert problem(house.desk(ISSUER, "operator").post(f"{path}/acknowledgement")) == (403, "NotAllowed")


def test_a_notice_shows_when_it_was_sent_and_that_it_was_read(any_house: House) -> None:
    house = any_house
    voucher = house.held()
    text = "本应收账款已转让予本公司，请仅向本公司付款。"
    sent = house.desk(A).post("/notices", {"voucher": voucher, "text": text}).json()
    made = sha256(bytes.fromhex(sent["salt"][2:]) + f"{voucher} {text}".encode()).hexdigest()
    assert sent["hash"] == "0x" + made
    with house.office.store.reading() as session:
        stands = session.get_one(CursorRow, house.office.pin.ledger)
        assert (sent["block"], sent["block_hash"]) == (stands.block, "0x" + stands.block_hash.hex())
        assert sent["journal_head"] == "0x" + stands.journal.hex()
    (got,) = house.desk(ISSUER).get("/notices").json()["items"]
    assert (got["text"], got["own"], got["received_at"]) == (text, False, None)
    parties = {"sender": {"party": A, "name": NAMES[A]}, "debtor": {"party": ISSUER, "name": NAMES[ISSUER]}}
    said = json.loads(got["proofs"][0]["statement"])
    assert parties == {each: got[each] for each in parties} == {each: said[each] for each in parties}
    house.clock.now += 60
    read = house.desk(ISSUER).post(f"/notices/{sent['id']}/acknowledgement").json()
    house.clock.now += 60
    again = house.desk(ISSUER).post(f"/notices/{sent['id']}/acknowledgement").json()
    assert read["received_at"] == again["received_at"] is not None
    for party in (A, ISSUER):
        trail = house.desk(party).get("/audit").json()["items"]
        found = [each for each in trail if each["subject"] == f"notice {sent['id']}"]
        assert [each["act"] for each in found] == ["send notice", "acknowledge notice"]
        assert all(each["facts"]["hash"] == sent["hash"] for each in found)
    with house.office.store.reading() as session:
        for number in session.scalars(
            OrganisationRow.__table__.select().with_only_columns(OrganisationRow.number)
        ):
            assert broken_at(session, number) is None
