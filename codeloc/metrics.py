"""What a location shows on `/metrics`, read when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from codeloc.desk import Desk
from codeloc.lease import ENDLESS
from rivers.clock import Clock


class LocationMetrics:
    """Reads the desk from another thread: each container is copied at once before it is looked at."""

    def __init__(self, location: str, desk: Desk, clock: Clock) -> None:
        self._location = location
        self._desk = desk
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Everything there is."""
        desk, floor = self._desk, self._desk.floor
        seats = list(floor.roster.seats.values())
        yield self._gauge("session_open", "Whether a scheduler has a step stream open.", desk.book.session is not None)
        yield self._gauge("spool_bytes", "What is on disk until the scheduler has committed it.", desk.book.spool_bytes)
        yield self._gauge("spool_full", "Whether the disk has no room for the spool.", desk.book.is_full)
        yield self._gauge("held_attempts", "Attempts whose end is not committed.", len(desk.book.held))
        yield self._gauge("live_attempts", "Attempts that wait for a worker or run.", desk.book.live_count)
        yield self._gauge("free_places", "How many more attempts are taken.", desk.free_places)
        yield self._gauge("workers", "Worker processes.", len(seats))
        yield self._gauge("workers_busy", "Worker processes that run an attempt.", floor.roster.busy)
        margin = desk.lease_margin(self._clock.boot())
        if margin < ENDLESS / 2:
            text = "Until the lease that ends first does; absent when no attempt has a lease."
            yield self._gauge("lease_margin_seconds", text, margin)
        yield self._counter("workers_started", "Worker processes that were asked for.", floor.roster.opened)
        yield self._counter("workers_died", "Worker processes that ended unasked, to be replaced.", floor.deaths)

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"rivers_location_{name}", text, labels=["location"])
        family.add_metric([self._location], value)
        return family

    def _counter(self, name: str, text: str, value: int) -> Metric:
        family = CounterMetricFamily(f"rivers_location_{name}", text, labels=["location"])
        family.add_metric([self._location], value)
        return family
