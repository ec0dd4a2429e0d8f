"""An input can be said with a definition of its own."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset(metadata={"unit": "m"})
def length() -> float:
    return 2.0


@rs.Asset(deps=[rs.AssetDef.input("length", metadata={"unit": "km"})])
def doubled_length(length: float) -> float:
    return length * 2


ASSETS = [length, doubled_length]
EXPECTED = Outcome(materialized=["length", "doubled_length"], values={"doubled_length": 4.0})
