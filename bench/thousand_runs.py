"""A thousand one-step runs, a hundred of them running at a time, on each database."""

from __future__ import annotations

import asyncio
import statistics
import time

from bench.conditions import POSTGRESQL, SQLITE, Conditions
from bench.figure import Figure, report, spread
from bench.queue_throughput import IN_FLIGHT, MODULE
from bench.stack import BenchStack, Cost, await_quiet
from rivers_client import AsyncClient

RUNS = 1000
ROUNDS = 3
TARGETS = {SQLITE: 600, POSTGRESQL: 400}


def main() -> None:
    """From the first submit until the last run is over, as the scheduler recorded it."""
    figures = []
    for conditions in Conditions.asked().databases():
        rates, costs = [], []
        with conditions.running(MODULE, limit=100) as stack:
            for round_number in range(ROUNDS + 1):
                cost = Cost(stack)
                rate = measure(stack)
                if round_number:  # the first warms up
                    rates.append(rate)
                    costs.append(cost.per(RUNS))
        per_run = {program: round(statistics.median(one[program] for one in costs), 3) for program in costs[0]}
        detail = {**spread(rates, 0), "cpu_ms_per_run": per_run}
        title = conditions.title("1,000 runs, limit 100")
        value, target = round(statistics.median(rates)), TARGETS[conditions.database or SQLITE]
        figures.append(Figure(title, value, "runs/s", target, better="higher", detail=detail))
    report("thousand_runs", *figures)


def measure(stack: BenchStack) -> float:
    """Runs a second of one round; the client is connected before it begins."""
    begun = asyncio.run(_submit_all(stack))
    await_quiet(stack)
    ends = [run.ended_at.timestamp() for run in stack.client.runs.list(limit=RUNS) if run.ended_at is not None]
    return RUNS / (max(ends) - begun)


async def _submit_all(stack: BenchStack) -> float:
    async with AsyncClient(stack.client.address, **stack.shown) as client:
        async for _ in client.locations.list():
            pass
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def submit_one() -> None:
            async with gate:
                await client.runs.submit("bench", job="one")

        begun = time.time()
        await asyncio.gather(*(submit_one() for _ in range(RUNS)))
        return begun


if __name__ == "__main__":
    main()
