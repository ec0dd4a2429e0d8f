"""A value of some megabytes."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def large_value() -> bytes:
    return bytes(8_000_000)


@rs.Asset
def its_size(large_value: bytes) -> int:
    return len(large_value)


ASSETS = [large_value, its_size]
EXPECTED = Outcome(materialized=["large_value", "its_size"], values={"its_size": 8_000_000})
