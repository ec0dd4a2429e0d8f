"""A context that is not the first parameter fails its step."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def before_context() -> int:
    return 1


@rs.Asset
def misplaced(before_context: int, ctx: rs.AssetExecutionContext) -> int:
    return 1


ASSETS = [before_context, misplaced]
EXPECTED = Outcome(
    materialized=["before_context"],
    failed={"misplaced": "ExecutionError: Context must be the first parameter of 'misplaced'"},
)
