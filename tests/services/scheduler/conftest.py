"""One scheduler with one location, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack

SOURCE = """
    from pydantic import BaseModel
    @rs.Asset
    def numbers() -> list:
        return [1, 2, 3]
    @rs.Asset
    def total(numbers: list) -> int:
        print("summing", flush=True)
        return sum(numbers)
    @rs.Asset
    def broken() -> int:
        raise ValueError("no such thing")
    @rs.Asset
    def after(broken: int) -> int:
        return broken
    class Wanted(BaseModel):
        count: int = 2
    @rs.Asset
    def configured(context: rs.AssetExecutionContext[Wanted]) -> int:
        print("count", context.config.count)
        return context.config.count
    repo = rs.CodeRepository(
        assets=[numbers, total, broken, after, configured],
        jobs=[
            rs.Job("totals", [numbers, total]),
            rs.Job("doomed", [broken, after]),
            rs.Job("pods", [numbers], executor=rs.Executor.kubernetes()),
        ],
    )
"""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running scheduler with the location `team`, on each kind of database."""
    directory: Path = tmp_path_factory.mktemp("stack")
    url = request.getfixturevalue("cluster").new_database() if request.param == "postgres" else None
    with Stack(directory, url) as running:
        running.start_scheduler("--beat-interval", "0.2")
        running.start_location("team", SOURCE)
        yield running
