"""The closed sets of schedules and sensors."""

from __future__ import annotations

from rivers.definitions.closed_set import ClosedSet


class ScheduleStatus(ClosedSet):
    """Whether a schedule ticks."""

    Running = 0
    Stopped = 1


class SensorStatus(ClosedSet):
    """Whether a sensor ticks."""

    Running = 0
    Stopped = 1


class EvalMode(ClosedSet):
    """Where an evaluation function runs."""

    Auto = 0
    InProcess = 1
    Subprocess = 2
