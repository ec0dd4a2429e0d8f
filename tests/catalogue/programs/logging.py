"""A step's logger has its name."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def logs_itself(context: rs.AssetExecutionContext) -> str:
    context.log.info("not shown by default")
    return context.log.name


ASSETS = [logs_itself]
EXPECTED = Outcome(materialized=["logs_itself"], values={"logs_itself": "rivers.assets.logs_itself"})
