"""One scheduler with a location of partitioned assets, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack

SOURCE = """
    from datetime import datetime
    from pathlib import Path
    class Files(rs.BaseIOHandler):
        directory: str
        def handle_output(self, context, obj):
            for key in context.partition.keys:
                path = Path(self.directory, context.asset_name, str(key))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(str(obj))
        def load_input(self, context):
            keys = [one for key in context.partition.keys for one in key.expand()]
            return [Path(self.directory, context.asset_name, str(key)).read_text() for key in keys]
    store = Files(directory=%r)
    days = rs.PartitionsDefinition.daily(datetime(2024, 1, 1), datetime(2024, 5, 1))
    months = rs.PartitionsDefinition.time_window(
        datetime(2024, 1, 1), "0 0 1 * *", end=datetime(2024, 5, 1), fmt="%%Y-%%m")
    @rs.Asset(partitions_def=days, io_handler=store)
    def daily(context: rs.AssetExecutionContext) -> int:
        for key in context.partition.keys:
            mark("daily " + str(key))
        if str(context.partition.keys[0]) == "2024-02-29" and not os.path.exists("mended"):
            raise ValueError("a day too many")
        return 1
    @rs.Asset(partitions_def=months, io_handler=store,
              deps=[rs.AssetDef.input("daily", partition_mapping=rs.PartitionMapping.time_window(0))])
    def monthly(context: rs.AssetExecutionContext, daily: list) -> int:
        mark(f"monthly {context.partition.keys[0]} {len(daily)}")
        return 1
    customers = rs.PartitionsDefinition.dynamic("customers")
    grid = rs.PartitionsDefinition.multi({
        "date": rs.PartitionsDefinition.static_(["d1", "d2"]), "region": rs.PartitionsDefinition.static_(["us", "eu"])})
    @rs.Asset(partitions_def=grid)
    def cells(context: rs.AssetExecutionContext) -> int:
        mark("cells " + ";".join(map(str, context.partition.keys)))
        return 1
    @rs.Asset(partitions_def=rs.PartitionsDefinition.static_([str(number) for number in range(10_001)]))
    def numbers(context: rs.AssetExecutionContext) -> int:
        return 1
    @rs.Asset(partitions_def=rs.PartitionsDefinition.static_(["a", "b", "c"]))
    def letters(context: rs.AssetExecutionContext) -> int:
        for key in context.partition.keys:
            if str(key) == "b":
                context.mark_partition_failed(key, "no b today")
        return 1
    @rs.Asset(partitions_def=customers)
    def bills(context: rs.AssetExecutionContext) -> int:
        mark("bill " + str(context.partition_key))
        return 1
    @rs.Asset
    def plain() -> int:
        return 1
    repo = rs.CodeRepository(assets=[daily, monthly, cells, numbers, letters, bills, plain])
"""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running scheduler with the location `team`, on each kind of database."""
    directory: Path = tmp_path_factory.mktemp("stack")
    url = request.getfixturevalue("cluster").new_database() if request.param == "postgres" else None
    with Stack(directory, url) as running:
        running.start_scheduler("--beat-interval", "0.2")
        running.start_location("team", SOURCE % str(directory / "values"))
        yield running
