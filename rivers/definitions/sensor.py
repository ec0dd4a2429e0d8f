"""Sensors: what is asked for when something out there has happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from rivers.definitions import declared
from rivers.definitions.automation_modes import EvalMode, SensorStatus
from rivers.definitions.evaluation_function import EvaluationFunction
from rivers.definitions.run_status import RunStatus
from rivers.errors import SensorDefinitionError

_WATCHED = (RunStatus.Success, RunStatus.Failure, RunStatus.Canceled)


class Sensor:
    """Asks for runs when its function says so; the function is called every `minimum_interval`, by default 30 s.

    A decorator, `@rs.Sensor` or `@rs.Sensor(...)`; or with the function first. Runs are of `job_name`, or of the assets
    in `asset_selection`.
    """

    name: str
    job_name: str | None
    minimum_interval: str | None
    default_status: SensorStatus
    description: str | None
    tags: dict[str, str] | None
    asset_selection: list[str] | None
    eval_mode: EvalMode
    eval_timeout: str | None
    monitored_status: RunStatus | None
    monitored_jobs: list[str] | None
    function: EvaluationFunction | None

    def __init__(
        self,
        func: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        job_name: str | None = None,
        minimum_interval: str | None = None,
        default_status: SensorStatus = SensorStatus.Stopped,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        asset_selection: list[str] | None = None,
        eval_mode: EvalMode = EvalMode.Auto,
        eval_timeout: str | None = None,
    ) -> None:
        if declared.text("name", name) == "":
            raise SensorDefinitionError("sensor name cannot be empty")
        if declared.text("job_name", job_name) == "":
            raise SensorDefinitionError("job_name cannot be empty")
        vars(self).update(
            name=name if name is not None else f"{job_name}_sensor" if job_name is not None else "sensor",
            _given_name=name,
            job_name=job_name,
            minimum_interval=declared.text("minimum_interval", minimum_interval),
            default_status=declared.member("default_status", default_status, SensorStatus),
            description=declared.text("description", description),
            tags=declared.tags(tags),
            asset_selection=declared.texts("asset_selection", asset_selection),
            eval_mode=declared.member("eval_mode", eval_mode, EvalMode),
            eval_timeout=declared.text("eval_timeout", eval_timeout),
            monitored_status=None,
            monitored_jobs=None,
            function=None,
        )
        if func is not None:
            self._wrap(func)

    @classmethod
    def run_status(
        cls,
        status: RunStatus,
        *,
        name: str | None = None,
        monitored_jobs: list[str] | None = None,
        minimum_interval: str | None = None,
        default_status: SensorStatus = SensorStatus.Stopped,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        eval_mode: EvalMode = EvalMode.Auto,
        eval_timeout: str | None = None,
    ) -> Sensor:
        """Called once for each run that reaches the status, of any job or of those in `monitored_jobs`."""
        declared.member("status", status, RunStatus)
        if status not in _WATCHED:
            raise SensorDefinitionError(
                f"a run-status sensor watches Success, Failure or Canceled; got {RunStatus(status).name}"
            )
        jobs = declared.texts("monitored_jobs", monitored_jobs)
        if jobs == []:
            raise SensorDefinitionError("monitored_jobs is empty; pass None to watch every run")
        sensor = Sensor(
            name=name,
            minimum_interval=minimum_interval,
            default_status=default_status,
            description=description,
            tags=tags,
            eval_mode=eval_mode,
            eval_timeout=eval_timeout,
        )
        vars(sensor).update(monitored_status=status, monitored_jobs=jobs)
        return sensor

    @classmethod
    def run_failure(
        cls,
        func: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        monitored_jobs: list[str] | None = None,
        minimum_interval: str | None = None,
        default_status: SensorStatus = SensorStatus.Stopped,
        description: str | None = None,
        tags: dict[str, str] | None = None,
        eval_mode: EvalMode = EvalMode.Auto,
        eval_timeout: str | None = None,
    ) -> Sensor:
        """`run_status(RunStatus.Failure, ...)`."""
        sensor = cls.run_status(
            RunStatus.Failure,
            name=name,
            monitored_jobs=monitored_jobs,
            minimum_interval=minimum_interval,
            default_status=default_status,
            description=description,
            tags=tags,
            eval_mode=eval_mode,
            eval_timeout=eval_timeout,
        )
        return sensor if func is None else sensor(func)

    @property
    def evaluation_fn(self) -> Callable[..., Any] | None:
        """The function, or `None`."""
        return None if self.function is None else self.function.function

    def __call__(self, func: Callable[..., Any]) -> Sensor:
        if self.function is not None:
            raise SensorDefinitionError(f"sensor '{self.name}' already wraps a function")
        sensor = object.__new__(Sensor)
        vars(sensor).update(vars(self))
        sensor._wrap(func)
        return sensor

    def _wrap(self, func: Any) -> None:
        function = EvaluationFunction(func, "Sensor", SensorDefinitionError)
        given: str | None = vars(self)["_given_name"]
        vars(self).update(
            function=function,
            name=given if given is not None else function.name or self.name,
            __wrapped__=func,
            __doc__=func.__doc__,
            __module__=getattr(func, "__module__", self.__module__),
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of sensor {self.name!r} is read-only")

    def __repr__(self) -> str:
        return f"Sensor({self.name!r})"
