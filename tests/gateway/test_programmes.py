"""Programmes: what a promise may be, version by version, and the second pair of eyes inside the issuer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.discount import Bearer
from ledger.errors import InputError
from ledger.money import Fen
from ledger.negotiation.programme_terms import Programme, Recourse, from_json, to_json
from ledger.programme_tables import ProgrammeVersionRow
from tests.gateway.house import House, embedded_copy
from tests.gateway.offering import problem, uploaded
from tests.ledger.office import BANK, FACTOR, ISSUER, A, B, C

TERMS: dict[str, Any] = {
    "longest_tenor": 150,
    "highest_tier": 3,
    "smallest_part": "100.00",
    "most_parts": 50,
    "bearer": "issuer",
    "interest_ceiling": 60,
    "recourse": "without",
    "documents": ["contract"],
    "review_from": "3000.00",
}
PLAIN = Programme(
    longest_tenor=150,
    highest_tier=3,
    smallest_part=Fen(10_000),
    most_parts=50,
    bearer=Bearer.ISSUER,
    issuer_share=0,
    interest_ceiling=60,
    recourse=Recourse.WITHOUT,
    documents=("contract",),
    review_from=Fen(300_000),
)


def programme(house: House, name: str, **changed: Any) -> str:
    done = house.desk(ISSUER).post("/issuer/programmes", {"name": name, **TERMS, **changed})
    assert done.status_code == 201, done.text
    return str(done.json()["id"])


@pytest.fixture(scope="module")
def under(tmp_path_factory: pytest.TempPathFactory, founded: Path) -> Iterator[tuple[House, str]]:
    """A house whose issuer has one programme."""
    with embedded_copy(founded, tmp_path_factory.mktemp("house")) as house:
        yield house, programme(house, "方案一")


def contract(house: House) -> dict[str, str]:
    """The framework contract, as a promise names it; the issuer uploads it once."""
    desk = house.desk(ISSUER)
    items = desk.get("/documents").json()["items"]
    return {"kind": "contract", "hash": str((items or [uploaded(desk)])[0]["hash"])}


def promise(house: House, of: str, face: str = "1000.00", **more: Any) -> dict[str, Any]:
    plain = house.promise(face, reference=more.get("reference", "PO"))
    return {**plain, "programme": of, "documents": [contract(house)], **more}


# ---- rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"longest_tenor": 0},
        {"longest_tenor": 367},
        {"highest_tier": 0},
        {"smallest_part": Fen(99)},
        {"most_parts": 10_001},
        {"interest_ceiling": None},
        {"bearer": Bearer.SUPPLIER},
        {"bearer": Bearer.SHARED},
        {"issuer_share": 5},
        {"interest_ceiling": 10_001},
        {"documents": ("contract", "contract")},
        {"documents": ("",)},
        {"review_from": Fen(-1)},
    ],
    ids=repr,
)
def test_terms_that_do_not_fit_together_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        from_json(to_json(PLAIN) | to_json_part(changed))


def to_json_part(changed: dict[str, Any]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, Bearer) else value for name, value in changed.items()}


def test_terms_read_back_as_they_were_and_every_change_of_them_changes_their_digest() -> None:
    assert from_json(to_json(PLAIN)) == PLAIN
    other = from_json({**to_json(PLAIN), "longest_tenor": 151})
    assert other.digest != PLAIN.digest
    assert PLAIN.ceiling_of(100_099) == 600  # rounded down, in favour of who pays it
    assert PLAIN.wants_review(300_000) and not PLAIN.wants_review(299_999)


@pytest.mark.parametrize(
    ("changed", "name", "facts"),
    [
        ({"due": 151}, "ProgrammeTenorExceeded", {"tenor": 151, "highest": 150}),
        ({"highest_tier": 4}, "ProgrammeTierExceeded", {"tier": 4, "highest": 3}),
        ({"face": "5100.00"}, "ProgrammePartsExceeded", {"parts": 51, "highest": 50}),
        ({"documents": []}, "ProgrammeDocumentMissing", {"kind": "contract"}),
        ({"programme": None, "documents": []}, "ProgrammeNeeded", {}),
    ],
)
def test_a_promise_that_breaks_a_rule_is_told_which(
    under: tuple[House, str], changed: dict[str, Any], name: str, facts: dict[str, Any]
) -> None:
    house, of = under
    if "due" in changed:
        changed = {"due": house.day(changed["due"])}
    changed = dict(changed)
    face = changed.pop("face", "1000.00")
    done = house.desk(ISSUER).post("/issuer/promise-offers", promise(house, of, face, **changed))
    assert problem(done) == (409, name)
    assert done.json()["facts"] == facts
    assert done.json()["next"]


def test_a_document_that_was_never_uploaded_or_is_of_another_organisation_is_none(
    under: tuple[House, str],
) -> None:
    house, of = under
    theirs = uploaded(house.desk(A))
    for hashed in ("0x" + "5a" * 32, theirs["hash"]):
        body = promise(house, of, documents=[{"kind": "contract", "hash": hashed}])
        done = house.desk(ISSUER).post("/issuer/promise-offers", body)
        assert problem(done) == (409, "DocumentUnknown")
        assert done.json()["facts"] == {"kind": "contract", "hash": hashed}
    shown = house.desk(A).post(f"/documents/{theirs['id']}/readers", {"party": ISSUER})
    assert shown.status_code in (200, 201), shown.text
    named = [{"kind": "contract", "hash": theirs["hash"]}]
    body = promise(house, of, reference="PO shown", documents=named)
    assert house.desk(ISSUER).post("/issuer/promise-offers", body).status_code == 201


def test_a_smaller_part_than_the_programme_s_is_refused(under: tuple[House, str]) -> None:
    house, _ = under
    strict = programme(house, "方案二", smallest_part="200.00", documents=[])
    body = promise(house, strict, smallest_part="199.99", documents=[])
    done = house.desk(ISSUER).post("/issuer/promise-offers", body)
    assert problem(done) == (409, "ProgrammePartTooSmall")
    assert done.json()["facts"] == {"given": "199.99", "lowest": "200.00"}


def test_what_a_promise_does_not_say_its_programme_says(under: tuple[House, str]) -> None:
    house, of = under
    made = house.desk(ISSUER).offers("/issuer/promise-offers", promise(house, of, reference="PO silent"))
    assert made["agreement"]["highest_tier"] == 3
    assert made["agreement"]["smallest_part"] == "100.00"


# ---- whose programme it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["operator", "reviewer", "auditor", "partner"])
def test_only_a_signatory_puts_a_programme_in_force(under: tuple[House, str], role: str) -> None:
    house, of = under
    desk = house.desk(ISSUER, role)
    for path, body in (("", {"name": "x", **TERMS}), (f"/{of}/versions", TERMS), (f"/{of}/close", None)):
        assert problem(desk.post(f"/issuer/programmes{path}", body)) == (403, "NotAllowed")


def test_nobody_sees_or_names_the_programme_of_another_organisation(under: tuple[House, str]) -> None:
    house, of = under
    for party in (A, BANK):
        desk = house.desk(party)
        assert problem(desk.get(f"/issuer/programmes/{of}")) == (404, "NotFound")
        assert desk.get("/issuer/programmes").json()["items"] == []
        assert problem(desk.post(f"/issuer/programmes/{of}/versions", TERMS)) == (404, "NotFound")
    taken = house.desk(ISSUER).post("/issuer/programmes", {"name": "方案一", **TERMS})
    assert problem(taken) == (422, "InputError")


# ---- versions ----------------------------------------------------------------------------------------------


def test_a_voucher_keeps_the_version_it_was_promised_under(any_house: House) -> None:
    house, issuer = any_house, any_house.desk(ISSUER)
    of = programme(house, "方案")
    first = issuer.offers("/issuer/promise-offers", promise(house, of, reference="PO v1"))
    page = issuer.get(f"/issuer/programmes/{of}")
    stale = issuer.post(f"/issuer/programmes/{of}/versions", TERMS, **{"If-Match": '"9"'})
    assert problem(stale) == (412, "VersionDiffers")
    done = issuer.post(
        f"/issuer/programmes/{of}/versions",
        {**TERMS, "longest_tenor": 100, "interest_ceiling": 10},
        **{"If-Match": page.headers["ETag"]},
    )
    assert (done.status_code, done.json()["version"]) == (201, 2)
    house.desk(A).signs(first["id"])  # offered under version 1, and still good
    house.land()
    late = issuer.post("/issuer/promise-offers", promise(house, of, reference="PO v2"))
    assert problem(late) == (409, "ProgrammeTenorExceeded")
    for desk in (issuer, house.desk(A), house.desk(BANK)):
        seen = desk.get(f"/vouchers/{first['voucher']}/programme").json()
        assert (seen["terms"]["version"], seen["terms"]["interest_ceiling"]) == (1, 60)
        assert seen["documents"] == [contract(house)]
        assert "review_from" not in seen["terms"]
    for stranger in (B, C, FACTOR):
        gone = house.desk(stranger).get(f"/vouchers/{first['voucher']}/programme")
        assert problem(gone) == (404, "NotFound")
    versions = issuer.get(f"/issuer/programmes/{of}").json()["versions"]
    assert [each["version"] for each in versions] == [2, 1]
    with (
        house.office.store.writing() as session
    ):  # whoever changes a version changes what the chain knows nothing of
        row = session.get_one(ProgrammeVersionRow, (1, 1))
        row.terms = {**row.terms, "interest_ceiling": 999}
    assert problem(issuer.get(f"/vouchers/{first['voucher']}/programme")) == (404, "NotFound")


def test_under_a_closed_programme_nothing_is_promised_and_without_an_open_one_all_is(house: House) -> None:
    issuer = house.desk(ISSUER)
    of = programme(house, "方案")
    assert issuer.post(f"/issuer/programmes/{of}/close").json()["closed"] is True
    assert problem(issuer.post(f"/issuer/programmes/{of}/close")) == (409, "ProgrammeClosed")
    assert problem(issuer.post(f"/issuer/programmes/{of}/versions", TERMS)) == (409, "ProgrammeClosed")
    assert problem(issuer.post("/issuer/promise-offers", promise(house, of))) == (409, "ProgrammeClosed")
    assert issuer.post("/issuer/promise-offers", house.promise()).status_code == 201


# ---- the second pair of eyes -------------------------------------------------------------------------------


def test_a_large_promise_is_reviewed_by_somebody_else_before_it_is_signed(under: tuple[House, str]) -> None:
    house, of = under
    operator, signatory = house.desk(ISSUER, "operator"), house.desk(ISSUER)
    body = promise(house, of, "4000.00", reference="PO large")
    assert problem(signatory.post("/issuer/promise-offers", body)) == (409, "ReviewNeeded")  # signed at once
    offer = operator.offers("/issuer/promise-offers", {**body, "sign": False})
    early = signatory.post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(early) == (409, "ReviewNeeded")
    for desk in (operator, signatory, house.desk(ISSUER, "auditor")):
        assert problem(desk.post(f"/issuer/reviews/{offer['id']}/pass")) == (403, "NotAllowed")
    assert problem(house.desk(A, "reviewer").post(f"/issuer/reviews/{offer['id']}/pass")) == (404, "NotFound")
    reviewer = house.desk(ISSUER, "reviewer")
    assert [each["id"] for each in reviewer.get("/issuer/reviews").json()["items"]] == [offer["id"]]
    assert reviewer.post(f"/issuer/reviews/{offer['id']}/pass").status_code == 200
    again = reviewer.post(f"/issuer/reviews/{offer['id']}/pass")
    assert problem(again) == (409, "AlreadyReviewed")
    assert reviewer.get("/issuer/reviews").json()["items"] == []
    assert signatory.signs(offer["id"])["consents"][0]["signed"]


def test_a_reviewer_who_is_the_maker_too_does_not_review(under: tuple[House, str]) -> None:
    house, of = under
    both = house.hired(ISSUER, "both", {"operator", "reviewer", "signatory"})
    program = house.program(both, "operator", "reviewer")
    for maker in (both, program):
        body = {**promise(house, of, "4000.00", reference=f"PO {maker.login}"), "sign": False}
        path = f"/issuer/reviews/{maker.offers('/issuer/promise-offers', body)['id']}"
        for act, told in (("pass", None), ("stop", {"reason": "x"})):
            assert problem(both.post(f"{path}/{act}", told)) == (409, "ReviewedByMaker")
            assert problem(program.post(f"{path}/{act}", told)) == (403, "NotAllowed")
        assert house.desk(ISSUER, "reviewer").post(f"{path}/pass").status_code == 200


def test_a_reviewer_ends_a_promise_and_what_the_supplier_signed_is_void(under: tuple[House, str]) -> None:
    house, of = under
    body = {**promise(house, of, "4000.00", reference="PO stop"), "sign": False}
    offer = house.desk(ISSUER, "operator").offers("/issuer/promise-offers", body)
    assert house.desk(A).signs(offer["id"])["status"] == "open"
    reviewer = house.desk(ISSUER, "reviewer")
    done = reviewer.post(f"/issuer/reviews/{offer['id']}/stop", {"reason": "no such order"})
    assert (done.status_code, done.json()["status"]) == (200, "recalled")
    late = house.desk(ISSUER).post(f"/offers/{offer['id']}/signatures", {"custodial": True})
    assert problem(late) == (409, "OfferClosed")
