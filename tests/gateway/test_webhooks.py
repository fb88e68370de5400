"""Webhooks: who is told of what, signed, once, again where it failed; and nobody of what is not theirs."""

from __future__ import annotations

import base64
import hmac
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from ledger.calendar import Timestamp
from ledger.negotiation.onboarding import settle
from ledger.negotiation.recalls import sweep
from ledger.negotiation.targets import Targets
from ledger.negotiation.webhook_sending import FIRST_PAUSE, LEASE_SECONDS, MOST_ATTEMPTS, Deliverer
from ledger.negotiation.webhooks import FORMER_SECONDS, MOST, Kind
from ledger.organisation_tables import AuditRow
from ledger.webhook_tables import DeliveryRow, WebhookRow
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.gateway.receiver import Receiver, receiving
from tests.ledger.office import BANK, ISSUER, REGISTRAR, A, B

ALL = [str(kind) for kind in Kind]
LOCAL = Targets(local=frozenset({"127.0.0.1"}), seconds=5.0)


@dataclass
class Post:
    """A house whose webhooks may lead to this machine."""

    house: House
    deliverer: Deliverer

    def subscribed(self, party: int, receiver: Receiver, *kinds: str) -> dict[str, Any]:
        body = {"url": receiver.url, "events": list(kinds) or ALL}
        done = self.house.desk(party).post("/webhooks", body)
        assert done.status_code == 201, done.text
        return dict(done.json())

    def runs(self) -> None:
        """All that is due is sent; the pauses between two for one address are none here."""
        while self.deliverer.turn():
            self.deliverer.rest()

    def sweeps(self) -> None:
        house = self.house
        with house.office.store.writing() as session:
            sweep(session, now=Timestamp(house.office.chain.now() + 1), at=house.clock())
            settle(session, house.gateway.setting)


@pytest.fixture
def post(any_house: House) -> Iterator[Post]:
    yield from posted(any_house)


@pytest.fixture
def near(house: House) -> Iterator[Post]:
    yield from posted(house)


def posted(house: House) -> Iterator[Post]:
    plain = house.gateway
    house.app.state.gateway = replace(plain, targets=LOCAL)
    deliverer = Deliverer(house.office.store, plain.setting, LOCAL, draw=lambda: 0.5)
    deliverer.turn()  # what has been so far is told nobody
    yield Post(house, deliverer)
    deliverer.close()


def hook(url: str = "https://erp.example.com/hook", **changed: Any) -> dict[str, Any]:
    return {"url": url, "events": ["offer.to_sign"], **changed}


# ---- refusals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://erp.example.com/hook"},
        {"url": "https://169.254.169.254/latest"},
        {"events": []},
        {"events": ["everything"]},
        {"secret": "whsec_mine"},
    ],
    ids=repr,
)
def test_what_cannot_be_is_refused(shared_house: House, changed: dict[str, Any]) -> None:
    assert shared_house.desk(A).post("/webhooks", hook(**changed)).status_code == 422


def test_only_a_signatory_says_where_and_nobody_else_s_is_there(shared_house: House) -> None:
    for role in ("operator", "reviewer", "auditor", "partner"):
        assert problem(shared_house.desk(A, role).post("/webhooks", hook())) == (403, "NotAllowed")
    made = shared_house.desk(A).post("/webhooks", hook()).json()
    stranger = shared_house.desk(B)
    for answer in (
        stranger.delete(f"/webhooks/{made['id']}"),
        stranger.post(f"/webhooks/{made['id']}/secret"),
        stranger.get(f"/webhooks/{made['id']}/deliveries"),
        stranger.post(f"/webhooks/{made['id']}/deliveries/1/replay"),
    ):
        assert problem(answer) == (404, "NotFound")
    assert stranger.get("/webhooks").json()["items"] == []


def test_an_organisation_has_no_more_than_so_many(shared_house: House) -> None:
    desk = shared_house.desk(B)
    for _ in range(MOST):
        assert desk.post("/webhooks", hook()).status_code == 201
    assert problem(desk.post("/webhooks", hook())) == (409, "TooManyWebhooks")


def test_the_secret_is_told_once_and_kept_sealed(house: House) -> None:
    secret = house.desk(A).post("/webhooks", hook()).json()["secret"]
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(raw) == 32
    with house.office.store.reading() as session:
        kept = repr([vars(row) for row in session.query(WebhookRow)]) + repr(
            [row.facts for row in session.query(AuditRow)]
        )
    assert secret not in kept and raw.hex() not in kept
    assert secret not in house.desk(A).get("/webhooks").text


# ---- telling -----------------------------------------------------------------------------------------------


