"""Two branches of one asset meet again."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def top() -> list[int]:
    return [1, 2, 3]


@rs.Asset
def left(top: list[int]) -> int:
    return sum(top)


@rs.Asset
def right(top: list[int]) -> int:
    return max(top)


@rs.Asset
def bottom(left: int, right: int) -> tuple[int, int]:
    return left, right


ASSETS = [top, left, right, bottom]
EXPECTED = Outcome(materialized=["top", "left", "right", "bottom"], values={"bottom": (6, 3)})
