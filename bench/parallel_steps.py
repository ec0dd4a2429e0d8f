"""Steps that do nothing on two worker processes: the first run of a repository starts them, the second finds them.

The steps are closures, which travel as code, and functions of a module, which travel by name, as most people's do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from obstore.store import LocalStore

import rivers as rs
from bench import embedded, plain_steps
from bench.figure import Figure, report, spread
from bench.folder import Folder

STEPS = plain_steps.COUNT
ROUNDS = 5


def main() -> None:
    """From `materialize` until it returns; values are pickled to files."""
    title = f"{STEPS} steps on two worker processes"
    figures = []
    for kind, make in (("", partial(embedded.independent, STEPS)), (" of functions with a name", plain_steps.assets)):
        first, second = zip(*(measure(make) for _ in range(ROUNDS)), strict=True)
        for run, times, target in (("first", first, 1.2), ("second", second, 0.35)):
            middle = round(statistics.median(times), 2)
            figures.append(Figure(f"{title}, {run} run{kind}", middle, "ms a step", target, detail=spread(times)))
    report("parallel_steps", *figures)


def measure(make: Callable[..., list[Any]]) -> tuple[float, float]:
    """Milliseconds a step of two runs of a new repository."""
    handler = rs.PickleIOHandler(store=LocalStore(str(Folder.get().new())))
    executor = rs.Executor.parallel(max_workers=2)
    repo = rs.CodeRepository(make(io_handler=handler), default_executor=executor)
    repo.resolve(storage=rs.Storage.memory())
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        if not repo.materialize().success:
            raise RuntimeError("the run failed")
        times.append(1000 * (time.perf_counter() - begun) / STEPS)
    repo.shutdown()
    return times[0], times[1]


if __name__ == "__main__":
    main()
