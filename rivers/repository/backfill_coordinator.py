"""Executes one backfill in this process: a window of runs that slides over its units.

The coordinating thread decides and writes, by the rules of `BackfillProgress`; threads beside it execute runs. Ends
that come while it writes share the next write. A unit's run has an id that follows from the unit, so one that is drawn
again after a crash is the same run, and goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from rivers.clock import Clock
from rivers.driver.outcome import RunOutcome
from rivers.driver.owner import LEASE_SECONDS, RENEW_SECONDS, owner_id
from rivers.driver.run_row import new_row
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.backfill.progress import BackfillProgress
from rivers.lifecycle.backfill.run_ids import unit_run_id
from rivers.lifecycle.backfill.segment import Drawn
from rivers.lifecycle.backfill.states import BackfillIntent
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.lifecycle.run_queue import PRIORITY
from rivers.lifecycle.states import LaunchCause, RunKind, RunState
from rivers.planning.plan import RunPlan
from rivers.storage import cancellation
from rivers.storage.backfill_rows import BackfillRow, UnitRow
from rivers.storage.database import Database
from rivers.storage.faults import StaleWriteError
from rivers.storage.rows import RunRow, WriteSet

log = logging.getLogger("rivers.repository")

#: Seconds between looks for a cancellation that another process asked for.
_GLANCE = 0.25
#: Units that are drawn in one write at most.
_AT_ONCE = 200


class Execute(Protocol):
    """Executes a run of a backfill to its end; with `again`, one that may have begun before.

    `None`: this process leaves it as it is, because it leaves off.
    """

    def __call__(self, plan: RunPlan, row: RunRow, *, again: bool) -> RunOutcome | None: ...


class BackfillCoordinator:
    """A backfill at work. `plans` are those of its segments, without a key; `units` are rows of a backfill that was
    begun elsewhere."""

    def __init__(
        self,
        database: Database,
        row: BackfillRow,
        pinned: PinnedBackfill,
        plans: list[RunPlan],
        execute: Execute,
        clock: Clock,
        units: Iterable[UnitProgress] = (),
    ) -> None:
        self.row = row
        self._database = database
        self._pinned = pinned
        self._plans = plans
        self._execute = execute
        self._clock = clock
        self._progress = BackfillProgress(pinned.plan)
        self._again: set[tuple[int, int]] = set()
        self._run_ids: dict[tuple[int, int], str] = {}
        if row.segments:
            self._progress.restore(
                intent=row.intent,
                reason=row.reason,
                error=row.error,
                counters=row.counters,
                segments=row.segments,
                units=units,
            )
            self._again = {(unit.segment, unit.unit) for unit in self._progress.live_units()}
        row.counters, row.segments = self._progress.counters, self._progress.segments
        own = tuple(pair for pair in row.tags if pair[0] != PRIORITY)
        self._tags = (*own, (PRIORITY, str(row.priority)))
        self._changed = threading.Condition()
        self._ended: deque[tuple[Drawn, RunOutcome | BaseException | None]] = deque()
        self._running = 0
        self._live: set[str] = set()
        self._is_cancel_asked = False
        self._is_leaving = False
        self._renew_at = self._look_at = 0.0

    # -- other threads ----------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Starts no more runs and asks those that run to stop: they are asked when this returns."""
        with self._changed:
            self._is_cancel_asked = True
            live = list(self._live)
            self._changed.notify_all()
        self._stop(live)

    def leave(self) -> None:
        """Starts no more runs; `run` returns when those that were started are over, and somebody else may go on."""
        with self._changed:
            self._is_leaving = True
            self._changed.notify_all()

    # -- the coordinating thread ------------------------------------------------------------------------------------

    def give_up(self, error: str) -> None:
        """The backfill cannot go on: `run` ends it as failed, with this error."""
        self._progress.give_up(error)

    def run(self) -> None:
        """Executes the backfill to its end. Ctrl-C cancels it; `KeyboardInterrupt` is raised once it is over."""
        width = min(self.row.max_concurrency, max(self._pinned.plan.units, 1))
        interrupt: KeyboardInterrupt | None = None
        with ThreadPoolExecutor(width, thread_name_prefix="rivers-backfill") as runners:
            for segment, unit in self._again:
                self._start(runners.submit, Drawn(segment, unit))
            while not self._progress.status.is_terminal and (self._running or not self._is_leaving):
                try:
                    self._advance(runners.submit)
                except KeyboardInterrupt as error:
                    interrupt = error
                    self.cancel()
        self._record(is_over=self._progress.status.is_terminal, is_left=self._is_leaving)
        if interrupt is not None:
            raise interrupt

    def _advance(self, submit: Callable[..., object]) -> None:
        """Takes what has happened, draws what there is room for, writes it, and waits for what happens next."""
        ended = self._take()
        for drawn, outcome in ended:
            self._end(drawn, outcome)
        if self._is_canceled():
            self._cancel()
        drawn_now = [] if self._is_leaving else self._progress.draw(_AT_ONCE)
        if ended or drawn_now or self._progress.touched or time.monotonic() >= self._renew_at:
            if self._progress.status.is_terminal:
                return
            self._record()
        for one in drawn_now:
            self._start(submit, one)
        if drawn_now or self._progress.has_more:
            return
        with self._changed:
            if not self._ended and not self._is_cancel_asked:
                self._changed.wait(_GLANCE)

    def _take(self) -> list[tuple[Drawn, RunOutcome | BaseException | None]]:
        with self._changed:
            taken = list(self._ended)
            self._ended.clear()
            return taken

    def _is_canceled(self) -> bool:
        """Whether somebody asked for it, here or through the storage."""
        if self._progress.intent == BackfillIntent.CANCEL:
            return False
        if self._is_cancel_asked:
            return True
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + _GLANCE
        with self._database.read() as connection:
            return cancellation.is_requested(connection, self.row.backfill_id)

    def _cancel(self) -> None:
        self._progress.cancel("canceled on request")
        self._stop([self._run_id(unit.segment, unit.unit) for unit in self._progress.live_units()])
        self._is_cancel_asked = False

    # -- runs -------------------------------------------------------------------------------------------------------

    def _stop(self, run_ids: Iterable[str]) -> None:
        now = self._clock.wall_ns()
        with self._database.transaction() as connection:
            for run_id in run_ids:
                cancellation.request(connection, run_id, now=now)
        self._database.bells.cancellations.ring()
        self._database.bells.runs.ring()

    def _start(self, submit: Callable[..., object], drawn: Drawn) -> None:
        key = self._pinned.key_of(drawn.segment, drawn.unit)
        plan = replace(self._plans[drawn.segment], partition_key=key)
        row = new_row(
            self._run_id(drawn.segment, drawn.unit),
            plan,
            self._clock.wall_ns(),
            tags=self._tags,
            kind=RunKind.BACKFILL_UNIT,
            cause=LaunchCause.BACKFILL_UNIT,
            cause_name=self.row.backfill_id,
            priority=self.row.priority,
        )
        self._running += 1
        with self._changed:
            self._live.add(row.run_id)
        submit(self._run_unit, drawn, plan, row)

    def _run_unit(self, drawn: Drawn, plan: RunPlan, row: RunRow) -> None:
        outcome: RunOutcome | BaseException | None
        try:
            outcome = self._execute(plan, row, again=(drawn.segment, drawn.unit) in self._again)
        except BaseException as error:
            outcome = error
        with self._changed:
            self._live.discard(row.run_id)
            self._ended.append((drawn, outcome))
            self._changed.notify_all()

    def _end(self, drawn: Drawn, outcome: RunOutcome | BaseException | None) -> None:
        segment, unit = drawn.segment, drawn.unit
        self._running -= 1
        if outcome is None:
            return
        if isinstance(outcome, BaseException):  # the run could not be recorded, or not be launched
            log.error("a run of backfill %s broke off", self.row.backfill_id, exc_info=outcome)
            self._progress.fail(segment, unit)
            self._progress.give_up(str(outcome) or type(outcome).__name__)
            return
        match outcome.state:
            case RunState.SUCCEEDED:
                self._progress.complete(segment, unit, self._places(segment, unit, outcome))
            case RunState.FAILED:
                self._progress.fail(segment, unit)
            case _:
                self._progress.cancel_unit(segment, unit)

    def _places(self, segment: int, unit: int, outcome: RunOutcome) -> list[int]:
        """The places within the unit of partitions that were marked as failed."""
        if not outcome.marked:
            return []
        grid = self._pinned.grids[segment]
        marked = {grid.index_of(key) for key in outcome.marked}
        return [n for n, index in enumerate(self._pinned.segments[segment].units.indexes(unit)) if index in marked]

    def _run_id(self, segment: int, unit: int) -> str:
        """The run of a unit; remembered while that is not over."""
        run_id = self._run_ids.get((segment, unit))
        if run_id is None:
            run_id = unit_run_id(self.row.backfill_id, self.row.created_at, segment, unit)
            self._run_ids[segment, unit] = run_id
        return run_id

    # -- rows -------------------------------------------------------------------------------------------------------

    def _record(self, *, is_over: bool = False, is_left: bool = False) -> None:
        """Writes what was decided, and that this process is still at it, or is not any more."""
        row, progress, now = self.row, self._progress, self._clock.wall_ns()
        writes = WriteSet()
        for (segment, unit), moved in progress.touched.items():
            run_id = self._run_id(segment, unit) if moved.has_run else None
            writes.units[row.backfill_id, segment, unit] = UnitRow(row.backfill_id, moved, run_id)
            if moved.state.is_terminal:
                self._run_ids.pop((segment, unit), None)
        progress.touched.clear()
        row.intent, row.reason, row.error = progress.intent, progress.reason, progress.error
        row.status = progress.status
        row.owner_expires_at = now + int(LEASE_SECONDS * 1e9)
        if is_left:
            row.owner_id, row.owner_expires_at = "", None
        if row.started_at is None:
            row.started_at = now
        if is_over:
            row.ended_at = now
        row.version += 1
        writes.changed_backfills[row.backfill_id] = row
        self._database.write(writes)
        self._renew_at = time.monotonic() + RENEW_SECONDS
        if is_over:
            self._database.bells.runs.ring()


def claim(database: Database, row: BackfillRow, clock: Clock) -> bool:
    """Makes a backfill this process's; `False` when somebody else was first."""
    now = clock.wall_ns()
    row.owner_id, row.owner_expires_at = owner_id(), now + int(LEASE_SECONDS * 1e9)
    row.version += 1
    try:
        database.write(WriteSet(changed_backfills={row.backfill_id: row}))
    except StaleWriteError:
        return False
    return True
