"""Codes of six digits beside the password, and what somebody may try who has only one of the two."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from ledger.negotiation.sign_in import ACCOUNT_FAILURES
from ledger.organisation_tables import AuditRow, PersonRow
from tests.gateway.house import PASSWORD, Desk, House
from tests.gateway.offering import problem
from tests.ledger.office import ISSUER, A, B


class Phone:
    """An authenticator, by the clock of the house."""

    def __init__(self, house: House, secret: str) -> None:
        self.house, self.codes = house, TOTP(base64.b32decode(secret), 6, SHA1(), 30)

    def code(self, *, steps: int = 0) -> str:
        return self.codes.generate(self.house.clock.now + 30 * steps).decode()


def enrolled(house: House, desk: Desk) -> Phone:
    done = desk.post("/session/second-factor")
    assert done.status_code == 201, done.text
    assert done.headers["cache-control"] == "no-store"
    return Phone(house, done.json()["secret"])


def confirmed(house: House, desk: Desk) -> Phone:
    phone = enrolled(house, desk)
    assert desk.post("/session/second-factor/confirmation", {"code": phone.code()}).status_code == 204
    house.clock.now += 30
    return phone


def enters(house: House, code: str | None, *, login: str = f"signatory.{A}", password: str = PASSWORD) -> Any:
    body = {"login": login, "password": password} | ({} if code is None else {"code": code})
    return house.nobody().post("/api/v1/session", json=body)


def test_the_codes_are_those_of_the_rfc() -> None:
    codes = TOTP(b"12345678901234567890", 8, SHA1(), 30)  # RFC 6238, appendix B
    assert [codes.generate(at) for at in (59, 1_111_111_109, 20_000_000_000)] == [
        b"94287082",
        b"07081804",
        b"65353130",
    ]


def test_without_a_code_or_with_another_one_nobody_gets_in(house: House) -> None:
    phone = confirmed(house, house.desk(A))
    assert problem(enters(house, None)) == (401, "SecondFactorNeeded")
    assert problem(enters(house, phone.code(steps=5))) == (401, "SignInFailed")
    wrong = enters(house, phone.code(), password="other words entirely")
    unknown = enters(house, phone.code(), login="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text
    for code in ("12345", "1234567", "١٢٣٤٥٦", "abcdef"):
        assert enters(house, code).status_code == 422
    assert enters(house, phone.code()).status_code == 201


def test_a_code_is_taken_once_and_none_older_than_the_last(house: House) -> None:
    phone = confirmed(house, house.desk(A))
    used = phone.code()
    assert enters(house, used).status_code == 201
    assert problem(enters(house, used)) == (401, "SignInFailed")
    assert problem(enters(house, phone.code(steps=-1))) == (401, "SignInFailed")
    house.clock.now += 30
    assert enters(house, phone.code()).status_code == 201


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 201), (0, 201), (1, 201), (2, 401)])
def test_a_clock_may_be_half_a_minute_wrong(house: House, steps: int, status: int) -> None:
    phone = confirmed(house, house.desk(A))
    house.clock.now += 300
    assert enters(house, phone.code(steps=steps)).status_code == status


def test_codes_are_not_guessed_longer_than_passwords_are(house: House) -> None:
    phone = confirmed(house, house.desk(A))
    for _ in range(ACCOUNT_FAILURES):
        assert enters(house, phone.code(steps=9)).status_code == 401
    assert problem(enters(house, phone.code())) == (429, "TooManyFailures")


def test_a_secret_counts_from_its_first_code_on_and_not_before(house: House) -> None:
    desk = house.desk(A)
    assert problem(desk.post("/session/second-factor/confirmation", {"code": "000000"})) == (404, "NotFound")
    first = enrolled(house, desk)
    assert enters(house, None).status_code == 201
    second = enrolled(house, desk)
    stale = desk.post("/session/second-factor/confirmation", {"code": first.code()})
    assert problem(stale) == (409, "CodeRefused")
    assert desk.post("/session/second-factor/confirmation", {"code": second.code()}).status_code == 204
    assert problem(desk.post("/session/second-factor")) == (409, "SecondFactorPresent")
    again = desk.post("/session/second-factor/confirmation", {"code": second.code()})
    assert problem(again) == (409, "SecondFactorPresent")


def test_another_signatory_resets_it_nobody_does_for_oneself_or_for_others(house: House) -> None:
    desk = house.desk(A)
    phone = confirmed(house, desk)
    people = {each["login"]: each for each in desk.get("/people").json()["items"]}
    own = people[f"signatory.{A}"]
    assert own["second_factor"]
    path = f"/people/{own['person']}/second-factor-reset"
    assert problem(desk.post(path)) == (403, "NotAllowed")
    for stranger in (house.desk(B), house.desk(ISSUER)):
        assert problem(stranger.post(path)) == (404, "NotFound")
    for role in ("operator", "reviewer", "auditor", "partner"):
        assert problem(house.desk(A, role).post(path)) == (403, "NotAllowed")
    body = {"login": "second.signatory", "name": "张敏", "password": PASSWORD, "roles": ["signatory"]}
    assert desk.post("/people", body).status_code == 201
    assert house.signed_in("second.signatory").post(path).status_code == 204
    assert enters(house, None).status_code == 201
    assert enters(house, phone.code()).status_code == 201  # a code that nobody asked for


def test_the_secret_is_kept_sealed_and_told_nobody_twice(house: House) -> None:
    desk = house.desk(A)
    drawn = desk.post("/session/second-factor").json()
    assert drawn["address"].startswith("otpauth://totp/Tallystick:signatory.")
    secret = base64.b32decode(drawn["secret"])
    with house.office.store.reading() as session:
        person = session.query(PersonRow).filter_by(login=f"signatory.{A}").one()
        kept = [person.totp, *[repr(row.facts) for row in session.query(AuditRow)]]
    assert not any(secret.hex() in str(each) or drawn["secret"] in str(each) for each in kept)
    with house.office.store.writing() as session:  # and opens for nobody else
        other = session.query(PersonRow).filter_by(login=f"operator.{A}").one()
        other.totp = session.query(PersonRow).filter_by(login=f"signatory.{A}").one().totp
    moved = house.desk(A, "operator").post("/session/second-factor/confirmation", {"code": "000000"})
    assert problem(moved) == (500, "SealError")


def test_programs_have_no_second_factor(house: House) -> None:
    made = house.desk(ISSUER).post("/clients", {"name": "ERP", "roles": ["signatory"]}).json()
    form = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["secret"]}
    token = house.nobody().post("/api/v1/token", data=form).json()["access_token"]
    told = {"Authorization": f"Bearer {token}"}
    for path in ("second-factor", "password"):
        body = None if path == "second-factor" else {"old": "x", "new": PASSWORD}
        done = house.nobody().post(f"/api/v1/session/{path}", json=body, headers=told)
        assert problem(done) == (403, "NotAllowed")
