"""A mapping says which partition of an upstream is loaded."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Told(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        pass

    def load_input(self, context: rs.InputContext) -> object:
        return f"{context.asset_name} {context.partition.key if context.partition else 'whole'}"


NUMBERS = rs.PartitionsDefinition.static_(["1", "2"])
NAMES = rs.PartitionsDefinition.static_(["one", "two"])
BY_NAME = rs.PartitionMapping.static_({"one": "1", "two": "2"})


@rs.Asset(partitions_def=NUMBERS, io_handler=Told())
def numbered() -> int:
    return 1


@rs.Asset(io_handler=Told())
def unpartitioned() -> int:
    return 1


@rs.Asset(
    partitions_def=NAMES,
    deps=[
        rs.AssetDef.input("numbered", partition_mapping=BY_NAME),
        rs.AssetDef.input(
            "unpartitioned", partition_mapping=rs.PartitionMapping.for_keys([rs.PartitionKey.single("two")])
        ),
    ],
)
def mapped(numbered: str, unpartitioned: str | None) -> list[str | None]:
    return [numbered, unpartitioned]


ASSETS = [numbered, unpartitioned, mapped]
LAUNCH = Launch(select=["mapped"], partition_key="two")
EXPECTED = Outcome(materialized=["mapped"], values={"mapped": ["numbered 2", "unpartitioned whole"]})