def test_each_hears_once_of_what_is_theirs_and_a_stranger_of_nothing(post: Post) -> None:
    house = post.house
    with receiving() as issuer, receiving() as supplier, receiving() as stranger:
        for party, receiver in ((ISSUER, issuer), (A, supplier), (B, stranger)):
            post.subscribed(party, receiver)
        offer = house.desk(ISSUER).offers("/issuer/promise-offers", house.promise())
        post.runs()
        assert supplier.kinds() == ["offer.to_sign"]
        (told,) = supplier.told()
        assert (told["offer"], told["verb"], told["status"]) == (offer["id"], "issue", "open")
        house.desk(A).signs(offer["id"])
        post.runs()
        assert issuer.kinds() == ["offer.signed"]
        house.land()
        post.runs()
        post.sweeps()
        for _ in range(2):
            post.runs()
        assert supplier.kinds() == ["offer.ended", "offer.signed", "offer.to_sign", "voucher.received"]
        assert issuer.kinds() == ["offer.ended", "offer.signed"]
        received = next(each for each in supplier.told() if each["type"] == "voucher.received")
        assert received["voucher"] == offer["voucher"]
        ended = next(each for each in issuer.told() if each["type"] == "offer.ended")
        assert ended["status"] == "landed"
        assert stranger.got == []
        names = {"id", "type", "at", "offer", "verb", "status", "voucher", "event", "tx_hash"}  # not how much
        assert {name for each in [*supplier.told(), *issuer.told()] for name in each} <= names


def test_a_part_is_told_to_whom_it_came_and_a_payment_to_all_who_have_part_in_it(near: Post) -> None:
    house = near.house
    whole = house.held("1000.00")
    near.runs()
    with receiving() as supplier, receiving() as second, receiving() as bank, receiving() as issuer:
        for party, receiver in ((A, supplier), (B, second), (BANK, bank), (ISSUER, issuer)):
            near.subscribed(party, receiver, *(each for each in ALL if not each.startswith("offer")))
        parts = [{"recipient": B, "face": "400.00"}]
        body = {"voucher": whole, "parts": parts, "sign": True}
        offer = house.desk(A).offers("/supplier/split-offers", body)
        house.desk(B).signs(offer["id"])
        house.land()
        near.runs()
        assert second.kinds() == ["voucher.received"]
        part = second.told()[0]["voucher"]
        assert part != whole and supplier.kinds() == bank.kinds() == issuer.kinds() == []
        office = house.office
        paid = office.assertion(int(part, 16), 1, payee=B, amount=40_000)  # type: ignore[arg-type]
        office.do(paid, BANK, B)
        office.follow()
        near.runs()
        assert second.kinds() == ["payment.asserted", "voucher.received"]
        assert bank.kinds() == issuer.kinds() == ["payment.asserted"]
        assert supplier.got == []


def test_a_suspension_is_told_to_the_party_and_its_sponsor(near: Post) -> None:
    house = near.house
    with receiving() as party, receiving() as sponsor, receiving() as stranger:
        for number, receiver in ((A, party), (BANK, sponsor), (B, stranger)):
            near.subscribed(number, receiver, "party.suspension")
        offer = house.desk(REGISTRAR, "registrar").offers(f"/parties/{A}/suspension-offers", {"reason": "x"})
        house.desk(REGISTRAR).signs(offer["id"])
        house.land()
        near.runs()
        assert party.told()[0]["party"] == sponsor.told()[0]["party"] == A
        assert stranger.got == []


def test_a_delivery_is_signed_by_every_secret_that_is_good_now(near: Post) -> None:
    house = near.house

    def keys(receiver: Receiver, *secrets: str) -> bool:
        headers, body = receiver.got[-1]
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        made = [
            base64.b64encode(hmac.digest(base64.b64decode(each[6:]), content, "sha256")) for each in secrets
        ]
        return headers["webhook-signature"] == " ".join(f"v1,{each.decode()}" for each in made)

    with receiving() as there:
        first = near.subscribed(A, there)
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="1"))
        near.runs()
        assert keys(there, first["secret"])
        assert there.got[-1][0]["webhook-id"] == there.told()[-1]["id"]
        assert there.got[-1][0]["webhook-timestamp"] == str(house.clock.now)
        second = house.desk(A).post(f"/webhooks/{first['id']}/secret").json()["secret"]
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="2"))
        near.runs()
        assert keys(there, second, first["secret"])
        house.clock.now += FORMER_SECONDS
        later = house.promise(reference="3", sign=False)
        house.desk(ISSUER, "operator").offers("/issuer/promise-offers", later)
        near.runs()
        assert keys(there, second)


