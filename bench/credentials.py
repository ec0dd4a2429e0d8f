"""A thousand one-step runs with and without mutual TLS and tokens, in turn."""

from __future__ import annotations

import statistics

from bench.conditions import Conditions
from bench.figure import Figure, report, spread
from bench.queue_throughput import MODULE
from bench.thousand_runs import measure

ROUNDS = 5


def main() -> None:
    """How much of the rate is left with credentials: medians of rounds in turn."""
    rates: dict[str, list[float]] = {"without": [], "with": []}
    database = Conditions.asked().database
    plain, guarded = Conditions(database), Conditions(database, credentials=True)
    with plain.running(MODULE, limit=100) as open_stack, guarded.running(MODULE, limit=100) as guarded_stack:
        for round_number in range(ROUNDS + 1):
            without, beside = measure(open_stack), measure(guarded_stack)
            if round_number:  # the first warms up
                rates["without"].append(without)
                rates["with"].append(beside)
    kept = round(100 * statistics.median(rates["with"]) / statistics.median(rates["without"]))
    detail = {name: spread(values, 0) for name, values in rates.items()}
    name = plain.title("rate kept with mutual TLS and tokens")
    report("credentials", Figure(name, kept, "%", 85, better="higher", detail=detail))


if __name__ == "__main__":
    main()
