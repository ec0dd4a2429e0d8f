"""Schedules: what is asked for at points in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from rivers.definitions import declared
from rivers.definitions.automation_modes import EvalMode, ScheduleStatus
from rivers.definitions.cron import check_cron, check_timezone
from rivers.definitions.evaluation_function import EvaluationFunction
from rivers.errors import ScheduleDefinitionError


class Schedule:
    """Asks for runs of a job at the times of a cron expression, in a time zone, by default UTC.

    A decorator, `@rs.Schedule(cron_schedule=..., job_name=...)`; or with the function first; or without one, and then
    each tick asks for one run of the job. Raises `ScheduleDefinitionError` for an expression or time zone that is none.
    """

    name: str
    cron_schedule: str
    job_name: str
    default_status: ScheduleStatus
    timezone: str | None
    tags: dict[str, str] | None
    description: str | None
    eval_mode: EvalMode
    eval_timeout: str | None
    function: EvaluationFunction | None

    def __init__(
        self,
        func: Callable[..., Any] | None = None,
        *,
        cron_schedule: str,
        job_name: str,
        name: str | None = None,
        default_status: ScheduleStatus = ScheduleStatus.Stopped,
        timezone: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        eval_mode: EvalMode = EvalMode.Auto,
        eval_timeout: str | None = None,
    ) -> None:
        _check_cron(cron_schedule)
        if declared.required_text("job_name", job_name) == "":
            raise ScheduleDefinitionError("job_name cannot be empty")
        if declared.text("name", name) == "":
            raise ScheduleDefinitionError("schedule name cannot be empty")
        if timezone is not None:
            _check_timezone(timezone)
        vars(self).update(
            name=name if name is not None else f"{job_name}_schedule",
            _given_name=name,
            cron_schedule=cron_schedule,
            job_name=job_name,
            default_status=declared.member("default_status", default_status, ScheduleStatus),
            timezone=timezone,
            tags=declared.tags(tags),
            description=declared.text("description", description),
            eval_mode=declared.member("eval_mode", eval_mode, EvalMode),
            eval_timeout=declared.text("eval_timeout", eval_timeout),
            function=None,
        )
        if func is not None:
            self._wrap(func)

    @property
    def evaluation_fn(self) -> Callable[..., Any] | None:
        """The function, or `None`."""
        return None if self.function is None else self.function.function

    def __call__(self, func: Callable[..., Any]) -> Schedule:
        if self.function is not None:
            raise ScheduleDefinitionError(f"schedule '{self.name}' already wraps a function")
        schedule = object.__new__(Schedule)
        vars(schedule).update(vars(self))
        schedule._wrap(func)
        return schedule

    def _wrap(self, func: Any) -> None:
        function = EvaluationFunction(func, "Schedule", ScheduleDefinitionError)
        given: str | None = vars(self)["_given_name"]
        vars(self).update(
            function=function,
            name=given if given is not None else function.name or self.name,
            __wrapped__=func,
            __doc__=func.__doc__,
            __module__=getattr(func, "__module__", self.__module__),
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of schedule {self.name!r} is read-only")

    def __repr__(self) -> str:
        return f"Schedule({self.name!r}, cron_schedule={self.cron_schedule!r}, job_name={self.job_name!r})"


def _check_cron(expression: str) -> None:
    if expression == "":
        raise ScheduleDefinitionError("cron_schedule cannot be empty")
    try:
        check_cron(expression)
    except ValueError as error:
        raise ScheduleDefinitionError(f'invalid cron_schedule "{expression}": {error}') from None


def _check_timezone(name: str) -> None:
    try:
        check_timezone(name)
    except ValueError as error:
        raise ScheduleDefinitionError(f'invalid timezone "{name}": {error}') from None
