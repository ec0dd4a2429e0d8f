"""A scheduler and one location as real processes in a directory of their own, for one measurement."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.usage import cpu_seconds
from rivers_client import RunState
from tests.postgresql import Cluster, binaries
from tests.stack import Stack

LIVE = (RunState.QUEUED, RunState.STARTED, RunState.CANCELING)


@contextmanager
def databases() -> Iterator[dict[str, str | None]]:
    """URLs by name: SQLite (none), and PostgreSQL with fsync on where a server is installed."""
    found = binaries()
    if found is None:
        yield {"SQLite": None}
        return
    cluster = Cluster(found)
    try:
        yield {"SQLite": None, "PostgreSQL": cluster.new_database()}
    finally:
        cluster.remove()


@contextmanager
def running(module: str, *, workers: int = 2, limit: int = 10, database: str | None = None) -> Iterator[Stack]:
    """Serves the module as location `bench` under a scheduler with all defaults, and stops both afterwards."""
    with tempfile.TemporaryDirectory(prefix="rivers-bench-") as directory, Stack(Path(directory), database) as stack:
        stack.start_scheduler("--max-concurrent-runs", str(limit))
        stack.start_location("bench", module, options=("--workers", str(workers)))
        yield stack


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
