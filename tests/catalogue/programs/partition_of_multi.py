"""All outputs of a multi-asset are of one partition; a job runs it."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

SIDES = rs.PartitionsDefinition.static_(["north", "south"])


@rs.Asset.from_multi(
    name="sides", output_defs=[rs.AssetDef("side_name"), rs.AssetDef("side_length")], partitions_def=SIDES
)
def sides(context: rs.AssetExecutionContext) -> dict:
    return {"side_name": context.partition_key, "side_length": len(context.partition_key)}


@rs.Asset(partitions_def=SIDES)
def of_sides(side_name: str, side_length: int) -> str:
    return side_name * side_length


ASSETS = [sides, of_sides]
JOBS = [rs.Job("sides", [sides, of_sides])]
LAUNCH = Launch(job="sides", partition_key="north")
EXPECTED = Outcome(
    materialized=["side_name", "side_length", "of_sides"], values={"side_length": 5, "of_sides": "north" * 5}
)
