"""A key of two dimensions."""

import datetime

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

GRID = rs.PartitionsDefinition.multi(
    {
        "day": rs.PartitionsDefinition.daily(datetime.datetime(2026, 1, 1), end=datetime.datetime(2026, 1, 5)),
        "region": rs.PartitionsDefinition.static_(["eu", "us"]),
    }
)


@rs.Asset(partitions_def=GRID)
def cell(context: rs.AssetExecutionContext) -> str:
    return str(context.partition.key)


@rs.Asset(partitions_def=GRID)
def above_cell(cell: str) -> str:
    return cell.upper()


ASSETS = [cell, above_cell]
LAUNCH = Launch(
    select=["cell", "above_cell"], partition_key=rs.PartitionKey.multi({"day": "2026-01-02", "region": "eu"})
)
EXPECTED = Outcome(
    materialized=["cell", "above_cell"],
    values={"cell": "day=2026-01-02|region=eu", "above_cell": "DAY=2026-01-02|REGION=EU"},
)
