"""A chain of two hundred steps, each after the other, through scheduler and location, on each database."""

from __future__ import annotations

import statistics

from bench.conditions import Conditions
from bench.figure import Figure, report, spread
from bench.stack import Cost

STEPS = 200
ROUNDS = 5
MODULE = f"""
def link(number):
    def first() -> int:
        return 0
    def after(**upstream) -> int:
        return number
    if not number:
        return rs.Asset(name="link_0")(first)
    scope = {{}}
    exec(f"def body(link_{{number - 1}}) -> int: return {{number}}", scope)
    return rs.Asset(name=f"link_{{number}}")(scope["body"])
assets = [link(number) for number in range({STEPS})]
repo = rs.CodeRepository(assets=assets, jobs=[rs.Job("chain", assets)])
"""


def main() -> None:
    """From the run's start until its end, as the scheduler recorded them."""
    figures = []
    for conditions in Conditions.asked().databases():
        times, costs = [], []
        with conditions.running(MODULE) as stack:
            for round_number in range(ROUNDS + 1):
                cost = Cost(stack)
                run = stack.client.runs.submit("bench", job="chain").wait(120)
                if not run.succeeded or run.ended_at is None or run.started_at is None:
                    raise RuntimeError(f"the run is {run.state.name}: {run.failure}")
                if round_number:  # the first warms up
                    times.append(1000 * (run.ended_at - run.started_at).total_seconds() / STEPS)
                    costs.append(cost.per(STEPS))
        per_step = {program: round(statistics.median(one[program] for one in costs), 3) for program in costs[0]}
        detail = {**spread(times), "cpu_ms_per_step": per_step}
        name = conditions.title(f"a chain of {STEPS} steps")
        figures.append(Figure(name, round(statistics.median(times), 2), "ms a step", 2, detail=detail))
    report("chain", *figures)


if __name__ == "__main__":
    main()
