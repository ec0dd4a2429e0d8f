"""Definitions ↔ `rivers.v1`, and a snapshot as the stream that a location answers with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from google.protobuf.message import Message

from rivers.definitions.automation_snapshot import ScheduleDefinition, SensorDefinition
from rivers.definitions.kinds import (
    BackoffKind,
    Delivery,
    ExecutorKind,
    HandlerKind,
    HookKind,
    StepKind,
    TriggerRule,
)
from rivers.definitions.snapshot import (
    EdgeDefinition,
    ExecutorDefinition,
    HookDefinition,
    JobDefinition,
    OutputDefinition,
    PoolClaim,
    RetryDefinition,
    Snapshot,
    StepDefinition,
)
from rivers.partitions.definition import PartitionsDefinition
from rivers.v1 import definition_service_pb2, definitions_pb2
from rivers.wire.automation import decode_schedule, decode_sensor, encode_schedule, encode_sensor
from rivers.wire.conditions import decode_condition, encode_condition
from rivers.wire.launching import decode_run_backend, decode_run_queue, encode_run_backend, encode_run_queue
from rivers.wire.partitions import (
    decode_mapping,
    decode_partitions,
    decode_strategy,
    encode_mapping,
    encode_partitions,
    encode_strategy,
)
from rivers.wire.shared_partitions import SharedPartitions, read_shared
from rivers.wire.shared_partitions import shared as shared_partitions
from rivers.wire.values import decode_map, encode_map

#: A slice is closed before it passes this many bytes, well under the default message size of 4 MiB.
SLICE_BYTES = 512 * 1024


def encode_executor(executor: ExecutorDefinition) -> definitions_pb2.ExecutorDefinition:
    """An executor."""
    return definitions_pb2.ExecutorDefinition(
        kind=cast("definitions_pb2.ExecutorKind.ValueType", executor.kind),
        max_workers=executor.max_workers,
        max_async_concurrent=executor.max_async_concurrent,
        kubernetes=encode_map(dict(executor.kubernetes)) if executor.kubernetes else None,
    )


def decode_executor(executor: definitions_pb2.ExecutorDefinition) -> ExecutorDefinition:
    """An executor."""
    return ExecutorDefinition(
        ExecutorKind(executor.kind),
        executor.max_workers if executor.HasField("max_workers") else None,
        executor.max_async_concurrent if executor.HasField("max_async_concurrent") else None,
        tuple(decode_map(executor.kubernetes).items()),
    )


def encode_retry(retry: RetryDefinition) -> definitions_pb2.RetryDefinition:
    """A retry policy."""
    only = None
    if retry.reasons is not None or retry.exception_types is not None:
        only = definitions_pb2.RetryFilter(reasons=retry.reasons or (), exception_types=retry.exception_types or ())
    return definitions_pb2.RetryDefinition(
        max_retries=retry.max_retries,
        backoff=cast("definitions_pb2.BackoffKind.ValueType", retry.backoff or 0),
        delay_seconds=retry.delay,
        initial_seconds=retry.initial,
        factor=retry.factor,
        schedule_seconds=retry.schedule,
        jitter=retry.jitter,
        max_delay_seconds=retry.max_delay,
        only=only,
    )


def decode_retry(retry: definitions_pb2.RetryDefinition) -> RetryDefinition:
    """A retry policy. Of a filter by one kind the other is `None` again."""
    reasons: tuple[str, ...] | None = None
    exception_types: tuple[str, ...] | None = None
    if retry.HasField("only"):
        reasons, exception_types = tuple(retry.only.reasons), tuple(retry.only.exception_types)
        if bool(reasons) != bool(exception_types):
            reasons, exception_types = reasons or None, exception_types or None
    return RetryDefinition(
        max_retries=retry.max_retries,
        backoff=BackoffKind(retry.backoff) if retry.backoff else None,
        delay=retry.delay_seconds,
        initial=retry.initial_seconds,
        factor=retry.factor,
        schedule=tuple(retry.schedule_seconds),
        jitter=retry.jitter,
        max_delay=retry.max_delay_seconds if retry.HasField("max_delay_seconds") else None,
        reasons=reasons,
        exception_types=exception_types,
    )


def encode_pools(pools: Iterable[PoolClaim]) -> list[definitions_pb2.PoolClaim]:
    """What a step claims."""
    return [definitions_pb2.PoolClaim(pool=claim.pool, slots=claim.slots) for claim in pools]


def decode_pools(pools: Iterable[definitions_pb2.PoolClaim]) -> tuple[PoolClaim, ...]:
    """What a step claims."""
    return tuple([PoolClaim(claim.pool, claim.slots) for claim in pools])


def encode_output(output: OutputDefinition, shared: SharedPartitions | None = None) -> definitions_pb2.OutputDefinition:
    """An output; its partitions in place, or as the number by which they are `shared`."""
    return definitions_pb2.OutputDefinition(
        name=output.name,
        tags=output.tags,
        kinds=output.kinds,
        group=output.group,
        code_version=output.code_version,
        metadata=dict(output.metadata),
        handler=cast("definitions_pb2.HandlerKind.ValueType", output.handler),
        handler_class=output.handler_class,
        is_asset=output.is_asset,
        type_name=output.type_name,
        pools=encode_pools(output.pools) if output.pools else None,
        is_mapped=output.is_mapped,
        partitions=encode_partitions(output.partitions) if output.partitions is not None and shared is None else None,
        shared_partitions=shared.number_of(output.partitions) if output.partitions is not None and shared else 0,
        backfill_strategy=encode_strategy(output.backfill_strategy) if output.backfill_strategy is not None else None,
    )


def decode_output(
    output: definitions_pb2.OutputDefinition, shared: dict[int, PartitionsDefinition] | None = None
) -> OutputDefinition:
    """An output; its metadata is sorted by key."""
    return OutputDefinition(
        name=output.name,
        tags=tuple(output.tags),
        kinds=tuple(output.kinds),
        group=output.group if output.HasField("group") else None,
        code_version=output.code_version if output.HasField("code_version") else None,
        metadata=tuple(sorted(output.metadata.items())),
        handler=HandlerKind(output.handler or HandlerKind.DEFAULT),
        handler_class=output.handler_class,
        is_asset=output.is_asset,
        type_name=output.type_name,
        pools=decode_pools(output.pools) if output.pools else (),
        is_mapped=output.is_mapped,
        partitions=_decode_partitions(output, shared),
        backfill_strategy=decode_strategy(output.backfill_strategy) if output.HasField("backfill_strategy") else None,
    )


def _decode_partitions(
    output: definitions_pb2.OutputDefinition, shared: dict[int, PartitionsDefinition] | None
) -> PartitionsDefinition | None:
    if output.shared_partitions:
        return shared_partitions(shared or {}, output.shared_partitions)
    return decode_partitions(output.partitions) if output.HasField("partitions") else None


def encode_edge(edge: EdgeDefinition) -> definitions_pb2.EdgeDefinition:
    """A dependency."""
    return definitions_pb2.EdgeDefinition(
        upstream=edge.upstream,
        parameter=edge.parameter,
        trigger=cast("definitions_pb2.TriggerRule.ValueType", edge.trigger),
        delivery=cast("definitions_pb2.Delivery.ValueType", edge.delivery),
        mapping=encode_mapping(edge.mapping) if edge.mapping is not None else None,
        outputs=edge.outputs,
    )


def decode_edge(edge: definitions_pb2.EdgeDefinition) -> EdgeDefinition:
    """A dependency."""
    return EdgeDefinition(
        edge.upstream,
        edge.parameter if edge.HasField("parameter") else None,
        TriggerRule(edge.trigger or TriggerRule.ON_SUCCESS),
        Delivery(edge.delivery or Delivery.VALUE),
        decode_mapping(edge.mapping) if edge.HasField("mapping") else None,
        tuple(edge.outputs),
    )


def encode_step_definition(
    step: StepDefinition, partitions: SharedPartitions | None = None
) -> definitions_pb2.StepDefinition:
    """A step's definition."""
    return definitions_pb2.StepDefinition(
        key=step.key,
        kind=cast("definitions_pb2.StepKind.ValueType", step.kind),
        outputs=[encode_output(output, partitions) for output in step.outputs],
        edges=[encode_edge(edge) for edge in step.edges],
        executor=encode_executor(step.executor) if step.executor is not None else None,
        retry=encode_retry(step.retry) if step.retry is not None else None,
        pools=encode_pools(step.pools),
        is_async=step.is_async,
        resources=step.resources,
        graph=step.graph,
        condition=step.condition,
        description=step.description,
        is_idle=not step.is_runnable,
        automation=encode_condition(step.automation) if step.automation is not None else None,
        hooks=[
            definitions_pb2.HookDefinition(name=hook.name, kind=cast("definitions_pb2.HookKind.ValueType", hook.kind))
            for hook in step.hooks
        ],
        reads_itself=step.reads_itself,
        max_concurrency=step.max_concurrency,
    )


