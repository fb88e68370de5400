"""Interest at the issuer's cost, where its promise says nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.gateway.trading import asked, held
from tests.ledger.office import FACTOR, ISSUER, A, B


def test_the_issuer_bears_interest_only_after_it_has_agreed(shared_house: House) -> None:
    house = shared_house
    terms: Any = {"bearer": "issuer", "issuer_ceiling": "5.00"}
    request = asked(house, held(house))
    quote = request.quoted(FACTOR, **terms)
    request.open()
    assert problem(request.accepted(quote["id"])) == (409, "IssuerMustAgree")
    answer = {"agrees": True}
    path = f"/issuer/interest-requests/{quote['id']}/answer"
    assert problem(house.desk(ISSUER).post(path, answer)) == (404, "NotFound")
    assert quote["id"] not in house.desk(ISSUER).get("/issuer/interest-requests").text
    assert house.desk(A).post(f"/supplier/quotes/{quote['id']}/ask-issuer").status_code == 200
    shown = house.desk(ISSUER).get("/issuer/interest-requests").json()["items"][0]
    assert (shown["issuer_ceiling"], shown["issuer_consent"]) == ("5.00", "asked")
    assert problem(house.desk(B).post(path, answer)) == (404, "NotFound")
    assert problem(house.desk(ISSUER, "operator").post(path, answer)) == (403, "NotAllowed")
    assert house.desk(ISSUER).post(path, answer).status_code == 200
    assert problem(house.desk(ISSUER).post(path, {"agrees": False})) == (409, "QuoteClosed")
    assert request.accepted(quote["id"]).status_code == 202


@pytest.mark.parametrize("terms", [{}, {"bearer": "issuer", "issuer_ceiling": "5.00"}])
def test_an_issuer_that_declines_or_is_not_asked_bears_nothing(
    shared_house: House, terms: dict[str, Any]
) -> None:
    house = shared_house
    request = asked(house, held(house))
    quote = request.quoted(FACTOR, **terms)
    request.open()
    told = house.desk(A).post(f"/supplier/quotes/{quote['id']}/ask-issuer")
    if not terms:
        assert problem(told) == (409, "QuoteClosed")
        return
    no = house.desk(ISSUER).post(f"/issuer/interest-requests/{quote['id']}/answer", {"agrees": False})
    assert no.status_code == 200
    assert problem(request.accepted(quote["id"])) == (409, "IssuerMustAgree")
