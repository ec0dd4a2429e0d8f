"""What the markets team offers to run."""

import rivers as rs

from .prices import monthly_returns, stock_prices
from .report import growth, market_report
from .risk import correlations, volatility

repo = rs.CodeRepository(
    assets=[stock_prices, monthly_returns, volatility, correlations, growth, market_report],
    jobs=[
        rs.Job("report", [stock_prices, monthly_returns, volatility, correlations, growth, market_report]),
        rs.Job("risk", [stock_prices, monthly_returns, volatility, correlations]),
    ],
)
