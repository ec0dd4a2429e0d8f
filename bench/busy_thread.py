"""The queue's rate while a thread of the scheduler is busy: a large listing, formatted over and over."""

from __future__ import annotations

import statistics
import threading

from bench.conditions import Conditions
from bench.figure import Figure, report, spread
from bench.queue_throughput import MODULE
from bench.stack import BenchStack, await_quiet
from bench.thousand_runs import measure
from rivers_client import Client, RunRequest

ROUNDS = 3
LISTED = 1000


def main() -> None:
    """A thousand runs, alone and beside a client that lists a thousand runs at a time, in turn."""
    rates: dict[str, list[float]] = {"alone": [], "beside": []}
    with Conditions.asked().running(MODULE, limit=100) as stack:
        list(stack.client.runs.submit_many([RunRequest("bench", job="one") for _ in range(LISTED)]))
        await_quiet(stack)
        for _ in range(ROUNDS):
            rates["alone"].append(measure(stack))
            rates["beside"].append(_measure_beside(stack))
    kept = round(100 * statistics.median(rates["beside"]) / statistics.median(rates["alone"]))
    detail = {name: spread(values, 0) for name, values in rates.items()}
    name = "queue rate kept beside a large listing"
    report("busy_thread", Figure(name, kept, "%", 25, better="higher", detail=detail))


def _measure_beside(stack: BenchStack) -> float:
    over = threading.Event()

    def list_again() -> None:
        with Client(stack.client.address, **stack.shown) as client:
            while not over.is_set():
                for _ in client.runs.list(limit=LISTED):
                    pass

    listing = threading.Thread(target=list_again)
    listing.start()
    try:
        return measure(stack)
    finally:
        over.set()
        listing.join()


if __name__ == "__main__":
    main()
