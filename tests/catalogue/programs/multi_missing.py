"""A multi-asset that leaves out an output fails for that one alone."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Outcome


@rs.Asset.from_multi(name="partial", output_defs=[rs.AssetDef("there"), rs.AssetDef("missing")])
def partial() -> dict:
    return {"there": 1}


@rs.Asset
def of_there(there: int) -> int:
    return there


@rs.Asset
def of_missing(missing: int) -> int:
    return missing


ASSETS = [partial, of_there, of_missing]
EXPECTED = Outcome(
    materialized=["there", "of_there"],
    failed={"missing": "KeyError: 'missing'", "of_missing": SKIPPED},
    values={"of_there": 1},
)
