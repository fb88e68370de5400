"""Promises by a file: what is refused and where it stands, judged without a trace, offered once, killed or not."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook  # type: ignore[import-untyped]
from sqlalchemy import func, select

from gateway.bodies import CSV, XLSX
from ledger.bulk_tables import BulkRunRow
from ledger.errors import FileError
from ledger.negotiation import bulk_file
from ledger.offer_tables import OfferRow, OpeningRow
from ledger.sheets import csv_text
from ledger.workbooks import workbook
from tests.gateway.house import Desk, House
from tests.gateway.offering import problem, sums
from tests.ledger.office import BANK, ISSUER, A, B, C
from tests.ledger.relaying import Killed, dying_at

HEAD = ["reference", "line", "supplier", "face", "due", "invoice_number", "invoice_amount", "invoice_total"]


def row(house: House, reference: str, face: str = "1000.00", **changed: Any) -> list[str]:
    cells = {
        "reference": reference,
        "line": "2-1",
        "supplier": str(A),
        "face": face,
        "due": house.day(120),
        "invoice_number": f"F {reference}",
        "invoice_amount": face,
        "invoice_total": face,
        **changed,
    }
    return [str(each) for each in cells.values()]


def table(*rows: list[str], head: list[str] | None = None) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([head or HEAD, *rows])
    return text.getvalue().encode()


def sheet(*rows: list[Any]) -> bytes:
    book = Workbook()
    for each in (HEAD, *rows):
        book.active.append(each)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def send(desk: Desk, path: str, content: bytes, kind: str = CSV, key: str | None = None) -> Any:
    told = {"X-CSRF-Token": desk.csrf, "Content-Type": kind}
    told["Idempotency-Key"] = key or f"{desk.login} file {next(desk.names)}"
    return desk.client.post(f"/api/v1/issuer/{path}", content=content, headers=told)


def taken(desk: Desk, content: bytes, kind: str = CSV) -> str:
    done = send(desk, "bulk-runs", content, kind)
    assert done.status_code == 201, done.text
    return f"/issuer/bulk-runs/{done.json()['id']}"


def counted(house: House, *kinds: type[Any]) -> list[int]:
    with house.office.store.reading() as session:
        return [int(session.scalar(select(func.count()).select_from(kind)) or 0) for kind in kinds]


# ---- files that are not taken ------------------------------------------------------------------------------


def zipped(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return packed.getvalue()


KINDS = [
    *("empty", "one letter", "UTF-16", "cut UTF-8", "twice the header", "header alone", "no ZIP"),
    *("entities", "entities in UTF-16", "ZIP bomb", "many parts", "ZIP in ZIP", "too long"),
]
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"\xff\xfe\x00",
        "编号,额度\n".encode()[:-3] + b"\xe7\n",
        b"reference,line\n" * 3,
        b",".join(name.encode() for name in HEAD) + b"\n",
        b"PK\x03\x04 and nothing more",
        zipped(**{"xl/workbook.xml": ENTITIES}),
        zipped(**{"xl/workbook.xml": ENTITIES.decode().encode("utf-16")}),
        zipped(**{"xl/workbook.xml": bytes(30 << 20)}),
        zipped(**{f"{n}.xml": b"" for n in range(300)}),
        zipped(**{"xl/workbook.xml": zipped(a=bytes(1 << 20))}),
        b"x" * (bulk_file.MOST_BYTES + 1),
    ],
    ids=KINDS,
)
def test_a_file_that_is_no_table_is_refused_whole(shared_house: House, content: bytes) -> None:
    desk = shared_house.desk(ISSUER)
    for path in ("bulk-checks", "bulk-runs"):
        done = send(desk, path, content)
        assert done.status_code == 422, done.text
        assert "passwd" not in done.text and "root:" not in done.text
        assert problem(done)[1] in ("FileError", "InputError")


def test_a_formula_is_refused_with_its_cell(shared_house: House) -> None:
    rows = [row(shared_house, "PO f1"), row(shared_house, "PO f2", invoice_amount="=D3")]
    done = send(shared_house.desk(ISSUER), "bulk-checks", sheet(*rows), XLSX)
    assert problem(done) == (422, "FileError")
    (cell,) = done.json()["errors"]
    assert cell == {"where": ["3", "G"], "what": "the cell holds a formula: give its value"}


def test_an_old_workbook_or_one_with_a_password_is_refused_as_what_it_is() -> None:
    with pytest.raises(FileError, match="without a password"):
        bulk_file.read(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4_096), "promises.xls")


def test_a_number_longer_than_a_spreadsheet_keeps_is_refused_with_its_cell(shared_house: House) -> None:
    numbers = (24_312_000_000_012_345_678, 2.4312e19, 999_999_999_999_999)
    first = [row(shared_house, f"PO n{n}") for n in range(3)]
    rows: list[list[Any]] = [
        [*each[:5], number, *each[6:]] for each, number in zip(first, numbers, strict=True)
    ]
    done = send(shared_house.desk(ISSUER), "bulk-checks", sheet(*rows), XLSX)
    assert problem(done) == (422, "FileError")
    assert [each["where"] for each in done.json()["errors"]] == [["2", "F"], ["3", "F"]]
    assert all("make the cell text" in each["what"] for each in done.json()["errors"])


def test_every_bad_cell_is_named_with_its_row_and_column(shared_house: House) -> None:
    house = shared_house
    content = table(
        row(house, "PO c1", "1,00"),
        row(house, "PO c2", line="2"),
        row(house, "PO c3", supplier="0"),
        row(house, "PO c4", due="2026-02-30"),
        row(house, "PO c5", invoice_number=""),
        [*row(house, "PO c6"), "more"],
    )
    errors = send(house.desk(ISSUER), "bulk-checks", content).json()["errors"]
    assert [each["where"] for each in errors] == [
        ["2", "face"],
        ["2", "invoice_amount"],
        ["2", "invoice_total"],
        ["3", "line"],
        ["4", "supplier"],
        ["5", "due"],
        ["6", "invoice_number"],
        ["7", ""],
    ]


def test_rows_of_one_promise_agree_and_no_invoice_is_used_up_twice(shared_house: House) -> None:
    house = shared_house
    content = table(
        row(house, "PO g1", "1000.00", invoice_amount="400.00", invoice_number="F g"),
        row(house, "PO g1", "1000.01", invoice_amount="600.00", invoice_number="F g"),
        row(house, "PO g2", "700.00", invoice_number="F g", invoice_total="1000.00"),
    )
    errors = send(house.desk(ISSUER), "bulk-checks", content).json()["errors"]
    assert [each["where"] for each in errors] == [
        ["3", "face"],
        ["3", "invoice_total"],
        ["3", "invoice_number"],
        ["4", "invoice_amount"],
    ]


def test_more_than_ten_invoices_or_too_many_rows_are_refused(
    shared_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = shared_house
    eleven = [
        row(house, "PO ten", "11.00", invoice_number=f"F {n}", invoice_amount="1.00") for n in range(11)
    ]
    with pytest.raises(FileError, match="more than 10 invoices"):
        bulk_file.read(table(*eleven), "x")
    monkeypatch.setattr(bulk_file, "MOST_ROWS", 10)
    for content in (table(*eleven), sheet(*eleven)):
        with pytest.raises(FileError, match=r"more than 1[01] rows"):
            bulk_file.read(content, "x")
    monkeypatch.setattr(bulk_file, "MOST_PROMISES", 2)
    three = [row(house, f"PO {n}") for n in range(3)]
    with pytest.raises(FileError, match="more than 2 promises"):
        bulk_file.read(table(*three), "x")


def test_a_file_of_other_encodings_headings_and_orders_reads_the_same(shared_house: House) -> None:
    house = shared_house
    cells = row(house, "订单一")
    plain = bulk_file.read(table(cells), "x")
    text = table(cells).decode()
    assert bulk_file.read(text.encode("utf-8-sig"), "x") == plain
    assert bulk_file.read(text.encode("gb18030"), "x") == plain
    zh = [next(column.zh for column in bulk_file.COLUMNS if column.name == name) for name in HEAD]
    assert bulk_file.read(table(cells[::-1], head=zh[::-1]), "x") == plain
    typed: list[Any] = [*cells]
    typed[2], typed[3], typed[6], typed[7] = A, 1000, 1000.0, 1000
    assert bulk_file.read(sheet(typed), "x") == plain
    assert bulk_file.from_json(bulk_file.to_json(plain[0].terms)) == plain[0].terms


# ---- judged without a trace --------------------------------------------------------------------------------


def test_a_check_judges_every_row_and_the_line_as_a_whole_and_writes_nothing(house: House) -> None:
    before = counted(house, OfferRow, OpeningRow, BulkRunRow)
    head = [*HEAD, "smallest_part"]
    content = table(
        [*row(house, "PO 1", "30000000.00"), "10000.00"],
        [*row(house, "PO 2", "20000000.01"), "10000.00"],
        [*row(house, "PO 3", "20000000.00"), "10000.00"],
        [*row(house, "PO 4", supplier=ISSUER), ""],
        [*row(house, "PO 5", line="2-9"), ""],
        [*row(house, "PO 6", due=house.day(500)), ""],
        [*row(house, "PO 7", invoice_amount="999.99"), ""],
        head=head,
    )
    done = send(house.desk(ISSUER, "operator"), "bulk-checks", content).json()
    assert (done["promises"], done["good"], done["face"]) == (7, 2, "50000000.00")
    found = [(each["row"], each["column"], each["problem"]["type"][10:]) for each in done["problems"]]
    assert found == [
        (3, "face", "LimitExceeded"),
        (5, "supplier", "SameParty"),
        (6, "line", "UnknownLine"),
        (7, None, "InputError"),
        (8, "invoice_amount", "InvoicesDoNotMatch"),
    ]
    assert done["problems"][0]["problem"]["facts"]["available"] == "20000000.00"
    assert counted(house, OfferRow, OpeningRow, BulkRunRow) == before


@pytest.mark.parametrize(("party", "role"), [(ISSUER, "reviewer"), (ISSUER, "auditor")])
def test_who_offers_nothing_sends_no_file(shared_house: House, party: int, role: str) -> None:
    desk = shared_house.desk(party, role)
    for path in ("bulk-checks", "bulk-runs"):
        done = send(desk, path, table(row(shared_house, "PO role")))
        assert problem(done) == (403, "NotAllowed")


# ---- offered once ------------------------------------------------------------------------------------------


def test_a_file_is_offered_some_at_a_time_and_its_outcome_is_a_file(any_house: House) -> None:
    house, desk = any_house, any_house.desk(ISSUER)
    rows = [
        [*row(house, "PO a", "600.00", invoice_amount="400.00", invoice_total="400.00"), ""],
        [*row(house, "PO b", "60000000.00"), "10000.00"],
        [*row(house, "PO a", "600.00", invoice_number="F 2", invoice_amount="200.00"), ""],
        [*row(house, "=cmd|'/c calc'!A1", supplier=B), ""],
        [*row(house, "PO c", supplier=C), ""],
    ]
    run = taken(desk, table(*rows, head=[*HEAD, "smallest_part"]))
    assert desk.get(run).json() | {"id": ""} == {
        **{"id": "", "who": desk.get(run).json()["who"], "sent_at": "2026-09-21T14:13:20Z"},
        **{"waiting": 4, "offered": 0, "refused": 0},
    }
    first = desk.post(f"{run}/next", {"sign": True, "most": 2}).json()
    assert (first["waiting"], first["offered"], first["refused"]) == (2, 1, 1)
    last = desk.post(f"{run}/next", {"sign": True}).json()
    assert (last["waiting"], last["offered"], last["refused"]) == (0, 3, 1)
    assert sums(house)[1] == "2600.00"
    shown = desk.get(f"{run}/promises").json()["items"]
    assert [each["state"] for each in shown] == ["offered", "refused", "offered", "offered"]
    assert shown[1]["problem"]["type"] == "/problems/LimitExceeded"
    offer = desk.get(f"/offers/{shown[0]['offer']}").json()
    assert [each["amount"] for each in offer["agreement"]["invoices"]] == ["400.00", "200.00"]
    assert offer["consents"][0]["signed"]
    house.desk(A).signs(offer["id"])
    house.land()
    assert house.desk(A).get(f"/vouchers/{shown[0]['voucher']}").json()["face"] == "600.00"
    text = desk.get(f"{run}/result").content.decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(text)))
    assert read[3][1] == "'=cmd|'/c calc'!A1"
    book = load_workbook(io.BytesIO(desk.get(f"{run}/result", form="xlsx").content))
    assert book.active.cell(4, 2).value == "'=cmd|'/c calc'!A1"
    assert all(cell.data_type != "f" for each in book.active.iter_rows() for cell in each)
    for stranger in (BANK, A):
        for path in ("", "/promises", "/result"):
            assert problem(house.desk(stranger).get(run + path)) == (404, "NotFound")


def test_a_reference_is_offered_once_from_whatever_file(house: House) -> None:
    desk = house.desk(ISSUER)
    one, two = (taken(desk, table(row(house, "PO once"), row(house, f"PO {n}"))) for n in range(2))
    assert desk.post(f"{one}/next", {}).json()["offered"] == 2
    again = desk.post(f"{two}/next", {}).json()
    assert (again["offered"], again["refused"]) == (1, 1)
    (refused, _) = desk.get(f"{two}/promises").json()["items"]
    assert (refused["column"], refused["problem"]["type"]) == ("reference", "/problems/ReferenceOffered")
    assert desk.post(f"{two}/next", {"again": True}).json()["refused"] == 1
    checked = send(desk, "bulk-checks", table(row(house, "PO once"))).json()
    assert checked["problems"][0]["problem"]["type"] == "/problems/ReferenceOffered"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"])
def test_no_text_is_written_that_a_spreadsheet_would_run(sign: str) -> None:
    text = f"{sign}cmd|'/c calc'!A1"
    assert list(csv.reader(io.StringIO(csv_text(["a"], [[text]]))))[1] == [f"'{text}"]
    (cell,) = load_workbook(io.BytesIO(workbook(["a"], [[text]]))).active[2]
    assert (cell.value, cell.data_type) == (f"'{text}", "s")


@pytest.mark.parametrize("point", ["request: begun", "request: done", "request: committed"])
def test_killed_meanwhile_each_promise_is_offered_once(house: House, point: str) -> None:
    desk = house.desk(ISSUER)
    run = taken(desk, table(*(row(house, f"PO {n}") for n in range(4))))
    desk.post(f"{run}/next", {"most": 1})
    with dying_at(point), pytest.raises(Killed):
        house.dying_desk(ISSUER).post(f"{run}/next", {"most": 2}, key="second")
    assert desk.post(f"{run}/next", {"most": 2}, key="second").json()["offered"] == 3
    assert desk.post(f"{run}/next", {}).json()["offered"] == 4
    assert counted(house, OfferRow) == [4]
    assert sums(house)[1] == "4000.00"


def test_what_needs_a_reviewer_is_offered_unsigned(house: House) -> None:
    desk = house.desk(ISSUER)
    terms = {"name": "方案", "longest_tenor": 150, "review_from": "2000.00"}
    programme = desk.post("/issuer/programmes", terms).json()["id"]
    head = [*HEAD, "programme"]
    rows = [[*row(house, "PO s"), programme], [*row(house, "PO l", "2000.00"), programme]]
    bad = send(desk, "bulk-checks", table(*(each[:-1] for each in rows))).json()["problems"]
    assert {each["problem"]["type"] for each in bad} == {"/problems/ProgrammeNeeded"}
    assert send(desk, "bulk-checks", table(*rows, head=head)).json()["good"] == 2
    run = taken(desk, table(*rows, head=head))
    assert desk.post(f"{run}/next", {"sign": True}).json()["offered"] == 2
    small, large = (each["offer"] for each in desk.get(f"{run}/promises").json()["items"])
    assert desk.get(f"/offers/{small}").json()["consents"][0]["signed"]
    assert not desk.get(f"/offers/{large}").json()["consents"][0]["signed"]
    assert house.desk(ISSUER, "reviewer").get("/issuer/reviews").json()["items"][0]["id"] == large
