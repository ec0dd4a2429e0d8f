"""Names may hold blanks, dots and letters of any alphabet."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset(name="année 2026.total €")
def total() -> int:
    return 1


@rs.Asset(name="a+b", deps=[rs.AssetDef.dep("année 2026.total €")])
def joined() -> int:
    return 2


ASSETS = [total, joined]
EXPECTED = Outcome(materialized=["année 2026.total €", "a+b"], values={"année 2026.total €": 1, "a+b": 2})
