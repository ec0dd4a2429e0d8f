"""A time window's partition knows when it begins and ends."""

import datetime

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

DAYS = rs.PartitionsDefinition.daily(datetime.datetime(2026, 1, 1), end=datetime.datetime(2026, 2, 1))


@rs.Asset(partitions_def=DAYS)
def day(context: rs.AssetExecutionContext) -> list[str]:
    begin, end = context.partition_time_window
    return [context.partition_key, begin.isoformat(), end.isoformat()]


ASSETS = [day]
LAUNCH = Launch(select=["day"], partition_key="2026-01-31")
EXPECTED = Outcome(materialized=["day"], values={"day": ["2026-01-31", "2026-01-31T00:00:00", "2026-02-01T00:00:00"]})
