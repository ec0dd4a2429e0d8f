"""Metadata of a type that there is none for fails its step."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def bad_metadata() -> rs.Output:
    return rs.Output(1, metadata={"what": object()})


ASSETS = [bad_metadata]
EXPECTED = Outcome(
    failed={"bad_metadata": "TypeError: Cannot coerce object to MetadataValue. Use MetadataValue.text(), .int(), etc."}
)
