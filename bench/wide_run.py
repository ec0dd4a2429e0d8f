"""One run of a thousand independent steps that do nothing."""

from __future__ import annotations

import statistics
import time

from bench.conditions import Conditions
from bench.figure import Figure, report, spread
from bench.stack import Cost

STEPS = 1000
ROUNDS = 5
MODULE = f"""
def nothing(name):
    def body() -> None:
        pass
    return rs.Asset(name=name)(body)
assets = [nothing(f"step_{{number}}") for number in range({STEPS})]
repo = rs.CodeRepository(assets=assets, jobs=[rs.Job("wide", assets)])
"""


def main() -> None:
    """From the submit until the run is over, as the scheduler recorded it."""
    rates, cpu = [], []
    conditions = Conditions.asked()
    with conditions.running(MODULE) as stack:
        for round_number in range(ROUNDS + 1):
            cost, begun = Cost(stack), time.time()
            run = stack.client.runs.submit("bench", job="wide").wait(120)
            if not run.succeeded or run.ended_at is None:
                raise RuntimeError(f"the run is {run.state.name}: {run.failure}")
            if round_number:  # the first warms up
                rates.append(STEPS / (run.ended_at.timestamp() - begun))
                cpu.append(cost.per(STEPS))
    per_step = {program: round(statistics.median(one[program] for one in cpu), 3) for program in cpu[0]}
    detail = {**spread(rates, 0), "cpu_ms_per_step": per_step}
    value = round(statistics.median(rates))
    name = conditions.title("a run of 1,000 steps")
    report("wide_run", Figure(name, value, "steps/s", 1500, better="higher", detail=detail))


if __name__ == "__main__":
    main()