def test_funding_notices_are_told_to_their_issuer_once_each_also_after_days_in_which_nobody_told(
    post: Post,
) -> None:
    house, office = post.house, post.house.office
    with receiving() as issuer, receiving() as supplier:
        post.subscribed(ISSUER, issuer, "funding.notice")
        post.subscribed(A, supplier, "funding.notice")
        body = house.promise(due=house.day(40))
        house.desk(A).signs(house.desk(ISSUER).offers("/issuer/promise-offers", body)["id"])
        house.land()
        seen = []
        for days in (9, 1, 0, 5, 20, 5):
            office.pass_days(days)
            for _ in range(2):
                post.runs()
            seen.append([each["days_before"] for each in issuer.told()])
        assert seen == [[], [30], [30], [30], [30, 7], [30, 7, 1]]  # told on days 9, 10, 10, 15, 35 and 40
        assert {(each["due_day"], each["type"]) for each in issuer.told()} == {
            (body["due"], "funding.notice")
        }
        assert supplier.got == []


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_midnight_between_two_looks_at_the_clock_doubles_no_notice(near: Post, looks: int) -> None:
    house, setting = near.house, near.house.gateway.setting
    with receiving() as issuer:
        near.subscribed(ISSUER, issuer, "funding.notice")
        house.desk(A).signs(
            house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(due=house.day(40)))["id"]
        )
        house.land()
        near.runs()
        house.office.pass_days(9)
        day, seen = 86_400, count(1)  # after so many looks it is the next day
        moving = replace(
            setting, chain_clock=lambda: Timestamp(setting.chain_clock() + day * (next(seen) > looks))
        )
        near.deliverer = Deliverer(house.office.store, moving, LOCAL, draw=lambda: 0.5)
        for _ in range(3):
            near.runs()
        assert [each["days_before"] for each in issuer.told()] == [30]
        near.deliverer.close()


# ---- trouble -----------------------------------------------------------------------------------------------


def test_what_fails_is_tried_again_with_growing_pauses_then_given_up_and_can_be_replayed(near: Post) -> None:
    house, pauses = near.house, []
    with receiving() as there:
        there.status = 500
        made = near.subscribed(A, there, "offer.to_sign")
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise())
        while True:
            near.runs()
            house.desks.clear()
            (row,) = house.desk(A).get(f"/webhooks/{made['id']}/deliveries").json()["items"]
            if row["status"] == "dead":
                break
            with house.office.store.reading() as session:
                due = session.query(DeliveryRow).one().due_at
            pauses.append(due - house.clock.now)
            house.clock.now = due - 1
            near.runs()
            assert len(there.got) == len(pauses)  # not a second before
            house.clock.now = due
        assert len(there.got) == MOST_ATTEMPTS == row["attempts"]
        assert pauses[:4] == [FIRST_PAUSE << step for step in range(4)]
        assert pauses == sorted(pauses) and 86_400 / 2 < sum(pauses) < 86_400 * 2
        assert (row["answered"], row["next_attempt"]) == (500, None)
        dead = house.desk(A).get(f"/webhooks/{made['id']}/deliveries", status="dead").json()["items"]
        assert [each["number"] for each in dead] == [row["number"]]
        there.status = 200
        again = house.desk(A).post(f"/webhooks/{made['id']}/deliveries/{row['number']}/replay")
        assert (again.status_code, again.json()["status"]) == (202, "waiting")
        near.runs()
        assert len({each["id"] for each in there.told()}) == 1
        (row,) = house.desk(A).get(f"/webhooks/{made['id']}/deliveries").json()["items"]
        assert (row["status"], row["answered"]) == ("delivered", 200)


def test_a_receiver_that_hangs_keeps_nobody_else_waiting(near: Post) -> None:
    house, over, begun = near.house, threading.Event(), threading.Event()
    with receiving() as slow, receiving() as quick:

        def hang(_handler: Any) -> None:
            begun.set()
            over.wait()

        slow.answer = hang
        near.subscribed(A, slow, "offer.to_sign")
        near.subscribed(A, quick, "offer.to_sign")
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="1"))
        assert near.deliverer.turn() == 2
        assert begun.wait(20)
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="2"))
        while len(quick.got) < 2:  # the slow one is still at its first
            near.deliverer.turn()
        assert len(slow.got) == 1
        over.set()
        near.deliverer.rest()


def test_what_was_taken_by_a_process_that_died_is_sent_by_the_next_under_the_same_id(near: Post) -> None:
    house = near.house
    with receiving() as there:
        near.subscribed(A, there, "offer.to_sign")
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise())

        class Dead(Targets):
            def post(self, *_given: Any) -> int:
                raise SystemExit  # before anything was recorded

        died = Deliverer(house.office.store, house.gateway.setting, Dead())
        assert died.turn() == 1
        with suppress(SystemExit):  # it may be gone by now
            died.rest()
        near.runs()
        assert there.got == []  # still the other one's
        house.clock.now += LEASE_SECONDS
        near.runs()
        near.runs()
        assert there.kinds() == ["offer.to_sign"]


def test_what_was_to_be_sent_to_a_removed_address_is_forgotten(near: Post) -> None:
    house = near.house
    with receiving() as there:
        there.status = 500
        made = near.subscribed(A, there, "offer.to_sign")
        house.desk(ISSUER).offers("/issuer/promise-offers", house.promise())
        near.runs()
        assert house.desk(A).delete(f"/webhooks/{made['id']}").status_code == 204
        house.clock.now += FIRST_PAUSE * 2
        near.runs()
        assert len(there.got) == 1
        with house.office.store.reading() as session:
            assert session.query(DeliveryRow).count() == 0
