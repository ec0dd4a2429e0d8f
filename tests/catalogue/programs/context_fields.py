"""What an asset's context says of it."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset(name="told", tags=["a", "b"], kinds="table", group="sales", code_version="3", metadata={"owner": "ada"})
def told(context: rs.AssetExecutionContext) -> dict:
    return {
        "name": context.asset_name,
        "tags": context.tags,
        "kinds": context.kinds,
        "group": context.group,
        "code_version": context.code_version,
        "metadata": context.asset_metadata,
        "selection": context.output_selection,
        "partitioned": context.has_partition_key,
        "config": context.config,
    }


ASSETS = [told]
EXPECTED = Outcome(
    materialized=["told"],
    values={
        "told": {
            "name": "told",
            "tags": ["a", "b"],
            "kinds": ["table"],
            "group": "sales",
            "code_version": "3",
            "metadata": {"owner": "ada"},
            "selection": [],
            "partitioned": False,
            "config": None,
        }
    },
)
