"""What tests of any folder may ask for: a PostgreSQL that the whole run shares, and a database of either kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import Postgres, postgres


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[Postgres]:
    """One server for all tests of this process, which leaves syncing to the system. Who kills or stops one starts
    one of its own."""
    with postgres({"fsync": "off"}) as server:
        yield server


@pytest.fixture
def postgres_url(shared_postgres: Postgres) -> Iterator[str]:
    """The address of an empty database of this test alone."""
    with shared_postgres.fresh() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database: the test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'books.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
