"""A multi-asset may be a coroutine or an asynchronous generator."""

import asyncio

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset.from_multi(name="awaited", output_defs=[rs.AssetDef("awaited_a"), rs.AssetDef("awaited_b")])
async def awaited() -> dict:
    await asyncio.sleep(0)
    return {"awaited_a": 1, "awaited_b": 2}


@rs.Asset.from_multi(name="streamed", output_defs=[rs.AssetDef("streamed_a"), rs.AssetDef("streamed_b")])
async def streamed():
    for number, name in enumerate(["streamed_a", "streamed_b"]):
        await asyncio.sleep(0)
        yield rs.Output(number, output_name=name)


ASSETS = [awaited, streamed]
EXPECTED = Outcome(
    materialized=["awaited_a", "awaited_b", "streamed_a", "streamed_b"],
    values={"awaited_a": 1, "awaited_b": 2, "streamed_a": 0, "streamed_b": 1},
)
