"""Before the first window there is none: the step fails."""

import datetime

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Launch, Outcome


class Anything(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        pass

    def load_input(self, context: rs.InputContext) -> object:
        return 1


MONTH = rs.PartitionsDefinition.daily(datetime.datetime(2026, 1, 1), end=datetime.datetime(2026, 2, 1))


@rs.Asset(partitions_def=MONTH, io_handler=Anything())
def of_day() -> int:
    return 1


@rs.Asset(
    partitions_def=MONTH, deps=[rs.AssetDef.input("of_day", partition_mapping=rs.PartitionMapping.time_window(-1))]
)
def of_yesterday(of_day: int) -> int:
    return of_day


@rs.Asset(partitions_def=MONTH, deps=[rs.AssetDef.dep("of_yesterday")])
def of_tomorrow() -> int:
    return 1


ASSETS = [of_day, of_yesterday, of_tomorrow]
LAUNCH = Launch(select=["of_yesterday", "of_tomorrow"], partition_key="2026-01-01")
EXPECTED = Outcome(
    failed={
        "of_yesterday": "PartitionValidationError: Asset 'of_yesterday' depends on 'of_day': time_window(offset=-1) "
        "maps '2026-01-01' outside the partition range [2026-01-01T00:00:00, 2026-02-01T00:00:00)",
        "of_tomorrow": SKIPPED,
    }
)
