"""Gateways for tests: one of a test's own, and one that a file shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.house import House, house_in

ENGINES = ["embedded and SQLite", "anvil and PostgreSQL"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A gateway on the embedded chain and SQLite."""
    with house_in(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that the tests of a file share: what one offers the others may see."""
    with house_in(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(params=ENGINES)
def any_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A gateway on either pair of engines."""
    if request.param == ENGINES[0]:
        with house_in(tmp_path) as opened:
            yield opened
        return
    url: str = request.getfixturevalue("postgres_url")
    with house_in(tmp_path, engine="anvil", database=url) as opened:
        yield opened
