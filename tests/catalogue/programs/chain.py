"""A value passes along a chain of assets."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def chain_a() -> int:
    return 1


@rs.Asset
def chain_b(chain_a: int) -> int:
    return chain_a + 1


@rs.Asset
def chain_c(chain_b: int) -> int:
    return chain_b + 1


ASSETS = [chain_c, chain_a, chain_b]
EXPECTED = Outcome(materialized=["chain_a", "chain_b", "chain_c"], values={"chain_a": 1, "chain_b": 2, "chain_c": 3})
