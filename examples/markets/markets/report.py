"""What a reader wants to know."""

import pandas as pd

import rivers as rs


@rs.Asset(group="report", kinds="table")
def growth(context: rs.AssetExecutionContext, stock_prices: pd.DataFrame) -> pd.DataFrame:
    """What 1,000 put into each company in its first month came to."""
    firsts = stock_prices.bfill().iloc[0]
    worth = (1000 * stock_prices / firsts).round(2)
    context.add_output_metadata({"months": len(worth), "best": str(worth.iloc[-1].idxmax())})
    return worth


@rs.Asset(group="report", kinds="report")
def market_report(
    context: rs.AssetExecutionContext,
    growth: pd.DataFrame,
    volatility: dict[str, float],
    correlations: pd.DataFrame,
) -> str:
    """A table of growth and risk, best first."""
    final = growth.iloc[-1].sort_values(ascending=False)
    others = (correlations.sum() - 1) / (len(correlations) - 1)
    table = pd.DataFrame(
        {
            "1,000 became": final,
            "volatility": pd.Series(volatility).round(2),
            "like the others": others.round(2),
        }
    ).loc[final.index]
    report = f"# {growth.index[0]:%B %Y} to {growth.index[-1]:%B %Y}\n\n{table.to_markdown()}"
    print(report)
    context.add_output_metadata({"companies": len(table), "report": rs.MetadataValue.md(report)})
    return report
