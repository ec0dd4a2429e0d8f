"""A partition for each month, made of its days as soon as these are there."""

from collections import Counter
from datetime import datetime

import rivers as rs

from .days import files

months = rs.PartitionsDefinition.time_window(datetime(2012, 1, 1), "0 0 1 * *", end=datetime(2016, 1, 1), fmt="%Y-%m")


@rs.Asset(
    partitions_def=months,
    io_handler=files,
    deps=[rs.AssetDef.input("day", partition_mapping=rs.PartitionMapping.time_window(0))],
    group="seasons",
    kinds="record",
)
def month(context: rs.AssetExecutionContext, day: list) -> dict:
    """A month: its rain, its warmest day, and the sky that it had most often."""
    (sky, count), *_ = Counter(one["sky"] for one in day).most_common(1)
    found = {
        "days": len(day),
        "rain": round(sum(one["rain"] for one in day), 1),
        "warmest": max(one["warmest"] for one in day),
        "sky": f"{sky} on {count} days",
    }
    context.add_output_metadata(found)
    return found
