"""Memory of scheduler and supervisor over ten thousand runs: the last thousand beside the second."""

from __future__ import annotations

import statistics

from bench.conditions import Conditions
from bench.figure import Figure, report
from bench.queue_throughput import MODULE
from bench.stack import await_quiet
from bench.usage import memory
from rivers_client import RunRequest
from tests.stack import Stack

THOUSANDS = 10
PARTS = 10


def main() -> None:
    """Resident size after each hundred runs; the median of a thousand is compared."""
    sizes: dict[str, list[list[float]]] = {"scheduler": [], "supervisor": []}
    with Conditions.asked().running(MODULE, limit=100) as stack:
        assert stack.scheduler is not None
        pids = {"scheduler": stack.scheduler.process.pid, "supervisor": stack.locations["bench"].process.pid}
        for _ in range(THOUSANDS):
            for name in sizes:
                sizes[name].append([])
            for _ in range(PARTS):
                run_hundred(stack)
                for name, pid in pids.items():
                    sizes[name][-1].append(memory(pid).rss)
    report("memory_growth", *(_figure(name, thousands) for name, thousands in sizes.items()))


def run_hundred(stack: Stack) -> None:
    """Submits a hundred runs and waits until they are over."""
    list(stack.client.runs.submit_many([RunRequest("bench", job="one") for _ in range(100)]))
    await_quiet(stack)


def _figure(name: str, thousands: list[list[float]]) -> Figure:
    medians = [round(statistics.median(sizes), 1) for sizes in thousands]
    growth = round(100 * (medians[-1] / medians[1] - 1), 1)
    return Figure(f"memory of the {name}, last thousand over the second", growth, "%", 3, detail={"MiB": medians})


if __name__ == "__main__":
    main()
