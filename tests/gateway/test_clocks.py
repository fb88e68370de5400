"""A machine whose clock is an hour wrong: rules go by the chain's time, so that nothing is open early or lost."""

from __future__ import annotations

import pytest

from tests.gateway.house import House
from tests.gateway.offering import offered, sums
from tests.gateway.trading import HOUR, asked, held
from tests.ledger.office import FACTOR, ISSUER, A


@pytest.mark.parametrize("wrong", [-HOUR, HOUR], ids=["slow", "fast"])
def test_a_clock_that_is_an_hour_wrong_opens_no_quote_early_and_ends_no_offer(
    house: House, wrong: int
) -> None:
    offer = offered(house, reference="PO clock")
    request = asked(house, held(house), FACTOR)
    quote = request.quoted(FACTOR)
    before = sums(house)
    house.clock.now += wrong
    assert request.seen()["quotes"] is None  # sealed: its deadline is an hour of the chain's time away
    assert request.accepted(quote["id"]).status_code == 404
    assert sums(house) == before
    assert house.desk(A).signs(offer["id"])["status"] == "complete"
    house.land()
    assert house.desk(A).get(f"/offers/{offer['id']}").json()["status"] == "landed"
    request.open()
    assert [each["id"] for each in request.seen()["quotes"]] == [quote["id"]]
    assert request.accepted(quote["id"]).status_code == 202
    house.land()
    trail = house.desk(ISSUER, "auditor").get("/audit/verification").json()
    assert trail["whole"] is True
