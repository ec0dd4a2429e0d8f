"""A backfill in progress: the decisions about its units, the same in process and in the scheduler.

No I/O, no clock, no randomness. What is drawn is returned; `touched` gathers the units whose rows changed. It is an
index over rows and can be rebuilt from them at any time with `restore`; it grows with what is live, never with what is
done or still to come.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from rivers.lifecycle.backfill import counters as counting
from rivers.lifecycle.backfill.counters import Counters
from rivers.lifecycle.backfill.intent import INTENT, BackfillVerb
from rivers.lifecycle.backfill.segment import BackfillPlan, Drawn, Followers, SegmentProgress
from rivers.lifecycle.backfill.states import BackfillIntent, BackfillStatus, FailurePolicy, UnitReason, UnitState
from rivers.lifecycle.backfill.unit import UNIT, UnitEvent, UnitProgress

#: Units that end without a run are ended so many at a time, and so many that wait for others are passed over.
REFUSED_AT_ONCE = 500
PASSED_AT_ONCE = 1_000


class BackfillProgress:
    """One backfill. `open` holds its units that have a row and have not ended."""

    __slots__ = (
        "_followers",
        "_partitions",
        "_ready",
        "counters",
        "error",
        "has_more",
        "has_moved",
        "intent",
        "live",
        "open",
        "plan",
        "reason",
        "segments",
        "touched",
    )

    def __init__(self, plan: BackfillPlan) -> None:
        self.plan = plan
        self.intent = INTENT.initial
        self.reason = ""
        self.error = ""
        self.counters = Counters()
        self.segments = [SegmentProgress() for _ in plan.segments]
        self.open: dict[tuple[int, int], UnitProgress] = {}
        self.live = 0
        self.touched: dict[tuple[int, int], UnitProgress] = {}
        #: Whether units that get no run now are left to be looked at, for which `draw` is to be called again.
        self.has_more = False
        #: Whether the last `draw` came further than what it drew.
        self.has_moved = False
        self._ready: list[tuple[int, int]] = []
        self._partitions = plan.partitions
        self._followers = Followers.of(plan.segments)

    # -- what is asked ----------------------------------------------------------------------------------------------

    @property
    def status(self) -> BackfillStatus:
        """How far it is."""
        return counting.status(self._partitions, self.counters, self.intent, error=self.error)

    @property
    def canceled(self) -> int:
        """Partitions that are canceled, those that will never be drawn included."""
        return counting.canceled(self._partitions, self.counters, self.intent)

    def live_units(self) -> Iterator[UnitProgress]:
        """Units whose runs are not over."""
        return (unit for unit in self.open.values() if unit.state == UnitState.DRAWN)

    # -- what is wanted ---------------------------------------------------------------------------------------------

    def pause(self, reason: str = "") -> None:
        """Draws nothing until `resume`. A repeat keeps the newest reason."""
        self._want(BackfillVerb.PAUSE, reason)

    def resume(self) -> None:
        """Goes on; nothing happens to one that is not paused."""
        self._want(BackfillVerb.RESUME)

    def cancel(self, reason: str = "") -> None:
        """Draws nothing any more. The caller cancels the runs of `live_units`; a repeat changes nothing."""
        self._want(BackfillVerb.CANCEL, reason)

    def give_up(self, error: str) -> None:
        """The backfill itself cannot go on: it ends as failed, with this error, once nothing of it is live. What was
        not drawn counts as canceled."""
        if not self.status.is_terminal:
            self._want(BackfillVerb.STOP, error)
            self.error = error

    # -- drawing ----------------------------------------------------------------------------------------------------

    def draw(self, most: int | None = None) -> list[Drawn]:
        """Units that get a run now: those that became ready first, then the next of a segment that is open."""
        drawn: list[Drawn] = []
        self.has_more = self.has_moved = False
        if self.intent != BackfillIntent.RUN:
            return drawn
        room = self.plan.max_concurrency - self.live
        for _ in range(room if most is None else min(room, most)):
            if (key := self._next()) is None:
                break
            unit = self.open.get(key) or self._unit(*key)
            unit.state = UNIT.apply(unit, unit.state, UnitEvent.DRAW)
            self._keep(unit)
            self.live += 1
            self.counters.drawn += unit.size
            self.counters.runs += 1
            drawn.append(Drawn(*key))
        return drawn

    def refuse(self, segment: int, unit: int, reason: UnitReason = UnitReason.DEFINITION_CHANGED) -> None:
        """A unit that was just drawn gets no run after all: its partitions exist no more."""
        self.counters.runs -= 1
        self._end_live(self.open[segment, unit], UnitEvent.CANCEL, reason)

    # -- ends -------------------------------------------------------------------------------------------------------

    def complete(self, segment: int, unit: int, marked: Sequence[int] = ()) -> None:
        """The unit's run succeeded; `marked` are the places within it of partitions that were marked as failed."""
        self._end_live(self.open[segment, unit], UnitEvent.COMPLETE, sorted(set(marked)))

    def fail(self, segment: int, unit: int) -> None:
        """The unit's run failed."""
        self._end_live(self.open[segment, unit], UnitEvent.FAIL)
        if self.plan.failure_policy == FailurePolicy.STOP_ON_FAILURE:
            self._want(BackfillVerb.STOP, "a run failed")

    def cancel_unit(self, segment: int, unit: int) -> None:
        """The unit's run was canceled."""
        self._end_live(self.open[segment, unit], UnitEvent.CANCEL)

    # -- rebuilding -------------------------------------------------------------------------------------------------

    def restore(
        self,
        *,
        intent: BackfillIntent,
        reason: str,
        error: str,
        counters: Counters,
        segments: Iterable[SegmentProgress],
        units: Iterable[UnitProgress],
    ) -> None:
        """Takes over what rows say; `units` are those that have not ended."""
        self.intent, self.reason, self.error, self.counters = intent, reason, error, counters
        self.segments = list(segments)
        self.open = {(unit.segment, unit.unit): unit for unit in units}
        self.live = sum(unit.state == UnitState.DRAWN for unit in self.open.values())
        self._ready = [(-segment, unit) for (segment, unit), row in self.open.items() if row.state == UnitState.READY]
        heapq.heapify(self._ready)

    # -- within -----------------------------------------------------------------------------------------------------

    def _want(self, verb: BackfillVerb, reason: str = "") -> None:
        if not self.status.is_terminal and INTENT.allows(self.intent, verb):
            self.intent = INTENT.apply(self, self.intent, verb, reason)

    def _next(self) -> tuple[int, int] | None:
        """The next unit to draw. Those of segments whose upstream failed are ended on the way."""
        if self._ready and self._is_in_turn(-self._ready[0][0], self._ready[0][1]):
            behind, unit = heapq.heappop(self._ready)
            return -behind, unit
        refused = 0
        for number, (segment, progress) in enumerate(zip(self.plan.segments, self.segments, strict=True)):
            if segment.is_linked:
                if (unfed := self._next_unfed(number)) is not None:
                    return number, unfed
                if self.has_more:
                    return None
                continue
            if not all(self._is_over(link.upstream) for link in segment.links):
                continue
            while progress.cursor < segment.units.count:
                if doom := self._doom(number):
                    if refused == REFUSED_AT_ONCE:
                        self.has_more = True
                        return None
                    refused += 1
                    unit_row = self._unit(number, progress.cursor)
                    progress.cursor += 1
                    self._doom_unit(unit_row, doom)
                    continue
                if not self._is_in_turn(number, progress.cursor):
                    break
                progress.cursor += 1
                return number, progress.cursor - 1
        return None

    def _next_unfed(self, segment: int) -> int | None:
        """The next unit of a linked segment that waits for nothing in the backfill, as in a rerun of it alone."""
        progress, count = self.segments[segment], self.plan.segments[segment].units.count
        for _ in range(PASSED_AT_ONCE):
            if progress.cursor == count:
                return None
            unit = progress.cursor
            is_fed = self.plan.segments[segment].count_needed(self.plan.segments, unit) > 0
            if not is_fed and not self._is_in_turn(segment, unit):
                return None
            progress.cursor += 1
            self.has_moved = True
            if not is_fed:
                return unit
        self.has_more = True
        return None

    def _is_over(self, segment: int) -> bool:
        return self.segments[segment].ended == self.plan.segments[segment].units.count

    def _doom(self, segment: int) -> UnitReason:
        """Why no unit of a segment that waited for whole segments can run; NONE when they can."""
        upstream = [self.segments[link.upstream] for link in self.plan.segments[segment].links]
        if any(one.failed for one in upstream):
            return UnitReason.UPSTREAM_FAILED
        return UnitReason.UPSTREAM_CANCELED if any(one.canceled for one in upstream) else UnitReason.NONE

    def _is_in_turn(self, segment: int, unit: int) -> bool:
        """Whether no partition that this unit's depend on within the segment is being made right now."""
        found = self.plan.segments[segment]
        if found.own is None:
            return True
        for index in found.units.indexes(unit):
            for needed in found.own.needs(index):
                other = found.units.unit_of(needed)
                if other is not None and other != unit:
                    row = self.open.get((segment, other))
                    if row is not None and row.state == UnitState.DRAWN:
                        return False
        return True

    def _unit(self, segment: int, unit: int) -> UnitProgress:
        return UnitProgress(segment, unit, self.plan.segments[segment].units.size(unit))

    def _keep(self, unit: UnitProgress) -> None:
        key = unit.segment, unit.unit
        self.touched[key] = unit
        if unit.state.is_terminal:
            self.open.pop(key, None)
        else:
            self.open[key] = unit

    def _end_live(self, unit: UnitProgress, event: UnitEvent, *details: object) -> None:
        unit.state = UNIT.apply(unit, unit.state, event, *details)
        self.live -= 1
        self._ended(unit)

    def _doom_unit(self, unit: UnitProgress, reason: UnitReason) -> None:
        event = UnitEvent.FAIL if reason == UnitReason.UPSTREAM_FAILED else UnitEvent.CANCEL
        unit.state = UNIT.apply(unit, unit.state, event, reason)
        self.counters.drawn += unit.size
        self._ended(unit)

    def _ended(self, unit: UnitProgress) -> None:
        """Counts a unit that is over and tells those that wait for it."""
        self._keep(unit)
        progress, counters = self.segments[unit.segment], self.counters
        progress.ended += 1
        progress.failed += bool(unit.failed)
        counters.failed += unit.failed
        if unit.state == UnitState.COMPLETED:
            counters.completed += unit.size - unit.failed
        elif unit.state == UnitState.CANCELED:
            counters.canceled += unit.size
            progress.canceled += 1
        for number, link in self._followers.by_upstream.get(unit.segment, ()):
            segment = self.plan.segments[number]
            upstream = self.plan.segments[unit.segment].units
            for follower, places in segment.fed_by(link, upstream, unit.unit).items():
                self._tell(number, follower, unit, places)

    def _tell(self, segment: int, number: int, upstream: UnitProgress, places: Sequence[int]) -> None:
        """One of the units that this one waits for is over."""
        unit = self.open.get((segment, number))
        if unit is None:
            unit = self._unit(segment, number)
            needed = self.plan.segments[segment].count_needed(self.plan.segments, number)
            unit.state = UNIT.apply(unit, unit.state, UnitEvent.BLOCK, needed)
        unit.remaining -= 1
        if upstream.state == UnitState.FAILED or any(place in upstream.marked for place in places):
            unit.reason = UnitReason.UPSTREAM_FAILED
        elif upstream.state == UnitState.CANCELED and unit.reason == UnitReason.NONE:
            unit.reason = UnitReason.UPSTREAM_CANCELED
        if unit.remaining:
            self._keep(unit)
        elif unit.reason == UnitReason.NONE:
            unit.state = UNIT.apply(unit, unit.state, UnitEvent.BECOME_READY)
            self._keep(unit)
            heapq.heappush(self._ready, (-segment, number))
        else:
            self._doom_unit(unit, unit.reason)
