"""Steps of runs in this process, one after another and independent of one another, on each storage."""

from __future__ import annotations

import statistics
import time
from typing import Any

import rivers as rs
from bench import embedded
from bench.figure import Figure, report, spread

CHAIN, INDEPENDENT = 500, 1000
ROUNDS = 7
TARGETS = {"memory": 0.10, "SQLite": 0.25}


def main() -> None:
    """From `materialize` until it returns, everything recorded."""
    figures = []
    shapes = {f"a chain of {CHAIN} steps": embedded.chain(CHAIN)}
    shapes[f"{INDEPENDENT:,} independent steps"] = embedded.independent(INDEPENDENT)
    for title, assets in shapes.items():
        for storage, new in embedded.storages():
            times = [measure(assets, new()) for _ in range(ROUNDS + 1)][1:]  # the first warms up
            value = round(statistics.median(times), 3)
            name = f"{title} in process, {storage}"
            figures.append(Figure(name, value, "ms a step", TARGETS[storage], detail=spread(times, 3)))
    report("in_process", *figures)


def measure(assets: list[Any], storage: rs.Storage) -> float:
    """Milliseconds a step of a run of all of them."""
    repo = rs.CodeRepository(assets, default_executor=rs.Executor.in_process())
    repo.resolve(storage=storage)
    begun = time.perf_counter()
    if not repo.materialize().success:
        raise RuntimeError("the run failed")
    return 1000 * (time.perf_counter() - begun) / len(assets)


if __name__ == "__main__":
    main()
