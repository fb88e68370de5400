"""Settlement lists and exposure: who is to be paid on a due day, and what the bank has at stake."""

from __future__ import annotations

import csv
import io

import pytest

from ledger.agreements import Freeze, VoucherId
from ledger.calendar import Day
from ledger.members import parse_voucher
from tests.gateway.banking import pledged, with_accounts
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, ISSUER, LATER, OTHER_BANK, REGISTRAR, A, B, some_hash
from tests.statements import heard


@pytest.fixture(scope="module")
def due(shared_house: House) -> tuple[House, str, list[str]]:
    """Three vouchers of one due day: A's, B's which is pledged to the other bank, and A's which a court has frozen."""
    house = shared_house
    with_accounts(house)
    vouchers = [
        house.held("1000.01", supplier=A, reference="S 1"),
        house.held("2000.00", supplier=B, reference="S 2"),
        house.held("3000.00", supplier=A, reference="S 3"),
    ]
    pledged(house, vouchers[1], OTHER_BANK, 150_000)
    day = Day(house.office.today + 200)
    stop = Freeze(VoucherId(parse_voucher(vouchers[2])), some_hash("order"), day, LATER)
    house.office.do(stop, REGISTRAR)
    house.office.follow()
    return house, house.day(120), vouchers


def test_a_list_of_others_and_a_day_without_dues_read_the_same(due: tuple[House, str, list[str]]) -> None:
    house, day, _ = due
    for desk, asked in (
        (house.desk(OTHER_BANK), day),
        (house.desk(ISSUER), day),
        (house.desk(BANK), house.day(121)),
    ):
        for path in ("", "/csv", "/shares"):
            done = desk.get(f"/bank/settlement-lists/{asked}{path}", issuer=ISSUER, paid="1.00")
            assert problem(done) == (404, "NotFound")
    assert house.desk(OTHER_BANK).get("/bank/settlement-lists").json()["items"] == []
    assert house.desk(OTHER_BANK).get("/bank/exposure").json()["items"] == []


def test_what_is_no_day_is_refused(due: tuple[House, str, list[str]]) -> None:
    house, _, _ = due
    for text in ("2026-02-30", "0000-00-00", "9999-12-31"):
        done = house.desk(BANK).get(f"/bank/settlement-lists/{text}")
        assert problem(done) in ((422, "InputError"), (404, "NotFound"))


def test_more_than_is_owed_is_not_shared_out(due: tuple[House, str, list[str]]) -> None:
    house, day, _ = due
    done = house.desk(BANK).get(f"/bank/settlement-lists/{day}/shares", issuer=ISSUER, paid="9000.00")
    assert problem(done) == (422, "InputError")


def test_the_list_names_holders_of_record_the_pledgee_first(due: tuple[House, str, list[str]]) -> None:
    house, day, vouchers = due
    answer = house.desk(BANK, "auditor").get(f"/bank/settlement-lists/{day}").json()
    assert answer["total"]["face"] == "6000.01"
    assert answer["total"]["vouchers"] == 3
    assert not answer["total"]["final"]
    by = {item["voucher"]: item for item in answer["items"]}
    assert [each["voucher"] for each in answer["items"]] == sorted(vouchers)
    assert [(p["party"], p["amount"], p["pledgee"]) for p in by[vouchers[1]]["payees"]] == [
        (OTHER_BANK, "1500.00", True),
        (B, "500.00", False),
    ]
    assert by[vouchers[0]]["payees"][0] == {
        "party": A,
        "name": "甲零件厂",
        "account": "6222000000000000011",
        "amount": "1000.01",
        "pledgee": False,
    }
    assert by[vouchers[0]]["frozen_until"] is None
    assert by[vouchers[2]]["frozen_until"] == house.day(200)


def test_pages_of_the_list_make_the_whole(due: tuple[House, str, list[str]]) -> None:
    house, day, vouchers = due
    seen, cursor = [], None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        answer = house.desk(BANK).get(f"/bank/settlement-lists/{day}", **params).json()
        seen += [item["voucher"] for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert seen == sorted(vouchers)
    days = house.desk(BANK).get("/bank/settlement-lists", limit=1).json()
    assert [each["due_day"] for each in days["items"]] == [day]
    assert days["items"][0]["issuers"] == [
        {"issuer": ISSUER, "issuer_name": "云山重工", "vouchers": 3, "face": "6000.01"}
    ]


def test_a_shortfall_is_shared_to_the_fen_and_a_pledgee_is_served_first(
    due: tuple[House, str, list[str]],
) -> None:
    house, day, vouchers = due
    answer = house.desk(BANK).get(f"/bank/settlement-lists/{day}/shares", issuer=ISSUER, paid="3000.01")
    shared = answer.json()
    by: dict[str, list[tuple[int, str]]] = {}
    for item in shared["items"]:
        by.setdefault(item["voucher"], []).append((item["payee"], item["amount"]))
    assert sum(round(float(item["amount"]) * 100) for item in shared["items"]) == 300_001
    assert by[vouchers[1]] == [(OTHER_BANK, "1000.00")]
    assert {item["frozen"] for item in shared["items"] if item["voucher"] == vouchers[2]} == {True}
    assert (shared["owed"], shared["left_out"]) == ("6000.01", [])


def test_the_table_runs_nothing_in_a_spreadsheet(due: tuple[House, str, list[str]]) -> None:
    house, day, _ = due
    answer = house.desk(BANK).get(f"/bank/settlement-lists/{day}/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 1 + 4
    assert "'=6222000000000000012" in [row[5] for row in rows]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row)


def test_exposure_is_summed_three_ways_in_a_fixed_number_of_queries(
    due: tuple[House, str, list[str]],
) -> None:
    house, _, _ = due
    desk = house.desk(BANK)
    (whole,) = desk.get("/bank/exposure").json()["items"]
    assert (whole["key"], whole["name"], whole["live"], whole["drawn"]) == (
        ISSUER,
        "云山重工",
        "6000.01",
        "6000.01",
    )
    assert (whole["held"], whole["overdue"], whole["limit"]) == ("0.00", "0.00", "50000000.00")
    by = {each["key"]: each["live"] for each in desk.get("/bank/exposure", by="supplier").json()["items"]}
    assert by == {A: "4000.01", B: "2000.00"}
    (tier,) = desk.get("/bank/exposure", by="tier").json()["items"]
    assert (tier["key"], tier["live"], tier["vouchers"]) == (1, "6000.01", 3)
    first = desk.get("/bank/exposure", by="supplier", limit=1).json()
    rest = desk.get("/bank/exposure", by="supplier", limit=1, cursor=first["next"]).json()
    assert [each["key"] for each in first["items"] + rest["items"]] == [A, B]


def test_a_list_takes_as_many_queries_for_many_as_for_one(house: House) -> None:
    desk = house.desk(BANK)
    counts = []
    for number in range(3):
        house.held("1000.00", reference=f"Q {number}")
        day = house.day(120)
        with heard(house.office.store) as statements:
            assert desk.get(f"/bank/settlement-lists/{day}").status_code == 200
        counts.append(len(statements))
    assert len(set(counts)) == 1
