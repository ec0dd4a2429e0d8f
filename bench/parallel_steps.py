"""Steps that do nothing on two worker processes: the first run of a repository starts them, the second finds them."""

from __future__ import annotations

import statistics
import time

from obstore.store import LocalStore

import rivers as rs
from bench import embedded
from bench.figure import Figure, report, spread
from bench.folder import Folder

STEPS = 200
ROUNDS = 5


def main() -> None:
    """From `materialize` until it returns; values are pickled to files."""
    first, second = zip(*(measure() for _ in range(ROUNDS)), strict=True)
    title = f"{STEPS} steps on two worker processes"
    report(
        "parallel_steps",
        Figure(f"{title}, first run", round(statistics.median(first), 2), "ms a step", 1.2, detail=spread(first)),
        Figure(f"{title}, second run", round(statistics.median(second), 2), "ms a step", 0.35, detail=spread(second)),
    )


def measure() -> tuple[float, float]:
    """Milliseconds a step of two runs of a new repository."""
    handler = rs.PickleIOHandler(store=LocalStore(str(Folder.get().new())))
    executor = rs.Executor.parallel(max_workers=2)
    assets = embedded.independent(STEPS, io_handler=handler)
    repo = rs.CodeRepository(assets, default_executor=executor)
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
