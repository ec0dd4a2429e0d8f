"""What depends on a failure is skipped; other branches go on to their end."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Outcome


@rs.Asset
def f0() -> int:
    raise ValueError("boom")


@rs.Asset
def g0() -> int:
    return 1


@rs.Asset
def f1(f0: int) -> int:
    return 1


@rs.Asset
def g1(g0: int) -> int:
    return g0 + 1


@rs.Asset
def fg(f1: int, g1: int) -> int:
    return 1


ASSETS = [f0, g0, f1, g1, fg]
EXPECTED = Outcome(
    materialized=["g0", "g1"],
    failed={"f0": "ValueError: boom", "f1": SKIPPED, "fg": SKIPPED},
    values={"g1": 2},
)
