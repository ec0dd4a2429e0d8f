"""Repositories of thousands of assets: until they are resolved and planned, and what they hold in memory."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time

import rivers as rs
from bench import embedded
from bench.figure import Figure, report, spread
from bench.usage import memory
from rivers.planning.build import plan_selection

MANY, MOST = 5_000, 10_000
ROUNDS = 5
TARGETS = {"memory": 0.25, "SQLite": 0.3}


def main() -> None:
    """Each asset takes up to three of those before it."""
    figures = []
    for storage, new in embedded.storages():
        times = [resolve(MANY, new())[0] for _ in range(ROUNDS)]
        name = f"resolve {MANY:,} assets, {storage}"
        figures.append(Figure(name, _median(times), "s", TARGETS[storage], detail=spread(times)))
    times, plans = [], []
    for _ in range(ROUNDS):
        seconds, repo = resolve(MOST, rs.Storage.memory())
        times.append(seconds)
        begun = time.perf_counter()
        plan_selection(repo._resolved().bound.snapshot, None)
        plans.append(time.perf_counter() - begun)
    figures.append(Figure(f"resolve {MOST:,} assets", _median(times), "s", 0.8, detail=spread(times)))
    figures.append(Figure(f"plan {MOST:,} assets", _median(plans), "s", 0.3, detail=spread(plans)))
    held = float(subprocess.check_output([sys.executable, "-m", "bench.definitions", "held"]))
    figures.append(Figure(f"memory of {MOST:,} assets, resolved and planned", round(held), "MiB", 150))
    report("definitions", *figures)


def resolve(count: int, storage: rs.Storage) -> tuple[float, rs.CodeRepository]:
    """Seconds until a repository of so many assets is resolved."""
    repo = rs.CodeRepository(embedded.linked(count, upstreams))
    gc.collect()
    begun = time.perf_counter()
    repo.resolve(storage=storage)
    return time.perf_counter() - begun, repo


def upstreams(number: int) -> list[int]:
    """Those that an asset takes: none for every tenth."""
    return sorted({number // 2, number * 2 // 3, number - 1}) if number % 10 else []


def show_held() -> None:
    """What this process holds more than before it had the repository."""
    rs.CodeRepository(embedded.linked(10, upstreams)).resolve(storage=rs.Storage.memory())
    gc.collect()
    before = memory(os.getpid()).rss
    _, repo = resolve(MOST, rs.Storage.memory())
    planned = plan_selection(repo._resolved().bound.snapshot, None)
    gc.collect()
    print(memory(os.getpid()).rss - before)
    assert len(planned.steps) == MOST


def _median(times: list[float]) -> float:
    return round(statistics.median(times), 3)


if __name__ == "__main__":
    show_held() if sys.argv[1:] == ["held"] else main()
