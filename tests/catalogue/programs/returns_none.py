"""An asset without a result holds `None`."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def holds_none() -> None:
    return None


@rs.Asset
def takes_none(holds_none) -> str:
    return repr(holds_none)


ASSETS = [holds_none, takes_none]
EXPECTED = Outcome(materialized=["holds_none", "takes_none"], values={"holds_none": None, "takes_none": "None"})
