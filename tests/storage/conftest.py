"""One suite for every database: in memory, embedded, on a PostgreSQL server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rivers.storage.database import Database
from tests.storage.cluster import Cluster, binaries
from tests.storage.place import Place

EVERYWHERE = ["memory", "embedded", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    found = binaries()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql-15")
        pytest.skip("PostgreSQL is not installed")
    cluster = Cluster(found)
    yield cluster
    cluster.stop()


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a database can be opened; tests for lasting ones alone parametrize it with `lasting`."""
    url = request.getfixturevalue("cluster").new_database() if request.param == "postgres" else ""
    place = Place(request.param, tmp_path / "store", url)
    yield place
    place.close()


@pytest.fixture
def database(place: Place) -> Database:
    """An open, empty database."""
    return place.open()
