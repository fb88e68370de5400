"""The same request by several hands at the same moment, under names of their own, on the engines on which transactions
really run side by side: one is done, the others are refused as they would be a moment later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.gateway import trading
from tests.gateway.applying import application
from tests.gateway.conftest import ENGINES, opened_on
from tests.gateway.house import PASSWORD, House
from tests.gateway.trading import asked
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, A, B

HANDS = 4
Act = Callable[[], Any]


@pytest.fixture(scope="module")
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened_on(ENGINES[1], request, tmp_path_factory.mktemp("house")) as house:
        for party in (A, B, ISSUER, BANK, FACTOR, OTHER_BANK):
            house.desk(party)
        yield house


def at_once(*acts: Act) -> list[str]:
    """How each ended: done, or the problem's name."""
    start = Barrier(len(acts))

    def does(act: Act) -> str:
        start.wait()
        answer = act()
        return "done" if answer.status_code < 300 else str(answer.json()["type"]).removeprefix("/problems/")

    with ThreadPoolExecutor(len(acts)) as hands:
        return sorted(hands.map(does, acts))


def once(refused: str) -> list[str]:
    return sorted(["done", *[refused] * (HANDS - 1)])


def test_a_payment_is_confirmed_once(crowded: House) -> None:
    house, voucher = crowded, trading.sold(crowded)["voucher"]
    trading.asserted(house, voucher)
    path = f"/vouchers/{voucher}/confirm-payment"
    assert at_once(*[lambda: house.desk(A).post(path, {"sign": True})] * HANDS) == once("OfferKnown")


def test_a_programme_has_its_name_alone(crowded: House) -> None:
    body = {"name": "spring", "longest_tenor": 200}
    made = at_once(*[lambda: crowded.desk(ISSUER).post("/issuer/programmes", body)] * HANDS)
    assert made == once("InputError")
    programme = crowded.desk(ISSUER).get("/issuer/programmes").json()["items"][0]["id"]
    crowded.desk(ISSUER).post(f"/issuer/programmes/{programme}/close")


def test_a_login_is_given_once(crowded: House) -> None:
    body = {"login": "li.wei", "name": "李伟", "roles": ["operator"], "password": PASSWORD}
    assert at_once(*[lambda: crowded.desk(A).post("/people", body)] * HANDS) == once("InputError")


def test_an_invitation_is_used_once(crowded: House) -> None:
    token = crowded.desk(BANK).post("/invitations", {"name": "青禾齿轮"}).json()["token"]

    def applying(place: int) -> Act:
        person = {"login": f"one.of.{place}", "name": "李伟", "password": PASSWORD}
        body = application(crowded, invitation=token, person=person)
        return lambda: crowded.nobody().post("/api/v1/applications", json=body)

    assert at_once(*map(applying, range(HANDS))) == once("NotFound")


def test_a_voucher_waits_for_one_guest(crowded: House) -> None:
    body = {"voucher": trading.held(crowded), "name": "青禾齿轮"}
    waiting = at_once(*[lambda: crowded.desk(A).post("/supplier/invited-transfers", body)] * HANDS)
    assert waiting == once("TransferWaiting")


def test_one_of_two_quotes_is_accepted(crowded: House) -> None:
    request = asked(crowded, trading.held(crowded), FACTOR, OTHER_BANK)
    quotes = [request.quoted(FACTOR)["id"], request.quoted(OTHER_BANK, rate="3.10")["id"]]
    request.open()
    sides = [lambda quote=quote: request.accepted(quote) for quote in quotes * 2]
    assert at_once(*sides) == once("RequestClosed")


def test_an_offer_is_signed_declined_or_recalled(crowded: House) -> None:
    issuer, supplier = crowded.desk(ISSUER), crowded.desk(A)
    offer = issuer.offers("/issuer/promise-offers", crowded.promise(reference="PO at once"))
    path = f"/offers/{offer['id']}"
    ended = at_once(
        lambda: supplier.post(f"{path}/signatures", {"custodial": True}),
        lambda: supplier.post(f"{path}/decline", {"reason": "x"}),
        lambda: issuer.post(f"{path}/recall", {"reason": "x"}),
        lambda: supplier.post(f"{path}/decline", {"reason": "y"}),
    )
    assert ended.count("done") == 1 or issuer.get(path).json()["status"] == "recalling"
    assert set(ended) <= {"done", "OfferClosed"}
