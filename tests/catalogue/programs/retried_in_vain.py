"""A step that goes on failing fails with its last error, and what depends on it is skipped."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Outcome, note


@rs.Asset(retry=rs.RetryPolicy(1, backoff=rs.Backoff.constant(0.01)))
def in_vain(context: rs.AssetExecutionContext) -> int:
    raise ValueError(f"try {note(context.run_id, 'in_vain')}")


@rs.Asset
def after_vain(in_vain: int) -> int:
    return 1


ASSETS = [in_vain, after_vain]
EXPECTED = Outcome(failed={"in_vain": "ValueError: try 2", "after_vain": SKIPPED}, retries={"in_vain": 1})