def decode_step_definition(
    step: definitions_pb2.StepDefinition, partitions: dict[int, PartitionsDefinition] | None = None
) -> StepDefinition:
    """A step's definition."""
    return StepDefinition(
        key=step.key,
        kind=StepKind(step.kind),
        outputs=tuple([decode_output(output, partitions) for output in step.outputs]),
        edges=tuple([decode_edge(edge) for edge in step.edges]),
        executor=decode_executor(step.executor) if step.HasField("executor") else None,
        retry=decode_retry(step.retry) if step.HasField("retry") else None,
        pools=decode_pools(step.pools),
        is_async=step.is_async,
        resources=tuple(step.resources),
        graph=step.graph,
        condition=step.condition if step.HasField("condition") else None,
        description=step.description,
        is_runnable=not step.is_idle,
        automation=decode_condition(step.automation) if step.HasField("automation") else None,
        hooks=tuple([HookDefinition(hook.name, HookKind(hook.kind)) for hook in step.hooks]) if step.hooks else (),
        reads_itself=step.reads_itself,
        max_concurrency=step.max_concurrency,
    )


def encode_job(job: JobDefinition) -> definitions_pb2.JobDefinition:
    """A job."""
    return definitions_pb2.JobDefinition(
        name=job.name,
        steps=job.steps,
        executor=encode_executor(job.executor) if job.executor is not None else None,
        retry=encode_retry(job.retry) if job.retry is not None else None,
        allow_incomplete_deps=job.allow_incomplete_deps,
    )


