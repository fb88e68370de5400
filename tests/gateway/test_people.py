"""Who signs in for an organisation: let in, shut out, with a password of their own."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.negotiation.audit import broken_at
from ledger.negotiation.sign_in import ACCOUNT_FAILURES
from ledger.organisation_tables import OrganisationRow, RequestRow
from tests.gateway.house import PASSWORD, House
from tests.gateway.offering import problem
from tests.ledger.office import ISSUER, A, B

NEW = "nine blue rivers 1951"


def somebody(**changed: Any) -> dict[str, Any]:
    return {"login": "zhang.min", "name": "张敏", "password": PASSWORD, "roles": ["operator"], **changed}


@pytest.mark.parametrize("role", ["operator", "reviewer", "auditor", "partner", "registrar"])
def test_only_a_signatory_lets_people_in(shared_house: House, role: str) -> None:
    desk = shared_house.desk(A, role)
    assert problem(desk.post("/people", somebody())) == (403, "NotAllowed")
    seen = desk.get("/people")
    assert seen.status_code == (200 if role == "auditor" else 403)


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "short"},
        {"password": "zhang.min zhang.min"},
        {"login": f"signatory.{B}"},
        {"login": "Zhang Min"},
        {"name": "张\u202e敏"},
        {"roles": []},
        {"roles": ["root"]},
        {"organisation": 1},
        {"disabled": False},
    ],
    ids=repr,
)
def test_what_cannot_be_is_refused(shared_house: House, changed: dict[str, Any]) -> None:
    assert shared_house.desk(A).post("/people", somebody(**changed)).status_code == 422


def test_whoever_is_shut_out_is_gone_at_once_and_may_come_again(house: House) -> None:
    desk = house.desk(A)
    person = desk.post("/people", somebody()).json()["person"]
    worker = house.signed_in("zhang.min")
    assert worker.get("/offers").status_code == 200
    assert problem(house.desk(ISSUER).post(f"/people/{person}/shut-out")) == (404, "NotFound")
    assert desk.post(f"/people/{person}/shut-out").json()["shut_out"] is True
    assert worker.get("/offers").status_code == 401
    form = {"login": "zhang.min", "password": PASSWORD}
    assert house.nobody().post("/api/v1/session", json=form).status_code == 401
    assert desk.post(f"/people/{person}/let-in").json()["shut_out"] is False
    assert worker.get("/offers").status_code == 401  # the old session stays ended
    assert house.nobody().post("/api/v1/session", json=form).status_code == 201
    own = next(each for each in desk.get("/people").json()["items"] if each["login"] == f"signatory.{A}")
    assert problem(desk.post(f"/people/{own['person']}/shut-out")) == (403, "NotAllowed")


def test_people_come_by_pages(shared_house: House) -> None:
    desk = shared_house.desk(B)
    seen: list[str] = []
    following: dict[str, str] = {}
    while True:
        page = desk.get("/people", limit=2, **following).json()
        assert len(page["items"]) <= 2
        seen += [each["login"] for each in page["items"]]
        if page["next"] is None:
            break
        following = {"cursor": page["next"]}
    assert len(seen) == len(set(seen)) == 6
    assert all(login.endswith(f".{B}") for login in seen)


def test_a_new_password_wants_the_old_one_and_ends_every_session(house: House) -> None:
    desk = house.desk(A)
    login = f"signatory.{A}"
    other = house.nobody()
    assert other.post("/api/v1/session", json={"login": login, "password": PASSWORD}).status_code == 201
    assert problem(desk.post("/session/password", {"old": NEW, "new": NEW})) == (401, "SignInFailed")
    weak = {"old": PASSWORD, "new": "aaaaaaaaaaaaaa"}
    assert problem(desk.post("/session/password", weak)) == (422, "InputError")
    assert desk.post("/session/password", {"old": PASSWORD, "new": NEW}).status_code == 204
    assert desk.get("/offers").status_code == other.get("/api/v1/offers").status_code == 401
    for password, status in ((PASSWORD, 401), (NEW, 201)):
        done = house.nobody().post("/api/v1/session", json={"login": login, "password": password})
        assert done.status_code == status


def test_a_stolen_session_does_not_guess_the_password(house: House) -> None:
    desk = house.desk(A)
    for _ in range(ACCOUNT_FAILURES):
        assert desk.post("/session/password", {"old": "wrong", "new": NEW}).status_code == 401
    assert problem(desk.post("/session/password", {"old": PASSWORD, "new": NEW})) == (429, "TooManyFailures")


def test_no_quick_hash_of_a_password_is_kept_and_the_trail_tells_who_let_whom_in(house: House) -> None:
    desk = house.desk(A)
    assert desk.post("/people", somebody()).status_code == 201
    desk.post("/session/password", {"old": PASSWORD, "new": NEW})
    with house.office.store.reading() as session:
        assert session.query(RequestRow).count() == 0
        own = session.query(OrganisationRow).filter_by(party=A).one().number
        assert broken_at(session, own) is None
