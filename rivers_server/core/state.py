"""The core's memory: indexes over rows, rebuilt from them at any time."""

from __future__ import annotations

import heapq
from collections.abc import Container, Sequence
from dataclasses import replace

from rivers.lifecycle import retry
from rivers.lifecycle.attempt import ATTEMPT, Attempt, AttemptEvent
from rivers.lifecycle.backfill.states import BackfillIntent, UnitState
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.lifecycle.states import AttemptState, RunState, StepState
from rivers.storage.recovery import Recovered
from rivers.storage.rows import LocationRow
from rivers_server.core.live import LiveRun
from rivers_server.core.live_backfill import LiveBackfill
from rivers_server.core.queue import RunQueue
from rivers_server.core.replica import Replica
from rivers_server.settings import CoreSettings

_UNSTARTED = {StepState.PENDING, StepState.READY, StepState.DISPATCHED}


#: Seconds between the end of a stop's grace and the fence, in which the location's own kill is reported.
FENCE_MARGIN = 2.0


class State:
    """Runs in flight, the queue, attempts that may still count, locations and timers.

    `attempts` holds every attempt that is live, or was lost and is not superseded: the only ones whose result counts.
    `replicas` outlives a rebuild: sessions are facts of this process, not of the database.
    """

    def __init__(self, settings: CoreSettings) -> None:
        self.settings = settings
        head_start = int(settings.priority_head_start.total_seconds() * 1e9)
        self.queue = RunQueue(settings.max_concurrent_runs, head_start)
        self.runs: dict[str, LiveRun] = {}
        self.attempts: dict[int, Attempt] = {}
        self.replicas: dict[str, Replica] = {}
        self.requests: dict[str, str] = {}
        self.wakes: list[tuple[float, str, int, int]] = []
        self.fences: list[tuple[float, int]] = []
        self.backfills: dict[str, LiveBackfill] = {}
        # Runs that are not over, as units of backfills: backfill, segment, unit.
        self.units: dict[str, tuple[str, int, int]] = {}
        # Keys of dynamic definitions by name, of those that steps were told, until they change.
        self.dynamic_keys: dict[str, Sequence[str]] = {}
        # Backfills that may draw, in the order in which they came to it.
        self.stirred: dict[str, None] = {}

    def rebuild(self, recovered: Recovered, monotonic: float, awake: float) -> None:
        """Forgets every index and makes it again from rows. Locations keep their sessions."""
        replicas, settings = self.replicas, self.settings
        self.__init__(settings)  # type: ignore[misc]
        for location in recovered.locations:
            replica = self.replicas[location.name] = replicas.get(location.name) or Replica(location, awake)
            replica.row = location
        for replica in self.replicas.values():
            replica.ready.clear()
            replica.in_flight.clear()
        for row in recovered.runs:
            if row.request_id is not None:
                self.requests[row.request_id] = row.run_id
            if row.state == RunState.QUEUED:
                self.queue.add(row)
                continue
            run = LiveRun(row, recovered.plans[row.run_id], settings.infrastructure_budget)
            run.progress.failure = row.failure
            run.progress.restore(recovered.steps.get(row.run_id, []))
            run.has_started = any(step.state not in _UNSTARTED or step.attempt > 1 for step in run.progress.steps)
            run.marks = recovered.marks.get(row.run_id, [])
            self.runs[row.run_id] = run
            self.queue.occupy(row.location)
            self._schedule_waits(run, monotonic)
        for attempt in recovered.attempts:
            if attempt.run_id in self.runs:
                self.attempts[attempt.token] = attempt
                self.runs[attempt.run_id].has_home |= attempt.is_home
                if attempt.state != AttemptState.ENDED:
                    self.replica(attempt.location, awake).in_flight.add(attempt.token)
                    self._take_up(attempt, monotonic)

        self._rebuild_backfills(recovered)

    def _rebuild_backfills(self, recovered: Recovered) -> None:
        units: dict[str, list[UnitProgress]] = {}
        for unit in recovered.units:
            units.setdefault(unit.backfill_id, []).append(unit.progress)
            if unit.progress.state == UnitState.DRAWN and unit.run_id is not None:
                self.units[unit.run_id] = (unit.backfill_id, unit.progress.segment, unit.progress.unit)
        for row in recovered.backfills:
            live = LiveBackfill(row, recovered.pinned[row.backfill_id], units.get(row.backfill_id, ()))
            self.backfills[row.backfill_id] = live
            self.stirred[row.backfill_id] = None
            if live.progress.intent == BackfillIntent.PAUSE:
                live.hold(self.queue)

    def _schedule_waits(self, run: LiveRun, monotonic: float) -> None:
        for step in run.progress.steps:
            if step.state == StepState.WAITING:
                policy = run.progress.planned[step.ordinal].retry
                wait = retry.delay(policy, step.failures, 0.0) if policy and step.failures else 0.0
                heapq.heappush(self.wakes, (monotonic + wait, run.row.run_id, step.ordinal, step.attempt))

    def _take_up(self, attempt: Attempt, monotonic: float) -> None:
        """What was asked of a live attempt, from the rows of its run and step; it gets the whole grace again."""
        run = self.runs[attempt.run_id]
        if run.progress.steps[attempt.ordinal].token != attempt.token:
            attempt.state = ATTEMPT.apply(attempt, attempt.state, AttemptEvent.FENCE)
        if run.row.state == RunState.CANCELING or run.progress.failure is not None:
            attempt.state = ATTEMPT.apply(attempt, attempt.state, AttemptEvent.STOP)
            heapq.heappush(self.fences, (monotonic + self.grace(attempt) + FENCE_MARGIN, attempt.token))

    def forget_fences(self, tokens: Container[int]) -> None:
        """These attempts are asked anew, and get the whole grace from then."""
        self.fences = [fence for fence in self.fences if fence[1] not in tokens]
        heapq.heapify(self.fences)

    def grace(self, attempt: Attempt) -> float:
        """How long a stop lets an attempt go on, in seconds."""
        return min(self.settings.stop_grace.total_seconds(), attempt.lease / 3)

    def replica(self, name: str, awake: float) -> Replica:
        """The location of this name; one that never registered here waits to be heard of."""
        if name not in self.replicas:
            self.replicas[name] = Replica(LocationRow(name, "", "", 0), awake)
        return self.replicas[name]

    def summary(self) -> dict[str, object]:
        """What must be equal to the summary of a state rebuilt from rows (W9)."""
        return {
            "queue": sorted(self.queue.waiting),
            "in_flight": {name: q.in_flight for name, q in sorted(self.queue.locations.items()) if q.in_flight},
            "runs": {
                run_id: (
                    run.row.state,
                    run.row.last_seq,
                    run.progress.unfinished,
                    run.progress.live,
                    [
                        (s.ordinal, s.state, s.attempt, s.token, s.failures, s.lost, tuple(s.produced), s.expansion)
                        for s in run.progress.steps
                    ],
                )
                for run_id, run in sorted(self.runs.items())
            },
            "backfills": {
                backfill_id: (
                    live.progress.status,
                    replace(live.row.counters),
                    [(s.cursor, s.ended, s.failed, s.canceled) for s in live.progress.segments],
                    sorted((u.segment, u.unit, u.state, u.remaining) for u in live.progress.open.values()),
                )
                for backfill_id, live in sorted(self.backfills.items())
            },
            "units": sorted(self.units.items()),
            "held": sorted(self.queue.held),
            "attempts": {
                token: (a.state, a.outcome, a.ingested, a.home_id, a.boot, a.is_stopping, a.is_fencing)
                for token, a in sorted(self.attempts.items())
            },
        }
