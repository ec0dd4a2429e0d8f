"""Runs and their steps, as a caller sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import LaunchCause, RunKind, RunOwner, RunState, StepState
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import StepId
from rivers.v1 import run_pb2
from rivers.wire.failures import decode_failure
from rivers.wire.identity import decode_partition_key, decode_step_id
from rivers.wire.times import decode_datetime
from rivers.wire.values import decode_tags
from rivers_client._enumerations import member


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a run; `attempt` counts from 1 and is 0 before the first."""

    ordinal: int
    id: StepId
    key: str
    state: StepState
    attempt: int
    location: str
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run, as it was when it was read. Steps are there when one run was asked for, not in listings."""

    run_id: str
    state: RunState
    kind: RunKind
    location: str
    job: str | None
    nodes: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    priority: int
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cause: LaunchCause
    cause_name: str
    owner: RunOwner
    root_run_id: str
    parent_run_id: str | None
    failure: Failure | None
    block_reason: str
    completed_steps: int
    total_steps: int
    digest: str
    partition_key: PartitionKey | None
    last_seq: int
    steps: tuple[Step, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing follows."""
        return self.state.is_terminal

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.state == RunState.SUCCEEDED


def read_step(step: run_pb2.Step) -> Step:
    """A step, from the wire."""
    return Step(
        ordinal=step.ordinal,
        id=decode_step_id(step.id),
        key=step.key,
        state=member(StepState, step.state),
        attempt=step.attempt,
        location=step.location,
        failure=decode_failure(step.failure) if step.HasField("failure") else None,
    )


def read_run(run: run_pb2.Run, steps: Iterable[run_pb2.Step] = ()) -> Run:
    """A run, from the wire."""
    return Run(
        run_id=run.run_id,
        state=member(RunState, run.state),
        kind=member(RunKind, run.kind),
        location=run.location,
        job=run.job or None,
        nodes=tuple(run.nodes),
        tags=decode_tags(run.tags),
        priority=run.priority,
        submitted_at=decode_datetime(run.submit_time),
        started_at=decode_datetime(run.start_time) if run.HasField("start_time") else None,
        ended_at=decode_datetime(run.end_time) if run.HasField("end_time") else None,
        cause=member(LaunchCause, run.launch.cause),
        cause_name=run.launch.name,
        owner=member(RunOwner, run.owner),
        root_run_id=run.root_run_id,
        parent_run_id=run.parent_run_id or None,
        failure=decode_failure(run.failure) if run.HasField("failure") else None,
        block_reason=run.block_reason,
        completed_steps=run.completed_steps,
        total_steps=run.total_steps,
        digest=run.digest,
        partition_key=decode_partition_key(run.partition_key) if run.HasField("partition_key") else None,
        last_seq=run.last_seq,
        steps=tuple([read_step(step) for step in steps]),
    )
