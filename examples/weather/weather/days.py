"""The measurements, day by day."""

import pandas as pd
from vega_datasets import local_data

import rivers as rs


@rs.Asset(group="days", kinds="table")
def daily_weather(context: rs.AssetExecutionContext) -> pd.DataFrame:
    """Every day from 2012 to 2015 as it was recorded: rain, temperatures, wind, and the day in one word."""
    days = local_data.seattle_weather()
    context.log.info("read %d days from %s to %s", len(days), days["date"].min().date(), days["date"].max().date())
    context.add_output_metadata(
        {
            "days": len(days),
            "first_day": str(days["date"].min().date()),
            "last_day": str(days["date"].max().date()),
            "preview": rs.MetadataValue.md(days.head().to_markdown(index=False)),
        }
    )
    return days


@rs.Asset(group="days", kinds="table")
def clean_weather(context: rs.AssetExecutionContext, daily_weather: pd.DataFrame) -> pd.DataFrame:
    """One row a day without gaps, with the mean temperature and the month that it belongs to."""
    days = daily_weather.drop_duplicates("date").sort_values("date")
    whole = pd.date_range(days["date"].min(), days["date"].max(), freq="D")
    if missing := len(whole.difference(days["date"])):
        raise ValueError(f"{missing} days are missing between {whole[0].date()} and {whole[-1].date()}")
    if impossible := int((days["temp_min"] > days["temp_max"]).sum()):
        raise ValueError(f"on {impossible} days the night is warmer than the day")
    days = days.assign(
        temp_mean=(days["temp_min"] + days["temp_max"]) / 2,
        is_wet=days["precipitation"] > 0,
        month=days["date"].dt.to_period("M").astype(str),
    )
    print(f"{len(days)} days without a gap, {int(days['is_wet'].sum())} of them wet")
    context.add_output_metadata({"days": len(days), "dropped": len(daily_weather) - len(days)})
    return days
