"""What has no partitions itself reads every key of a dynamic dimension."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Told(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        pass

    def load_input(self, context: rs.InputContext) -> object:
        assert context.partition is not None
        return str(context.partition.key)


CELLS = rs.PartitionsDefinition.multi(
    {"day": rs.PartitionsDefinition.static_(["mon", "tue"]), "team": rs.PartitionsDefinition.dynamic("dynamic_teams")}
)
EVERY = rs.PartitionMapping.multi(
    {"day": rs.PartitionMapping.specific_partitions(["tue"]), "team": rs.PartitionMapping.all_partitions()}
)


@rs.Asset(partitions_def=CELLS, io_handler=Told())
def goals() -> int:
    return 1


@rs.Asset(deps=[rs.AssetDef.input("goals", partition_mapping=EVERY)])
def ranking(goals: str) -> str:
    return goals


@rs.Task(partition_mapping={"goals": EVERY})
def ranked(goals: str) -> str:
    return goals


DYNAMIC = {"dynamic_teams": ["reds", "blues"]}
ASSETS, TASKS = [goals, ranking], [ranked]
LAUNCH = Launch(select=["ranking", "ranked"])
EXPECTED = Outcome(
    materialized=["ranking", "ranked"],
    values={"ranking": "day=tue|team=blues,reds", "ranked": "day=tue|team=blues,reds"},
)
