"""Reruns: some partitions of a backfill as a new one, fixed when it is made (B7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from rivers.definitions.snapshot import Snapshot
from rivers.lifecycle.backfill.changes import change, definition_of
from rivers.lifecycle.backfill.pinned import PinnedBackfill, PinnedSegment
from rivers.lifecycle.backfill.rerun import RerunScope, rerun_units
from rivers.storage import backfill_units, backfills, partitions
from rivers.storage.backfill_rows import BackfillRow

if TYPE_CHECKING:
    from sqlalchemy import Connection


def rerun(
    connection: Connection,
    old: BackfillRow,
    scope: RerunScope,
    snapshot: Snapshot,
    *,
    now: datetime,
    registered: Mapping[str, Sequence[str]],
    request_id: str | None,
) -> tuple[BackfillRow, PinnedBackfill]:
    """Row and plan of the new backfill: the same grids, options, tags and config. What exists no more is left out."""
    pinned = backfills.pinned(connection, old.backfill_id)
    is_changed = bool(change(pinned, snapshot, now)) or bool(registered)
    segments = []
    for number, segment in enumerate(pinned.segments):
        rows = (row.progress for row in backfill_units.all_of(connection, old.backfill_id, number))
        units = rerun_units(
            segment.units,
            rows,
            scope,
            is_over=old.intent.is_final or old.status.is_terminal,
            is_missing=_is_missing(connection, pinned, number) if scope == RerunScope.MISSING else None,
            exists=_exists(pinned, number, snapshot, now, registered) if is_changed else None,
        )
        segments.append(replace(segment, units=units))
    made = replace(pinned, segments=tuple(segments))
    row = replace(
        _fresh(old),
        nodes=tuple(node for segment in segments for node in segment.nodes),
        total_partitions=made.plan.partitions,
        total_units=made.plan.units,
        rerun_of=old.backfill_id,
        request_id=request_id,
        digest=snapshot.digest if not change(pinned, snapshot, now) else old.digest,
        accepted_digest=snapshot.digest,
    )
    return row, made


def _fresh(old: BackfillRow) -> BackfillRow:
    """A row of the same options to which nothing happened."""
    return BackfillRow(
        backfill_id="",
        location=old.location,
        nodes=old.nodes,
        tags=old.tags,
        created_at=0,
        total_partitions=0,
        total_units=0,
        priority=old.priority,
        max_concurrency=old.max_concurrency,
        failure_policy=old.failure_policy,
        action=old.action,
    )


def _is_missing(connection: Connection, pinned: PinnedBackfill, number: int) -> Callable[[int], bool]:
    """Whether an asset of the segment has no materialization of a partition."""
    grid, segment = pinned.grids[number], pinned.segments[number]
    made = [set(map(str, partitions.materialized(connection, node))) for node in segment.nodes]

    def is_missing(index: int) -> bool:
        text = str(grid.key_at(index))
        return any(text not in keys for keys in made)

    return is_missing


def _exists(
    pinned: PinnedBackfill,
    number: int,
    snapshot: Snapshot,
    now: datetime,
    registered: Mapping[str, Sequence[str]],
) -> Callable[[int], bool]:
    grid, segment = pinned.grids[number], pinned.segments[number]
    definition = definition_of(_alive(segment, snapshot), snapshot)
    current = definition.grid(now, registered) if definition is not None else None
    return lambda index: current is not None and current.has(grid.key_at(index))


def _alive(segment: PinnedSegment, snapshot: Snapshot) -> PinnedSegment:
    return replace(segment, nodes=tuple(node for node in segment.nodes if node in snapshot.output_by_node))
