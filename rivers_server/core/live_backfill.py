"""A backfill in progress, and how what it decides becomes rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rivers.definitions.snapshot import Snapshot
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.backfill.progress import BackfillProgress
from rivers.lifecycle.backfill.run_ids import unit_run_id
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.partitions.key import PartitionKey
from rivers.planning.build import plan_selection
from rivers.planning.launch_document import executor_of
from rivers.planning.plan import RunPlan
from rivers.storage.backfill_rows import BackfillRow, UnitRow
from rivers.storage.rows import WriteSet
from rivers_server.core.queue import RunQueue

PAUSED = "its backfill is paused"


class LiveBackfill:
    """A backfill that is not over: its row, its progress, and the plans of its segments for one digest.

    The row's counters and segments are the progress's own. `checked_digest` names definitions that it can go on with.
    """

    __slots__ = ("_planned_digest", "_plans", "_told", "checked_digest", "pinned", "progress", "row", "run_tags")

    def __init__(self, row: BackfillRow, pinned: PinnedBackfill, units: Iterable[UnitProgress] = ()) -> None:
        self.row = row
        self.pinned = pinned
        self.progress = BackfillProgress(pinned.plan)
        self.checked_digest = row.digest
        own = [pair for pair in row.tags if pair[0] != "rivers/priority"]
        self.run_tags = (*own, ("rivers/priority", str(row.priority)))
        self._planned_digest = ""
        self._plans: dict[int, RunPlan] = {}
        if row.segments:
            self.progress.restore(
                intent=row.intent,
                reason=row.reason,
                error=row.error,
                counters=row.counters,
                segments=row.segments,
                units=units,
            )
        row.counters, row.segments = self.progress.counters, self.progress.segments
        self._told = (row.counters.completed, row.counters.failed, self.progress.canceled)

    def run_id(self, segment: int, unit: int) -> str:
        """The run of a unit, whether it was made or not."""
        return unit_run_id(self.row.backfill_id, self.row.created_at, segment, unit)

    def places(self, segment: int, unit: int, keys: Sequence[PartitionKey]) -> list[int]:
        """The places of some partitions within a unit; of none that are not in it."""
        if not keys:
            return []
        grid = self.pinned.grids[segment]
        marked = {grid.index_of(one) for key in keys for one in key.expand()}
        indexes = self.pinned.segments[segment].units.indexes(unit)
        return [place for place, index in enumerate(indexes) if index in marked]

    def live_run_ids(self) -> list[str]:
        """Its runs that are not over."""
        return [self.run_id(unit.segment, unit.unit) for unit in self.progress.live_units()]

    def hold(self, queue: RunQueue) -> None:
        """Its runs that wait go on waiting until `release`; those that have started finish."""
        for run_id in self.live_run_ids():
            queue.hold(run_id, PAUSED)

    def release(self, queue: RunQueue) -> None:
        """Its runs that were held wait like any other."""
        for run_id in self.live_run_ids():
            queue.release_held(run_id)

    def plan(self, segment: int, snapshot: Snapshot) -> RunPlan:
        """The plan of a segment's runs, without a key; of the assets that are still defined."""
        if self._planned_digest != snapshot.digest:
            self._plans, self._planned_digest = {}, snapshot.digest
        if segment not in self._plans:
            nodes = [node for node in self.pinned.segments[segment].nodes if node in snapshot.step_by_node]
            config = self.pinned.config
            self._plans[segment] = plan_selection(
                snapshot,
                nodes,
                location=self.row.location,
                config=config,
                executor=executor_of(config) if config is not None else None,
            )
        return self._plans[segment]

    def ended_since(self) -> dict[str, int]:
        """Partitions that ended since this was last asked, by how."""
        counters = self.progress.counters
        now = (counters.completed, counters.failed, self.progress.canceled)
        then, self._told = self._told, now
        return {
            word: new - old
            for word, new, old in zip(("completed", "failed", "canceled"), now, then, strict=True)
            if new != old
        }

    def record(self, writes: WriteSet, now: int) -> bool:
        """Moves what the progress left behind into the batch's rows; returns whether the backfill is over."""
        row, progress = self.row, self.progress
        for (segment, unit), moved in progress.touched.items():
            run_id = self.run_id(segment, unit) if moved.has_run else None
            writes.units[row.backfill_id, segment, unit] = UnitRow(row.backfill_id, moved, run_id)
        progress.touched.clear()
        row.intent, row.reason, row.error, row.status = (
            progress.intent,
            progress.reason,
            progress.error,
            progress.status,
        )
        if row.started_at is None and progress.counters.drawn:
            row.started_at = now
        if row.status.is_terminal:
            row.ended_at = now
        row.version += 1
        if row.version > 1:
            writes.changed_backfills[row.backfill_id] = row
        return row.status.is_terminal
