"""Waits between tries: linear, exponential and by schedule."""

import rivers as rs
from tests.catalogue.outcome import Outcome, note


def _thrice(context: rs.AssetExecutionContext) -> int:
    if note(context.run_id, context.asset_name) < 3:
        raise ValueError("again")
    return 1


@rs.Asset(retry=rs.RetryPolicy(2, backoff=rs.Backoff.linear(0.005, initial=0.01)))
def linear(context: rs.AssetExecutionContext) -> int:
    return _thrice(context)


@rs.Asset(retry=rs.RetryPolicy(2, backoff=rs.Backoff.exponential(0.01, factor=3.0, max_delay=0.02)))
def exponential(context: rs.AssetExecutionContext) -> int:
    return _thrice(context)


@rs.Asset(retry=rs.RetryPolicy(2, backoff=rs.Backoff.fixed([0.02])))
def scheduled(context: rs.AssetExecutionContext) -> int:
    return _thrice(context)


ASSETS = [linear, exponential, scheduled]
EXPECTED = Outcome(
    materialized=["linear", "exponential", "scheduled"], retries={"linear": 2, "exponential": 2, "scheduled": 2}
)
