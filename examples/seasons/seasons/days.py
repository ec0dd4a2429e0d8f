"""A partition for each day."""

from datetime import datetime
from functools import cache

import pandas as pd
from vega_datasets import local_data

import rivers as rs

from .files import PartitionFiles

days = rs.PartitionsDefinition.daily(datetime(2012, 1, 1), datetime(2016, 1, 1))
files = PartitionFiles()


@rs.Asset(partitions_def=days, io_handler=files, group="seasons", kinds="record")
def day(context: rs.AssetExecutionContext) -> dict:
    """What was measured on a day."""
    measured = measurements().loc[str(context.partition_key)]
    return {
        "rain": float(measured["precipitation"]),
        "warmest": float(measured["temp_max"]),
        "sky": measured["weather"],
    }


@cache
def measurements() -> pd.DataFrame:
    """All days by their date; read once in each worker."""
    table = local_data.seattle_weather()
    return table.assign(date=table["date"].dt.strftime("%Y-%m-%d")).set_index("date")
