"""A step that fails twice and then works has worked."""

import rivers as rs
from tests.catalogue.outcome import Outcome, note


@rs.Asset(retry=rs.RetryPolicy(2))
def third_time(context: rs.AssetExecutionContext) -> int:
    tries = note(context.run_id, "third_time")
    if tries < 3:
        raise ValueError(f"try {tries}")
    return tries


@rs.Asset
def after_tries(third_time: int) -> int:
    return third_time * 10


ASSETS = [third_time, after_tries]
EXPECTED = Outcome(
    materialized=["third_time", "after_tries"],
    values={"third_time": 3, "after_tries": 30},
    retries={"third_time": 2},
    notes={"third_time": ["x"] * 3},
)
