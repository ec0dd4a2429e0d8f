"""A definition of partitions is named where it is used and given once."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Asset(partitions_def="catalogue_colours")
def colour(context: rs.AssetExecutionContext) -> str:
    return context.partition_key


@rs.Task(partitions_def="catalogue_colours")
def shade(context: rs.TaskExecutionContext, colour: str) -> str:
    return f"dark {colour} {context.partition_key}"


ASSETS = [colour]
TASKS = [shade]
PARTITIONS = {"catalogue_colours": rs.PartitionsDefinition.static_(["red", "blue"])}
LAUNCH = Launch(select=["colour", "shade"], partition_key="blue")
EXPECTED = Outcome(materialized=["colour", "shade"], values={"colour": "blue", "shade": "dark blue blue"})
