"""What the scheduler shows on `/metrics`, read when somebody asks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from rivers.lifecycle.backfill.states import BackfillStatus
from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers_server.core.core import Core
from rivers_server.core.replica import ReplicaState
from rivers_server.core.tally import Histogram
from rivers_server.links.exchange import Exchange


class SchedulerMetrics:
    """Reads the core from another thread: each container is copied at once before it is looked at."""

    def __init__(self, core: Core, exchange: Exchange) -> None:
        self._core = core
        self._exchange = exchange

    def collect(self) -> Iterator[Metric]:
        """Everything there is."""
        yield from self._runs()
        yield from self._backfills()
        yield from self._locations()
        yield from self._batches()

    def _runs(self) -> Iterator[Metric]:
        queue, tally = self._core.state.queue, self._core.tally
        names = [replica.name for replica in list(self._core.state.replicas.values())]
        waiting = Counter(row.location for row in list(queue.waiting.values()))
        in_flight = {name: one.in_flight for name, one in list(queue.locations.items())}
        yield _gauge("queue_depth", "Runs that wait for admission.", dict.fromkeys(names, 0) | waiting)
        yield _gauge("runs_in_flight", "Runs that were admitted and are not over.", dict.fromkeys(names, 0) | in_flight)
        submitted = CounterMetricFamily("rivers_scheduler_runs_submitted", "Runs that were queued.")
        submitted.add_metric([], tally.submitted)
        yield submitted
        ended = CounterMetricFamily("rivers_scheduler_runs_ended", "Runs that are over, by state.", labels=["state"])
        for state in RunState:
            if state.is_terminal:
                ended.add_metric([state.name.lower()], tally.runs[state])
        yield ended
        attempts = CounterMetricFamily(
            "rivers_scheduler_attempts",
            "Attempts that ended, by outcome; a lost one whose result came after all counts in both.",
            labels=["outcome"],
        )
        for outcome in AttemptOutcome:
            attempts.add_metric([outcome.name.lower()], tally.attempts[outcome])
        yield attempts
        yield _histogram("admission_seconds", "From the submission of a run to its admission.", tally.admission)
        yield _histogram(
            "start_seconds", "From the submission of a run to the start of its first attempt.", tally.start
        )

    def _backfills(self) -> Iterator[Metric]:
        tally = self._core.tally
        live = GaugeMetricFamily(
            "rivers_scheduler_backfills", "Backfills that are not over, by state.", labels=["state"]
        )
        states = Counter(one.progress.status for one in list(self._core.state.backfills.values()))
        for status in BackfillStatus:
            if not status.is_terminal:
                live.add_metric([status.name.lower()], states[status])
        yield live
        created = CounterMetricFamily("rivers_scheduler_backfills_created", "Backfills that were accepted.")
        created.add_metric([], tally.backfills)
        yield created
        ended = CounterMetricFamily(
            "rivers_scheduler_backfills_ended", "Backfills that are over, by state.", labels=["state"]
        )
        for status in BackfillStatus:
            if status.is_terminal:
                ended.add_metric([status.name.lower()], tally.ended_backfills[status])
        yield ended
        partitions = CounterMetricFamily(
            "rivers_scheduler_backfill_partitions", "Partitions of backfills that ended, by how.", labels=["outcome"]
        )
        for outcome in ("completed", "failed", "canceled"):
            partitions.add_metric([outcome], tally.partitions[outcome])
        yield partitions

    def _locations(self) -> Iterator[Metric]:
        in_flight = GaugeMetricFamily(
            "rivers_scheduler_attempts_in_flight", "Attempts that have a place at a location.", labels=["location"]
        )
        states = GaugeMetricFamily(
            "rivers_scheduler_location_state", "1 for the state that a location is in.", labels=["location", "state"]
        )
        sessions = GaugeMetricFamily(
            "rivers_scheduler_session_open", "Whether work can be sent to a location.", labels=["location"]
        )
        ages = GaugeMetricFamily(
            "rivers_scheduler_heard_age_seconds", "Since the last message of a location.", labels=["location"]
        )
        now = time.time_ns()
        for replica in list(self._core.state.replicas.values()):
            status = self._exchange.status(replica.name)
            in_flight.add_metric([replica.name], len(replica.in_flight))
            sessions.add_metric([replica.name], replica.is_attached)
            for state in ReplicaState:
                states.add_metric([replica.name, state.name.lower()], state == status.state)
            if status.heard_at:
                ages.add_metric([replica.name], max(0.0, (now - status.heard_at) / 1e9))
        yield from (in_flight, states, sessions, ages)

    def _batches(self) -> Iterator[Metric]:
        tally = self._core.tally
        yield _histogram("commit_seconds", "How long a commit takes; its count is the number of commits.", tally.commit)
        yield _histogram("commit_messages", "Messages that were decided about in one commit.", tally.messages)
        yield _histogram("commit_rows", "Rows that were written in one commit.", tally.rows)
        yield _histogram("core_seconds", "How long a batch is decided about, its commit apart.", tally.core)


def _gauge(name: str, text: str, by_location: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(f"rivers_scheduler_{name}", text, labels=["location"])
    for location, value in by_location.items():
        family.add_metric([location], value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    buckets, seen = [], 0
    for bound, count in zip([*map(str, histogram.bounds), "+Inf"], list(histogram.counts), strict=True):
        seen += count
        buckets.append((bound, seen))
    family = HistogramMetricFamily(f"rivers_scheduler_{name}", text)
    family.add_metric([], buckets, histogram.total)
    return family
