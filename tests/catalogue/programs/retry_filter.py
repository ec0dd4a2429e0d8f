"""A policy that names exceptions tries no others again."""

import rivers as rs
from tests.catalogue.outcome import Outcome, note

POLICY = rs.RetryPolicy(3, retry_on=[LookupError])


@rs.Asset(retry=POLICY)
def matching(context: rs.AssetExecutionContext) -> int:
    if note(context.run_id, "matching") < 2:
        raise KeyError("once")
    return 1


@rs.Asset(retry=POLICY)
def other_error() -> int:
    raise ValueError("at once")


@rs.Asset(retry=rs.RetryPolicy(3, retry_on=rs.RetryOn.TRANSIENT))
def lasting() -> int:
    raise OSError("lasting")


@rs.Asset(retry=rs.RetryPolicy(1, retry_on=[rs.FailureReason.TIMEOUT]))
def timed_out() -> int:
    raise TimeoutError("twice")


ASSETS = [matching, other_error, lasting, timed_out]
EXPECTED = Outcome(
    materialized=["matching"],
    failed={"other_error": "ValueError: at once", "lasting": "OSError: lasting", "timed_out": "TimeoutError: twice"},
    retries={"matching": 1, "timed_out": 1},
)
