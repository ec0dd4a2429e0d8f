"""Backfills and their units → `rivers.v1`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from rivers.lifecycle.backfill.counters import canceled
from rivers.lifecycle.backfill.forecast import Forecast
from rivers.lifecycle.backfill.states import UnitReason, UnitState
from rivers.partitions.key import PartitionKey
from rivers.storage.backfill_rows import BackfillRow
from rivers.v1 import backfill_pb2, run_pb2
from rivers.wire.identity import encode_partition_key, fill_partition_key
from rivers.wire.partitions import encode_strategy
from rivers.wire.times import encode_time
from rivers.wire.values import encode_tags


def encode_backfill(row: BackfillRow, *, reason: str = "") -> backfill_pb2.Backfill:
    """A backfill; a reason that is computed by the caller comes before the stored one."""
    counters = row.counters
    return backfill_pb2.Backfill(
        backfill_id=row.backfill_id,
        location=row.location,
        nodes=row.nodes,
        state=cast("backfill_pb2.BackfillState.ValueType", row.status),
        reason=reason or row.reason,
        error=row.error,
        total_partitions=row.total_partitions,
        completed_partitions=counters.completed,
        failed_partitions=counters.failed,
        canceled_partitions=canceled(row.total_partitions, counters, row.intent),
        running_partitions=counters.live,
        total_runs=row.total_units,
        created_runs=counters.runs,
        max_concurrency=row.max_concurrency,
        failure_policy=cast("backfill_pb2.FailurePolicy.ValueType", row.failure_policy),
        priority=row.priority,
        tags=encode_tags(row.tags),
        launch=run_pb2.Launch(cause=cast("run_pb2.LaunchCause.ValueType", row.cause), name=row.cause_name),
        rerun_of=row.rerun_of,
        created_at=encode_time(row.created_at),
        started_at=encode_time(row.started_at) if row.started_at is not None else None,
        ended_at=encode_time(row.ended_at) if row.ended_at is not None else None,
        version=row.version,
    )


def encode_unit(
    segment: int,
    unit: int,
    key: PartitionKey,
    *,
    state: UnitState,
    size: int,
    failed: int = 0,
    reason: UnitReason = UnitReason.NONE,
    run_id: str = "",
    failed_keys: Iterable[PartitionKey] = (),
) -> backfill_pb2.BackfillUnit:
    """A unit, whether it has a row or not."""
    target = backfill_pb2.BackfillUnit(
        segment=segment,
        unit=unit,
        state=cast("backfill_pb2.BackfillUnitState.ValueType", state),
        reason=cast("backfill_pb2.BackfillUnitReason.ValueType", reason),
        run_id=run_id,
        partitions=size,
        failed_partitions=failed,
        failed_keys=[encode_partition_key(one) for one in failed_keys],
    )
    fill_partition_key(target.partition_key, key)
    return target


def encode_forecast(forecast: Forecast) -> backfill_pb2.BackfillForecast:
    """What a backfill would do and use."""
    return backfill_pb2.BackfillForecast(
        partitions=forecast.partitions,
        runs=forecast.runs,
        segments=[
            backfill_pb2.BackfillSegment(
                nodes=segment.nodes,
                partitions=segment.partitions,
                runs=segment.runs,
                first_keys=[encode_partition_key(key) for key in segment.first_keys],
                last_key=encode_partition_key(segment.last_key) if segment.last_key is not None else None,
                upstream=segment.upstream,
            )
            for segment in forecast.segments
        ],
        pools=[
            backfill_pb2.PoolForecast(
                pool=pool.pool, slots_a_run=pool.slots_a_run, peak_slots=pool.peak_slots, limit=pool.limit
            )
            for pool in forecast.pools
        ],
        strategy=encode_strategy(forecast.strategy),
    )
