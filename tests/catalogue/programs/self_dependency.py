"""An asset reads what it was before; the first time there is nothing."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def counter(self: rs.SelfDependency[int]) -> int:
    return (self.get_inner() or 0) + 1


@rs.Asset
def counted_from(counter: int) -> int:
    return counter + 100


ASSETS = [counter, counted_from]
EXPECTED = Outcome(materialized=["counter", "counted_from"], values={"counter": 1, "counted_from": 101})
