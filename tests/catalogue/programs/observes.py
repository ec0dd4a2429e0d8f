"""An asset that only looks records an observation."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def looked_at() -> rs.Observation:
    return rs.Observation(metadata={"seen": 2}, data_version="then")


ASSETS = [looked_at]
EXPECTED = Outcome(
    materialized=["looked_at"],
    observed=["looked_at"],
    metadata={"looked_at": {"seen": 2}},
    versions={"looked_at": "then"},
)
