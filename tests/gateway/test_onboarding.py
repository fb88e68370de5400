"""An enterprise becomes a party: invited, applying, checked against the public register, admitted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from ledger.errors import FileError
from ledger.negotiation.business_registry import FileRegister, HttpRegister, Registered, RegisterUnusable
from ledger.negotiation.onboarding import settle
from ledger.organisation_tables import OrganisationRow
from tests.gateway.applying import CODE, PERSON, application, invited
from tests.gateway.house import Desk, House
from tests.gateway.stands import standing
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, REGISTRAR, A, key_of


def applies(house: House, body: dict[str, Any]) -> Any:
    return house.nobody().post("/api/v1/applications", json=body)


def registered(house: House, **changed: str) -> None:
    row = {"code": CODE, "name": "青禾齿轮", "status": "active", "legal_representative": "王芳"} | changed
    house.register.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8")


def checked(house: House, **changed: Any) -> int:
    """An application that its sponsor has taken."""
    registered(house)
    number = int(applies(house, application(house, **changed)).json()["organisation"])
    assert house.desk(BANK).post(f"/applications/{number}/check").status_code == 200
    return number


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


# ---- refusals ----------------------------------------------------------------------------------------------


def test_nobody_applies_without_an_invitation_or_twice_with_one(house: House) -> None:
    body = application(house, invitation="x" * 43)
    assert problem(applies(house, body)) == (404, "NotFound")
    token = invited(house)
    assert applies(house, application(house, invitation=token)).status_code == 201
    again = application(house, invitation=token, person={**PERSON, "login": "another"})
    assert problem(applies(house, again)) == (404, "NotFound")


def test_an_invitation_runs_out(house: House) -> None:
    body = application(house)
    house.clock.now += 15 * 86_400
    assert problem(applies(house, body)) == (404, "NotFound")


@pytest.mark.parametrize(
    "changed",
    [
        {"credit_code": "91350100M000100Y4Z"},
        {"name": " 青禾"},
        {"name": "青\u202e禾"},
        {"name": "123"},
        {"size_class": "huge"},
        {"roles": ["registrar"]},
        {"person": {**PERSON, "password": "short"}},
        {"person": {**PERSON, "password": "li.wei li.wei li.wei"}},
        {"person": {**PERSON, "login": "Li Wei"}},
        {"person": {**PERSON, "login": f"signatory.{A}"}},
        {"signer": {"kind": "wallet"}},
        {"signer": {"kind": "contract", "address": "0x" + "11" * 20}},
        {"signer": {"kind": "key", "text": "-----BEGIN PUBLIC KEY-----"}},
        {"signer": {"kind": "certificate", "text": "x"}},
        {"signer": {"kind": "passkey", "point": "0x00"}},
        {"status": "admitted"},
        {"party": 2},
        {"sponsor": 3},
    ],
    ids=repr,
)
def test_what_cannot_be_is_refused_and_the_invitation_stays_good(
    house: House, changed: dict[str, Any]
) -> None:
    body = application(house)
    done = applies(house, {**body, **changed})
    assert problem(done)[0] == 422, done.text
    assert applies(house, body).status_code == 201


def test_one_credit_code_applies_once(house: House) -> None:
    assert applies(house, application(house)).status_code == 201
    done = applies(house, application(house, person={**PERSON, "login": "another"}))
    assert problem(done) == (409, "CodeTaken")


@pytest.mark.parametrize(
    ("member", "value"),
    [("name", "青禾齿轮厂"), ("legal_representative", "王方"), ("status", "revoked")],
)
def test_what_the_public_register_has_otherwise_stands_against_it(
    house: House, member: str, value: str
) -> None:
    registered(house, **{member: value})
    number = applies(house, application(house)).json()["organisation"]
    done = house.desk(BANK).post(f"/applications/{number}/check")
    assert problem(done) == (409, "RegisterDiffers")
    assert done.json()["facts"]["member"] == member
    (shown,) = house.desk(BANK).get(f"/applications/{number}/comparison").json()["differences"]
    assert shown["member"] == member


def test_who_is_not_in_the_public_register_is_told_so(house: House) -> None:
    registered(house, code="other")
    number = applies(house, application(house)).json()["organisation"]
    done = house.desk(BANK).post(f"/applications/{number}/check")
    assert problem(done) == (409, "NotRegistered")
    assert done.json()["facts"] == {"code": CODE}
    (shown,) = house.desk(BANK).get(f"/applications/{number}/comparison").json()["differences"]
    assert shown == {"member": "code", "given": CODE, "registered": ""}


def test_without_a_public_register_nobody_is_checked_and_it_is_said_whose_matter_that_is(
    house: House,
) -> None:
    number = applies(house, application(house)).json()["organisation"]
    house.app.state.gateway = replace(house.gateway, register=None)
    done = house.desk(BANK).post(f"/applications/{number}/check")
    assert problem(done) == (503, "RegisterUnusable")
    assert "whoever runs the gateway" in done.json()["detail"]


def test_only_the_sponsor_checks_and_only_the_registrar_admits(house: House) -> None:
    registered(house)
    number = applies(house, application(house)).json()["organisation"]
    for stranger in (OTHER_BANK, ISSUER, FACTOR, A):
        desk = house.desk(stranger)
        for end in ("check", "reject", "admission"):
            body = {"reason": "x"} if end == "reject" else {} if end == "admission" else None
            assert problem(desk.post(f"/applications/{number}/{end}", body)) == (404, "NotFound")
        assert problem(desk.get(f"/applications/{number}")) == (404, "NotFound")
        assert desk.get("/applications").json()["items"] == []
    registrar = house.desk(REGISTRAR, "registrar")
    assert problem(registrar.get(f"/applications/{number}")) == (
        404,
        "NotFound",
    )  # its sponsor has not checked it
    assert problem(house.desk(BANK).post(f"/applications/{number}/admission", {})) == (403, "NotAllowed")
    house.desk(BANK).post(f"/applications/{number}/check")
    assert registrar.get(f"/applications/{number}").json()["status"] == "checked"
    assert problem(house.desk(REGISTRAR, "operator").get(f"/applications/{number}")) == (404, "NotFound")


def test_an_applicant_does_nothing_before_it_is_admitted(house: House) -> None:
    applies(house, application(house))
    desk = house.signed_in("li.wei")
    assert desk.get("/session").json()["caller"]["party"] is None
    assert desk.get("/vouchers").json()["items"] == desk.get("/lines").json()["items"] == []
    assert problem(desk.post("/issuer/promise-offers", house.promise())) == (403, "NotAdmitted")
    assert problem(desk.post("/invitations", {"name": "乙"})) == (403, "NotAdmitted")


def test_a_rejected_application_says_why_and_its_code_can_apply_again(house: House) -> None:
    number = applies(house, application(house)).json()["organisation"]
    done = house.desk(BANK).post(f"/applications/{number}/reject", {"reason": "licence has run out"})
    assert done.json()["status"] == "rejected"
    own = house.signed_in("li.wei").get(f"/applications/{number}").json()
    assert (own["status"], own["reason"]) == ("rejected", "licence has run out")
    assert problem(house.desk(BANK).post(f"/applications/{number}/check")) == (409, "ApplicationClosed")
    assert applies(house, application(house, person={**PERSON, "login": "zhang"})).status_code == 201


# ---- admission ---------------------------------------------------------------------------------------------


def admitted(house: House, number: int, applicant: Desk, *, wallet: Any = None) -> int:
    """Registrar, sponsor and applicant sign; it lands."""
    office = house.desk(REGISTRAR, "registrar")
    offer = office.offers(f"/applications/{number}/admission", {})
    for signatory in (house.desk(REGISTRAR), house.desk(BANK)):
        signatory.signs(offer["id"])
    if wallet is None:
        applicant.signs(offer["id"])
    else:
        typed = applicant.get(f"/offers/{offer['id']}/typed-data").json()
        signature = "0x" + bytes(Account.sign_typed_data(wallet, full_message=typed).signature).hex()
        done = applicant.post(f"/offers/{offer['id']}/signatures", {"signature": signature})
        assert done.status_code == 202, done.text
    house.land()
    with house.office.store.writing() as session:
        assert settle(session, house.gateway.setting) == 1
    return int(applicant.get("/session").json()["caller"]["party"])


def test_an_admitted_enterprise_receives_a_voucher(any_house: House) -> None:
    house = any_house
    number = checked(house)
    party = admitted(house, number, house.signed_in("li.wei"))
    assert house.desk(BANK).get(f"/applications/{number}").json()["party"] == party
    offer = house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(supplier=party))
    assert "青禾齿轮" in offer["sentences"][0]["zh"]
    house.signed_in("li.wei").signs(offer["id"])
    house.land()
    assert house.signed_in("li.wei").get(f"/vouchers/{offer['voucher']}").json()["standing"] == "holder"


def test_an_applicant_finds_its_admission_among_what_it_is_to_sign(house: House) -> None:
    number = checked(house)
    offer = house.desk(REGISTRAR, "registrar").offers(f"/applications/{number}/admission", {})
    applicant = house.signed_in("li.wei")
    assert [each["id"] for each in applicant.get("/offers", to_sign=True).json()["items"]] == [offer["id"]]
    applicant.signs(offer["id"])
    assert applicant.get("/offers", to_sign=True).json()["items"] == []


def test_an_own_wallet_proves_itself_when_the_admission_is_signed(house: House) -> None:
    key = key_of(99)
    address = key.public_key.to_checksum_address()
    number = checked(house, signer={"kind": "wallet", "address": address})
    applicant = house.signed_in("li.wei")
    offer = house.desk(REGISTRAR, "registrar").offers(f"/applications/{number}/admission", {})
    kept = applicant.post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(kept) == (409, "NoCustodialKey")
    house.desk(REGISTRAR).post(f"/offers/{offer['id']}/recall", {"reason": "once more"})
    assert admitted(house, number, applicant, wallet=key.to_bytes()) >= 10


def test_two_applicants_get_two_numbers(house: House) -> None:
    first = checked(house)
    register = house.register.read_text("utf-8")
    other = "92350100MA2XXXXX0R"
    assert register
    office = house.desk(REGISTRAR, "registrar")
    one = office.offers(f"/applications/{first}/admission", {})
    with house.office.store.writing() as session:
        template = session.get_one(OrganisationRow, first)
        twin = OrganisationRow(
            **{
                column.name: getattr(template, column.name)
                for column in OrganisationRow.__table__.columns
                if column.name not in ("number", "candidate", "credit_code", "profile")
            },
            candidate=None,
            credit_code=other,
            profile=None,
        )
        session.add(twin)
        session.flush()
        second = twin.number
    two = office.offers(f"/applications/{second}/admission", {})
    assert one["agreement"]["party"] != two["agreement"]["party"]


# ---- the public register -----------------------------------------------------------------------------------


@contextmanager
def register_server(answers: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(content)

    with standing(Handler) as address:
        yield address


RECORD = {"code": CODE, "name": "青禾齿轮", "status": "active", "legal_representative": "王芳"}


def test_a_register_behind_http_is_asked_and_never_believed_blindly() -> None:
    good = json.dumps(RECORD, ensure_ascii=False).encode()
    with register_server({f"/{CODE}": (200, good)}) as address:
        assert HttpRegister(address).look_up(CODE) == Registered(**RECORD)
        assert HttpRegister(address).look_up("other") is None
    bad = {
        "500": (500, b""),
        "moved": (302, b""),
        "html": (200, b"<html>"),
        "list": (200, b"[]"),
        "long": (200, b" " * 100_000),
        "other": (200, json.dumps({**RECORD, "code": "x"}).encode()),
        "status": (200, json.dumps({**RECORD, "code": "status", "status": "sleeping"}).encode()),
    }
    with register_server({f"/{name}": answer for name, answer in bad.items()}) as address:
        for name in bad:
            with pytest.raises(RegisterUnusable):
                HttpRegister(address).look_up(name)
    with pytest.raises(RegisterUnusable, match="cannot be reached"):
        HttpRegister(address).look_up(CODE)


def test_a_register_in_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    with pytest.raises(RegisterUnusable):
        FileRegister(path).look_up(CODE)
    path.write_text("code,name,status,legal_representative\n" + ",".join(RECORD.values()) + "\n", "utf-8")
    assert FileRegister(path).look_up(CODE) == Registered(**RECORD)
    assert FileRegister(path).look_up("other") is None
    path.write_text("code,name,status,legal_representative\nx,y,asleep,\n", "utf-8")
    with pytest.raises(FileError, match="status"):
        FileRegister(path).look_up(CODE)
