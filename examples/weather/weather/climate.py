"""What the days add up to."""

import pandas as pd

import rivers as rs


@rs.Asset(group="climate", kinds="table")
def monthly_climate(clean_weather: pd.DataFrame) -> rs.Output:
    """Temperature, rain and wet days of each month."""
    months = (
        clean_weather.groupby("month")
        .agg(
            temp_mean=("temp_mean", "mean"),
            hottest=("temp_max", "max"),
            coldest=("temp_min", "min"),
            rain=("precipitation", "sum"),
            wet_days=("is_wet", "sum"),
        )
        .round(1)
        .reset_index()
    )
    print(f"wettest month: {months.loc[months['rain'].idxmax(), 'month']}")
    return rs.Output(
        months,
        metadata={
            "months": len(months),
            "preview": rs.MetadataValue.md(months.head(12).to_markdown(index=False)),
        },
    )


@rs.Asset(group="climate", kinds="table")
def spells(context: rs.AssetExecutionContext, clean_weather: pd.DataFrame) -> pd.DataFrame:
    """Unbroken runs of wet or of dry days, longest first."""
    number = (clean_weather["is_wet"] != clean_weather["is_wet"].shift()).cumsum().rename("number")
    table = (
        clean_weather.groupby(number)
        .agg(
            is_wet=("is_wet", "first"),
            first_day=("date", "min"),
            last_day=("date", "max"),
            days=("date", "size"),
            rain=("precipitation", "sum"),
        )
        .sort_values(["days", "first_day"], ascending=[False, True])
        .reset_index(drop=True)
    )
    context.log.info("%d spells; the longest lasts %d days", len(table), table["days"].max())
    context.add_output_metadata(
        {"spells": len(table), "preview": rs.MetadataValue.md(table.head(5).to_markdown(index=False))}
    )
    return table


@rs.Asset(group="climate", kinds="report")
def climate_report(context: rs.AssetExecutionContext, monthly_climate: pd.DataFrame, spells: pd.DataFrame) -> str:
    """A page for people who were not there."""
    hottest = monthly_climate.loc[monthly_climate["hottest"].idxmax()]
    wettest = monthly_climate.loc[monthly_climate["rain"].idxmax()]
    wet, dry = spells[spells["is_wet"]].iloc[0], spells[~spells["is_wet"]].iloc[0]
    report = "\n".join(
        [
            f"# Seattle, {monthly_climate['month'].iloc[0]} to {monthly_climate['month'].iloc[-1]}",
            "",
            f"- hottest month: {hottest['month']} ({hottest['hottest']} degrees)",
            f"- wettest month: {wettest['month']} ({wettest['rain']} mm on {wettest['wet_days']} days)",
            f"- longest rain: {wet['days']} days from {wet['first_day'].date()} ({wet['rain']:.0f} mm)",
            f"- longest without: {dry['days']} days from {dry['first_day'].date()}",
        ]
    )
    print(report)
    context.add_output_metadata({"report": rs.MetadataValue.md(report)})
    return report
