"""A job with an executor of its own."""

import os

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Asset
def job_pid() -> int:
    return os.getpid()


@rs.Asset
def same_pid(job_pid: int) -> bool:
    return os.getpid() == job_pid


ASSETS = [job_pid, same_pid]
JOBS = [rs.Job("together", [job_pid, same_pid], executor=rs.Executor.in_process())]
LAUNCH = Launch(job="together")
EXPECTED = Outcome(materialized=["job_pid", "same_pid"], values={"same_pid": True})
