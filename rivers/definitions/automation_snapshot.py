"""Schedules and sensors as frozen data."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.definitions.kinds import EvaluationMode, WatchedStatus


@dataclass(frozen=True, slots=True)
class ScheduleDefinition:
    """A schedule. `timezone=None` is UTC; `timeout` in seconds, `None` for no bound.

    Without a function each tick asks for one run of the job.
    """

    name: str
    cron: str
    job: str
    timezone: str | None = None
    is_running: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    description: str = ""
    mode: EvaluationMode = EvaluationMode.AUTO
    timeout: float | None = None
    has_function: bool = True
    is_async: bool = False
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStatusWatch:
    """Which runs a run-status sensor is called for: those that reach the status, of some jobs or of any."""

    status: WatchedStatus
    jobs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SensorDefinition:
    """A sensor. Runs that it asks for are of `job`, else of `assets`; `interval` and `timeout` in seconds."""

    name: str
    job: str | None = None
    assets: tuple[str, ...] = ()
    interval: float = 30.0
    is_running: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    description: str = ""
    mode: EvaluationMode = EvaluationMode.AUTO
    timeout: float | None = None
    has_function: bool = True
    is_async: bool = False
    resources: tuple[str, ...] = ()
    watch: RunStatusWatch | None = None
