"""What an issuer has to pay, when, at which bank and to whom; the notices of it; lines, sub-lines and the trail."""

from __future__ import annotations

import json
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import event, update

from ledger.calendar import Day, date_of_day, day_of_date, is_provisional, is_working_day, roll_following
from ledger.negotiation.payables import DAYS_BEFORE
from ledger.organisation_tables import AuditRow
from ledger.tables import LineRow
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, FACTOR, ISSUER, A, B, C


def due_in(house: House, days: int, reference: str, face: str = "1000.00", supplier: int = A) -> str:
    body = house.promise(face, supplier=supplier, reference=reference, due=house.day(days))
    made = house.desk(ISSUER).offers("/issuer/promise-offers", body)
    house.desk(supplier).signs(made["id"])
    return str(made["voucher"])


def notices(house: House, since: str, until: str) -> list[dict[str, Any]]:
    done = house.desk(ISSUER).get("/issuer/funding-notices", since=since, until=until)
    assert done.status_code == 200, done.text
    return list(done.json()["items"])


@pytest.fixture(scope="module")
def owing(shared_house: House) -> House:
    house = shared_house
    for days, face in ((40, "1000.00"), (40, "500.00"), (75, "300.00"), (176, "200.00")):
        due_in(house, days, f"PO {days} {face}", face)
    house.land()
    return house


# ---- payables ----------------------------------------------------------------------------------------------


def test_what_is_owed_is_listed_by_due_day_with_the_working_day_it_is_paid_on(owing: House) -> None:
    house, desk = owing, owing.desk(ISSUER)
    page = desk.get("/issuer/payables", limit=2).json()
    rest = desk.get("/issuer/payables", limit=2, cursor=page["next"]).json()
    days = [*page["items"], *rest["items"]]
    assert rest["next"] is None
    assert [(each["due_day"], each["face"]) for each in days] == [
        (house.day(40), "1500.00"),
        (house.day(75), "300.00"),
        (house.day(176), "200.00"),
    ]
    assert days[0]["banks"] == [{"bank": BANK, "name": "江南银行", "promises": 2, "face": "1500.00"}]
    for each in days:
        due = date.fromisoformat(each["due_day"])
        assert each["pay_day"] == roll_following(due).isoformat()
        assert is_working_day(date.fromisoformat(each["pay_day"]))
        assert each["provisional"] == is_provisional(date.fromisoformat(each["pay_day"]).year)
        assert each["past"] is False


def test_whom_the_issuer_pays_it_sees_and_others_see_nothing(owing: House) -> None:
    house, path = owing, f"/issuer/payables/{owing.day(40)}"
    found = house.desk(ISSUER).get(path).json()["items"]
    assert sorted(each["face"] for each in found) == ["1000.00", "500.00"]
    assert {(each["holder"], each["name"]) for each in found} == {(A, "甲零件厂")}
    first = house.desk(ISSUER).get(path, limit=1).json()
    second = house.desk(ISSUER).get(path, limit=1, cursor=first["next"]).json()
    assert [*first["items"], *second["items"]] == found
    for party in (A, BANK, FACTOR):
        assert problem(house.desk(party).get(path)) == (404, "NotFound")
        assert house.desk(party).get("/issuer/payables").json()["items"] == []
    assert house.desk(ISSUER).get("/issuer/payables/2026-02-30").status_code == 422


def test_a_page_of_days_takes_as_many_queries_whatever_is_owed(owing: House) -> None:
    seen = []
    engine = owing.office.store._engine

    def count(*_: Any) -> None:
        seen.append(1)

    event.listen(engine, "before_cursor_execute", count)
    try:
        for limit in (1, 3):
            owing.desk(ISSUER).get("/issuer/payables", limit=limit)
            seen.append(0)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    first = seen.index(0)
    assert len(seen) == 2 * (first + 1)


# ---- notices -----------------------------------------------------------------------------------------------


def test_a_notice_falls_thirty_seven_and_one_day_before_and_none_is_lost_or_doubled(owing: House) -> None:
    house = owing
    whole = notices(house, house.day(0), house.day(90))
    assert [(each["falls_on"], each["days_before"]) for each in whole] == [
        (house.day(10), 30),
        (house.day(33), 7),
        (house.day(39), 1),
        (house.day(45), 30),
        (house.day(68), 7),
        (house.day(74), 1),
    ]
    assert whole[0]["day"]["face"] == "1500.00"
    daily = [
        each for n in (10, 11, 33, 39, 40, 45, 68, 74) for each in notices(house, house.day(n), house.day(n))
    ]
    assert [each["id"] for each in daily] == [each["id"] for each in whole]
    assert len({each["id"] for each in whole}) == len(whole)


def test_days_before_are_calendar_days_across_the_year_s_end() -> None:
    due = day_of_date(date(2027, 1, 3))
    falls = [date_of_day(Day(due - before)).isoformat() for before in DAYS_BEFORE]
    assert falls == ["2026-12-04", "2026-12-27", "2027-01-02"]


