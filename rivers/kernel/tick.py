"""One evaluation of a schedule or sensor: calls its function and reads what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from rivers.definitions.automation_binding import Argument, BoundAutomation, BoundSchedule, BoundSensor
from rivers.definitions.requests import BackfillRequest, Request, RunRequest, SensorResult, SkipReason
from rivers.errors import ConfigurationError, ExecutionError
from rivers.kernel.config import build_config
from rivers.kernel.tick_contexts import ScheduleEvaluationContext, SensorEvaluationContext

NO_REASON = "Eval fn didn't return a RunRequest, no reason provided"


@dataclass(frozen=True, slots=True)
class TickOutcome:
    """What one evaluation asks for: requests in their order, a reason for none, a cursor for the next."""

    requests: tuple[Request, ...] = ()
    skip_reason: SkipReason | None = None
    cursor: str | None = None


def schedule_context(bound: BoundSchedule, execution_time: str) -> ScheduleEvaluationContext[Any]:
    """What a schedule's function is told, with its configuration."""
    return ScheduleEvaluationContext(execution_time, bound.definition.name, build_config(bound.config_class, None))


def sensor_context(
    bound: BoundSensor, cursor: str | None, last_tick_time: float | None
) -> SensorEvaluationContext[Any]:
    """What a sensor's function is told, with its configuration."""
    config = build_config(bound.config_class, None)
    return SensorEvaluationContext(bound.definition.name, cursor, last_tick_time, config)


def call_schedule(bound: BoundSchedule, resources: Mapping[str, Any], context: Any) -> Any:
    """What the function returns, a coroutine for a coroutine function; its exceptions pass through."""
    return RunRequest() if bound.function is None else call(bound, resources, context)


def call_sensor(bound: BoundSensor, resources: Mapping[str, Any], context: Any) -> Any:
    """What the function returns, a coroutine for a coroutine function; its exceptions pass through."""
    if bound.function is None:
        raise ConfigurationError("Sensor has no evaluation function", sensor=bound.definition.name)
    return call(bound, resources, context)


def call(bound: BoundAutomation[Any], resources: Mapping[str, Any], context: Any) -> Any:
    """Calls the function with a context and resources, each where it asks for it."""
    given = {
        name: context if argument is Argument.CONTEXT else resources[name] for name, argument in bound.arguments.items()
    }
    positional = [given.pop(name) for name in _positional(bound.function) if name in given]
    return bound.function(*positional, **given)


def schedule_outcome(job: str, returned: Any) -> TickOutcome:
    """What the function of a schedule for a job has returned; draws what a generator yields."""
    expected = "RunRequest, BackfillRequest, SkipReason, list, or None"
    return _outcome(returned, "Schedule", expected, job)


def sensor_outcome(job: str | None, returned: Any) -> TickOutcome:
    """What the function of a sensor for a job, if it has one, has returned; draws what a generator yields."""
    if isinstance(returned, SensorResult):
        requests = _listed(returned.run_requests or (), "Sensor", job)
        return TickOutcome(requests, returned.skip_reason, returned.cursor)
    expected = "RunRequest, BackfillRequest, SensorResult, SkipReason, list, or None"
    return _outcome(returned, "Sensor", expected, job)


def _outcome(returned: Any, noun: str, expected: str, job: str | None) -> TickOutcome:
    if returned is None:
        return TickOutcome(skip_reason=SkipReason(NO_REASON))
    if isinstance(returned, SkipReason):
        return TickOutcome(skip_reason=returned)
    if isinstance(returned, (RunRequest, BackfillRequest)):
        return TickOutcome((_filled(returned, job),))
    if isinstance(returned, (str, bytes, Mapping)) or not isinstance(returned, Iterable):
        _refuse(returned, f"{noun} evaluation function must return {expected}")
    return TickOutcome(_listed(returned, noun, job))


def _listed(returned: Iterable[Any], noun: str, job: str | None) -> tuple[Request, ...]:
    requests = []
    for item in returned:
        if not isinstance(item, (RunRequest, BackfillRequest)):
            raise ExecutionError(
                f"{noun} evaluation function returned a list containing unsupported item: {type(item).__name__}"
            )
        requests.append(_filled(item, job))
    return tuple(requests)


def _filled(request: Request, job: str | None) -> Request:
    if isinstance(request, RunRequest) and request.job_name is None and job is not None:
        return replace(request, job_name=job)
    return request


def _refuse(returned: Any, story: str) -> NoReturn:
    if inspect.iscoroutine(returned):
        returned.close()  # it is never awaited, and that is said here
    raise ExecutionError(f"{story}; got {type(returned).__name__}")


def _positional(function: Any) -> list[str]:
    return [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.POSITIONAL_ONLY
    ]
