"""Runs, their steps and their captured output → `rivers.v1`."""

from __future__ import annotations

from typing import cast

from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import PlannedStep
from rivers.storage.rows import LogRow, RunRow
from rivers.v1 import run_pb2
from rivers.wire.failures import encode_failure, printable
from rivers.wire.identity import fill_partition_key, fill_step_id
from rivers.wire.values import encode_tags

_SECOND = 1_000_000_000


def encode_run(row: RunRow, *, block_reason: str = "") -> run_pb2.Run:
    """A run; why it waits is computed by the caller, never stored."""
    run = run_pb2.Run(
        run_id=row.run_id,
        state=cast("run_pb2.RunState.ValueType", row.state),
        kind=cast("run_pb2.RunKind.ValueType", row.kind),
        location=row.location,
        job=row.job or "",
        nodes=row.nodes,
        priority=row.priority,
        owner=cast("run_pb2.RunOwner.ValueType", row.owner),
        root_run_id=row.root_run_id or row.run_id,
        parent_run_id=row.parent_run_id,
        block_reason=block_reason,
        completed_steps=row.completed_steps,
        total_steps=row.total_steps,
        digest=row.digest,
        last_seq=row.last_seq,
    )
    time = run.submit_time
    time.seconds, time.nanos = divmod(row.submitted_at, _SECOND)
    if row.started_at is not None:
        time = run.start_time
        time.seconds, time.nanos = divmod(row.started_at, _SECOND)
    if row.ended_at is not None:
        time = run.end_time
        time.seconds, time.nanos = divmod(row.ended_at, _SECOND)
    launch = run.launch
    launch.cause = cast("run_pb2.LaunchCause.ValueType", row.cause)
    launch.name = row.cause_name
    if row.tags:
        run.tags.extend(encode_tags(row.tags))
    if row.failure is not None:
        run.failure.CopyFrom(encode_failure(row.failure))
    if row.partition_key is not None:
        fill_partition_key(run.partition_key, row.partition_key)
    return run


def encode_step(planned: PlannedStep, progress: StepProgress) -> run_pb2.Step:
    """A step as far as it has come."""
    step = run_pb2.Step(
        ordinal=progress.ordinal,
        key=planned.key,
        state=cast("run_pb2.StepState.ValueType", progress.state),
        attempt=progress.attempt,
        location=planned.location,
    )
    fill_step_id(step.id, planned.id)
    if progress.failure is not None:
        step.failure.CopyFrom(encode_failure(progress.failure))
    return step


def encode_log(row: LogRow) -> run_pb2.LogChunk:
    """A chunk of captured output."""
    chunk = run_pb2.LogChunk(
        run_id=row.run_id,
        seq=row.seq,
        step_key=row.step_key,
        attempt=row.attempt,
        stream=cast("run_pb2.LogStream.ValueType", row.stream),
        text=printable(row.text),
    )
    time = chunk.time
    time.seconds, time.nanos = divmod(row.at, _SECOND)
    return chunk
