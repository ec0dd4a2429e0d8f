"""A step that exits has failed; the process goes on."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def exits() -> int:
    raise SystemExit(3)


@rs.Asset
def stays() -> int:
    return 1


ASSETS = [exits, stays]
EXPECTED = Outcome(materialized=["stays"], failed={"exits": "SystemExit: 3"}, values={"stays": 1})
