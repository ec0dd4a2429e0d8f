"""Context by annotation, defaults, keyword-only and positional-only parameters."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def base_value() -> int:
    return 5


@rs.Asset
def any_name(ctx: rs.AssetExecutionContext, base_value: int, factor: int = 3) -> str:
    return f"{ctx.asset_name} {base_value * factor}"


@rs.Asset
def keyword_only(*, base_value: int) -> int:
    return base_value


@rs.Asset
def positional_only(base_value, /) -> int:
    return base_value


@rs.Asset
def default_wins(chain_a: int = 40) -> int:
    return chain_a


ASSETS = [base_value, any_name, keyword_only, positional_only, default_wins]
EXPECTED = Outcome(
    materialized=["base_value", "any_name", "keyword_only", "positional_only", "default_wins"],
    values={"any_name": "any_name 15", "keyword_only": 5, "positional_only": 5, "default_wins": 40},
)
