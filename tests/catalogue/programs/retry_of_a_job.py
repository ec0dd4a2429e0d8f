"""A job's policy is for its members that have none."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome, note


@rs.Asset
def of_job(context: rs.AssetExecutionContext) -> int:
    if note(context.run_id, "of_job") < 2:
        raise ValueError("again")
    return 1


@rs.Asset(retry=rs.RetryPolicy(0))
def own_policy() -> int:
    raise ValueError("never again")


ASSETS = [of_job, own_policy]
JOBS = [rs.Job("retrying", [of_job, own_policy], retry=rs.RetryPolicy(1))]
LAUNCH = Launch(job="retrying")
EXPECTED = Outcome(materialized=["of_job"], failed={"own_policy": "ValueError: never again"}, retries={"of_job": 1})
