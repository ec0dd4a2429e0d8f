"""A scheduler that was killed with thousands of unfinished runs: until it dispatches again, on each database."""

from __future__ import annotations

import time

from bench.conditions import Conditions
from bench.figure import Figure, report
from bench.stack import BenchStack
from rivers_client import RunRequest, RunState

RUNS = 5000
MODULE = """
@rs.Asset
def held() -> int:
    while not os.path.exists("go"):
        time.sleep(0.01)
    mark("done")
    return 1
repo = rs.CodeRepository(assets=[held], jobs=[rs.Job("held", [held])])
"""


def main() -> None:
    """From starting the process until the first run that had waited in the queue has started its body."""
    figures = []
    for conditions in Conditions.asked().databases():
        with conditions.running(MODULE) as stack:
            list(stack.client.runs.submit_many([RunRequest("bench", job="held") for _ in range(RUNS)]))
            begun, is_serving = restart(stack)
            stack.until(lambda stack=stack: len(stack.marks("bench")) > 10, "a run of the queue", 60)  # type: ignore[misc]
            value = round(time.monotonic() - begun, 2)
            waiting = sum(1 for _ in stack.client.runs.list(states=(RunState.QUEUED,), limit=RUNS))
            detail = {"until it serves": round(is_serving, 2), "still queued then": waiting}
        name = conditions.title(f"recovery with {RUNS} unfinished runs")
        figures.append(Figure(name, value, "s", 3, detail=detail))
    report("recovery", *figures)


def restart(stack: BenchStack) -> tuple[float, float]:
    """Kills the scheduler, lets the steps that run end, starts it again; when it began and how long until it serves."""
    stack.kill_scheduler()
    (stack.directory / "go").touch()
    begun = time.monotonic()
    stack.start_again()
    return begun, time.monotonic() - begun


if __name__ == "__main__":
    main()
