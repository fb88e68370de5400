"""What the gateway says of itself: whether it is well, whether work gets through, numbers, a line a request."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.request_log import InRequest
from gateway.service import Threads
from gateway.watch import Watch
from ledger.errors import VerificationError
from ledger.logs import OURS, write_logs
from ledger.monitoring import MOST_LAG, Pipeline, Reason
from ledger.stretch import JournalMismatch
from ledger.tables import PinRow
from tests.engines import travel_to
from tests.gateway.house import NAMES, PASSWORD, House
from tests.ledger.office import ISSUER, A


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """What this process logs during the test."""
    written, found = io.StringIO(), list[dict[str, Any]]()

    class Kept(io.StringIO):
        def write(self, text: str) -> int:
            if text.strip():
                found.append(json.loads(text))
            return written.write(text)

    handler = write_logs(stream=Kept())
    handler.addFilter(InRequest())
    yield found
    logging.getLogger().removeHandler(handler)
    for ours in OURS:
        logging.getLogger(ours).setLevel(logging.NOTSET)
    logging.captureWarnings(False)


def asked(house: House, path: str) -> tuple[int, Any]:
    answer = house.nobody().get(path)
    return answer.status_code, answer.json()


# ---- not well ----------------------------------------------------------------------------------------------


def test_an_index_that_falls_behind_is_not_ready_and_its_process_is_well(any_house: House) -> None:
    house = any_house
    assert asked(house, "/ready") == (200, {"ready": True, "why": []})
    for _ in range(MOST_LAG + 1):
        travel_to(house.office.chain, house.office.chain.now() + 60)
    house.clock.now += 1
    assert asked(house, "/ready") == (503, {"ready": False, "why": ["head_lag"]})
    assert asked(house, "/health") == (200, {"status": "ok", "why": []})
    house.office.follow()
    house.clock.now += 1
    assert asked(house, "/ready")[0] == 200


def test_another_chain_than_the_pinned_one_is_not_healthy(house: House) -> None:
    with house.office.store.writing() as session:
        session.query(PinRow).update({PinRow.genesis_hash: b"\x11" * 32})
    assert asked(house, "/health") == (503, {"status": "broken", "why": ["other_chain"]})


def test_what_has_stopped_in_the_process_is_told_by_name_and_logged_in_words(
    house: House, lines: list[dict[str, Any]]
) -> None:
    threads = Threads(Pipeline(house.office.store, house.office.chain))

    def breaks() -> None:
        raise JournalMismatch("postgresql://ann:geheim@db.bank/books does not agree")

    threads.start("index", breaks)
    threads.running[0].join()
    watch = Watch(
        house.office.store,
        house.office.chain,
        clock=house.clock,
        numbers=threads.numbers,
        troubles=threads.told,
    )
    assert [each.name for each in watch.readiness()] == ["index_stopped"]
    assert b'tallystick_halted{reason="journal_mismatch"} 1.0' in watch.numbers()
    (stopped,) = [line for line in lines if line["level"] == "critical"]
    assert "index has stopped" in stopped["event"]
    assert "geheim" not in json.dumps(lines)
    assert issubclass(JournalMismatch, VerificationError)


def test_what_fails_unforeseen_is_answered_with_an_id_that_the_log_has_too(
    house: House, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_watch: Watch) -> bytes:
        raise RuntimeError("a secret word")

    monkeypatch.setattr(Watch, "numbers", broken)
    answer = house.nobody().get("/metrics")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/Unforeseen")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    (told,) = [line for line in lines if line["event"] == "GET /metrics was not foreseen"]
    assert told["request"] == answer.headers["x-request-id"]


# ---- well --------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_for_a_second_so_that_asking_often_costs_nothing(house: House) -> None:
    looked: list[int] = []

    def troubles() -> tuple[Reason, ...]:
        looked.append(house.clock.now)
        return ()

    watch = Watch(house.office.store, house.office.chain, clock=house.clock, troubles=troubles)
    for _ in range(3):
        assert watch.readiness() == ()
    assert len(looked) == 1
    house.clock.now += 1
    assert watch.readiness() == ()
    assert len(looked) == 2


def test_the_numbers_are_prometheus_text_and_name_nobody(house: House) -> None:
    house.held(reference="PO numbers")
    answer = house.nobody().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = dict(re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", answer.text, flags=re.M))
    assert found["tallystick_database_up"] == found["tallystick_node_up"] == "1.0"
    assert float(found['tallystick_outbox_items{status="final"}']) > 1
    assert found["tallystick_journal_mismatch"] == "0.0"
    for word in ("PO numbers", "1000.00", PASSWORD, *NAMES.values()):
        assert word not in answer.text


def test_every_answer_has_an_id_and_one_line_in_the_log(house: House, lines: list[dict[str, Any]]) -> None:
    desk = house.desk(ISSUER)
    lines.clear()
    made = desk.post("/issuer/promise-offers", house.promise(), **{"X-Request-Id": "proxy-17.a"})
    assert made.headers["x-request-id"] == "proxy-17.a"
    refused = house.desk(A).get("/offers/" + "0" * 32)
    assert re.fullmatch(r"[0-9a-f]{16}", refused.headers["x-request-id"])
    told = [line for line in lines if line["logger"] == "gateway.request"]
    assert [(line["method"], line["status"]) for line in told[:1]] == [("POST", 201)]
    assert told[0]["path"] == "/api/v1/issuer/promise-offers"
    assert told[0]["request"] == "proxy-17.a"
    assert (told[-1]["status"], told[-1]["request"]) == (404, refused.headers["x-request-id"])
    assert PASSWORD not in json.dumps(lines)
    assert "1000.00" not in json.dumps(lines)


@pytest.mark.parametrize("given", ["x" * 65, "a b", 'a"}', "naïve"])
def test_an_id_that_is_none_is_not_taken(shared_house: House, given: str) -> None:
    told = [(b"X-Request-Id", given.encode("latin-1"))]
    answer = shared_house.nobody().get("/health", headers=told)
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
