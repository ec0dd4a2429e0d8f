"""Schedules and sensors ↔ `rivers.v1`."""

from __future__ import annotations

from typing import cast

from rivers.definitions.automation_snapshot import RunStatusWatch, ScheduleDefinition, SensorDefinition
from rivers.definitions.kinds import EvaluationMode, WatchedStatus
from rivers.v1 import automation_pb2


def encode_schedule(schedule: ScheduleDefinition) -> automation_pb2.ScheduleDefinition:
    """A schedule."""
    return automation_pb2.ScheduleDefinition(
        name=schedule.name,
        cron=schedule.cron,
        job=schedule.job,
        timezone=schedule.timezone,
        is_running=schedule.is_running,
        tags=dict(schedule.tags),
        description=schedule.description,
        mode=_encode_mode(schedule.mode),
        timeout_seconds=schedule.timeout,
        has_function=schedule.has_function,
        is_async=schedule.is_async,
        resources=schedule.resources,
    )


def decode_schedule(schedule: automation_pb2.ScheduleDefinition) -> ScheduleDefinition:
    """A schedule; its tags are sorted by key."""
    return ScheduleDefinition(
        name=schedule.name,
        cron=schedule.cron,
        job=schedule.job,
        timezone=schedule.timezone if schedule.HasField("timezone") else None,
        is_running=schedule.is_running,
        tags=tuple(sorted(schedule.tags.items())),
        description=schedule.description,
        mode=EvaluationMode(schedule.mode or EvaluationMode.AUTO),
        timeout=schedule.timeout_seconds if schedule.HasField("timeout_seconds") else None,
        has_function=schedule.has_function,
        is_async=schedule.is_async,
        resources=tuple(schedule.resources),
    )


def encode_sensor(sensor: SensorDefinition) -> automation_pb2.SensorDefinition:
    """A sensor."""
    return automation_pb2.SensorDefinition(
        name=sensor.name,
        job=sensor.job,
        assets=sensor.assets,
        interval_seconds=sensor.interval,
        is_running=sensor.is_running,
        tags=dict(sensor.tags),
        description=sensor.description,
        mode=_encode_mode(sensor.mode),
        timeout_seconds=sensor.timeout,
        has_function=sensor.has_function,
        is_async=sensor.is_async,
        resources=sensor.resources,
        watch=_encode_watch(sensor.watch),
    )


def decode_sensor(sensor: automation_pb2.SensorDefinition) -> SensorDefinition:
    """A sensor; its tags are sorted by key."""
    return SensorDefinition(
        name=sensor.name,
        job=sensor.job if sensor.HasField("job") else None,
        assets=tuple(sensor.assets),
        interval=sensor.interval_seconds,
        is_running=sensor.is_running,
        tags=tuple(sorted(sensor.tags.items())),
        description=sensor.description,
        mode=EvaluationMode(sensor.mode or EvaluationMode.AUTO),
        timeout=sensor.timeout_seconds if sensor.HasField("timeout_seconds") else None,
        has_function=sensor.has_function,
        is_async=sensor.is_async,
        resources=tuple(sensor.resources),
        watch=_decode_watch(sensor),
    )


def _encode_mode(mode: EvaluationMode) -> automation_pb2.EvaluationMode.ValueType:
    return cast("automation_pb2.EvaluationMode.ValueType", mode)


def _encode_watch(watch: RunStatusWatch | None) -> automation_pb2.RunStatusWatch | None:
    if watch is None:
        return None
    status = cast("automation_pb2.WatchedStatus.ValueType", watch.status)
    return automation_pb2.RunStatusWatch(status=status, jobs=watch.jobs or ())


def _decode_watch(sensor: automation_pb2.SensorDefinition) -> RunStatusWatch | None:
    if not sensor.HasField("watch"):
        return None
    return RunStatusWatch(WatchedStatus(sensor.watch.status), tuple(sensor.watch.jobs) or None)
