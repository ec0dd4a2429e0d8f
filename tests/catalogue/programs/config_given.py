"""Overrides of a launch are checked and coerced; unknown fields and assets are passed over."""

import pydantic

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Rows(pydantic.BaseModel):
    rows: int
    name: str = "x"


@rs.Asset
def with_rows(context: rs.AssetExecutionContext[Rows]) -> str:
    return context.config.name * context.config.rows


@rs.Asset
def without_config(with_rows: str) -> int:
    return len(with_rows)


ASSETS = [with_rows, without_config]
LAUNCH = Launch(
    select=["with_rows", "without_config"],
    config={"with_rows": {"rows": "2", "other": 1}, "without_config": {"a": 1}, "nobody": {"b": 2}},
)
EXPECTED = Outcome(materialized=["with_rows", "without_config"], values={"with_rows": "xx", "without_config": 2})
