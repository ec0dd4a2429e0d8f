"""Backfills, as a caller sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rivers.lifecycle.backfill.states import BackfillStatus, FailurePolicy, UnitReason, UnitState
from rivers.lifecycle.states import LaunchCause
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.key import PartitionKey
from rivers.v1 import backfill_pb2
from rivers.wire.identity import decode_partition_key
from rivers.wire.partitions import decode_strategy
from rivers.wire.times import decode_datetime
from rivers.wire.values import decode_tags
from rivers_client._enumerations import member


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill, as it was when it was read. Counts are of partitions, those of runs say so."""

    backfill_id: str
    status: BackfillStatus
    location: str
    nodes: tuple[str, ...]
    total: int
    completed: int
    failed: int
    canceled: int
    running: int
    total_runs: int
    created_runs: int
    reason: str
    error: str
    max_concurrency: int
    failure_policy: FailurePolicy
    priority: int
    tags: tuple[tuple[str, str], ...]
    cause: LaunchCause
    cause_name: str
    rerun_of: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    version: int

    @property
    def is_over(self) -> bool:
        """Whether nothing follows."""
        return self.status.is_terminal

    @property
    def succeeded(self) -> bool:
        """Whether every partition is done."""
        return self.status == BackfillStatus.COMPLETED


@dataclass(frozen=True, slots=True)
class BackfillUnit:
    """Partitions that share a run; `failed_keys` are those that the function marked as failed."""

    segment: int
    unit: int
    partition_key: PartitionKey
    state: UnitState
    reason: UnitReason
    run_id: str | None
    partitions: int
    failed: int
    failed_keys: tuple[PartitionKey, ...]


@dataclass(frozen=True, slots=True)
class ForecastSegment:
    """Assets that run together; `last_key` is `None` when `first_keys` are all."""

    nodes: tuple[str, ...]
    partitions: int
    runs: int
    first_keys: tuple[PartitionKey, ...]
    last_key: PartitionKey | None
    upstream: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ForecastPool:
    """Slots of a pool that one run may hold at a time, and all of them together."""

    pool: str
    slots_a_run: int
    peak_slots: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class BackfillForecast:
    """What a backfill would do and use; nothing is stored of it."""

    partitions: int
    runs: int
    segments: tuple[ForecastSegment, ...]
    pools: tuple[ForecastPool, ...]
    strategy: BackfillStrategy


def read_backfill(message: backfill_pb2.Backfill) -> Backfill:
    """A backfill, from the wire."""
    return Backfill(
        backfill_id=message.backfill_id,
        status=member(BackfillStatus, message.state),
        location=message.location,
        nodes=tuple(message.nodes),
        total=message.total_partitions,
        completed=message.completed_partitions,
        failed=message.failed_partitions,
        canceled=message.canceled_partitions,
        running=message.running_partitions,
        total_runs=message.total_runs,
        created_runs=message.created_runs,
        reason=message.reason,
        error=message.error,
        max_concurrency=message.max_concurrency,
        failure_policy=member(FailurePolicy, message.failure_policy),
        priority=message.priority,
        tags=decode_tags(message.tags),
        cause=member(LaunchCause, message.launch.cause),
        cause_name=message.launch.name,
        rerun_of=message.rerun_of or None,
        created_at=decode_datetime(message.created_at),
        started_at=decode_datetime(message.started_at) if message.HasField("started_at") else None,
        ended_at=decode_datetime(message.ended_at) if message.HasField("ended_at") else None,
        version=message.version,
    )


def read_unit(message: backfill_pb2.BackfillUnit) -> BackfillUnit:
    """A unit, from the wire."""
    key = decode_partition_key(message.partition_key)
    assert key is not None
    failed = [decode_partition_key(one) for one in message.failed_keys]
    return BackfillUnit(
        segment=message.segment,
        unit=message.unit,
        partition_key=key,
        state=member(UnitState, message.state),
        reason=member(UnitReason, message.reason),
        run_id=message.run_id or None,
        partitions=message.partitions,
        failed=message.failed_partitions,
        failed_keys=tuple(one for one in failed if one is not None),
    )


def read_forecast(message: backfill_pb2.BackfillForecast) -> BackfillForecast:
    """A forecast, from the wire."""
    return BackfillForecast(
        message.partitions,
        message.runs,
        tuple(_read_segment(segment) for segment in message.segments),
        tuple(
            ForecastPool(pool.pool, pool.slots_a_run, pool.peak_slots, pool.limit if pool.HasField("limit") else None)
            for pool in message.pools
        ),
        decode_strategy(message.strategy),
    )


def _read_segment(message: backfill_pb2.BackfillSegment) -> ForecastSegment:
    first = [decode_partition_key(key) for key in message.first_keys]
    return ForecastSegment(
        tuple(message.nodes),
        message.partitions,
        message.runs,
        tuple(key for key in first if key is not None),
        decode_partition_key(message.last_key) if message.HasField("last_key") else None,
        tuple(message.upstream),
    )
