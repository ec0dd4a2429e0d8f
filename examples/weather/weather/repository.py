"""What the weather team offers to run."""

import rivers as rs

from .climate import climate_report, monthly_climate, spells
from .days import clean_weather, daily_weather

repo = rs.CodeRepository(
    assets=[daily_weather, clean_weather, monthly_climate, spells, climate_report],
    jobs=[
        rs.Job("climate", [daily_weather, clean_weather, monthly_climate, spells, climate_report]),
        rs.Job("refresh_days", [daily_weather, clean_weather]),
    ],
)
