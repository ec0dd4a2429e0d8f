"""Many steps that need nothing of each other, and one that needs them all."""

import rivers as rs
from tests.catalogue.outcome import Outcome


def _make(number: int) -> rs.Asset:
    def wide_one() -> int:
        return number

    return rs.Asset(wide_one, name=f"wide_{number}")


MANY = [_make(number) for number in range(20)]


@rs.Asset(deps=[rs.AssetDef.dep(f"wide_{number}") for number in range(20)])
def all_wide(wide_3: int, wide_17: int) -> int:
    return wide_3 + wide_17


ASSETS = [*MANY, all_wide]
EXPECTED = Outcome(materialized=[*(f"wide_{number}" for number in range(20)), "all_wide"], values={"all_wide": 20})
