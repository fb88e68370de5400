"""The disbursement queue: two people, the right amount to the right account, in time, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from ledger.agreements import Freeze, Rescind, VoucherId
from ledger.calendar import Day
from ledger.errors import InputError
from ledger.members import parse_voucher
from ledger.negotiation.disbursements import Hours
from ledger.organisation_tables import OrganisationRow, PersonRow
from tests.gateway import trading
from tests.gateway.banking import (
    imported,
    opened_sale,
    report_xml,
    row_of,
    sold,
    statement_xml,
    with_accounts,
    working_day,
)
from tests.gateway.house import NAMES, Desk, House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, LATER, OTHER_BANK, REGISTRAR, A, B, some_hash

QUEUE, RUNS = "/bank/disbursement-queue", "/bank/disbursement-runs"
FILING = "08123456001234567890"


@pytest.fixture
def selling(shared_house: House) -> House:
    with_accounts(shared_house)
    return shared_house


def sale(house: House, reference: str, *, face: str = "1000.00", **terms: Any) -> tuple[str, str]:
    """A voucher that A has sold to the other bank, and what A gets for it."""
    voucher = house.held(face, reference=reference)
    return voucher, opened_sale(house, voucher, OTHER_BANK, **terms)


def run_of(house: House, *sales: tuple[str, str], **more: Any) -> dict[str, Any]:
    """What a maker sends."""
    fen = sum(round(float(amount) * 100) for _, amount in sales)
    return {
        "items": [{"voucher": voucher, "account_name": NAMES[A], "filing": FILING} for voucher, _ in sales],
        "value_day": working_day(house),
        "count": len(sales),
        "total": f"{fen // 100}.{fen % 100:02d}",
        **more,
    }


def maker(house: House) -> Desk:
    return house.desk(OTHER_BANK, "operator")


def checker(house: House) -> Desk:
    return house.desk(OTHER_BANK, "reviewer")


def prepared(house: House, *sales: tuple[str, str]) -> dict[str, Any]:
    done = maker(house).post(RUNS, run_of(house, *sales))
    assert done.status_code == 201, done.text
    return dict(done.json())


def exported(house: House, *sales: tuple[str, str]) -> dict[str, Any]:
    run = prepared(house, *sales)
    for desk, act in ((checker(house), "release"), (maker(house), "export")):
        done = desk.post(f"{RUNS}/{run['id']}/{act}")
        assert done.status_code == 200, done.text
    return dict(done.json())


# ---- what is not prepared ----------------------------------------------------------------------------------


def test_what_the_caller_has_not_bought_is_not_in_its_queue(selling: House) -> None:
    voucher, amount = sale(selling, "Q mine")
    held = selling.held(reference="Q held")
    assert voucher not in selling.desk(BANK).get(QUEUE, limit=200).text
    for desk, asked in ((selling.desk(BANK), voucher), (maker(selling), held)):
        done = desk.post(RUNS, run_of(selling, (asked, amount)))
        assert problem(done) == (404, "NotFound")


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"count": 2}, "ControlTotalDiffers"),
        ({"total": "1000.00"}, "ControlTotalDiffers"),
        ({"total": "0.00"}, "ControlTotalDiffers"),
        ({"items": []}, "InputError"),
        ({"amount": "1.00"}, "InputError"),
    ],
    ids=str,
)
def test_a_run_whose_totals_differ_from_the_maker_s_is_not_prepared(
    selling: House, changed: dict[str, Any], name: str
) -> None:
    body = run_of(selling, sale(selling, f"C {changed}"[:90]), **changed)
    assert problem(maker(selling).post(RUNS, body))[1] == name


def test_an_account_in_another_name_is_not_paid_to(selling: House) -> None:
    one = sale(selling, "name")
    body = run_of(selling, one)
    for name in ("甲零件廠", "甲零件厂(上海)", NAMES[B]):
        body["items"][0]["account_name"] = name
        done = maker(selling).post(RUNS, body)
        assert problem(done) == (409, "AccountNameDiffers")
        assert done.json()["facts"] == {"voucher": one[0], "given": name, "expected": NAMES[A]}
    body["items"][0]["account_name"] = " 甲 零件厂　"
    assert maker(selling).post(RUNS, body).status_code == 201


def test_an_account_that_fits_into_no_instructions_is_not_paid_to(house: House) -> None:
    with_accounts(house)
    with house.office.store.writing() as session:
        rows = update(OrganisationRow).where(OrganisationRow.party == A)
        session.execute(rows.values(bank_account="6" * 35))
    done = maker(house).post(RUNS, run_of(house, sale(house, "long")))
    assert problem(done) == (422, "InputError")
    assert "account" in done.json()["detail"]


@pytest.mark.parametrize("filing", ["", "1234567", "a" * 41, "=12345678", "1234 5678"])
def test_a_filing_number_has_to_be_there(selling: House, filing: str) -> None:
    body = run_of(selling, ("0x" + "ab" * 32, "1.00"))
    body["items"][0]["filing"] = filing
    assert problem(maker(selling).post(RUNS, body)) == (422, "InputError")


def test_what_cannot_be_paid_is_named_in_the_queue_and_refused_in_a_run(selling: House) -> None:
    house, office = selling, selling.office
    unopened, late, frozen = (house.held(reference=f"H {n}") for n in range(3))
    sold(house, unopened, OTHER_BANK, quote=some_hash("somewhere else"))
    opened_sale(house, late, OTHER_BANK, days=0)
    amount = opened_sale(house, frozen, OTHER_BANK)
    stop = Freeze(VoucherId(parse_voucher(frozen)), some_hash("o"), Day(office.today + 60), LATER)
    office.do(stop, REGISTRAR)
    office.follow()
    queue = {each["voucher"]: each for each in maker(house).get(QUEUE, limit=200).json()["items"]}
    assert queue[unopened]["amount"] is None
    assert queue[unopened]["hindrance"]["type"] == "/problems/QuoteUnknown"
    assert queue[late]["hindrance"] is None
    assert queue[frozen]["hindrance"]["type"] == "/problems/InFreeze"
    for voucher, name in ((unopened, "QuoteUnknown"), (late, "PaysTooLate"), (frozen, "InFreeze")):
        assert problem(maker(house).post(RUNS, run_of(house, (voucher, amount)))) == (409, name)


def test_a_day_on_which_it_is_too_late_or_nobody_works_is_refused(selling: House) -> None:
    one = sale(selling, "hours")
    body = run_of(selling, one)
    yesterday = maker(selling).post(RUNS, {**body, "value_day": selling.day(-7)})
    assert problem(yesterday)[1] in ("CutOffPassed", "InputError")
    sunday = next(
        selling.day(n) for n in range(1, 9) if (selling.office.today + n + 3) % 7 == 6
    )  # day 0 was a Thursday
    assert problem(maker(selling).post(RUNS, {**body, "value_day": sunday})) == (422, "InputError")
    whole = selling.app.state.gateway
    try:
        today = working_day(selling, ahead=0)
        if today == selling.day(0):
            selling.app.state.gateway = replace(whole, hours=Hours(0))
            done = maker(selling).post(RUNS, {**body, "value_day": today})
            assert problem(done) == (409, "CutOffPassed")
            assert done.json()["facts"]["cutOff"] == "00:00"
            selling.app.state.gateway = replace(whole, hours=Hours(86_399))
            assert maker(selling).post(RUNS, {**body, "value_day": today}).status_code == 201
    finally:
        selling.app.state.gateway = whole


@pytest.mark.parametrize("text", ["", "24:00", "16:60", "1630", "4:30", "１６:30", "-1:30"])
def test_what_is_no_time_of_day_is_no_cut_off(text: str) -> None:
    with pytest.raises(InputError):
        Hours.parse(text)
    assert Hours.parse("16:30").text == "16:30"


def test_a_voucher_is_in_one_run_only(selling: House) -> None:
    one = sale(selling, "once")
    run = prepared(selling, one)
    again = maker(selling).post(RUNS, run_of(selling, one))
    assert problem(again) == (409, "AlreadyInRun")
    assert again.json()["facts"]["run"] == run["id"]
    twice = run_of(selling, one, one)
    assert problem(maker(selling).post(RUNS, twice)) == (422, "InputError")
    cancelled = maker(selling).post(f"{RUNS}/{run['id']}/cancel", {"reason": "typed twice"})
    assert (cancelled.json()["state"], cancelled.json()["items"][0]["state"]) == ("cancelled", "cancelled")
    assert prepared(selling, one)["state"] == "prepared"


def test_of_two_who_prepare_the_same_voucher_at_once_one_does(any_house: House) -> None:
    with_accounts(any_house)
    body = run_of(any_house, sale(any_house, "at once"))
    desks = [any_house.desk(OTHER_BANK, role) for role in ("operator", "signatory")]
    with ThreadPoolExecutor(2) as pool:
        done = [each.result() for each in [pool.submit(desk.post, RUNS, body) for desk in desks]]
    assert sorted(each.status_code for each in done) == [201, 409]
    (refused,) = [each for each in done if each.status_code == 409]
    (made,) = [each for each in done if each.status_code == 201]
    assert problem(refused) == (409, "AlreadyInRun")
    assert refused.json()["facts"]["run"] == made.json()["id"]


# ---- who releases ------------------------------------------------------------------------------------------


def test_a_run_is_not_released_by_its_maker_in_whatever_role(selling: House) -> None:
    house = selling
    with house.office.store.writing() as session:
        both = update(PersonRow).where(PersonRow.login == f"operator.{BANK}")
        session.execute(both.values(roles=["operator", "reviewer", "signatory"]))
    voucher = house.held(reference="own")
    amount = opened_sale(house, voucher, BANK)
    desk = house.desk(BANK, "operator")
    run = desk.post(RUNS, run_of(house, (voucher, amount))).json()
    path = f"{RUNS}/{run['id']}/release"
    assert problem(desk.post(path)) == (409, "CheckedByMaker")
    assert problem(house.desk(BANK, "signatory").post(path)) == (403, "NotAllowed")
    assert problem(house.desk(BANK, "auditor").post(path)) == (403, "NotAllowed")
    # His own program neither, nor he what his program has prepared.
    program = house.program(desk, "operator", "reviewer")
    assert problem(program.post(path)) == (403, "NotAllowed")
    other = house.held(reference="own 2")
    by_program = program.post(RUNS, run_of(house, (other, opened_sale(house, other, BANK)))).json()
    own = f"{RUNS}/{by_program['id']}/release"
    assert problem(desk.post(own)) == (409, "CheckedByMaker")
    for each in (path, own):
        assert house.desk(BANK, "reviewer").post(each).json()["state"] == "released"


def test_a_run_of_others_and_one_that_is_none_read_the_same(selling: House) -> None:
    run = prepared(selling, sale(selling, "theirs"))
    for number in (run["id"], "0" * 32):
        for act, body in (("release", None), ("cancel", {"reason": "x"}), ("export", None)):
            done = selling.desk(BANK, "reviewer").post(f"{RUNS}/{number}/{act}", body)
            assert problem(done) == (404, "NotFound")
        for path in ("", "/instructions"):
            assert problem(selling.desk(BANK).get(f"{RUNS}/{number}{path}")) == (404, "NotFound")


def test_nothing_is_exported_before_it_is_released(selling: House) -> None:
    run = prepared(selling, sale(selling, "order"))
    path = f"{RUNS}/{run['id']}"
    assert problem(maker(selling).post(f"{path}/export")) == (409, "RunClosed")
    assert problem(maker(selling).get(f"{path}/instructions")) == (409, "RunClosed")
    old = checker(selling).post(f"{path}/release", **{"If-Match": '"9"'})
    assert problem(old) == (412, "VersionDiffers")
    assert checker(selling).post(f"{path}/release", **{"If-Match": '"1"'}).status_code == 200
    assert problem(checker(selling).post(f"{path}/release")) == (409, "RunClosed")
    done = maker(selling).post(f"{path}/export")
    assert maker(selling).post(f"{path}/export").json() == done.json()
    assert problem(maker(selling).post(f"{path}/cancel", {"reason": "late"})) == (409, "RunClosed")


@pytest.mark.parametrize("what", ["rescinded", "another account"])
def test_what_has_changed_since_is_not_released(house: House, what: str) -> None:
    with_accounts(house)
    one = sale(house, what)
    run = prepared(house, one)
    if what == "rescinded":
        row = row_of(house, one[0])
        house.office.do(Rescind(row.voucher, row.sequence, OTHER_BANK, LATER), OTHER_BANK)
        house.office.follow()
    else:
        with house.office.store.writing() as session:
            rows = update(OrganisationRow).where(OrganisationRow.party == A)
            session.execute(rows.values(bank_account="1"))
    assert problem(checker(house).post(f"{RUNS}/{run['id']}/release")) == (409, "VoucherChanged")


# ---- the whole way -----------------------------------------------------------------------------------------


def test_from_the_queue_to_the_holder_of_the_voucher(any_house: House) -> None:
    house = any_house
    with_accounts(house)
    sales = [sale(house, f"W {n}", face=f"{1000 + n}.01") for n in range(2)]
    assert [each["run"] for each in maker(house).get(QUEUE).json()["items"]] == [None, None]
    run = exported(house, *sales)
    first = maker(house).get(f"{RUNS}/{run['id']}/instructions")
    assert first.headers["content-type"] == "application/xml"
    assert first.content == maker(house).get(f"{RUNS}/{run['id']}/instructions").content
    assert f"<CtrlSum>{run['total']}</CtrlSum>" in first.text
    names = [each["end_to_end"] for each in run["items"]]
    content = statement_xml(
        house,
        (names[0], run["items"][0]["amount"]),
        ("NOT-OURS", "5.00"),
        (names[1], "1.00"),
        (names[0], run["items"][0]["amount"]),
    )
    done = imported(house.desk(OTHER_BANK), content, key="by hand")
    assert done.status_code == 200, done.text
    became = [each["became"] for each in done.json()["items"]]
    assert became == ["asserted", "unknown", "amount_differs", "already"]
    assert imported(house.desk(OTHER_BANK), content, key="by hand").json() == done.json()
    again = imported(house.desk(OTHER_BANK), content).json()
    assert [each["became"] for each in again["items"]] == ["already", "unknown", "amount_differs", "already"]
    rest = imported(house.desk(OTHER_BANK), statement_xml(house, (names[1], run["items"][1]["amount"])))
    assert rest.json()["counts"] == {"asserted": 1}
    assert maker(house).get(f"{RUNS}/{run['id']}").json()["state"] == "settled"
    house.land()
    assert maker(house).get(QUEUE).json()["items"] == []
    for offer in house.desk(OTHER_BANK).get("/offers", verb="assertPayment").json()["items"]:
        assert offer["status"] == "landed"
    assert house.desk(A).get(f"/vouchers/{sales[0][0]}").json()["locks"] == ["discount", "payment"]


def test_a_statement_that_does_not_say_what_was_paid_asserts_nothing(selling: House) -> None:
    house = selling
    run = exported(house, sale(house, "W unsaid"))
    name = run["items"][0]["end_to_end"].encode()
    one = b"<TxDtls><Refs><EndToEndId>" + name + b"</EndToEndId></Refs></TxDtls>"
    content = statement_xml(house, (name.decode(), "9.00")).replace(one, one + one)
    done = imported(house.desk(OTHER_BANK), content)
    assert [each["became"] for each in done.json()["items"]] == ["amount_differs"] * 2
    assert done.json()["counts"] == {"amount_differs": 2}


def test_a_price_that_was_accepted_is_the_one_that_is_paid(house: House) -> None:
    with_accounts(house)
    request = trading.asked(house, house.held("1000.01"), OTHER_BANK)
    quote = request.quoted(OTHER_BANK, "4.35", pay_by=house.day(8))
    request.open()
    assert request.accepted(quote["id"]).status_code == 202
    house.land()
    (due,) = maker(house).get(QUEUE).json()["items"]
    assert (due["amount"], due["hindrance"]) == (quote["cash"], None)
    run = exported(house, (due["voucher"], due["amount"]))
    content = statement_xml(house, (run["items"][0]["end_to_end"], quote["cash"]))
    assert imported(house.desk(OTHER_BANK), content).json()["counts"] == {"asserted": 1}
    house.land()
    assert trading.sale(house, quote["id"])["stage"] == "cash_asserted"


def test_what_the_bank_rejected_is_in_the_queue_again(selling: House) -> None:
    house = selling
    one = sale(house, "rejected")
    run = exported(house, one)
    name = run["items"][0]["end_to_end"]
    pending = imported(maker(house), report_xml(name, "ACSP"), sign=False).json()
    assert pending["counts"] == {"pending": 1}
    done = imported(maker(house), report_xml(name, "RJCT"), sign=False).json()
    assert done["counts"] == {"rejected": 1}
    paid = imported(maker(house), report_xml(name, "ACSC"), sign=False).json()["items"][0]
    assert (paid["became"], paid["problem"]["type"]) == ("refused", "/problems/RejectedBefore")
    again = exported(house, one)
    assert again["items"][0]["end_to_end"] != name
    returned = statement_xml(house, (again["items"][0]["end_to_end"], one[1]), way="CRDT")
    assert imported(maker(house), returned, sign=False).json()["counts"] == {"returned": 1}


def test_an_assertion_that_came_to_nothing_is_made_again(selling: House) -> None:
    house, one = selling, sale(selling, "declined")
    run = exported(house, one)
    content = statement_xml(house, (run["items"][0]["end_to_end"], one[1]))
    first = imported(maker(house), content, sign=False).json()["items"][0]
    desk = house.desk(OTHER_BANK)
    assert desk.get(f"/offers/{first['offer']}").json()["status"] == "open"
    assert desk.post(f"/offers/{first['offer']}/recall", {"reason": "wrong day"}).status_code == 200
    second = imported(desk, content).json()["items"][0]
    assert (second["became"], first["offer"] != second["offer"]) == ("asserted", True)
    assert imported(desk, content).json()["items"][0]["became"] == "already"


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE x []><x/>", b"PK\x03\x04", b"<Document/>", b"\xff"], ids=repr
)
def test_a_hostile_file_is_refused_and_changes_nothing(selling: House, content: bytes) -> None:
    done = imported(maker(selling), content, sign=False)
    assert problem(done)[0] == 422
    assert "Traceback" not in done.text


def test_who_only_reads_imports_nothing(selling: House) -> None:
    desk = selling.desk(OTHER_BANK, "auditor")
    assert problem(imported(desk, statement_xml(selling, ("TS1", "1.00")), sign=False)) == (403, "NotAllowed")
    operator = imported(maker(selling), statement_xml(selling, ("TS1", "1.00")), sign=True)
    assert problem(operator) == (403, "NotAllowed")
