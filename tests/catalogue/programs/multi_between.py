"""A multi-asset in the middle, with a resource and a default."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def numbers_for_multi() -> list[int]:
    return [3, 1, 2]


@rs.Asset.from_multi(name="ends", output_defs=[rs.AssetDef("smallest"), rs.AssetDef("largest")])
def ends(numbers_for_multi: list[int], factor: int = 10) -> dict:
    return {"smallest": min(numbers_for_multi) * factor, "largest": max(numbers_for_multi) * factor}


@rs.Asset
def spread(smallest: int, largest: int) -> int:
    return largest - smallest


ASSETS = [spread, ends, numbers_for_multi]
EXPECTED = Outcome(
    materialized=["numbers_for_multi", "smallest", "largest", "spread"],
    values={"smallest": 10, "largest": 30, "spread": 20},
)
