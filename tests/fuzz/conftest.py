"""A scheduler with a location."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgresql import BOTH_DATABASES, database_url
from tests.stack import Stack

SOURCE = """
    @rs.Asset
    def numbers() -> list:
        return [1, 2, 3]
    @rs.Asset
    def total(numbers: list) -> int:
        return sum(numbers)
    days = rs.PartitionsDefinition.static_(["a", "b", "c"])
    @rs.Asset(partitions_def=days)
    def letters(context: rs.AssetExecutionContext) -> int:
        return 1
    repo = rs.CodeRepository(assets=[numbers, total, letters], jobs=[rs.Job("totals", [numbers, total])])
"""


@pytest.fixture(scope="module", params=BOTH_DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running scheduler with the location `team`, on each kind of database."""
    with Stack(tmp_path_factory.mktemp("stack"), database_url(request)) as running:
        running.start_scheduler("--beat-interval", "0.2", "--max-concurrent-runs", "2")
        running.start_location("team", SOURCE)
        yield running
