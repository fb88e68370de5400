"""What a promise's programme says of a sale of its vouchers: recourse, and interest at the issuer's cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.gateway.trading import Asked, asked
from tests.ledger.office import FACTOR, ISSUER, A

# ---- what the programme says -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def programme(shared_house: House) -> str:
    """Shared interest, of which the issuer bears at most 40 % and 1 % of the face; no recourse."""
    terms = {"bearer": "shared", "issuer_share": 4_000, "interest_ceiling": 100, "recourse": "without"}
    body = {"name": "with terms", "longest_tenor": 180, **terms}
    done = shared_house.desk(ISSUER).post("/issuer/programmes", body)
    assert done.status_code == 201, done.text
    return str(done.json()["id"])


def under(house: House, programme: str, reference: str) -> Asked:
    """A request on a voucher of 1,000.00 that was promised under the programme."""
    body = house.promise(reference=reference, programme=programme)
    offer = house.desk(ISSUER).offers("/issuer/promise-offers", body)
    house.desk(A).signs(offer["id"])
    house.land()
    return asked(house, offer["voucher"])


def test_recourse_is_quoted_as_the_programme_has_it(shared_house: House, programme: str) -> None:
    house = shared_house
    request = under(house, programme, "PO recourse")
    shown = house.desk(FACTOR).get(f"/bank/quote-requests/{request.id}").json()["terms"]
    assert shown == {
        "recourse": "without",
        "bearer": "shared",
        "issuer_share": "40.00",
        "issuer_ceiling": "10.00",
    }
    path = f"/bank/quote-requests/{request.id}/quote"
    done = house.desk(FACTOR).post(path, {"recourse": True, "rate": "3.60"})
    assert problem(done) == (409, "ProgrammeRecourseDiffers")
    request.quoted(FACTOR)


@pytest.mark.parametrize(
    ("offered", "signed_for"),
    [
        ({"bearer": "shared", "issuer_share": "40.00", "issuer_ceiling": "10.00"}, True),
        ({"bearer": "shared", "issuer_share": "40.01", "issuer_ceiling": "10.00"}, False),
        ({"bearer": "shared", "issuer_share": "40.00", "issuer_ceiling": "10.01"}, False),
        ({"bearer": "issuer", "issuer_ceiling": "1.00"}, False),
    ],
)
def test_what_is_above_the_terms_of_its_promise_the_issuer_signs_for_once_more(
    shared_house: House, programme: str, offered: dict[str, Any], signed_for: bool
) -> None:
    request = under(shared_house, programme, f"PO {offered}")
    quote = request.quoted(FACTOR, **offered)
    request.open()
    done = request.accepted(quote["id"])
    if signed_for:
        assert done.status_code == 202, done.text
    else:
        assert problem(done) == (409, "IssuerMustAgree")
