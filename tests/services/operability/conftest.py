"""A scheduler and a location to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    @rs.Asset
    def broken() -> int:
        raise ValueError("no such thing")
    @rs.Asset
    def dying() -> int:
        os._exit(3)
    @rs.Asset
    def waiting() -> int:
        mark("waiting")
        while not os.path.exists("go"):
            time.sleep(0.02)
        return 1
    repo = rs.CodeRepository(
        assets=[numbers, total, broken, dying, waiting],
        jobs=[
            rs.Job("totals", [numbers, total]),
            rs.Job("doomed", [broken]),
            rs.Job("deadly", [dying]),
            rs.Job("slow", [waiting]),
        ],
    )
"""


@pytest.fixture(params=BOTH_DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    """Nothing runs yet; `SOURCE` is written as the module `team`."""
    with Stack(tmp_path, database_url(request)) as stack:
        stack.write_module("team", SOURCE)
        yield stack
