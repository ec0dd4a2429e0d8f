"""Without overrides a configuration is its class's defaults."""

import pydantic

import rivers as rs
from tests.catalogue.outcome import Outcome


class Plain(pydantic.BaseModel):
    rows: int = 3
    name: str = "x"


@rs.Asset
def configured(context: rs.AssetExecutionContext[Plain]) -> str:
    return context.config.name * context.config.rows


ASSETS = [configured]
EXPECTED = Outcome(materialized=["configured"], values={"configured": "xxx"})
