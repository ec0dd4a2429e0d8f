"""A launch document has a place for each thing that it sets."""

import pydantic

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Size(pydantic.BaseModel):
    size: int = 1


@rs.Asset
def sized(context: rs.AssetExecutionContext[Size]) -> int:
    return context.config.size


ASSETS = [sized]
LAUNCH = Launch(select=["sized"], config={"assets": {"sized": {"config": {"size": 5}}}})
EXPECTED = Outcome(materialized=["sized"], values={"sized": 5})
