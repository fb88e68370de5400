"""The check for an invoice that money was lent on before: found across banks, and nothing of others' shown."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete

from ledger.invoice_tables import InvoiceMarkRow, InvoiceRow
from tests.gateway.house import House
from tests.gateway.offering import problem
from tests.ledger.office import BANK, FACTOR, ISSUER, OTHER_BANK, A, B

PATH = "/bank/invoice-checks"


def invoice(number: str, *, total: str = "1000.00", payer: int = ISSUER, **more: Any) -> dict[str, Any]:
    return {"payer": payer, "number": number, "total": total, **more}


def asked(house: House, party: int, *invoices: dict[str, Any], keep: bool = False) -> list[dict[str, Any]]:
    done = house.desk(party, "operator").post(PATH, {"invoices": list(invoices), "keep": keep})
    assert done.status_code == 200, done.text
    return list(done.json()["items"])


@pytest.mark.parametrize("party", [ISSUER, A])
def test_who_lends_nothing_asks_nothing(shared_house: House, party: int) -> None:
    done = shared_house.desk(party).post(PATH, {"invoices": [invoice("F")]})
    assert problem(done) == (403, "NotAllowed")


def test_who_only_reads_asks_nothing(shared_house: House) -> None:
    done = shared_house.desk(BANK, "auditor").post(PATH, {"invoices": [invoice("F")]})
    assert problem(done) == (403, "NotAllowed")


@pytest.mark.parametrize(
    "changed",
    [
        {"payer": None},
        {"payer_code": "91350100M000100Y43"},
        {"number": " F"},
        {"total": "0.00"},
        {"payer": None, "payer_code": "x"},
    ],
    ids=str,
)
def test_what_is_no_invoice_is_refused(shared_house: House, changed: dict[str, Any]) -> None:
    done = shared_house.desk(BANK).post(PATH, {"invoices": [{**invoice("F"), **changed}]})
    assert problem(done) == (422, "InputError")
    assert problem(shared_house.desk(BANK).post(PATH, {"invoices": []})) == (422, "InputError")
    many = [invoice(f"F {n}") for n in range(101)]
    assert problem(shared_house.desk(BANK).post(PATH, {"invoices": many})) == (422, "InputError")


def test_an_invoice_under_a_line_is_its_bank_s_own_and_elsewhere_to_every_other(any_house: House) -> None:
    house = any_house
    house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="offered only"))
    house.held(reference="7-001")
    (own,) = asked(house, BANK, invoice("F 7-001"))
    assert own["elsewhere"] == "none"
    (found,) = own["own"]
    assert (found["number"], found["on_chain"], found["likeness"]) == ("F 7-001", True, "exact")
    assert set(found["shared"]) == {"exact", "number", "number_amount", "tail_amount"}
    theirs = asked(house, OTHER_BANK, invoice("F 7-001"), invoice("f7/001"), invoice("G 9", total="5.00"))
    assert [each["elsewhere"] for each in theirs] == ["exact", "strong", "none"]
    assert [each["own"] for each in theirs] == [[], [], []]
    # What was offered and has not landed was not lent on.
    assert asked(house, OTHER_BANK, invoice("F offered only"))[0]["elsewhere"] == "none"


def test_of_others_a_class_is_told_and_nothing_else(shared_house: House) -> None:
    house = shared_house
    kept = invoice("SECRET-4711", total="98765.43", issued_on="2026-04-15")
    (first,) = asked(house, OTHER_BANK, kept, keep=True)
    assert (first["elsewhere"], first["own"], first["kept"]) == ("none", [], True)
    body = {"invoices": [invoice("secret 4711", total="98765.43", issued_on="2026-04-15")]}
    told = house.desk(FACTOR, "operator").post(PATH, body)
    assert told.json()["items"] == [
        {"number": "secret 4711", "own": [], "elsewhere": "strong", "kept": False}
    ]
    for secret in ("SECRET", "北方银行", "98765", "2026-04"):
        assert secret not in told.text.replace("secret 4711", "")
    # It stays the same however many others have it.
    asked(house, BANK, kept, keep=True)
    again = house.desk(FACTOR, "operator").post(PATH, body)
    assert again.json() == told.json()
    mine = asked(house, OTHER_BANK, invoice("SECRET.4711", total="98765.43"))[0]
    assert [each["number"] for each in mine["own"]] == ["SECRET-4711"]
    assert (mine["own"][0]["on_chain"], mine["elsewhere"]) == (False, "strong")


def test_what_is_offered_first_and_lent_on_elsewhere_is_both(shared_house: House) -> None:
    house = shared_house
    house.desk(ISSUER).offers("/issuer/promise-offers", house.promise(reference="both"))
    asked(house, BANK, invoice("F both"), keep=True)  # lent on outside of the ledger
    assert asked(house, FACTOR, invoice("F both"))[0]["elsewhere"] == "exact"


def test_an_invoice_of_a_hop_is_marked_under_the_line_that_it_came_from(shared_house: House) -> None:
    house = shared_house
    voucher = house.held(reference="hop")
    hop = {"number": "HOP-1", "amount": "1000.00", "total": "1000.00"}
    body = {"voucher": voucher, "recipient": B, "invoices": [hop], "sign": True}
    offer = house.desk(A).offers("/supplier/transfer-offers", body)
    house.desk(B).signs(offer["id"])
    house.land()
    assert asked(house, BANK, invoice("hop 1", payer=A))[0]["own"][0]["number"] == "HOP-1"
    assert asked(house, OTHER_BANK, invoice("hop 1", payer=A))[0]["elsewhere"] == "strong"


def test_an_invoice_that_is_used_on_chain_is_found_without_its_marks(house: House) -> None:
    offer = house.desk(ISSUER).offers(
        "/issuer/promise-offers", {**house.promise(reference="any"), "sign": False}
    )
    house.desk(ISSUER).signs(offer["id"])
    house.desk(A).signs(offer["id"])
    house.land()
    with house.office.store.writing() as session:
        session.execute(delete(InvoiceMarkRow))
        session.execute(delete(InvoiceRow))
    assert asked(house, OTHER_BANK, invoice("F any"))[0]["elsewhere"] == "exact"
    assert asked(house, OTHER_BANK, invoice("F any", payer=A))[0]["elsewhere"] == "none"
