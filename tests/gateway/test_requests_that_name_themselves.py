"""Idempotency: the same request is done once and answered the same, however often and however unluckily it is sent."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ledger.crash_points import REQUEST_POINTS
from ledger.errors import Refusal
from ledger.negotiation import audit, once
from ledger.negotiation.access import Caller
from ledger.negotiation.once import Answer, Named, perform
from ledger.offer_tables import OfferRow
from ledger.organisation_tables import AuditRow, RequestRow
from ledger.outbox_tables import OutboxRow
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, ISSUER, A
from tests.ledger.relaying import Killed, dying_at

SOMEBODY = Caller(organisation=1, party=None, who="person 1", roles=frozenset())


def counted(house: House, table: type[Any]) -> int:
    with house.office.store.reading() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def test_a_change_without_a_name_is_refused(shared_house: House) -> None:
    desk = shared_house.desk(ISSUER)
    before = counted(shared_house, OfferRow)
    for key in ("", "x" * 129, "naïve"):
        told = [(b"X-CSRF-Token", desk.csrf.encode()), (b"Idempotency-Key", key.encode("latin-1"))]
        body = shared_house.promise(reference=f"unnamed {key}")
        done = desk.client.post("/api/v1/issuer/promise-offers", json=body, headers=told)
        assert (done.status_code, done.json()["type"]) == (400, "/problems/KeyMissing")
    assert counted(shared_house, OfferRow) == before


def test_the_same_request_gets_the_same_answer_and_another_one_under_its_name_is_refused(
    any_house: House,
) -> None:
    house, desk = any_house, any_house.desk(ISSUER)
    body = house.promise(reference="PO twice")
    first = desk.post("/issuer/promise-offers", body, key="order 881")
    again = desk.post("/issuer/promise-offers", body, key="order 881")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert (first.headers["ETag"], first.headers["Location"]) == (
        again.headers["ETag"],
        again.headers["Location"],
    )
    other = desk.post("/issuer/promise-offers", {**body, "face": "999.00"}, key="order 881")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/KeyReused")
    elsewhere = desk.post(f"/offers/{first.json()['id']}/signatures", {"custodial": True}, key="order 881")
    assert (elsewhere.status_code, elsewhere.json()["type"]) == (422, "/problems/KeyReused")
    assert counted(house, OfferRow) == 1
    assert desk.get("/lines/2-1").json()["own"]["reserved"] == "1000.00"


ERP = "https://erp.example.com"
NAMELESS = {
    "POST /session": "whoever signs in is nobody yet; each time is a session of its own",
    "DELETE /session": "an end ends once",
    "POST /token": "OAuth 2; each time is a token of its own",
    "POST /session/provider": "nobody is signed in; each time is an attempt of its own",
    "POST /session/provider/answer": "the provider's code is good once",
    "POST /session/password": "a quick hash of the body would be one of the password; the old one is good once",
    "POST /session/second-factor": "nothing counts before it is confirmed",
    "POST /session/second-factor/confirmation": "a code is good once",
    "POST /people": "a quick hash of the body would be one of the password; a login is given once",
    "POST /applications": "a quick hash of the body would be one of the password; an invitation is good once",
    "POST /invitations/look": "changes nothing",
    "POST /issuer/bulk-checks": "changes nothing",
    "DELETE /webhooks/{webhook}": "an end ends once",
    "DELETE /documents/{document}": "an end ends once",
    "DELETE /documents/{document}/readers/{reader}": "an end ends once",
}
"""The routes that change something and take no name, and why."""


def test_every_change_names_itself_or_says_why_not(shared_house: House) -> None:
    paths = shared_house.desk(A).client.app.openapi()["paths"]  # type: ignore[attr-defined]
    nameless = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method != "get"
        and all(each["name"] != "Idempotency-Key" for each in operation.get("parameters", ()))
    }
    assert nameless == set(NAMELESS)


def test_an_answer_with_a_secret_is_given_again_to_whom_it_was_given_and_kept_sealed(
    any_house: House,
) -> None:
    house, voucher = any_house, any_house.held("1000.00")
    asked = (
        (BANK, "/clients", {"name": "ERP", "roles": ["signatory"]}, "secret", {"name": "ERP 2"}),
        (BANK, "/invitations", {"name": "青禾示例齿轮有限公司"}, "token", {"name": "青禾"}),
        (A, "/supplier/invited-transfers", {"voucher": voucher, "name": "青禾"}, "token", {"name": "禾"}),
        (A, "/webhooks", {"url": f"{ERP}/x", "events": ["offer.ended"]}, "secret", {"url": f"{ERP}/y"}),
    )
    for party, path, body, name, changed in asked:
        desk = house.desk(party)
        first, again = (desk.post(path, body, key=f"once {path}") for _ in range(2))
        assert first.status_code == again.status_code == 201, first.text
        assert first.json() == again.json()
        assert again.headers["cache-control"] == "no-store"
        other = desk.post(path, {**body, **changed}, key=f"once {path}")
        assert problem(other) == (422, "KeyReused")
        with house.office.store.reading() as session:
            kept = session.scalars(select(RequestRow.answer).where(RequestRow.key == f"once {path}")).one()
        assert first.json()[name] not in kept
    assert len(house.desk(A).get("/webhooks").json()["items"]) == 1


def test_two_organisations_may_give_the_same_name(shared_house: House) -> None:
    offer = shared_house.desk(ISSUER).offers(
        "/issuer/promise-offers", shared_house.promise(reference="PO names")
    )
    done = shared_house.desk(A).post(f"/offers/{offer['id']}/signatures", {"custodial": True}, key="1")
    assert done.status_code == 202
    line = {"reference": 77, "issuer": ISSUER, "limit": "10.00", "expiry": shared_house.day(30)}
    assert shared_house.desk(BANK).post("/bank/line-offers", line, key="1").status_code == 201


def test_a_refusal_is_an_answer_too_and_stays_the_same(house: House) -> None:
    desk = house.desk(ISSUER)
    much = house.promise("60000000.00", reference="PO much", smallest_part="10000.00")
    first = desk.post("/issuer/promise-offers", much, key="much")
    assert (first.status_code, first.json()["type"]) == (409, "/problems/LimitExceeded")
    assert first.json()["facts"] == {"line": "2-1", "asked": "60000000.00", "available": "50000000.00"}
    again = desk.post("/issuer/promise-offers", much, key="much")
    assert again.json() == first.json()
    assert again.headers["content-type"] == first.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("point", REQUEST_POINTS)
def test_a_process_that_dies_at_any_step_leaves_both_or_nothing(any_house: House, point: str) -> None:
    house, accepting = any_house, any_house.desk(A)
    offer = house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="PO dying"))
    before = {table: counted(house, table) for table in (OutboxRow, AuditRow, RequestRow)}
    with dying_at(point), pytest.raises(Killed):
        house.dying_desk(A).post(f"/offers/{offer['id']}/signatures", {"custodial": True}, key="accept")
    done = point == "request: committed"
    now = {table: counted(house, table) for table in before}
    assert now[OutboxRow] - before[OutboxRow] == now[RequestRow] - before[RequestRow] == int(done)
    assert now[AuditRow] - before[AuditRow] == int(done)
    again = accepting.post(f"/offers/{offer['id']}/signatures", {"custodial": True}, key="accept")
    assert (again.status_code, again.json()["status"]) == (202, "complete")
    assert counted(house, OutboxRow) == before[OutboxRow] + 1
    house.land()
    assert accepting.get(f"/vouchers/{offer['voucher']}").json()["face"] == "1000.00"


def test_what_one_person_was_told_is_no_answer_to_another(shared_house: House) -> None:
    body = shared_house.promise(reference="PO whose name")
    refused = shared_house.desk(ISSUER, "auditor").post("/issuer/promise-offers", body, key="shared")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/NotAllowed")
    other = shared_house.desk(ISSUER).post("/issuer/promise-offers", body, key="shared")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/KeyReused")
    assert shared_house.desk(ISSUER).post("/issuer/promise-offers", body, key="own").status_code == 201


def test_while_a_request_is_worked_on_a_second_one_of_its_name_is_refused(any_house: House) -> None:
    """On PostgreSQL also where the two are in different processes, which the list in memory does not know."""
    house, store = any_house, any_house.office.store
    named = Named(organisation=1, who="person 1", key="slow", endpoint="POST /x", body=b"{}", at=1)
    at_work, go_on = threading.Event(), threading.Event()
    answers: list[Answer] = []

    def slow(_session: Session) -> Answer:
        at_work.set()
        go_on.wait(20)
        return Answer(200, "done")

    thread = threading.Thread(
        target=lambda: answers.append(perform(store, named, slow, refused=lambda _: None))
    )
    thread.start()
    assert at_work.wait(20)
    try:
        with pytest.raises(Refusal, match="RequestInProgress"):
            perform(store, named, lambda _: Answer(200, "twice"), refused=lambda _: Answer(400, "kept"))
        if house.on_postgres:
            once._AT_WORK.clear()  # as another process sees it
            with pytest.raises(Refusal, match="RequestInProgress"):
                perform(store, named, lambda _: Answer(200, "twice"), refused=lambda _: Answer(400, "kept"))
    finally:
        go_on.set()
        thread.join()
    assert answers == [Answer(200, "done")]
    assert perform(store, named, lambda _: Answer(200, "twice"), refused=lambda _: None) == answers[0]


def test_an_answer_that_is_committed_at_the_moment_of_asking_stands_and_nothing_is_done_twice(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, store = any_house, any_house.office.store
    named = Named(organisation=1, who="person 1", key="overtaken", endpoint="POST /x", body=b"{}", at=1)

    def write(session: Session) -> Answer:
        audit.note(session, SOMEBODY, "act", subject="offer 1", at=1)
        return Answer(200, "second")

    assert perform(store, named, lambda _: Answer(200, "first"), refused=lambda _: None).text == "first"
    before, known = counted(house, AuditRow), once._known
    seen: list[Answer | None] = [None]
    monkeypatch.setattr(once, "_known", lambda *asked: seen.pop() if seen else known(*asked))
    assert perform(store, named, write, refused=lambda _: None).text == "first"
    assert (seen, counted(house, AuditRow)) == ([], before)


def test_an_act_that_was_rolled_back_or_done_elsewhere_leaves_the_next_one_in_its_place(
    any_house: House,
) -> None:
    store = any_house.office.store

    def act(subject: str, *, fails: bool = False) -> None:
        with store.writing() as session:
            audit.note(session, SOMEBODY, "act", subject=subject, at=1)
            if fails:
                raise KeyboardInterrupt

    act("offer 1")
    with pytest.raises(KeyboardInterrupt):
        act("offer 2", fails=True)
    act("offer 3")
    elsewhere = dict(audit._SEEN)
    audit._SEEN.clear()  # another process knows nothing of what this one has seen
    act("offer 4")
    audit._SEEN.update(elsewhere)
    act("offer 5")
    with store.reading() as session:
        told = select(AuditRow.subject).where(AuditRow.act == "act").order_by(AuditRow.place)
        assert list(session.scalars(told)) == ["offer 1", "offer 3", "offer 4", "offer 5"]
        assert audit.broken_at(session, SOMEBODY.organisation) is None
