"""What the core counts: plain numbers, written by its thread after each commit and read by whoever looks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivers.storage.rows import WriteSet

if TYPE_CHECKING:
    from rivers_server.core.core import Batch

#: Upper bounds of what takes time, from a batch of one message to a queue that stood for an hour.
SHORT = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LONG = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


class Histogram:
    """How often a number fell below which bound. The last count is of those above all bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Counts one number."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Tally:
    """Since the start of this process. Nothing of a batch that was not committed is in it."""

    def __init__(self) -> None:
        self.submitted = 0
        self.runs: Counter[int] = Counter()
        self.attempts: Counter[int] = Counter()
        self.backfills = 0
        self.ended_backfills: Counter[int] = Counter()
        self.partitions: Counter[str] = Counter()
        self.admission = Histogram(LONG)
        self.start = Histogram(LONG)
        self.messages = Histogram(SIZES)
        self.rows = Histogram(SIZES)
        self.commit = Histogram(SHORT)
        self.core = Histogram(SHORT)

    def note(self, batch: Batch, messages: int, deciding: float, committing: float) -> None:
        """Counts a batch that is committed; one without rows only took time."""
        self.core.add(deciding)
        if not batch.writes:
            return
        self.commit.add(committing)
        self.messages.add(messages)
        self.rows.add(_rows(batch.writes))
        self.submitted += len(batch.writes.new_runs)
        for waited in batch.admitted:
            self.admission.add(waited / 1e9)
        for waited in batch.started:
            self.start.add(waited / 1e9)
        for outcome in batch.outcomes:
            self.attempts[outcome] += 1
        self.backfills += batch.created_backfills
        for status in batch.ended_backfills:
            self.ended_backfills[status] += 1
        self.partitions.update(batch.partitions)
        for state in batch.finished:
            self.runs[state] += 1


def _rows(writes: WriteSet) -> int:
    return (
        len(writes.new_runs)
        + len(writes.plans)
        + len(writes.changed_runs)
        + len(writes.steps)
        + len(writes.attempts)
        + len(writes.events)
        + len(writes.logs)
        + len(writes.materializations)
        + len(writes.locations)
        + len(writes.changed_backfills)
        + len(writes.units)
    )
