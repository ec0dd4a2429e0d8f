"""A window's asset may load the window before."""

import datetime

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Windows(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        pass

    def load_input(self, context: rs.InputContext) -> object:
        return str(context.partition.key)


HOURS = rs.PartitionsDefinition.hourly(datetime.datetime(2026, 3, 1), end=datetime.datetime(2026, 3, 2))


@rs.Asset(partitions_def=HOURS, io_handler=Windows())
def hour() -> int:
    return 1


@rs.Asset(partitions_def=HOURS, deps=[rs.AssetDef.input("hour", partition_mapping=rs.PartitionMapping.time_window(-1))])
def hour_before(hour: str) -> str:
    return hour


ASSETS = [hour, hour_before]
LAUNCH = Launch(select=["hour_before"], partition_key="2026-03-01T05:00")
EXPECTED = Outcome(materialized=["hour_before"], values={"hour_before": "2026-03-01T04:00"})
