"""Schedules and sensors, validated against the jobs, assets and resources that a repository has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from rivers.definitions import humantime
from rivers.definitions.automation_snapshot import RunStatusWatch, ScheduleDefinition, SensorDefinition
from rivers.definitions.declared import listed
from rivers.definitions.evaluation_function import EvaluationFunction
from rivers.definitions.kinds import EvaluationMode, WatchedStatus
from rivers.definitions.parameters import config_class_of, is_context
from rivers.definitions.schedule import Schedule
from rivers.definitions.sensor import Sensor
from rivers.definitions.signature import EMPTY
from rivers.definitions.suggestion import nearest, nearest_or_all
from rivers.errors import ConfigurationError, ScheduleDefinitionError, SensorDefinitionError

_CONTEXTS = ("ScheduleEvaluationContext", "SensorEvaluationContext", "RunStatusSensorContext")
_DEFAULT_INTERVAL = "30s"

DefinitionT = TypeVar("DefinitionT", ScheduleDefinition, SensorDefinition)


class Argument(Enum):
    """What a parameter of an evaluation function receives."""

    CONTEXT = "context"
    RESOURCE = "resource"


@dataclass(frozen=True)
class BoundAutomation(Generic[DefinitionT]):
    """A schedule or sensor with what its function is called with, by parameter; others keep their default.

    `timeout` is the limit of an evaluation as its author wrote it.
    """

    definition: DefinitionT
    function: Any
    arguments: Mapping[str, Argument]
    config_class: Any
    timeout: str = ""


BoundSchedule = BoundAutomation[ScheduleDefinition]
BoundSensor = BoundAutomation[SensorDefinition]


def bind_schedules(
    schedules: Iterable[Schedule], jobs: Collection[str], resources: Mapping[str, Any]
) -> tuple[BoundSchedule, ...]:
    """Every schedule as frozen data, with its function."""
    return tuple(_bind_schedule(schedule, jobs, resources) for schedule in schedules)


def bind_sensors(
    sensors: Iterable[Sensor], jobs: Collection[str], nodes: Collection[str], resources: Mapping[str, Any]
) -> tuple[BoundSensor, ...]:
    """Every sensor as frozen data, with its function."""
    return tuple(_bind_sensor(sensor, jobs, nodes, resources) for sensor in sensors)


def _bind_schedule(schedule: Schedule, jobs: Collection[str], resources: Mapping[str, Any]) -> BoundSchedule:
    if schedule.job_name not in jobs:
        raise ScheduleDefinitionError(
            f"Schedule '{schedule.name}' references unknown job '{schedule.job_name}'. "
            "Define the job and add it to `CodeRepository(jobs=...)`.",
            remedy=nearest(schedule.job_name, jobs),
            schedule=schedule.name,
        )
    where = f"Schedule '{schedule.name}'"
    arguments, config_class = _arguments(where, schedule.function, resources)
    definition = ScheduleDefinition(
        name=schedule.name,
        cron=schedule.cron_schedule,
        job=schedule.job_name,
        timezone=schedule.timezone,
        is_running=schedule.default_status.name == "Running",
        tags=_pairs(schedule.tags),
        description=schedule.description or "",
        mode=EvaluationMode(int(schedule.eval_mode) + 1),
        timeout=_seconds(where, "eval_timeout", schedule.eval_timeout),
        has_function=schedule.function is not None,
        is_async=schedule.function is not None and schedule.function.is_async,
        resources=_resources(arguments),
    )
    return BoundAutomation(definition, schedule.evaluation_fn, arguments, config_class, schedule.eval_timeout or "")


def _bind_sensor(
    sensor: Sensor, jobs: Collection[str], nodes: Collection[str], resources: Mapping[str, Any]
) -> BoundSensor:
    where = f"Sensor '{sensor.name}'"
    _check_targets(where, sensor, jobs, nodes)
    arguments, config_class = _arguments(where, sensor.function, resources)
    watch = None
    if sensor.monitored_status is not None:
        watch = RunStatusWatch(
            WatchedStatus[sensor.monitored_status.name.upper()],
            None if sensor.monitored_jobs is None else tuple(sensor.monitored_jobs),
        )
    definition = SensorDefinition(
        name=sensor.name,
        job=sensor.job_name,
        assets=tuple(sensor.asset_selection or ()),
        interval=_seconds(where, "minimum_interval", sensor.minimum_interval or _DEFAULT_INTERVAL) or 0.0,
        is_running=sensor.default_status.name == "Running",
        tags=_pairs(sensor.tags),
        description=sensor.description or "",
        mode=EvaluationMode(int(sensor.eval_mode) + 1),
        timeout=_seconds(where, "eval_timeout", sensor.eval_timeout),
        has_function=sensor.function is not None,
        is_async=sensor.function is not None and sensor.function.is_async,
        resources=_resources(arguments),
        watch=watch,
    )
    return BoundAutomation(definition, sensor.evaluation_fn, arguments, config_class, sensor.eval_timeout or "")


def _check_targets(where: str, sensor: Sensor, jobs: Collection[str], nodes: Collection[str]) -> None:
    advice = "Define the job and add it to `CodeRepository(jobs=...)`."
    for job in sensor.monitored_jobs or ():
        if job not in jobs:
            raise SensorDefinitionError(
                f"{where} monitors unknown job '{job}'. {advice}", remedy=nearest(job, jobs), sensor=sensor.name
            )
    if sensor.monitored_status is not None:
        return
    if sensor.job_name is not None and sensor.job_name not in jobs:
        raise SensorDefinitionError(
            f"{where} references unknown job '{sensor.job_name}'. {advice}",
            remedy=nearest(sensor.job_name, jobs),
            sensor=sensor.name,
        )
    for asset in sensor.asset_selection or ():
        if asset not in nodes:
            raise SensorDefinitionError(
                f"{where} references unknown asset '{asset}' in `asset_selection`.",
                remedy=nearest_or_all(asset, nodes, "assets"),
                sensor=sensor.name,
            )
    if sensor.job_name is None and not sensor.asset_selection:
        raise SensorDefinitionError(
            f"{where} must declare either `job_name` or `asset_selection` — "
            "the daemon has no target to dispatch against.",
            sensor=sensor.name,
        )


def _arguments(
    where: str, function: EvaluationFunction | None, resources: Mapping[str, Any]
) -> tuple[dict[str, Argument], Any]:
    """What each parameter receives, and the model of the context's configuration."""
    found: dict[str, Argument] = {}
    config_class: Any = None
    if function is None:
        return found, config_class
    for place, parameter in enumerate(function.signature.parameters):
        annotation = function.signature.resolve(parameter.annotation)
        if is_context(annotation, _CONTEXTS):
            found[parameter.name] = Argument.CONTEXT
            config_class = config_class_of(annotation)
        elif place == 0 and parameter.name == "context" and "context" not in resources:
            found[parameter.name] = Argument.CONTEXT
        elif parameter.name in resources:
            found[parameter.name] = Argument.RESOURCE
        elif parameter.default is EMPTY:
            raise ConfigurationError(
                f"{where}: parameter '{parameter.name}' does not match any known resource. "
                f"Available resources: {listed(resources)}",
                remedy=nearest(parameter.name, resources),
            )
    return found, config_class


def _resources(arguments: Mapping[str, Argument]) -> tuple[str, ...]:
    return tuple(name for name, argument in arguments.items() if argument is Argument.RESOURCE)


def _seconds(where: str, field: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return humantime.seconds(text, field)
    except ValueError as error:
        error.add_note(f"{where}, {field}=")
        raise


def _pairs(tags: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((tags or {}).items()))