def decode_job(job: definitions_pb2.JobDefinition) -> JobDefinition:
    """A job."""
    return JobDefinition(
        name=job.name,
        steps=tuple(job.steps),
        executor=decode_executor(job.executor) if job.HasField("executor") else None,
        retry=decode_retry(job.retry) if job.HasField("retry") else None,
        allow_incomplete_deps=job.allow_incomplete_deps,
    )


def encode_header(snapshot: Snapshot) -> definitions_pb2.SnapshotHeader:
    """What is said once about a snapshot; the sender adds `step_lease` and `rivers_version`."""
    return definitions_pb2.SnapshotHeader(
        digest=snapshot.digest,
        module=snapshot.module,
        repository=snapshot.repository,
        step_count=len(snapshot.steps),
        job_count=len(snapshot.jobs),
        default_executor=encode_executor(snapshot.default_executor),
        default_retry=encode_retry(snapshot.default_retry) if snapshot.default_retry is not None else None,
        pool_limits=dict(snapshot.pool_limits),
        run_queue=encode_run_queue(snapshot.run_queue) if snapshot.run_queue is not None else None,
        run_backend=encode_run_backend(snapshot.run_backend) if snapshot.run_backend is not None else None,
    )


def encode_snapshot(snapshot: Snapshot) -> Iterator[definition_service_pb2.GetSnapshotResponse]:
    """The header, then the definitions in slices, each made when it is asked for."""
    yield definition_service_pb2.GetSnapshotResponse(header=encode_header(snapshot))
    response, size = definition_service_pb2.GetSnapshotResponse(), 0
    for field, definition in _definitions(snapshot):
        if size and size + definition.ByteSize() > SLICE_BYTES:
            yield response
            response, size = definition_service_pb2.GetSnapshotResponse(), 0
        getattr(response.slice, field).append(definition)
        size += definition.ByteSize() + 8
    if size:
        yield response


def _definitions(snapshot: Snapshot) -> Iterator[tuple[str, Message]]:
    """Every definition, with the field of a slice that it goes to."""
    partitions = SharedPartitions(snapshot)
    for piece in partitions.pieces():
        yield "partitions", piece
    for step in snapshot.steps:
        yield "steps", encode_step_definition(step, partitions)
    for job in snapshot.jobs:
        yield "jobs", encode_job(job)
    for schedule in snapshot.schedules:
        yield "schedules", encode_schedule(schedule)
    for sensor in snapshot.sensors:
        yield "sensors", encode_sensor(sensor)


def decode_snapshot(
    header: definitions_pb2.SnapshotHeader, slices: Iterable[definition_service_pb2.SnapshotSlice]
) -> Snapshot:
    """The snapshot. Its digest is the header's: it names what was loaded, whatever this version can read of it."""
    steps: list[StepDefinition] = []
    jobs: list[JobDefinition] = []
    schedules: list[ScheduleDefinition] = []
    sensors: list[SensorDefinition] = []
    slices = list(slices)
    partitions = read_shared(piece for part in slices for piece in part.partitions)
    for part in slices:
        steps += [decode_step_definition(step, partitions) for step in part.steps]
        jobs += map(decode_job, part.jobs)
        schedules += map(decode_schedule, part.schedules)
        sensors += map(decode_sensor, part.sensors)
    snapshot = Snapshot(
        steps=tuple(steps),
        jobs=tuple(jobs),
        default_executor=decode_executor(header.default_executor),
        default_retry=decode_retry(header.default_retry) if header.HasField("default_retry") else None,
        pool_limits=tuple(sorted(header.pool_limits.items())),
        run_queue=decode_run_queue(header.run_queue) if header.HasField("run_queue") else None,
        run_backend=decode_run_backend(header.run_backend) if header.HasField("run_backend") else None,
        schedules=tuple(schedules),
        sensors=tuple(sensors),
        module=header.module,
        repository=header.repository,
    )
    if header.digest:
        snapshot.__dict__["digest"] = header.digest
    return snapshot
