"""Signing in with an outside provider, and every token that somebody may send instead."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import RSAKey

from gateway.gateway import Gateway
from ledger.errors import InputError
from ledger.negotiation.provider import ATTEMPT_SECONDS, Provider
from ledger.organisation_tables import PersonRow
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.gateway.provider_stand import CLIENT, KEY, LANDING, SECRET, Stand, provider_at_work
from tests.ledger.office import A, B

MAIL = f"signatory.{A}@example.cn"
OTHER = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"}, private=True)


@pytest.fixture(scope="module")
def doors(shared_house: House) -> Iterator[tuple[House, Stand]]:
    """A gateway with a provider; somebody of A has an address there for a login, and somebody of B."""
    house, plain = shared_house, shared_house.gateway
    with house.office.store.writing() as session:
        for party in (A, B):
            row = session.query(PersonRow).filter_by(login=f"signatory.{party}").one()
            row.login = f"signatory.{party}@example.cn"
    with provider_at_work(plain) as (stand, provider):
        house.app.state.gateway = replace(plain, provider=provider)
        yield house, stand
    house.app.state.gateway = plain


@pytest.fixture
def stand(doors: tuple[House, Stand]) -> Iterator[Stand]:
    found = doors[1]
    yield found
    found.changed, found.forge, found.keys, found.broken = {}, None, [KEY], False


@pytest.fixture
def house(doors: tuple[House, Stand]) -> House:
    return doors[0]


def sent(house: House) -> tuple[TestClient, str]:
    client = house.nobody()
    done = client.post("/api/v1/session/provider")
    assert done.status_code == 201, done.text
    return client, done.json()["address"]


def comes_back(client: TestClient, came: dict[str, str]) -> Any:
    return client.post("/api/v1/session/provider/answer", json=came)


def signs_in(house: House, stand: Stand, *, subject: str = "u-1", email: str = MAIL, **more: Any) -> Any:
    client, address = sent(house)
    return comes_back(client, stand.goes(address, subject=subject, email=email, **more))


def refused(answer: Any) -> bool:
    return problem(answer) == (401, "SignInFailed") and "set-cookie" not in answer.headers


# ---- refusals ----------------------------------------------------------------------------------------------


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def signed(claims: dict[str, Any], key: Any = KEY, **header: str) -> str:
    told = {"alg": "RS256", "kid": "first"} | header
    return jwt.encode(told, claims, key, algorithms=[told["alg"]])


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    told = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(claims)}"
    made = hmac.digest(KEY.as_pem(private=False), told.encode(), "sha256")
    return f"{told}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def tampered(claims: dict[str, Any]) -> str:
    head, _, signature = signed(claims).split(".")
    return f"{head}.{part({**claims, 'sub': 'somebody else'})}.{signature}"


FORGED: dict[str, Callable[[dict[str, Any]], str]] = {
    "alg none": lambda claims: f"{part({'alg': 'none'})}.{part(claims)}.",
    "alg none with a kid": lambda claims: f"{part({'alg': 'none', 'kid': 'first'})}.{part(claims)}.",
    "the public key as a shared secret": with_public_key_as_secret,
    "a forged kid": lambda claims: signed(claims, kid="../../etc/passwd"),
    "another's key under the known kid": lambda claims: signed(claims, OTHER),
    "another's key under its own kid": lambda claims: signed(claims, OTHER, kid="second"),
    "a key that the token brings": lambda claims: jwt.encode(
        {"alg": "RS256", "kid": "second", "jwk": OTHER.as_dict(private=False)}, claims, OTHER
    ),
    "claims changed": tampered,
    "nothing": lambda _: "",
    "rubbish": lambda _: "a.b.c",
}


@pytest.mark.parametrize("what", FORGED, ids=str)
def test_no_forged_token_is_taken(house: House, stand: Stand, what: str) -> None:
    stand.forge = FORGED[what]
    assert refused(signs_in(house, stand))


def unfit(now: int) -> dict[str, dict[str, Any]]:
    return {
        "for another audience": {"aud": "another-client"},
        "for several, made for another": {"aud": [CLIENT, "other"], "azp": "other"},
        "for several, nobody says for whom": {"aud": [CLIENT, "other"]},
        "by another issuer": {"iss": "https://elsewhere.example"},
        "expired": {"exp": now - 61},
        "never expires": {"exp": None},
        "from the future": {"iat": now + 120},
        "old": {"iat": now - 7_200},
        "of no age": {"iat": None},
        "of another attempt": {"nonce": "another"},
        "of no attempt": {"nonce": None},
        "of nobody": {"sub": None},
        "of an empty subject": {"sub": ""},
        "of a subject that is no text": {"sub": 7},
    }


@pytest.mark.parametrize("what", unfit(0), ids=str)
def test_a_token_that_is_not_for_this_attempt_is_not_taken(house: House, stand: Stand, what: str) -> None:
    stand.changed = unfit(house.clock.now)[what]
    assert refused(signs_in(house, stand))


@pytest.mark.parametrize("verified", [False, None, "true", 1], ids=repr)
def test_an_address_that_the_provider_did_not_verify_is_nobody_s(
    house: House, stand: Stand, verified: object
) -> None:
    assert refused(signs_in(house, stand, subject="u-9", verified=verified))


def test_nobody_is_made_by_signing_in(house: House, stand: Stand) -> None:
    assert refused(signs_in(house, stand, subject="u-10", email="stranger@example.cn"))
    assert refused(signs_in(house, stand, subject="u-10", email=""))


def test_an_answer_belongs_to_the_browser_that_began_and_to_its_time(house: House, stand: Stand) -> None:
    client, address = sent(house)
    came = stand.goes(address, subject="u-1", email=MAIL)
    assert refused(comes_back(house.nobody(), came))
    assert refused(comes_back(client, {**came, "state": "another"}))
    assert came["code"] in stand.given  # nobody was asked about it
    victim, _ = sent(house)
    assert refused(comes_back(victim, came))  # an attacker's answer in somebody's browser
    client, address = sent(house)
    came = stand.goes(address, subject="u-1", email=MAIL)
    house.clock.now += ATTEMPT_SECONDS
    assert refused(comes_back(client, came))


def test_a_code_that_the_provider_refuses_signs_nobody_in(house: House, stand: Stand) -> None:
    client, address = sent(house)
    came = stand.goes(address, subject="u-1", email=MAIL)
    assert refused(comes_back(client, {**came, "code": "guessed"}))


def test_a_provider_that_is_away_is_no_answer(house: House, stand: Stand) -> None:
    stand.broken = True
    fresh = Provider(issuer=stand.address, client=CLIENT, secret=SECRET, landing=LANDING)
    before: Gateway = house.app.state.gateway
    house.app.state.gateway = replace(before, provider=fresh)
    assert problem(house.nobody().post("/api/v1/session/provider")) == (503, "ProviderUnusable")
    house.app.state.gateway = replace(before, provider=None)
    assert problem(house.nobody().post("/api/v1/session/provider")) == (404, "NotFound")
    house.app.state.gateway = before
    for issuer in ("http://provider.example", "ftp://provider.example", "provider"):
        with pytest.raises(InputError):
            Provider(issuer=issuer, client=CLIENT, secret=SECRET, landing=LANDING)


# ---- signing in --------------------------------------------------------------------------------------------


def test_a_person_is_known_by_the_subject_from_the_first_time_on(house: House, stand: Stand) -> None:
    first = signs_in(house, stand)
    assert first.status_code == 201, first.text
    assert first.json()["caller"]["party"] == A
    assert "SameSite=strict" in first.headers["set-cookie"]
    again = signs_in(house, stand, email="renamed@example.cn", verified=False)
    assert again.json()["caller"]["who"] == first.json()["caller"]["who"]
    assert refused(signs_in(house, stand, subject="u-2"))  # the address was given to somebody else there
    other = signs_in(house, stand, subject="u-3", email=f"Signatory.{B}@example.cn")
    assert other.json()["caller"]["party"] == B


def test_a_session_by_the_provider_works_and_ends_for_whoever_is_shut_out(house: House, stand: Stand) -> None:
    client, address = sent(house)
    done = comes_back(client, stand.goes(address, subject="u-1", email=MAIL))
    assert done.status_code == 201, done.text
    assert client.get("/api/v1/offers").status_code == 200
    told = {"X-CSRF-Token": done.json()["csrf"]}
    assert client.request("DELETE", "/api/v1/session", headers=told).status_code == 204
    with house.office.store.writing() as session:
        session.query(PersonRow).filter_by(login=MAIL).one().disabled = True
    assert refused(signs_in(house, stand))
    with house.office.store.writing() as session:
        session.query(PersonRow).filter_by(login=MAIL).one().disabled = False


def test_a_new_key_of_the_provider_is_fetched_once_a_minute_at_most(house: House, stand: Stand) -> None:
    assert signs_in(house, stand).status_code == 201
    house.clock.now += 60
    stand.keys = [KEY, OTHER]
    before = stand.asked_for_keys
    assert signs_in(house, stand).status_code == 201
    assert stand.asked_for_keys == before + 1
    stand.forge = FORGED["a forged kid"]
    for _ in range(3):
        assert refused(signs_in(house, stand))
    assert stand.asked_for_keys == before + 1
