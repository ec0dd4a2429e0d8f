"""What was never stored cannot be loaded: the step that asks for it fails."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def kept_elsewhere() -> rs.Materialization:
    return rs.Materialization()


@rs.Asset
def wants_it(kept_elsewhere) -> int:
    return 1


ASSETS = [kept_elsewhere, wants_it]
EXPECTED = Outcome(materialized=["kept_elsewhere"], failed={"wants_it": "KeyError: 'kept_elsewhere'"})
