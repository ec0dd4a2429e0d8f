"""A stack of real processes for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """A running scheduler without locations; on PostgreSQL too under `on_both_databases`."""
    is_server = getattr(request, "param", "sqlite") == "postgres"
    with Stack(tmp_path, request.getfixturevalue("cluster").new_database() if is_server else None) as running:
        running.start_scheduler("--beat-interval", "0.2")
        yield running
