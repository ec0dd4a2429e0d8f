"""A node without partitions in a run with a key fails, and what needs it is skipped."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

WEEK = rs.PartitionsDefinition.static_(["mon", "tue"])


@rs.Asset
def no_partitions() -> int:
    return 1


@rs.Asset(partitions_def=WEEK)
def some_partitions(context: rs.AssetExecutionContext) -> str:
    return context.partition_key


ASSETS = [no_partitions, some_partitions]
LAUNCH = Launch(select=["no_partitions", "some_partitions"], partition_key="tue")
EXPECTED = Outcome(
    materialized=["some_partitions"],
    failed={
        "no_partitions": "PartitionValidationError: Node 'no_partitions' is not partitioned, "
        "but a partition_key was provided"
    },
    values={"some_partitions": "tue"},
)
