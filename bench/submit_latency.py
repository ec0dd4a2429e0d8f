"""From a submit to the first line of the step's body, one submit every half second."""

from __future__ import annotations

import statistics
import time

from bench.conditions import Conditions
from bench.figure import Figure, percentile, report, spread
from bench.stack import Cost, await_quiet
from rivers_client import EventType, RunHandle

SUBMITS = 120
GAP = 0.5
MODULE = """
@rs.Asset
def tick(context: rs.AssetExecutionContext) -> None:
    now = time.monotonic_ns()
    context.add_output_metadata({"started": now})
repo = rs.CodeRepository(assets=[tick], jobs=[rs.Job("tick", [tick])])
"""


def main() -> None:
    """Both ends read the machine's monotonic clock, which all processes share."""
    conditions = Conditions.asked()
    with conditions.running(MODULE) as stack:
        for _ in range(20):
            stack.client.runs.submit("bench", job="tick").wait(30)
        cost, submitted = Cost(stack), []
        due = time.monotonic()
        for _ in range(SUBMITS):
            due += GAP
            time.sleep(max(0.0, due - time.monotonic()))
            at = time.monotonic_ns()
            submitted.append((at, stack.client.runs.submit("bench", job="tick")))
        await_quiet(stack)
        cpu = cost.per(SUBMITS)
        latencies = [(started_at(run) - at) / 1e6 for at, run in submitted]
    detail = {**spread(latencies), "mean": round(statistics.fmean(latencies), 2), "cpu_ms_per_run": cpu}
    half, most = (round(percentile(latencies, percent), 2) for percent in (50, 99))
    name = conditions.title("submit to first line of the body")
    report(
        "submit_latency", Figure(f"{name}, p50", half, "ms", 6, detail=detail), Figure(f"{name}, p99", most, "ms", 20)
    )


def started_at(run: RunHandle) -> int:
    """When the body began, as it said itself."""
    for event in run.events(timeout=30):
        if event.type == EventType.MATERIALIZED:
            return next(int(str(value)) for name, _, value in event.metadata if name == "started")
    raise RuntimeError(f"{run.run_id} stored nothing")


if __name__ == "__main__":
    main()
