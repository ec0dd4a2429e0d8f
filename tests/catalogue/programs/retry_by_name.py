"""A policy is named where it is used and given once."""

import rivers as rs
from tests.catalogue.outcome import Outcome, note


@rs.Asset(retry="catalogue_patient")
def by_name(context: rs.AssetExecutionContext) -> int:
    if note(context.run_id, "by_name") < 3:
        raise ValueError("again")
    return 1


ASSETS = [by_name]
RETRIES = {"catalogue_patient": rs.RetryPolicy(2, backoff=rs.Backoff.fixed([0.0, 0.01]))}
EXPECTED = Outcome(materialized=["by_name"], retries={"by_name": 2})
