"""Who sees what: every route of the app is walked as everybody else, so that a new route cannot be forgotten.

What is asked for with the ids of one organisation is asked for by every role of every other one: nothing is found, and
nothing that an answer says names what is the owner's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import select

from gateway.callers import caller_of
from ledger.negotiation.access import StaffRole
from ledger.negotiation.organisations import enlist
from ledger.negotiation.passwords import Passwords
from ledger.organisation_tables import OrganisationRow
from tests.gateway.applying import application
from tests.gateway.banking import imported, opened_sale, statement_xml, with_accounts, working_day
from tests.gateway.house import CHEAP, FOUNDED, NAMES, PASSWORD, House
from tests.gateway.trading import asked, question
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, REGISTRAR, A, B, C

OPEN = {
    "/health",
    "/ready",
    "/metrics",
    "/api/v1/session",
    "/api/v1/token",
    "/api/v1/applications",
    "/api/v1/invitations/look",
    "/api/v1/session/provider",
    "/api/v1/session/provider/answer",
}
"""Paths that ask for nobody, or sign somebody in."""
OWN = (
    "/bank/invoice-checks",
    "/clients",
    "/invitations",
    "/people",
    "/webhooks",
    "/documents",
    "/letters",
    "/issuer/bulk-checks",
    "/issuer/bulk-runs",
)
"""Paths under which everybody makes something of the own organisation."""


@dataclass
class Theirs:
    """What belongs to BANK, ISSUER and A alone."""

    house: House
    ids: dict[str, str]


def shown_to_nobody(house: House, voucher: str) -> dict[str, str]:
    """A document of A, a letter of A for BANK, a notice of A to ISSUER."""
    file = {"file": ("x.pdf", b"%PDF-1.7 PO private")}
    path = "/api/v1/documents?name=PO+private"
    desk = house.desk(A)
    told = {"X-CSRF-Token": desk.csrf, "Idempotency-Key": "PO private"}
    document = desk.client.post(path, files=file, headers=told).json()["id"]
    letter = desk.post("/letters", {"reader": BANK, "until": house.machine_day(9), "purpose": "PO private"})
    notice = desk.post("/notices", {"voucher": voucher, "text": "PO private"})
    ids = {"letter": letter.json()["id"], "notice": notice.json()["id"]}
    return {"document": document, "reader": str(A), **ids}


def theirs_of_webhooks(house: House) -> dict[str, str]:
    body = {"url": "https://erp.example.com/PO-private", "events": ["offer.to_sign"]}
    return {"webhook": house.desk(A).post("/webhooks", body).json()["id"], "delivery": "1"}


@pytest.fixture(scope="module")
def theirs(shared_house: House) -> Theirs:
    house = shared_house
    voucher = house.held(reference="PO private")
    offer = house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="PO private 2"))
    token = house.desk(BANK).post("/invitations", {"name": "PO private"}).json()["token"]
    applied = house.nobody().post("/api/v1/applications", json=application(house, invitation=token))
    assert applied.status_code == 201, applied.text
    number = str(applied.json()["organisation"])
    person = str(house.desk(A).get("/people").json()["items"][0]["person"])
    ids = {"offer_id": offer["id"], "voucher": voucher, "line": "2-1", "organisation": number}
    run = _run(house)
    ids |= {"run": run["id"], "payment": run["items"][0]["end_to_end"]}
    ids |= theirs_of_webhooks(house) | shown_to_nobody(house, voucher)
    made = house.desk(ISSUER).post("/issuer/programmes", {"name": "PO private", "longest_tenor": 90})
    waits = house.desk(A).post("/supplier/invited-transfers", {"voucher": voucher, "name": "PO private"})
    ids["transfer"] = str(waits.json()["id"])
    ids["file"] = _sent_file(house)
    ids["programme"] = str(made.json()["id"])
    house.desk(ISSUER).post(f"/issuer/programmes/{ids['programme']}/close")
    quote = bought_by_the_bank(house)
    ids |= {"request_id": quote["request"], "quote_id": quote["id"]}
    return Theirs(house, {**ids, "due_day": house.day(120), "person": person, "party": str(A)})


def _sent_file(house: House) -> str:
    """A file of promises that the issuer has sent."""
    head = "reference,line,supplier,face,due,invoice_number,invoice_amount,invoice_total"
    content = f"{head}\nPO private 5,2-1,{A},500.00,{house.day(90)},F,500.00,500.00\n".encode()
    desk = house.desk(ISSUER)
    told = {"X-CSRF-Token": desk.csrf, "Idempotency-Key": "file", "Content-Type": "text/csv"}
    done = desk.client.post("/api/v1/issuer/bulk-runs", content=content, headers=told)
    return str(done.json()["id"])


def bought_by_the_bank(house: House) -> dict[str, Any]:
    """A quote of BANK's on a voucher of A's, accepted and not signed yet."""
    request = asked(house, house.held(reference="PO private 4"), BANK, value_day=house.day(1))
    quote = request.quoted(BANK, bearer="issuer", issuer_ceiling="5.00")
    request.open()
    for party, path, body in (
        (A, f"/supplier/quotes/{quote['id']}/ask-issuer", None),
        (ISSUER, f"/issuer/interest-requests/{quote['id']}/answer", {"agrees": True}),
        (A, f"/supplier/quotes/{quote['id']}/accept", {}),
    ):
        done = house.desk(party).post(path, body)
        assert done.status_code < 300, done.text
    return quote


def _run(house: House) -> dict[str, Any]:
    """A run of disbursements that BANK has exported."""
    with_accounts(house)
    sold = house.held(reference="PO private 3")
    total = opened_sale(house, sold, BANK)
    item = {"voucher": sold, "account_name": NAMES[A], "filing": "08123456001234567890"}
    body = {"items": [item], "value_day": working_day(house), "count": 1, "total": total}
    done = house.desk(BANK).post("/bank/disbursement-runs", body)
    assert done.status_code == 201, done.text
    run = done.json()
    for role, act in (("reviewer", "release"), ("operator", "export")):
        assert house.desk(BANK, role).post(f"/bank/disbursement-runs/{run['id']}/{act}").status_code == 200
    return dict(run)


class Others(dict[str, str]):
    """Ids of what is not there; a number where none is named."""

    def __missing__(self, name: str) -> str:
        long = {"webhook": 24, "document": 32, "letter": 32, "notice": 32}
        return "0" * long[name] if name in long else "1"


@dataclass(frozen=True)
class Door:
    """One method of one route."""

    method: str
    path: str
    asks_who: bool


def doors_of(house: House) -> list[Door]:
    """Every method of every route that the app has, of included routers too."""
    found = []
    for context in iter_route_contexts(house.app.routes):
        if isinstance(context.original_route, APIRoute):
            asks = asks_who(context.original_route)
            found += [Door(method, str(context.path), asks) for method in sorted(context.methods or ())]
    return found


def asks_who(route: APIRoute) -> bool:
    stack = [route.dependant]
    while stack:
        each = stack.pop()
        if each.call is caller_of:
            return True
        stack += each.dependencies
    return False


def body_for(path: str, theirs: Theirs) -> Any:
    """Something that would be taken from the owner."""
    house, voucher = theirs.house, theirs.ids["voucher"]
    known: dict[str, Any] = {
        "/bank/line-offers": {
            "reference": 9,
            "issuer": ISSUER,
            "limit": "1.00",
            "expiry": house.day(9),
            "parent": "2-1",
        },
        "/issuer/promise-offers": house.promise(reference="PO walk"),
        "/supplier/transfer-offers": {"voucher": voucher, "recipient": B},
        "/supplier/split-offers": {"voucher": voucher, "parts": [{"recipient": B, "face": "500.00"}]},
        "/bank/payment-offers": {
            "voucher": voucher,
            "purpose": "settlement",
            "value_day": house.day(0),
            "reference": "walk",
        },
        "/bank/settlement-offers": {
            "value_day": house.day(0),
            "rows": [{"voucher": voucher, "reference": "x"}],
        },
        "/bank/withdrawal-offers": {"voucher": voucher},
        "/bank/line-change-offers": {"line": "2-1", "limit": "1.00"},
        "/bank/line-freeze-offers": {"line": "2-1", "frozen": True, "reason": "x"},
        "/bank/court-freeze-requests": {"voucher": voucher, "order": "x", "until": house.day(9)},
        "/bank/overdue-declarations": {"voucher": voucher},
        "/offers": {"agreement": {"agreement": "Revoke", "voucher": voucher, "sequence": 1}},
        "/bank/disbursement-runs": {
            "items": [{"voucher": voucher, "account_name": "x", "filing": "08123456001234567890"}],
            "value_day": working_day(house),
            "count": 1,
            "total": "1.00",
        },
        "/release": None,
        "{request_id}/cancel": None,
        "/cancel": {"reason": "x"},
        "/export": None,
        "/quote-requests": question(house, voucher),
        "/quote": {"recourse": False, "rate": "1.00"},
        "/withdraw": None,
        "/ask-issuer": None,
        "/answer": {"agrees": True},
        "/accept": {"sign": True},
        "/rescind": {"sign": True},
        "/confirm-payment": {"sign": True},
        "/complete-payment": None,
        "/contest-payment": {"reason": "x", "sign": True},
        "/signatures": {"custodial": True},
        "/decline": {"reason": "x"},
        "/recall": {"reason": "x"},
        "/reject": {"reason": "x"},
        "/check": None,
        "/admission": {"sign": True},
        "/clients": {"name": "ERP", "roles": ["signatory", "operator"]},
        "/issuer/programmes": {"name": "walk", "longest_tenor": 90},
        "/versions": {"longest_tenor": 90},
        "/bulk-checks": None,
        "/bulk-runs": None,
        "/next": {"sign": True},
        "/supplier/invited-transfers": {"voucher": voucher, "name": "walk"},
        "/look": {"invitation": "x" * 40},
        "/close": None,
        "/pass": None,
        "/stop": {"reason": "x"},
        "/shut-out": None,
        "/readers": {"party": B},
        "/revoke": None,
        "/acknowledgement": None,
        "/letters": {"reader": B, "until": house.machine_day(9), "purpose": "x"},
        "/notices": {"voucher": voucher, "text": "x"},
        "/secret": None,
        "/replay": None,
        "/suspension-offers": {"reason": "x", "sign": True},
        "/reinstatement-offers": {"reason": "x", "sign": True},
        "/rekey-offers": {"signer": {"kind": "custodial"}, "sign": True},
        "/recovery-offers": {"signer": {"kind": "custodial"}, "sign": True},
        "/recovery-withdrawal-offers": {"sign": True},
        "/recovery-veto-offers": {"sign": True},
        "/recovery-finish-offers": {},
        "/let-in": None,
        "/second-factor-reset": None,
    }
    for end, body in known.items():
        if path.endswith(end):
            return body
    raise AssertionError(f"say in this test what is sent to {path}")


STRANGERS = [(party, role) for party in (OTHER_BANK, FACTOR, B, C, REGISTRAR) for role in StaffRole]


def test_there_are_routes_to_walk(shared_house: House) -> None:
    paths = {door.path for door in doors_of(shared_house)}
    assert len(paths) > 15
    documented = set(shared_house.app.openapi()["paths"])
    assert documented <= paths


def test_every_route_asks_who_is_there_but_the_few_that_are_open(shared_house: House) -> None:
    for door in doors_of(shared_house):
        assert door.asks_who or door.path in OPEN, door
        if not door.asks_who:
            continue
        known = {"offer_id": "0" * 32, "voucher": "0x" + "0" * 64, "line": "1-1"}
        known |= {"programme": "0" * 32, "request_id": "0" * 32, "quote_id": "0" * 32}
        known["programme"] = known["file"] = known["transfer"] = "0" * 32
        path = door.path.format_map(Others(known, due_day="2026-09-30", run="0" * 32))
        answer = shared_house.nobody().request(door.method, path, json={} if door.method == "POST" else None)
        assert answer.status_code == 401, f"{door}: {answer.text}"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_who_has_no_role_reads_nothing_of_the_own_organisation(theirs: Theirs) -> None:
    house = theirs.house
    sealed = Passwords(CHEAP).sealed(PASSWORD, login="nobody.11")
    with house.office.store.writing() as session:
        row = session.scalars(select(OrganisationRow).where(OrganisationRow.party == A)).one()
        roles = {StaffRole.AUDITOR}
        person = enlist(
            session, row, login="nobody.11", name="nobody", sealed=sealed, roles=roles, at=FOUNDED
        )
        person.roles = []  # what a program's token is left with when its role was taken away
    desk = house.signed_in("nobody.11")
    for door in doors_of(house):
        path = door.path.removeprefix("/api/v1")
        if door.method == "GET" and door.asks_who and path != "/session":
            asked = {"issuer": ISSUER, "paid": "1.00"} if "/shares" in path else {}
            answer = desk.get(path.format(**theirs.ids), **asked)
            assert answer.status_code == 403, f"{path}: {answer.status_code} {answer.text}"


@pytest.mark.parametrize(("party", "role"), STRANGERS, ids=lambda each: str(each))
def test_no_route_shows_or_moves_what_is_others(theirs: Theirs, party: int, role: StaffRole) -> None:
    house, desk = theirs.house, theirs.house.desk(party, role)
    secrets = [*(each for each in theirs.ids.values() if len(each) > 2), "PO private", "云山重工", "甲零件厂"]
    for door in doors_of(house):
        method, path = door.method, door.path.removeprefix("/api/v1")
        if not door.asks_who or path.startswith("/session") or path in OWN:
            continue
        if (party, role) == (REGISTRAR, StaffRole.REGISTRAR) and path.startswith("/parties/"):
            continue  # every party concerns the registrar
        if path == "/bank/disbursement-confirmations":
            answer = imported(desk, statement_xml(house, (theirs.ids["payment"], "1.00")), sign=False)
            assert answer.status_code == 403 or answer.json()["counts"] == {"unknown": 1}
            continue
        if path == "/bank/settlement-offers":
            answer = desk.post(path, body_for(path, theirs))
            assert answer.status_code == 403 or answer.json()["asserted"] == 0
            continue
        filled = path.format(**theirs.ids)
        if method == "GET":
            answer = desk.get(filled, issuer=ISSUER, paid="1.00") if "/shares" in path else desk.get(filled)
            if "{" in path:
                assert answer.status_code == 404, f"{method} {path}: {answer.text}"
            else:
                assert answer.status_code in (200, 403), f"{method} {path}: {answer.text}"
            for secret in secrets:
                assert secret not in answer.text, f"{method} {path} shows {secret}"
        else:
            answer = desk.delete(filled) if method == "DELETE" else desk.post(filled, body_for(path, theirs))
            expected = (403, 404, 409)
            assert answer.status_code in expected, f"{method} {path}: {answer.text}"
            assert answer.status_code != 409 or answer.json()["type"] in (
                "/problems/UnknownLine",
                "/problems/ParentLineUnfit",
                "/problems/MissingRole",
            ), answer.text
            for secret in ("PO private", "云山重工", "甲零件厂"):
                assert secret not in answer.text
    assert house.desk(ISSUER).get(f"/offers/{theirs.ids['offer_id']}").json()["status"] == "open"
    assert house.desk(A).get(f"/vouchers/{theirs.ids['voucher']}").json()["holder"]["party"] == A


def test_what_is_unknown_and_what_is_others_reads_the_same(theirs: Theirs) -> None:
    desk = theirs.house.desk(B)
    for path, theirs_, none in (
        ("/offers/", theirs.ids["offer_id"], "0" * 32),
        ("/vouchers/", theirs.ids["voucher"], "0x" + "1" * 64),
        ("/lines/", "2-1", "2-9"),
    ):
        assert desk.get(path + theirs_).text == desk.get(path + none).text


def test_a_program_may_no_more_than_its_scopes(shared_house: House) -> None:
    house, owner = shared_house, shared_house.desk(ISSUER)
    refused = owner.post("/clients", {"name": "ERP", "roles": ["operator"]})
    assert refused.status_code == 403  # nobody gives what he has not
    made = owner.post("/clients", {"name": "ERP", "roles": ["signatory"]})
    assert made.status_code == 201, made.text
    client = made.json()
    form = {"grant_type": "client_credentials", "client_id": client["id"], "client_secret": client["secret"]}
    http = house.nobody()
    narrow = http.post("/api/v1/token", data={**form, "scope": "auditor"}).json()
    assert narrow["scope"] == ""
    told = {"Authorization": f"Bearer {narrow['access_token']}", "Idempotency-Key": "program 1"}
    assert http.get("/api/v1/offers", headers=told).status_code == 403
    whole = http.post("/api/v1/token", data=form).json()
    told["Authorization"] = f"Bearer {whole['access_token']}"
    assert http.get("/api/v1/offers", headers=told).status_code == 200
    body = house.promise(reference="PO by program")
    assert http.post("/api/v1/issuer/promise-offers", json=body, headers=told).status_code == 201
