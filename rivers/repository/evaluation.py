"""Evaluations of schedules and sensors that a program asks for: nothing is launched, nothing is recorded."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.clock import Clock
from rivers.definitions import declared
from rivers.definitions.automation_binding import BoundSchedule, BoundSensor
from rivers.definitions.binding import BoundRepository
from rivers.definitions.requests import Request, SkipReason
from rivers.definitions.suggestion import nearest_or_all
from rivers.errors import ExecutionError, NodeNotFoundError
from rivers.kernel.tick import (
    call_schedule,
    call_sensor,
    schedule_context,
    schedule_outcome,
    sensor_context,
    sensor_outcome,
)
from rivers.repository.record import Record


@dataclass(frozen=True, slots=True, init=False)
class ScheduleTickResult(Record):
    """What an evaluation of a schedule asks for."""

    schedule_name: str
    run_requests: list[Request]
    skip_reason: SkipReason | None


@dataclass(frozen=True, slots=True, init=False)
class SensorTickResult(Record):
    """What an evaluation of a sensor asks for, and the cursor that it set, if it did."""

    sensor_name: str
    run_requests: list[Request]
    skip_reason: SkipReason | None
    cursor: str | None


def find_schedule(bound: BoundRepository, name: str) -> BoundSchedule:
    """The schedule of that name; of several the first."""
    for schedule in bound.schedules:
        if schedule.definition.name == name:
            return schedule
    raise _not_found("Schedule", name, [schedule.definition.name for schedule in bound.schedules])


def find_sensor(bound: BoundRepository, name: str) -> BoundSensor:
    """The sensor of that name; of several the first."""
    for sensor in bound.sensors:
        if sensor.definition.name == name:
            return sensor
    raise _not_found("Sensor", name, [sensor.definition.name for sensor in bound.sensors])


def evaluate_schedule(
    bound: BoundRepository, name: str, execution_time: str | None, clock: Clock
) -> ScheduleTickResult:
    """Evaluates at a time that is passed on as it is, by default now."""
    schedule = find_schedule(bound, name)
    time = declared.text("execution_time", execution_time)
    if time is None:
        time = clock.wall().strftime("%Y-%m-%dT%H:%M:%SZ")
    returned = call_schedule(schedule, bound.resources, schedule_context(schedule, time))
    outcome = schedule_outcome(schedule.definition.job, returned)
    return ScheduleTickResult.of(
        schedule_name=name, run_requests=list(outcome.requests), skip_reason=outcome.skip_reason
    )


def evaluate_sensor(
    bound: BoundRepository, name: str, cursor: str | None, last_tick_time: float | None
) -> SensorTickResult:
    """Evaluates with this cursor."""
    sensor = find_sensor(bound, name)
    declared.text("cursor", cursor)
    if sensor.definition.watch is not None:
        raise ExecutionError(f"Sensor '{name}' watches runs: it is evaluated by a daemon, for each run that ends")
    returned = call_sensor(sensor, bound.resources, sensor_context(sensor, cursor, last_tick_time))
    outcome = sensor_outcome(sensor.definition.job, returned)
    return SensorTickResult.of(
        sensor_name=name,
        run_requests=list(outcome.requests),
        skip_reason=outcome.skip_reason,
        cursor=outcome.cursor,
    )


def _not_found(noun: str, name: str, known: list[str]) -> NodeNotFoundError:
    return NodeNotFoundError(
        f"{noun} '{name}' not found",
        remedy=nearest_or_all(str(name), known, f"{noun.lower()}s"),
        node=str(name),
    )
