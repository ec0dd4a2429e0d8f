"""What a partition costs after a thousand and after a hundred thousand of one backfill; takes about three minutes."""

from __future__ import annotations

from bench.backfill import MODULE, submit
from bench.conditions import Conditions
from bench.figure import Figure, report
from bench.stack import Cost
from bench.usage import memory

#: Where the two windows begin and end.
MARKS = (1_000, 4_000, 97_000, 100_000)


def main() -> None:
    """CPU time of scheduler and location for each partition of a window at either end of one backfill."""
    with Conditions.asked().running(MODULE) as stack:
        assert stack.scheduler is not None
        handle = submit(stack, "many", max_concurrency=8)
        marks = list(MARKS)
        costs: list[float] = []
        sizes: list[float] = []
        cost, begun = Cost(stack), 0
        for one in handle.watch(timeout=900):
            if marks and one.completed >= marks[0]:
                marks.pop(0)
                if len(marks) % 2 == 0:  # the end of a window
                    costs.append(sum(cost.per(one.completed - begun).values()))
                    sizes.append(memory(stack.scheduler.process.pid).rss)
                cost, begun = Cost(stack), one.completed
    detail = {"ms_a_partition": [round(one, 3) for one in costs], "scheduler_mib": [round(one) for one in sizes]}
    ratio = round(costs[-1] / costs[0], 2)
    report("backfill_growth", Figure("a partition's cost at 100,000 over at 1,000", ratio, "", 1.3, detail=detail))


if __name__ == "__main__":
    main()
