"""A list of dynamic outputs is the list of their values."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def dynamic() -> list:
    return [rs.DynamicOutput("a", 1), rs.DynamicOutput("b", 2)]


@rs.Asset
def dynamic_sum(dynamic: list) -> int:
    return sum(dynamic)


ASSETS = [dynamic, dynamic_sum]
EXPECTED = Outcome(materialized=["dynamic", "dynamic_sum"], values={"dynamic": [1, 2], "dynamic_sum": 3})
