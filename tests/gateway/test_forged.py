"""What a signed-in caller makes up: places in lists, and the same change at the same moment as another one."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ledger.negotiation.sign_in import ACCOUNT_FAILURES
from ledger.organisation_tables import FailureRow
from tests.gateway.house import Desk, House
from tests.gateway.offering import offered, problem
from tests.gateway.trading import asked, held
from tests.ledger.office import BANK, FACTOR, ISSUER, A, B

FORGED = (
    "0",
    "1",
    "7",
    "999999999",
    "9" * 18,
    "9" * 40,
    "-1",
    "1.5",
    "0x10",
    "'; --",
    "٣",
    "%00",
    "MTIz",
    "next",
)


def lists(desk: Desk) -> list[str]:
    """Every route that gives pages and asks for nothing else."""
    paths: dict[str, Any] = desk.client.app.openapi()["paths"]  # type: ignore[attr-defined]
    return [
        path.removeprefix("/api/v1")
        for path, operations in paths.items()
        if "{" not in path
        and any(each["name"] == "cursor" for each in operations.get("get", {}).get("parameters", ()))
    ]


def test_a_forged_place_in_a_list_shows_nothing_that_the_list_itself_does_not(house: House) -> None:
    voucher = held(house)
    asked(house, voucher, FACTOR).quoted(FACTOR)
    offered(house, reference="PO forged")
    shown = 0
    for party in (A, B, BANK, ISSUER, FACTOR):
        desk = house.desk(party)
        for path in lists(desk):
            whole = desk.get(path, limit=200)
            if whole.status_code != 200:
                assert whole.status_code in (403, 422), (path, whole.text)
                continue
            own = whole.json()["items"]
            shown += len(own)
            for cursor in FORGED:
                page = desk.get(path, limit=200, cursor=cursor)
                if page.status_code == 200:
                    assert all(each in own for each in page.json()["items"]), (path, cursor)
                else:
                    assert problem(page) == (422, "InputError"), (path, cursor)
                    assert page.json()["detail"].startswith(("cursor: ", "query.cursor: ")), page.text
    assert shown > 10


def test_of_a_signature_and_a_refusal_at_once_by_the_same_tag_one_counts(any_house: House) -> None:
    house, desk = any_house, any_house.desk(A)
    offer = offered(house, reference="PO race")
    tag = desk.get(f"/offers/{offer['id']}").headers["ETag"]
    acts = (("signatures", {"custodial": True}), ("decline", {"reason": "not ours"}))

    def act(given: tuple[str, dict[str, Any]]) -> Any:
        return desk.post(f"/offers/{offer['id']}/{given[0]}", given[1], **{"If-Match": tag})

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(act, acts))
    assert sorted(each.status_code < 300 for each in done) == [False, True]
    lost = next(each for each in done if each.status_code >= 300)
    assert problem(lost)[1] in ("VersionDiffers", "OfferClosed", "AlreadySigned")
    house.land()
    status = desk.get(f"/offers/{offer['id']}").json()["status"]
    assert status == ("landed" if done[0].status_code < 300 else "declined")


def test_guesses_at_the_same_moment_are_each_counted_and_cost_the_same_whether_or_not_anybody_is_there(
    any_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, looked, counting = any_house, Counter[bool](), threading.Lock()
    passwords = house.gateway.passwords
    hasher = passwords._hasher

    class Counted:
        def verify(self, kept: str, password: str) -> bool:
            with counting:
                looked[kept == passwords._nobodys] += 1
            return bool(hasher.verify(kept, password))

    monkeypatch.setattr(passwords, "_hasher", Counted())

    def guess(login: str) -> int:
        body = {"login": login, "password": "wrong words entirely"}
        return int(house.nobody().post("/api/v1/session", json=body).status_code)

    for login, nobody in ((f"signatory.{A}", False), ("somebody.else", True)):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(guess, [login] * 8))
        assert set(answers) <= {401, 429}
        assert looked[nobody] == answers.count(401)  # argon2 once for each that was not turned away before
        with house.office.store.reading() as session:
            row = session.get_one(FailureRow, f"account {login}")
            assert row.count == answers.count(401)
        assert guess(login) == (429 if row.count >= ACCOUNT_FAILURES else 401)
