"""A generator of a multi-asset: each output is stored as it is yielded."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset.from_multi(
    name="yields", output_defs=[rs.AssetDef("yielded_a"), rs.AssetDef("yielded_b"), rs.AssetDef("seen_c")]
)
def yields():
    yield rs.Output(1, output_name="yielded_a")
    yield rs.Output(9, output_name="nobody_asked")
    yield rs.Output(2, output_name="yielded_b", metadata={"rows": 1})
    yield rs.Observation(output_name="seen_c", metadata={"seen": 1})


ASSETS = [yields]
EXPECTED = Outcome(
    materialized=["yielded_a", "yielded_b", "seen_c"],
    observed=["seen_c"],
    values={"yielded_a": 1, "yielded_b": 2},
    metadata={"yielded_b": {"rows": 1}, "seen_c": {"seen": 1}},
)
