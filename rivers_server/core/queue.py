"""The run queue: which run is admitted next. Pure; rebuilt from rows at any time.

Within a location runs go by `key = queued_at - priority x head start`, ties by queue number. Between locations the
one with the fewest runs in flight goes first, then the one that was served least (protocol section 10).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from rivers.storage.rows import RunRow


@dataclass(slots=True)
class LocationQueue:
    """The waiting runs of one location. `served` grows by one with each admission."""

    heap: list[tuple[int, int, int, str]] = field(default_factory=list)
    in_flight: int = 0
    served: float = 0.0


class RunQueue:
    """All waiting runs. `limit` bounds the runs in flight over all locations; negative is no bound.

    `parked` and `held` hold, with the reason, waiting runs that no order reaches: those whose definitions are gone, and
    those that somebody wants to wait.
    """

    def __init__(self, limit: int, head_start_ns: int) -> None:
        self.limit = limit
        self.head_start_ns = head_start_ns
        self.waiting: dict[str, RunRow] = {}
        self.parked: dict[str, str] = {}
        self.held: dict[str, str] = {}
        self.in_flight = 0
        self.locations: dict[str, LocationQueue] = {}

    def key(self, row: RunRow) -> tuple[int, int, int, str]:
        """The order key, fixed while the run waits."""
        if not self.head_start_ns:
            return (-row.priority, row.queued_at, row.queue_number, row.run_id)
        return (row.queued_at - row.priority * self.head_start_ns, row.queue_number, 0, row.run_id)

    def add(self, row: RunRow) -> None:
        """A run waits. A location whose queue was empty rejoins at the least that waiting ones were served."""
        queue = self._location(row.location)
        if not queue.heap:
            queue.served = max(queue.served, min((q.served for q in self.locations.values() if q.heap), default=0.0))
        self.waiting[row.run_id] = row
        heapq.heappush(queue.heap, self.key(row))

    def remove(self, run_id: str) -> RunRow | None:
        """A run waits no more, for another reason than admission."""
        self.parked.pop(run_id, None)
        self.held.pop(run_id, None)
        return self.waiting.pop(run_id, None)

    def park(self, row: RunRow, reason: str) -> None:
        """An admitted run cannot start with the definitions there are: it gives its place back and waits for others."""
        self.release(row.location)
        self.waiting[row.run_id] = row
        self.parked[row.run_id] = reason

    def unpark(self, location: str) -> None:
        """Definitions of the location changed: its parked runs are looked at again."""
        for run_id in [run_id for run_id in self.parked if self.waiting[run_id].location == location]:
            del self.parked[run_id]
            self.add(self.waiting[run_id])

    def hold(self, run_id: str, reason: str) -> None:
        """A waiting run is not to start until it is released; another one is left alone."""
        if run_id in self.waiting:
            self.held[run_id] = reason

    def release_held(self, run_id: str) -> None:
        """A held run waits like any other."""
        if self.held.pop(run_id, None) is not None and run_id not in self.parked:
            self.add(self.waiting[run_id])

    def admit_next(self, is_open: Callable[[RunRow], bool]) -> RunRow | None:
        """The run that goes next, with its place taken; `None` when no place is free or no gate is open.

        `is_open` is asked for the head of each location only: runs of one location have the same gates.
        """
        if self.is_full:
            return None
        order = sorted(self.locations.items(), key=lambda item: (item[1].in_flight, item[1].served, item[0]))
        for _, queue in order:
            while queue.heap and not self._is_orderly(queue.heap[0][3]):
                heapq.heappop(queue.heap)
            if queue.heap and is_open(self.waiting[queue.heap[0][3]]):
                row = self.waiting.pop(heapq.heappop(queue.heap)[3])
                queue.served += 1.0
                self.occupy(row.location)
                return row
        return None

    @property
    def is_full(self) -> bool:
        """Whether no place is free."""
        return 0 <= self.limit <= self.in_flight

    def occupy(self, location: str) -> None:
        """A run of the location is in flight."""
        self.in_flight += 1
        self._location(location).in_flight += 1

    def release(self, location: str) -> None:
        """A run of the location is over."""
        self.in_flight -= 1
        self._location(location).in_flight -= 1

    def rank(self, row: RunRow) -> int:
        """How many runs of its location go before it, plus one."""
        key = self.key(row)
        return 1 + sum(k < key and self._is_orderly(k[3]) for k in self._location(row.location).heap)

    def _is_orderly(self, run_id: str) -> bool:
        return run_id in self.waiting and run_id not in self.parked and run_id not in self.held

    def _location(self, name: str) -> LocationQueue:
        return self.locations.setdefault(name, LocationQueue())
