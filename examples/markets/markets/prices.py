"""Prices as they were, and the returns that follow from them."""

import pandas as pd
from vega_datasets import local_data

import rivers as rs


@rs.Asset(group="prices", kinds="table")
def stock_prices(context: rs.AssetExecutionContext) -> pd.DataFrame:
    """The price of each company at the start of each month, 2000 to 2010: one row a month, one column a company."""
    rows = local_data.stocks()
    prices = rows.pivot(index="date", columns="symbol", values="price").sort_index()
    context.log.info("read %d prices of %s", len(rows), ", ".join(prices.columns))
    context.add_output_metadata(
        {
            "prices": len(rows),
            "companies": prices.shape[1],
            "months": len(prices),
            "preview": rs.MetadataValue.md(prices.tail().to_markdown()),
        }
    )
    return prices


@rs.Asset(group="prices", kinds="table")
def monthly_returns(context: rs.AssetExecutionContext, stock_prices: pd.DataFrame) -> pd.DataFrame:
    """What a month did to each price, as a fraction; empty where a company was not traded yet."""
    returns = stock_prices.pct_change(fill_method=None).iloc[1:]
    worst = returns.stack().idxmin()
    print(f"worst month: {worst[1]} in {worst[0]:%B %Y} ({returns.loc[worst]:+.0%})")
    context.add_output_metadata({"months": len(returns), "missing": int(returns.isna().sum().sum())})
    return returns
