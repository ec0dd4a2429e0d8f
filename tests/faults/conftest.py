"""A stack of real processes for each test, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import BOTH_DATABASES, database_url
from tests.stack import Stack


@pytest.fixture(params=BOTH_DATABASES)
def database(request: pytest.FixtureRequest) -> str | None:
    """Where a scheduler keeps its rows; `None` for its file."""
    return database_url(request)


@pytest.fixture(params=BOTH_DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """A running scheduler without locations."""
    with Stack(tmp_path, database_url(request)) as running:
        running.start_scheduler("--beat-interval", "0.2")
        yield running
