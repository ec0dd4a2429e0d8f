"""Coroutines are awaited."""

import asyncio

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
async def fetched() -> int:
    await asyncio.sleep(0)
    return 4


@rs.Asset
async def fetched_too(fetched: int) -> int:
    await asyncio.sleep(0.001)
    return fetched + 1


@rs.Asset
def of_fetched(fetched_too: int) -> int:
    return fetched_too * 2


@rs.Asset
async def fetch_fails() -> int:
    raise ValueError("not found")


ASSETS = [fetched, fetched_too, of_fetched, fetch_fails]
EXPECTED = Outcome(
    materialized=["fetched", "fetched_too", "of_fetched"],
    failed={"fetch_fails": "ValueError: not found"},
    values={"fetched_too": 5, "of_fetched": 10},
)
