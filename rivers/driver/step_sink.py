"""What the kernel tells of a step, on its way to the conductor."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from rivers.driver.conductor import Conductor


class StepSink:
    """Tells the conductor what happens in one step, and keeps the time that is the step's own."""

    __slots__ = ("_conductor", "_mark", "_ordinal", "_spent")

    def __init__(self, conductor: Conductor, ordinal: int) -> None:
        self._conductor = conductor
        self._ordinal = ordinal
        self._spent = 0.0
        self._mark = 0.0

    @property
    def spent(self) -> float:
        """Seconds that the step took so far."""
        return self._spent + perf_counter() - self._mark

    def started(self) -> None:
        self._conductor.started(self._ordinal)
        self._mark = perf_counter()

    def materialized(self, *arguments: Any) -> None:
        self._spent += perf_counter() - self._mark
        self._conductor.materialized(self._ordinal, *arguments)
        self._mark = perf_counter()

    def observed(self, *arguments: Any) -> None:
        self._conductor.observed(self._ordinal, *arguments)

    def mapped(self, *arguments: Any) -> None:
        self._conductor.mapped(self._ordinal, *arguments)

    def partition_failed(self, *arguments: Any) -> None:
        self._conductor.partition_failed(self._ordinal, *arguments)
