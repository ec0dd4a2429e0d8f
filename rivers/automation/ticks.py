"""Ticks: one evaluation of a schedule, sensor or condition, and what came of it."""

from __future__ import annotations

from enum import IntEnum


class AutomationKind(IntEnum):
    """What ticks."""

    SCHEDULE = 1
    SENSOR = 2
    CONDITION = 3


class TickStatus(IntEnum):
    """What came of a tick."""

    SUCCESS = 1
    SKIPPED = 2
    FAILED = 3
    REQUESTED = 4
