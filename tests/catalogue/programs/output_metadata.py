"""An output carries metadata; that of the context is beneath it."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def measured(context: rs.AssetExecutionContext) -> rs.Output:
    context.add_output_metadata({"rows": 1, "unit": "m"})
    context.add_output_metadata({"note": None})
    return rs.Output(
        7, metadata={"rows": 2, "good": True, "share": 0.5, "page": rs.MetadataValue.url("https://x.org/a")}
    )


ASSETS = [measured]
EXPECTED = Outcome(
    materialized=["measured"],
    values={"measured": 7},
    metadata={
        "measured": {"rows": 2, "unit": "m", "note": None, "good": True, "share": 0.5, "page": "https://x.org/a"},
    },
)
