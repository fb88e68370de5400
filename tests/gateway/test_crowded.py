"""A night's size: ten thousand vouchers and two hundred organisations, and no route asks the database more for it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from ledger.organisation_tables import OrganisationRow
from ledger.tables import VoucherRow
from tests.gateway.crowd import ORGANISATIONS, VOUCHERS, crowd
from tests.gateway.test_access import Theirs, doors_of, theirs  # noqa: F401  a fixture
from tests.ledger.office import BANK, ISSUER, REGISTRAR, A, B
from tests.statements import heard

MOST_QUERIES = 12
"""Of any route, who is asking included."""
READERS = (BANK, ISSUER, A, B, REGISTRAR)


@pytest.fixture(scope="module")
def crowded(theirs: Theirs) -> Theirs:  # noqa: F811
    crowd(theirs.house)
    return theirs


def test_it_is_crowded(crowded: Theirs) -> None:
    with crowded.house.office.store.reading() as session:
        assert (session.scalar(select(func.count()).select_from(VoucherRow)) or 0) > VOUCHERS
        assert (session.scalar(select(func.count()).select_from(OrganisationRow)) or 0) > ORGANISATIONS
    page = crowded.house.desk(A).get("/vouchers", held=True, limit=200).json()
    assert len(page["items"]) == 200 and page["next"]


def test_no_route_asks_the_database_more_often_than_it_may(crowded: Theirs) -> None:
    house, answered, dear = crowded.house, set(), {}
    for door in doors_of(house):
        path = door.path.removeprefix("/api/v1")
        if door.method != "GET" or not door.asks_who:
            continue
        for party in READERS:
            desk = house.desk(party)
            with heard(house.office.store) as said:
                answer = desk.get(path.format(**crowded.ids))
            assert answer.status_code in (200, 403, 404, 409, 422, 503), f"{path}: {answer.text}"
            if answer.status_code == 200:
                answered.add(path)
            if len(said) > MOST_QUERIES:
                dear[path, party] = said
    assert not dear, "\n".join(f"{key}: {len(said)}\n  " + "\n  ".join(said) for key, said in dear.items())
    assert len(answered) > 25
