"""Gateways for tests: one of a test's own, and one that a file shares; copies of what is founded once a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engines import Postgres
from tests.gateway.house import House, anvil_copy, embedded_copy, found_embedded, found_on_anvil
from tests.ledger.office import ISSUER

ENGINES = ["embedded and SQLite", "anvil and PostgreSQL"]
CHOSEN = ENGINES[os.environ.get("TALLYSTICK_TEST_ENGINES") == "real"]
"""What tests run on that ask for no certain engines: `make test-engines` has them all on the real ones."""
DATABASE = "house_template"


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an installation that nobody opens: it is copied."""
    folder = tmp_path_factory.mktemp("founded")
    found_embedded(folder)
    return folder


@pytest.fixture(scope="session")
def founded_on_anvil(tmp_path_factory: pytest.TempPathFactory, shared_postgres: Postgres) -> Path:
    """State and keys of another one; its database is the template `DATABASE` of the shared server."""
    folder = tmp_path_factory.mktemp("founded")
    shared_postgres.do(f"create database {DATABASE}")
    found_on_anvil(folder, shared_postgres.url(DATABASE))
    return folder


@contextmanager
def opened_on(engines: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[House]:
    """A gateway on a pair of engines, as it was founded."""
    if engines == ENGINES[0]:
        with embedded_copy(request.getfixturevalue("founded"), folder) as opened:
            yield opened
        return
    template: Path = request.getfixturevalue("founded_on_anvil")
    server: Postgres = request.getfixturevalue("shared_postgres")
    with server.fresh(template=DATABASE) as url, anvil_copy(template, folder, url) as opened:
        yield opened


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A gateway on the embedded chain and SQLite, or on `CHOSEN`."""
    with opened_on(CHOSEN, request, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that the tests of a file share: what one offers the others may see."""
    with opened_on(CHOSEN, request, tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(params=ENGINES)
def any_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A gateway on either pair of engines."""
    with opened_on(request.param, request, tmp_path) as opened:
        yield opened


@pytest.fixture
def installation(tmp_path: Path, founded: Path) -> tuple[Path, dict[str, Any]]:
    """A directory with an installation in it, and what an issuer has offered there."""
    with embedded_copy(founded, tmp_path) as house:
        return tmp_path, house.desk(ISSUER).offers("/issuer/promise-offers", house.promise())
