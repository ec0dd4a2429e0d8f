"""A graph asset that maps a task over a thousand elements, in process."""

from __future__ import annotations

import statistics
import time

import rivers as rs
from bench import embedded
from bench.figure import Figure, report, spread

ELEMENTS = 1000
ROUNDS = 5
TARGET = 0.3


@rs.Task
def numbers() -> list[int]:
    """What is mapped."""
    return list(range(ELEMENTS))


@rs.Task
def double(number: int) -> int:
    """What it is mapped by."""
    return 2 * number


@rs.Task
def total(doubled: list[int]) -> int:
    """What is made of all."""
    return sum(doubled)


@rs.Asset.from_graph
def mapped() -> int:
    """All of it."""
    return total(numbers().map(double).collect())


def main() -> None:
    """The whole run by the number of its mapped steps."""
    figures = []
    for storage, new in embedded.storages():
        times = [measure(new()) for _ in range(ROUNDS + 1)][1:]  # the first warms up
        name = f"{ELEMENTS:,} mapped steps in process, {storage}"
        figures.append(Figure(name, round(statistics.median(times), 3), "ms a step", TARGET, detail=spread(times, 3)))
    report("fan_out", *figures)


def measure(storage: rs.Storage) -> float:
    """Milliseconds a mapped step of one run."""
    repo = rs.CodeRepository([mapped], tasks=[numbers, double, total], default_executor=rs.Executor.in_process())
    repo.resolve(storage=storage)
    begun = time.perf_counter()
    if not repo.materialize().success:
        raise RuntimeError("the run failed")
    return 1000 * (time.perf_counter() - begun) / ELEMENTS


if __name__ == "__main__":
    main()
