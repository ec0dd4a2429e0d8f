"""What an evaluation function is told about its tick."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Generic, NoReturn

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from rivers.partitions.key import PartitionKey
    from rivers.repository.storage.runs import RunRecord

    ConfigT = TypeVar("ConfigT", default=Any)
else:
    from typing import TypeVar

    ConfigT = TypeVar("ConfigT")


class ScheduleEvaluationContext(Generic[ConfigT]):
    """What a schedule's function is told. Generic in the pydantic model of its configuration."""

    __slots__ = ("config", "schedule_name", "scheduled_execution_time")

    config: ConfigT

    def __init__(self, scheduled_execution_time: str, schedule_name: str, config: ConfigT | None = None) -> None:
        self.scheduled_execution_time = scheduled_execution_time
        self.schedule_name = schedule_name
        self.config = config  # type: ignore[assignment]  # without a model there is none

    @property
    def log(self) -> logging.Logger:
        """The logger `rivers.schedules.<schedule>`."""
        return logging.getLogger(f"rivers.schedules.{self.schedule_name}")

    def __repr__(self) -> str:
        return f"ScheduleEvaluationContext({self.scheduled_execution_time!r}, {self.schedule_name!r})"


class SensorEvaluationContext(Generic[ConfigT]):
    """What a sensor's function is told: its cursor, and when it was last evaluated, in seconds since the epoch.

    Generic in the pydantic model of its configuration.
    """

    __slots__ = ("config", "cursor", "last_tick_time", "sensor_name")

    config: ConfigT

    def __init__(
        self,
        sensor_name: str,
        cursor: str | None = None,
        last_tick_time: float | None = None,
        config: ConfigT | None = None,
    ) -> None:
        self.sensor_name = sensor_name
        self.cursor = cursor
        self.last_tick_time = last_tick_time
        self.config = config  # type: ignore[assignment]  # without a model there is none

    @property
    def log(self) -> logging.Logger:
        """The logger `rivers.sensors.<sensor>`."""
        return logging.getLogger(f"rivers.sensors.{self.sensor_name}")

    def __repr__(self) -> str:
        return f"SensorEvaluationContext({self.sensor_name!r}, cursor={self.cursor!r})"


class StepFailure:
    """One failure within a run: the asset, its partition, and what its error says."""

    __slots__ = ("asset_name", "error", "partition_key")

    asset_name: str
    partition_key: PartitionKey | None
    error: str

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("StepFailure has no constructor: it is made by rivers")

    @classmethod
    def of(cls, asset_name: str, partition_key: PartitionKey | None, error: str) -> StepFailure:
        """A failure with these values."""
        failure = object.__new__(cls)
        for name, value in zip(
            ("asset_name", "partition_key", "error"), (asset_name, partition_key, error), strict=True
        ):
            object.__setattr__(failure, name, value)
        return failure

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of a StepFailure is read-only")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StepFailure):
            return NotImplemented
        return (self.asset_name, self.partition_key, self.error) == (other.asset_name, other.partition_key, other.error)

    def __hash__(self) -> int:
        return hash((self.asset_name, self.partition_key, self.error))

    def __repr__(self) -> str:
        return (
            f"StepFailure(asset_name={self.asset_name!r}, partition_key={self.partition_key!r}, error={self.error!r})"
        )


class RunStatusSensorContext(Generic[ConfigT]):
    """What a run-status sensor's function is told: the run, and what failed in it.

    Generic in the pydantic model of its configuration.
    """

    __slots__ = ("config", "launch_error", "run", "sensor_name", "step_failures")

    sensor_name: str
    run: RunRecord
    step_failures: list[StepFailure]
    launch_error: str | None
    config: ConfigT

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("RunStatusSensorContext has no constructor: it is made by rivers")

    @classmethod
    def of(
        cls, sensor_name: str, run: RunRecord, step_failures: list[StepFailure], launch_error: str | None, config: Any
    ) -> RunStatusSensorContext[Any]:
        """A context with these values."""
        context = object.__new__(cls)
        context.sensor_name = sensor_name
        context.run = run
        context.step_failures = step_failures
        context.launch_error = launch_error
        context.config = config
        return context

    @property
    def log(self) -> logging.Logger:
        """The logger `rivers.sensors.<sensor>`."""
        return logging.getLogger(f"rivers.sensors.{self.sensor_name}")

    def __repr__(self) -> str:
        return f"RunStatusSensorContext({self.sensor_name!r}, run={self.run.run_id!r})"
