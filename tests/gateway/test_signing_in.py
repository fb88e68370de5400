"""Signing in, and everything that somebody may try instead."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey

from gateway import service
from ledger.errors import InputError
from ledger.negotiation.sign_in import (
    ACCOUNT_FAILURES,
    ADDRESS_FAILURES,
    SESSION_SECONDS,
    TOKEN_SECONDS,
    WINDOW,
)
from ledger.organisation_tables import ApiClientRow, PersonRow, SessionRow
from tests.gateway.house import PASSWORD, House
from tests.ledger.office import ISSUER, A, B

LOGIN = f"signatory.{A}"


def attempt(house: House, login: str, password: str, client: Any = None) -> Any:
    return (client or house.nobody()).post("/api/v1/session", json={"login": login, "password": password})


def test_wrong_password_and_unknown_account_read_the_same(house: House) -> None:
    wrong, unknown = (
        attempt(house, LOGIN, "wrong words entirely"),
        attempt(house, "nobody", "wrong words entirely"),
    )
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text
    assert "set-cookie" not in wrong.headers


def test_a_disabled_account_reads_the_same_and_its_session_ends(house: House) -> None:
    desk = house.desk(A)
    with house.office.store.writing() as session:
        row = session.query(PersonRow).filter_by(login=LOGIN).one()
        row.disabled = True
    assert desk.get("/offers").status_code == 401
    assert attempt(house, LOGIN, PASSWORD).text == attempt(house, "nobody", PASSWORD).text


def test_after_some_failures_an_account_is_closed_for_a_while_that_grows_whether_or_not_it_exists(
    house: House,
) -> None:
    for login in (LOGIN, "nobody"):
        for _ in range(ACCOUNT_FAILURES):
            assert attempt(house, login, "wrong words entirely").status_code == 401
        closed = attempt(house, login, PASSWORD)
        assert (closed.status_code, closed.json()["facts"]) == (429, {"seconds": 2})
        assert closed.headers["retry-after"] == "2"
    house.clock.now += 2
    assert attempt(house, LOGIN, "wrong words entirely").status_code == 401
    assert attempt(house, LOGIN, PASSWORD).json()["facts"] == {"seconds": 4}
    house.clock.now += 4
    assert attempt(house, LOGIN, PASSWORD).status_code == 201
    assert attempt(house, LOGIN, "wrong words entirely").status_code == 401  # counted anew
    house.clock.now += WINDOW


def test_an_address_that_tries_many_accounts_is_closed(house: House) -> None:
    for n in range(ADDRESS_FAILURES):
        assert attempt(house, f"somebody.{n}", "wrong words entirely").status_code == 401
    assert attempt(house, LOGIN, PASSWORD).status_code == 429
    house.clock.now += WINDOW
    assert attempt(house, LOGIN, PASSWORD).status_code == 201


def test_the_cookie_is_for_the_browser_alone_and_is_kept_as_a_hash(house: House) -> None:
    done = attempt(house, LOGIN, PASSWORD)
    cookie = done.headers["set-cookie"]
    for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert word in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    with house.office.store.reading() as session:
        rows = session.query(SessionRow).all()
    assert token not in [row.token for row in rows]
    assert token not in repr([vars(row) for row in rows])


def test_a_change_without_the_session_s_csrf_token_is_refused(house: House) -> None:
    desk, other = house.desk(ISSUER), house.desk(A)
    body = house.promise()
    for csrf in ("", "x", other.csrf, desk.csrf + "x"):
        told = {"X-CSRF-Token": csrf, "Idempotency-Key": f"csrf {csrf}"}
        done = desk.client.post("/api/v1/issuer/promise-offers", json=body, headers=told)
        assert (done.status_code, done.json()["type"]) == (403, "/problems/CsrfDiffers")
    assert desk.get("/offers").json()["items"] == []


def test_a_session_ends_with_signing_out_and_with_time(house: House) -> None:
    first = house.desk(A)
    assert first.get("/session").json()["caller"]["party"] == A
    assert first.get("/session").json()["csrf"] == first.csrf
    kept = dict(first.client.cookies)
    assert first.delete("/session").status_code == 204
    stolen = house.nobody()
    stolen.cookies.update(kept)
    assert stolen.get("/api/v1/offers").status_code == 401
    second = house.desk(B)
    house.clock.now += SESSION_SECONDS
    assert second.get("/offers").status_code == 401


# ---- programs ----------------------------------------------------------------------------------------------


@pytest.fixture
def program(house: House) -> dict[str, str]:
    made = house.desk(ISSUER).post("/clients", {"name": "ERP", "roles": ["signatory"]}).json()
    return {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["secret"]}


def token_of(house: House, program: dict[str, str]) -> str:
    done = house.nobody().post("/api/v1/token", data=program)
    assert done.status_code == 200, done.text
    assert done.headers["cache-control"] == "no-store"
    return str(done.json()["access_token"])


def asked(house: House, token: str) -> int:
    return int(house.nobody().get("/api/v1/offers", headers={"Authorization": f"Bearer {token}"}).status_code)


def test_a_token_is_good_for_a_quarter_of_an_hour(house: House, program: dict[str, str]) -> None:
    token = token_of(house, program)
    house.clock.now += TOKEN_SECONDS - 1
    assert asked(house, token) == 200
    house.clock.now += 1
    assert asked(house, token) == 401


def test_a_token_dies_with_its_program(house: House, program: dict[str, str]) -> None:
    token = token_of(house, program)
    with house.office.store.writing() as session:
        session.get_one(ApiClientRow, program["client_id"]).disabled = True
    assert asked(house, token) == 401
    assert house.nobody().post("/api/v1/token", data=program).status_code == 401


def test_a_wrong_secret_and_an_unknown_program_read_the_same(house: House, program: dict[str, str]) -> None:
    wrong = house.nobody().post("/api/v1/token", data={**program, "client_secret": "x"})
    unknown = house.nobody().post("/api/v1/token", data={**program, "client_id": "f" * 24})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text


def test_no_forged_token_is_taken(house: House, program: dict[str, str]) -> None:
    good = token_of(house, program)
    head, claims, signature = good.split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=="))
    key = OctKey.import_key(
        house.gateway.token_key, {"kid": json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]}
    )

    def made(changed: dict[str, Any], header: dict[str, str] | None = None, by: OctKey = key) -> str:
        told = {"alg": "HS256", "kid": str(key.kid)} | (header or {})
        return jwt.encode(told, {**read, **changed}, by, algorithms=["HS256", "HS512"])

    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    assert asked(house, made({})) == 200
    now = house.clock.now
    forged = {
        "alg none": f"{part({'alg': 'none'})}.{claims}.",
        "alg none, signed": f"{part({'alg': 'none', 'kid': key.kid})}.{claims}.{signature}",
        "another algorithm": made({}, {"alg": "HS512"}),
        "a forged kid": made({}, {"kid": "../../etc/passwd"}),
        "another key": made({}, by=OctKey.import_key(b"x" * 32, {"kid": str(key.kid)})),
        "expired": made({"exp": now - 1}),
        "never expires": jwt.encode(
            {"alg": "HS256", "kid": str(key.kid)}, {k: v for k, v in read.items() if k != "exp"}, key
        ),
        "for another audience": made({"aud": "another-api"}),
        "by another issuer": made({"iss": "somebody"}),
        "not yet": made({"nbf": now + 600}),
        "another program": made({"sub": "0" * 24}),
        "a claim changed": f"{head}.{part({**read, 'scope': 'signatory registrar'})}.{signature}",
        "nothing": "",
        "rubbish": "a.b.c",
        "long": "a" * 10_000,
    }
    for what, token in forged.items():
        assert asked(house, token) in (401,), what


def test_a_program_that_asks_too_often_is_told_to_wait(house: House, program: dict[str, str]) -> None:
    token = token_of(house, program)
    assert [asked(house, token) for _ in range(201)] == [200] * 200 + [429]
    house.clock.now += 1
    assert [asked(house, token) for _ in range(51)] == [200] * 50 + [429]


def test_a_partner_may_not_ask_more_often_than_a_program_and_nobody_else_is_counted(house: House) -> None:
    partner, own = house.hired(A, "partner.x", {"partner"}), house.desk(A)
    asked = [partner.get("/session").status_code for _ in range(201)]
    assert asked == [200] * 200 + [429]
    assert {own.get("/session").status_code for _ in range(201)} == {200}


def test_nothing_secret_is_logged(
    house: House, program: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        token = token_of(house, program)
        asked(house, token)
        attempt(house, LOGIN, "wrong words entirely")
    for secret in (program["client_secret"], token, "wrong words entirely", PASSWORD):
        assert secret not in caplog.text


def test_behind_a_proxy_that_is_named_each_caller_is_throttled_by_an_address_of_its_own(house: House) -> None:
    config = service.listening(house.app, host="127.0.0.1", port=0, proxies=service.proxies_of("10.0.0.0/24"))
    config.load()

    def guess(login: str, *, connected: str, said: str) -> int:
        client = TestClient(config.loaded_app, base_url="https://testserver", client=(connected, 4_000))
        form = {"login": login, "password": "a wrong guess of mine"}
        done = client.post("/api/v1/session", json=form, headers={"X-Forwarded-For": said})
        return int(done.status_code)

    behind, outside = "10.0.0.7", "198.51.100.9"
    for n in range(ADDRESS_FAILURES):
        assert guess(f"nobody.{n}", connected=behind, said="203.0.113.5") == 401
    assert guess("somebody", connected=behind, said="203.0.113.5") == 429
    # What a caller puts before the proxy's own word is not believed.
    assert guess("somebody", connected=behind, said="192.0.2.77, 203.0.113.5") == 429
    assert guess("somebody", connected=behind, said="203.0.113.6") == 401
    for n in range(ADDRESS_FAILURES):
        assert guess(f"no.one.{n}", connected=outside, said=f"192.0.2.{n}") == 401
    assert guess("somebody", connected=outside, said="192.0.2.200") == 429


@pytest.mark.parametrize("wrong", ["*", "proxy.bank", "10.0.0.1/24", "10.0.0.7 10.0.0.8"])
def test_what_is_no_proxy_s_address_is_named(wrong: str) -> None:
    with pytest.raises(InputError, match="is no address and no network"):
        service.proxies_of(f"10.0.0.7, {wrong}")
