"""A hundred one-step runs submitted at once, ten of them running at a time."""

from __future__ import annotations

import asyncio
import statistics
import time

from bench.figure import Figure, report, spread
from bench.stack import Cost, await_quiet, running
from rivers_client import AsyncClient
from tests.stack import Stack

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
    with running(MODULE) as stack:
        for round_number in range(ROUNDS + 1):
            for kind, submit in (("in flight", submit_in_flight), ("serial", submit_serially)):
                cost = Cost(stack)
                rate = measure(stack, submit)
                if round_number:  # the first warms up
                    rates[kind].append(rate)
                    cpu[kind].append(cost.per(RUNS))
    report(
        "queue_throughput",
        _figure(f"100 runs, {IN_FLIGHT} submits in flight", 500, rates["in flight"], cpu["in flight"]),
        _figure("100 runs, one submit after another", 300, rates["serial"], cpu["serial"]),
    )


def measure(stack: Stack, submit: object) -> float:
    """Runs a second of one round."""
    assert callable(submit)
    begun = time.time()
    submit(stack)
    await_quiet(stack)
    ends = [run.ended_at.timestamp() for run in stack.client.runs.list(limit=RUNS) if run.ended_at is not None]
    if len(ends) != RUNS:
        raise RuntimeError(f"{RUNS - len(ends)} runs are not over")
    return RUNS / (max(ends) - begun)


def submit_serially(stack: Stack) -> None:
    """The next submit leaves when the last is answered."""
    for _ in range(RUNS):
        stack.client.runs.submit("bench", job="one")


def submit_in_flight(stack: Stack) -> None:
    """So many submits wait for their answers at any time."""

    async def submit_all() -> None:
        async with AsyncClient(stack.client.address) as client:
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
