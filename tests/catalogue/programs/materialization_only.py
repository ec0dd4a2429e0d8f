"""An asset that stores its value itself says so with a materialization."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def stored_elsewhere() -> rs.Materialization:
    return rs.Materialization(metadata={"rows": 3}, data_version="v3")


@rs.Asset(deps=[rs.AssetDef.dep("stored_elsewhere")])
def after_elsewhere() -> str:
    return "after"


ASSETS = [stored_elsewhere, after_elsewhere]
EXPECTED = Outcome(
    materialized=["stored_elsewhere", "after_elsewhere"],
    values={"after_elsewhere": "after"},
    metadata={"stored_elsewhere": {"rows": 3}},
    versions={"stored_elsewhere": "v3"},
)
