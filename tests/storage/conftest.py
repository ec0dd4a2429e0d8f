"""One suite for every database: in memory, embedded, on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rivers.storage.database import Database
from tests.storage.place import Place

EVERYWHERE = ["memory", "embedded", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a database can be opened; tests for lasting ones alone parametrize it with `lasting`."""
    url = request.getfixturevalue("cluster").new_schema() if request.param == "postgres" else ""
    place = Place(request.param, tmp_path / "store", url)
    yield place
    place.close()


@pytest.fixture
def database(place: Place) -> Database:
    """An open, empty database."""
    return place.open()
