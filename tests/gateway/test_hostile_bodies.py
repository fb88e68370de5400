"""Bodies that two readers could understand differently, or that are only there to do harm."""

from __future__ import annotations

import json

import pytest

from gateway.bodies import MOST_JSON
from tests.gateway.house import House
from tests.ledger.office import ISSUER

PATH = "/api/v1/issuer/promise-offers"


def send(house: House, content: bytes, kind: str = "application/json") -> tuple[int, str]:
    desk = house.desk(ISSUER)
    told = {"X-CSRF-Token": desk.csrf, "Idempotency-Key": f"hostile {next(desk.names)}", "Content-Type": kind}
    done = desk.client.post(PATH, content=content, headers=told)
    assert done.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in done.text
    assert done.json()["next"] and done.json()["next_zh"]  # what to do, in both languages
    return done.status_code, done.json()["type"].removeprefix("/problems/")


def body(house: House, **changed: object) -> bytes:
    return json.dumps({**house.promise(reference="hostile"), **changed}).encode()


def test_more_than_a_megabyte_is_not_read(shared_house: House) -> None:
    assert send(shared_house, b" " * (MOST_JSON + 1)) == (413, "BodyTooLong")
    assert send(shared_house, b'{"terms": "' + b"x" * 10_000_000 + b'"}') == (413, "BodyTooLong")


def test_a_length_that_is_not_said_is_counted(shared_house: House) -> None:
    desk = shared_house.desk(ISSUER)

    def parts() -> object:
        for _ in range(12):
            yield b" " * 100_000

    told = {"X-CSRF-Token": desk.csrf, "Idempotency-Key": "chunks", "Content-Type": "application/json"}
    assert desk.client.post(PATH, content=parts(), headers=told).status_code == 413  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [33, 100_000])
def test_brackets_inside_brackets_are_not_followed(shared_house: House, depth: int) -> None:
    assert send(shared_house, b"[" * depth + b"]" * depth) == (400, "UnreadableBody")


def test_a_name_that_stands_twice_is_refused(shared_house: House) -> None:
    twice = body(shared_house)[:-1] + b', "face": "1.00"}'
    assert send(shared_house, twice) == (400, "UnreadableBody")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e309", "5e-324", "1000.00", "1e3"])
def test_a_number_that_is_no_whole_one_is_refused_everywhere(shared_house: House, number: str) -> None:
    assert send(
        shared_house, body(shared_house, face=0).replace(b'"face": 0', b'"face": ' + number.encode())
    ) == (
        400,
        "UnreadableBody",
    )


@pytest.mark.parametrize(
    "face",
    [
        1000,
        True,
        None,
        "NaN",
        "1e309",
        "5e-324",
        "-1.00",
        "1.001",
        "１０００.00",
        "1000.00 ",
        "0x10",
        "9" * 16,
        "",
        [],
    ],
    ids=repr,
)
def test_an_amount_is_the_text_of_one(shared_house: House, face: object) -> None:
    assert send(shared_house, body(shared_house, face=face)) == (422, "InputError")


@pytest.mark.parametrize("content", [b"\xff\xfe", b'{"a": "\xc3\x28"}', b"{", b"'", b'{"a": 1} {}', b"{}\0"])
def test_what_is_no_json_is_refused(shared_house: House, content: bytes) -> None:
    assert send(shared_house, content) == (400, "UnreadableBody")


@pytest.mark.parametrize("escape", [r"\ud800", r"\u0000"])
def test_an_escape_that_no_text_may_hold_is_refused(shared_house: House, escape: str) -> None:
    content = body(shared_house, terms="HERE").replace(b"HERE", escape.encode())
    assert send(shared_house, content) == (400, "UnreadableBody")


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
        "",
    ],
)
def test_another_type_than_json_is_refused(shared_house: House, kind: str) -> None:
    status, _name = send(shared_house, body(shared_house), kind)
    assert status in (415, 422)


@pytest.mark.parametrize(
    "name", ["status", "id", "organisation", "issuer", "closed", "__class__", "reserved"]
)
def test_nobody_sets_what_was_not_meant_to_be_set(shared_house: House, name: str) -> None:
    assert send(shared_house, body(shared_house, **{name: 1})) == (422, "InputError")


def test_an_integer_longer_than_any_of_ours_is_refused(shared_house: House) -> None:
    assert send(shared_house, b'{"supplier": ' + b"9" * 5_000 + b"}") == (400, "UnreadableBody")


@pytest.mark.parametrize(
    "text", ["'; drop table offers; --", "<script>alert(1)</script>", "甲\u202e乙", "=1+1"]
)
def test_what_is_written_in_a_text_is_a_text(shared_house: House, text: str) -> None:
    desk = shared_house.desk(ISSUER)
    body = shared_house.promise(reference=f"odd {hash(text)}")
    made = desk.post("/issuer/promise-offers", {**body, "terms": text})
    assert made.status_code == 201
    assert made.headers["content-type"] == "application/json"
    assert made.headers["x-content-type-options"] == "nosniff"
