"""A multi-asset that returns a dict is tried again as one."""

import rivers as rs
from tests.catalogue.outcome import Outcome, note


@rs.Asset.from_multi(name="unit", output_defs=[rs.AssetDef("unit_a"), rs.AssetDef("unit_b")], retry=rs.RetryPolicy(1))
def unit(context: rs.AssetExecutionContext) -> dict:
    if note(context.run_id, "unit") < 2:
        raise ValueError("again")
    return {"unit_a": 1, "unit_b": 2}


ASSETS = [unit]
EXPECTED = Outcome(materialized=["unit_a", "unit_b"], values={"unit_a": 1, "unit_b": 2}, retries={"unit_a": 1})
