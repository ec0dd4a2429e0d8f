"""The row of a run in process, as it begins: submitted, started at once, launched from the queue, or used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rivers.driver.owner import owner_id
from rivers.lifecycle.run_queue import priority_of
from rivers.lifecycle.states import LaunchCause, RunKind, RunOwner
from rivers.planning.plan import RunPlan
from rivers.storage.rows import RunRow


def new_row(
    run_id: str,
    plan: RunPlan,
    now: int,
    *,
    tags: Sequence[tuple[str, str]] = (),
    kind: RunKind | None = None,
    cause: LaunchCause = LaunchCause.USER,
    cause_name: str = "",
    priority: int | None = None,
    request_id: str | None = None,
) -> RunRow:
    """A run that is submitted now; the priority is that of its tags unless it is given."""
    tags = tuple(tags)
    if kind is None:
        kind = RunKind.MATERIALIZATION if plan.job is None else RunKind.JOB
    return RunRow(
        run_id,
        kind,
        plan.location,
        plan.job,
        plan.nodes,
        tags,
        now,
        RunOwner.PROCESS,
        cause,
        cause_name,
        root_run_id=run_id,
        request_id=request_id,
        digest=plan.digest,
        total_steps=len(plan.steps),
        partition_key=plan.partition_key,
        priority=priority_of(tags) if priority is None else priority,
        queued_at=now,
    )


def started(row: RunRow, now: int) -> RunRow:
    """The run, executed by this process from now on: the same row, which is nobody else's any more."""
    row.owner_id, row.started_at = owner_id(), now
    return row


def used_again(earlier: RunRow, row: RunRow) -> RunRow:
    """The row of an earlier run for a new one under its id: who launched it stays, and its events go on."""
    return replace(
        earlier,
        owner_id=row.owner_id,
        nodes=row.nodes,
        total_steps=row.total_steps,
        digest=row.digest,
        started_at=row.started_at,
        ended_at=None,
        stored_version=earlier.stored_version,
    )
