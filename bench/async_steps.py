"""Two hundred coroutines of 50 ms each, at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import rivers as rs
from bench.figure import Figure, report, spread

STEPS, SECONDS = 200, 0.05
ROUNDS = 7


def main() -> None:
    """From `materialize` until it returns, with the default executor."""
    times = [measure() for _ in range(ROUNDS + 1)][1:]  # the first warms up
    name = f"{STEPS} async steps of 50 ms, in all"
    report("async_steps", Figure(name, round(statistics.median(times), 3), "s", 0.12, detail=spread(times, 3)))


def measure() -> float:
    """Seconds of one run."""
    repo = rs.CodeRepository([_waits(number) for number in range(STEPS)])
    repo.resolve(storage=rs.Storage.memory())
    begun = time.perf_counter()
    if not repo.materialize().success:
        raise RuntimeError("the run failed")
    return time.perf_counter() - begun


def _waits(number: int) -> Any:
    async def body() -> None:
        await asyncio.sleep(SECONDS)

    return rs.Asset(name=f"step_{number}")(body)


if __name__ == "__main__":
    main()
