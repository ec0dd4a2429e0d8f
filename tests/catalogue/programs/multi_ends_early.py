"""A generator that ends without an output fails for that one."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset.from_multi(name="early", output_defs=[rs.AssetDef("early_a"), rs.AssetDef("early_b")])
def early():
    yield rs.Output(1, output_name="early_a")


ASSETS = [early]
EXPECTED = Outcome(
    materialized=["early_a"],
    failed={"early_b": "ExecutionError: Generator multi-asset did not yield output 'early_b'"},
    values={"early_a": 1},
)
