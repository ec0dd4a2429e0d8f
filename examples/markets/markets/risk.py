"""How much the prices move, and whether together."""

import pandas as pd

import rivers as rs


@rs.Asset(group="risk", kinds="table")
def volatility(context: rs.AssetExecutionContext, monthly_returns: pd.DataFrame) -> dict[str, float]:
    """The yearly volatility of each company."""
    yearly = (monthly_returns.std() * 12**0.5).sort_values(ascending=False)
    context.log.info("%s moves most, %s least", yearly.index[0], yearly.index[-1])
    context.add_output_metadata({symbol: float(round(value, 4)) for symbol, value in yearly.items()})
    return {str(symbol): float(value) for symbol, value in yearly.items()}


@rs.Asset(group="risk", kinds="table")
def correlations(monthly_returns: pd.DataFrame) -> rs.Output:
    """How alike two companies' months are, from -1 to 1."""
    table = monthly_returns.corr().round(2)
    print(table.to_string())
    return rs.Output(
        table,
        metadata={"companies": len(table), "preview": rs.MetadataValue.md(table.to_markdown())},
    )
