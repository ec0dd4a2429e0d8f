"""A key of several values: one call, one materialization for each partition."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

LETTERS = rs.PartitionsDefinition.static_(["a", "b", "c"])


@rs.Asset(partitions_def=LETTERS)
def batch(context: rs.AssetExecutionContext) -> rs.Output:
    keys = [str(key) for key in context.partition.keys]
    return rs.Output(keys, metadata={"count": len(keys)})


ASSETS = [batch]
LAUNCH = Launch(select=["batch"], partition_key=rs.PartitionKey.single(["c", "a"]))
EXPECTED = Outcome(materialized=["batch"], metadata={"batch": {"count": 2}})
