"""A dependency that loads nothing still orders."""

import rivers as rs
from tests.catalogue.outcome import Outcome, note


@rs.Asset
def writes_first(context: rs.AssetExecutionContext) -> int:
    note(context.run_id, "order", "first")
    return 1


@rs.Asset(deps=[rs.AssetDef.dep("writes_first")])
def writes_second(context: rs.AssetExecutionContext) -> int:
    note(context.run_id, "order", "second")
    return 2


ASSETS = [writes_second, writes_first]
EXPECTED = Outcome(materialized=["writes_first", "writes_second"], notes={"order": ["first", "second"]})
