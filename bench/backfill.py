"""Backfills: partitions a second on each database, and what a million partitions cost before any of them runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from bench.conditions import POSTGRESQL, SQLITE, Conditions
from bench.figure import Figure, report, spread
from bench.stack import Cost
from bench.usage import memory
from rivers_client import BackfillHandle, BackfillRequest
from tests.stack import Stack

PARTITIONS = 1_000
ROUNDS = 3
TARGETS = {SQLITE: 600, POSTGRESQL: 400}
MILLION = 1_000_000

MODULE = """
    from datetime import datetime, timedelta
    start = datetime(2000, 1, 1)
    def seconds(count):
        return rs.PartitionsDefinition.time_window(
            start, interval_seconds=1, end=start + timedelta(seconds=count), fmt="%Y-%m-%dT%H:%M:%S")
    @rs.Asset(partitions_def=seconds(1_000))
    def thousand(context: rs.AssetExecutionContext) -> int:
        return 1
    @rs.Asset(partitions_def=seconds(1_000_000))
    def million(context: rs.AssetExecutionContext) -> int:
        return 1
    @rs.Asset(partitions_def=seconds(100_000))
    def many(context: rs.AssetExecutionContext) -> int:
        return 1
    repo = rs.CodeRepository(assets=[thousand, million, many])
"""


def main() -> None:
    """A figure each."""
    figures = []
    for conditions in Conditions.asked().databases():
        with conditions.running(MODULE) as stack:
            figures.append(_rate(stack, conditions))
            if conditions.database in (None, SQLITE):
                figures += _million(stack)
    report("backfill", *figures)


def _rate(stack: Stack, conditions: Conditions) -> Figure:
    rates, costs = [], []
    for round_number in range(ROUNDS + 1):
        cost = Cost(stack)
        done = submit(stack, "thousand", max_concurrency=8).wait(timeout=60)
        assert done.completed == PARTITIONS, done
        assert done.started_at is not None
        assert done.ended_at is not None
        if round_number:  # the first warms up
            rates.append(PARTITIONS / (done.ended_at - done.created_at).total_seconds())
            costs.append(cost.per(PARTITIONS))
    per = {program: round(statistics.median(one[program] for one in costs), 3) for program in costs[0]}
    detail = {**spread(rates, 0), "cpu_ms_per_partition": per}
    title = conditions.title("backfill of 1,000 partitions, 8 at a time")
    value, target = round(statistics.median(rates)), TARGETS[conditions.database or SQLITE]
    return Figure(title, value, "partitions/s", target, better="higher", detail=detail)


def _million(stack: Stack) -> list[Figure]:
    """Of backfills that are paused, so that nothing but accepting them is measured."""
    assert stack.scheduler is not None
    listed = [f"{key}" for key in _keys()]

    def accept(**options: object) -> None:
        handle = submit(stack, "million", max_concurrency=1, **options)
        handle.cancel()

    forecast = BackfillRequest("bench", ["million"], all_partitions=True)
    accept(all_partitions=True)
    before = memory(stack.scheduler.process.pid).rss
    ranges = [timed(lambda: accept(all_partitions=True)) for _ in range(ROUNDS)]
    grown = memory(stack.scheduler.process.pid).rss - before
    handle = submit(stack, "million", max_concurrency=1)
    handle.pause()
    status = [timed(handle.refresh) * 1000 for _ in range(50)]
    handle.cancel()
    dry = [timed(lambda: stack.client.backfills.forecast(forecast)) for _ in range(ROUNDS)]
    explicit = [timed(lambda: accept(partition_keys=listed, all_partitions=False)) for _ in range(ROUNDS)]
    return [
        Figure("a million partitions accepted as a range", round(max(ranges), 3), "s", 0.3, detail=spread(ranges, 3)),
        Figure("memory that this takes", round(grown, 1), "MiB", 30),
        Figure("a million explicit keys accepted", round(max(explicit), 2), "s", 2.0, detail=spread(explicit, 2)),
        Figure("status of a million partitions", round(statistics.median(status), 2), "ms", 10, detail=spread(status)),
        Figure("dry run of a million partitions", round(max(dry), 3), "s", 1.0, detail=spread(dry, 3)),
    ]


def submit(stack: Stack, asset: str, *, max_concurrency: int, **options: object) -> BackfillHandle:
    """Makes a backfill of all partitions of an asset, or of those that the options say."""
    chosen = {"all_partitions": True} | options
    request = BackfillRequest("bench", [asset], max_concurrency=max_concurrency, **chosen)  # type: ignore[arg-type]  # keys or all
    return stack.client.backfills.submit(request)


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _keys() -> list[str]:
    from datetime import datetime, timedelta

    start = datetime(2000, 1, 1)
    return [(start + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S") for number in range(MILLION)]


if __name__ == "__main__":
    main()
