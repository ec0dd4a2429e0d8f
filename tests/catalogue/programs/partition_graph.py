"""A graph of a partition: its tasks know the key."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

HALVES = rs.PartitionsDefinition.static_(["first", "second"])


@rs.Task
def half_name(context: rs.AssetExecutionContext) -> str:
    return str(context.partition.key)


@rs.Task
def half_upper(name: str) -> str:
    return name.upper()


@rs.Asset.from_graph(name="half", partitions_def=HALVES)
def half():
    return half_upper(half_name())


ASSETS = [half]
TASKS = [half_name, half_upper]
LAUNCH = Launch(select=["half"], partition_key="second")
EXPECTED = Outcome(
    materialized=["half/half_name", "half/half_upper", "half"], values={"half": "SECOND", "half/half_name": "second"}
)
