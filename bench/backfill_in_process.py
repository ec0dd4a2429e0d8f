"""A thousand partitions of one asset that does nothing, backfilled in this process, on each storage."""

from __future__ import annotations

import statistics
import time

import rivers as rs
from bench import embedded
from bench.figure import Figure, report, spread

PARTITIONS = 1000
ROUNDS = 5
TARGETS = {
    ("multi_run", "memory"): 0.5,
    ("multi_run", "SQLite"): 1.0,
    ("single_run", "memory"): 0.05,
    ("single_run", "SQLite"): 0.15,
}
KEYS = rs.PartitionsDefinition.static_([str(number) for number in range(PARTITIONS)])


@rs.Asset(partitions_def=KEYS)
def nothing() -> None:
    """Does nothing."""


def main() -> None:
    """From `backfill` until it returns, everything recorded; four runs at a time, as by default."""
    figures = []
    strategies = {"multi_run": rs.BackfillStrategy.multi_run(), "single_run": rs.BackfillStrategy.single_run()}
    for name, strategy in strategies.items():
        for storage, new in embedded.storages():
            times = [measure(new(), strategy) for _ in range(ROUNDS + 1)][1:]  # the first warms up
            title = f"backfill of {PARTITIONS:,} partitions in process, {name}, {storage}"
            value = round(statistics.median(times), 3)
            figures.append(Figure(title, value, "ms a partition", TARGETS[name, storage], detail=spread(times, 3)))
    report("backfill_in_process", *figures)


def measure(storage: rs.Storage, strategy: rs.BackfillStrategy) -> float:
    """Milliseconds a partition."""
    repo = rs.CodeRepository([nothing], default_executor=rs.Executor.in_process())
    repo.resolve(storage=storage)
    chosen = rs.PartitionKeyRange.single("0", str(PARTITIONS - 1))
    begun = time.perf_counter()
    if repo.backfill(partition_range=chosen, strategy=strategy).completed != PARTITIONS:
        raise RuntimeError("the backfill failed")
    return 1000 * (time.perf_counter() - begun) / PARTITIONS


if __name__ == "__main__":
    main()
