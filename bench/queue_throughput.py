"""A hundred one-step runs submitted at once, ten of them running at a time."""

from __future__ import annotations

import asyncio
import statistics
import time

from bench.conditions import Conditions
from bench.figure import Figure, report, spread
from bench.stack import BenchStack, Cost, await_quiet
from rivers_client import AsyncClient

RUNS = 100
IN_FLIGHT = 16
ROUNDS = 7
MODULE = """
@rs.Asset
def one() -> int:
    return 1
repo = rs.CodeRepository(assets=[one], jobs=[rs.Job("one", [one])])
"""


def main() -> None:
    """From the first submit until the last run is over, as the scheduler recorded it; round by round in turn."""
    rates: dict[str, list[float]] = {"in flight": [], "serial": []}
    cpu: dict[str, list[dict[str, float]]] = {"in flight": [], "serial": []}
    conditions = Conditions.asked()
    with conditions.running(MODULE) as stack:
        for round_number in range(ROUNDS + 1):
            for kind, submit in (("in flight", submit_in_flight), ("serial", submit_serially)):
                cost = Cost(stack)
                rate = measure(stack, submit)
                if round_number:  # the first warms up
                    rates[kind].append(rate)
                    cpu[kind].append(cost.per(RUNS))
    at_once = conditions.title(f"100 runs, {IN_FLIGHT} submits in flight")
    in_turn = conditions.title("100 runs, one submit after another")
    report(
        "queue_throughput",
        _figure(at_once, 500, rates["in flight"], cpu["in flight"]),
        _figure(in_turn, 300, rates["serial"], cpu["serial"]),
    )


def measure(stack: BenchStack, submit: object) -> float:
    """Runs a second of one round."""
    assert callable(submit)
    begun = time.time()
    submit(stack)
    await_quiet(stack)
    ends = [run.ended_at.timestamp() for run in stack.client.runs.list(limit=RUNS) if run.ended_at is not None]
    if len(ends) != RUNS:
        raise RuntimeError(f"{RUNS - len(ends)} runs are not over")
    return RUNS / (max(ends) - begun)


def submit_serially(stack: BenchStack) -> None:
    """The next submit leaves when the last is answered."""
    for _ in range(RUNS):
        stack.client.runs.submit("bench", job="one")


def submit_in_flight(stack: BenchStack) -> None:
    """So many submits wait for their answers at any time."""

    async def submit_all() -> None:
        async with AsyncClient(stack.client.address, **stack.shown) as client:
            gate = asyncio.Semaphore(IN_FLIGHT)

            async def submit_one() -> None:
                async with gate:
                    await client.runs.submit("bench", job="one")

            await asyncio.gather(*(submit_one() for _ in range(RUNS)))

    asyncio.run(submit_all())


def _figure(name: str, target: float, rates: list[float], cpu: list[dict[str, float]]) -> Figure:
    per_run = {program: round(statistics.median(one[program] for one in cpu), 3) for program in cpu[0]}
    detail = {**spread(rates, 0), "cpu_ms_per_run": per_run}
    return Figure(name, round(statistics.median(rates)), "runs/s", target, better="higher", detail=detail)


if __name__ == "__main__":
    main()