@pytest.mark.parametrize(("since", "until"), [(5, 4), (0, 92)])
def test_a_range_that_is_none_or_too_long_is_refused(shared_house: House, since: int, until: int) -> None:
    given = {"since": shared_house.day(since), "until": shared_house.day(until)}
    done = shared_house.desk(ISSUER).get("/issuer/funding-notices", **given)
    assert problem(done) == (422, "InputError")


# ---- lines and the trail -----------------------------------------------------------------------------------


def test_a_sub_line_shows_which_limit_binds_and_what_blocks_it(house: House) -> None:
    bank, issuer = house.desk(BANK), house.desk(ISSUER)
    sub = {"reference": 7, "issuer": ISSUER, "parent": "2-1", "limit": "9000.00", "expiry": house.day(300)}
    issuer.signs(bank.offers("/bank/line-offers", {**sub, "sign": True})["id"])
    house.land()
    issuer.offers("/issuer/promise-offers", house.promise("2000.00", line="2-7"))
    (line,) = issuer.get("/lines", parent="2-1").json()["items"]
    assert (line["line"], line["own"]["reserved"], line["available"], line["binding"]) == (
        *("2-7", "2000.00", "7000.00", "2-7"),
    )
    assert line["parent"]["reserved"] == "2000.00"
    assert line["blocked"] == []
    assert issuer.get("/lines", parent="2-7").json()["items"] == []
    with house.office.store.writing() as session:
        session.execute(update(LineRow).where(LineRow.parent.is_(None)).values(frozen=True))
    (line,) = issuer.get("/lines", parent="2-1").json()["items"]
    assert line["blocked"] == ["parent frozen"]
    assert house.desk(B).get("/lines", parent="2-1").json()["items"] == []


def test_a_trail_is_listed_without_and_verified_with_hashing_all_of_it(house: House) -> None:
    auditor = house.desk(ISSUER, "auditor")
    house.desk(ISSUER).offers("/issuer/promise-offers", house.promise())
    assert set(auditor.get("/audit", limit=1).json()) == {"items", "next"}
    whole = auditor.get("/audit/verification").json()
    assert (whole["whole"], whole["broken_at"]) == (True, None)
    listed = auditor.get("/audit").json()["items"]
    assert (whole["entries"], whole["head"]) == (len(listed), listed[-1]["hash"])
    with house.office.store.writing() as session:
        session.execute(update(AuditRow).where(AuditRow.place == 2).values(who="somebody else"))
    broken = auditor.get("/audit/verification").json()
    assert (broken["whole"], broken["broken_at"]) == (False, 2)
    assert problem(house.desk(ISSUER, "operator").get("/audit/verification")) == (403, "NotAllowed")


# ---- a voucher's way ---------------------------------------------------------------------------------------


def test_of_hops_before_its_own_a_holder_sees_that_there_were_some_and_nothing_of_them(house: House) -> None:
    voucher = house.held("1000.00")
    for giver, taker in ((A, B), (B, C)):
        body = {"voucher": voucher, "recipient": taker, "sign": True}
        offer = house.desk(giver).offers("/supplier/transfer-offers", body)
        desk = house.desk(taker)
        if taker == C:
            told = {"signature": house.wallet_signature(desk, offer["id"])}
            assert desk.post(f"/offers/{offer['id']}/signatures", told).status_code == 202
        else:
            desk.signs(offer["id"])
        house.land()
    text = house.desk(C).get(f"/vouchers/{voucher}").text
    hops = house.desk(C).get(f"/vouchers/{voucher}").json()["provenance"]
    moves = [hop for hop in hops if hop["event"] in ("Issued", "Transferred")]
    assert [hop["tier"] for hop in moves] == [1, 2, 3]
    for hop in moves[:2]:
        assert (hop["holder"], hop["party"], hop["amount"], hop["voucher"]) == (None, None, None, None)
        assert hop["tx_hash"]
    assert moves[2]["holder"]["party"] == C
    assert "甲零件厂" not in text and "乙铸造厂" not in text
    whole = house.desk(ISSUER).get(f"/vouchers/{voucher}").json()["provenance"]
    assert [hop["holder"]["party"] for hop in whole if hop["event"] == "Transferred"] == [B, C]
    passed = house.desk(A).get(f"/vouchers/{voucher}").json()["provenance"]
    assert [hop["holder"]["party"] for hop in passed if hop["event"] == "Transferred"] == [B]


def test_whoever_has_the_trail_hashes_it_again_by_what_the_document_says(house: House) -> None:
    house.held()
    desk = house.desk(ISSUER, "auditor")
    own = desk.get("/session").json()["caller"]["organisation"]
    previous = "0" * 64
    for entry in desk.get("/audit", limit=200).json()["items"]:
        at = int(datetime.fromisoformat(entry["at"]).timestamp())
        said = [
            own,
            entry["place"],
            at,
            *(entry[each] for each in ("who", "act", "subject", "facts")),
            previous,
        ]
        text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        previous = sha256(text.encode()).hexdigest()
        assert entry["hash"] == f"0x{previous}"
    assert desk.get("/audit/verification").json()["head"] == f"0x{previous}"
