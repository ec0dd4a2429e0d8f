"""Of a batch one partition may be marked as failed."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

PARTS = rs.PartitionsDefinition.static_(["good", "bad"])


@rs.Asset(partitions_def=PARTS)
def in_parts(context: rs.AssetExecutionContext) -> int:
    context.mark_partition_failed(rs.PartitionKey.single("bad"), "not there")
    return 1


ASSETS = [in_parts]
LAUNCH = Launch(select=["in_parts"], partition_key=rs.PartitionKey.single(["good", "bad"]))
EXPECTED = Outcome(materialized=["in_parts"])
