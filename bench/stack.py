"""A scheduler and one location as real processes, for one measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.usage import cpu_seconds
from rivers_client import RunState
from tests.stack import Stack

LIVE = (RunState.QUEUED, RunState.STARTED, RunState.CANCELING)


class BenchStack(Stack):
    """A scheduler with all defaults. `shown` is what a client shows of itself, as arguments of `Client`."""

    def __init__(self, directory: Path, database_url: str | None = None) -> None:
        super().__init__(directory, database_url)
        self.shown: dict[str, Any] = {}
        self._options: tuple[str, ...] = ()

    def serve(self, module: str, *, workers: int, limit: int) -> None:
        """Starts both, the location with this module."""
        self._options = ("--max-concurrent-runs", str(limit))
        self.start_again()
        self.start_location("bench", module, options=("--workers", str(workers)))

    def start_again(self) -> None:
        """Starts the scheduler as it was started before."""
        self.start_scheduler(*self._options)


def await_quiet(stack: Stack) -> None:
    """Waits until no run is queued or under way."""
    stack.until(lambda: next(stack.client.runs.list(states=LIVE, limit=1), None) is None, "no run is left", 120)


class Cost:
    """CPU milliseconds of scheduler and location, from its making to `per`."""

    def __init__(self, stack: Stack) -> None:
        assert stack.scheduler is not None
        self._programs = {"scheduler": stack.scheduler, **stack.locations}
        self._before = {name: cpu_seconds(program) for name, program in self._programs.items()}

    def per(self, units: int) -> dict[str, float]:
        """What each program used for one unit."""
        return {
            name: round(1000 * (cpu_seconds(program) - self._before[name]) / units, 3)
            for name, program in self._programs.items()
        }
