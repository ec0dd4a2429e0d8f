"""A job runs its members and nothing else."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Asset
def of_the_job() -> int:
    return 1


@rs.Asset
def next_of_the_job(of_the_job: int) -> int:
    return of_the_job + 1


@rs.Asset
def not_of_the_job(of_the_job: int) -> int:
    raise ValueError("not asked for")


ASSETS = [of_the_job, next_of_the_job, not_of_the_job]
JOBS = [rs.Job("some", [next_of_the_job, of_the_job])]
LAUNCH = Launch(job="some", tags=[("team", "a"), ("team", "b")])
EXPECTED = Outcome(materialized=["of_the_job", "next_of_the_job"], values={"next_of_the_job": 2})
