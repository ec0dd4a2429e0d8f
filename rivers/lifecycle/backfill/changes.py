"""Whether a backfill can go on with definitions that are not those that it was made from (B8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rivers.definitions.snapshot import Snapshot
from rivers.lifecycle.backfill.pinned import PinnedBackfill, PinnedSegment
from rivers.partitions.definition import PartitionsDefinition

#: How a reason begins that only a person can take away.
DEFINITION_CHANGED = "definition_changed"


def change(pinned: PinnedBackfill, snapshot: Snapshot, now: datetime) -> str:
    """What is in the way of going on, for people; empty for nothing. More partitions than before are not."""
    for segment in pinned.segments:
        for node in segment.nodes:
            output = snapshot.output_by_node.get(node)
            if output is None:
                return f"{DEFINITION_CHANGED}: asset '{node}' is not defined any more"
        found = definition_of(segment, snapshot)
        if found is None:
            return f"{DEFINITION_CHANGED}: asset '{segment.nodes[0]}' is not partitioned any more"
        if not _covers(found, segment.definition, pinned.now, now, pinned.registered):
            return f"{DEFINITION_CHANGED}: asset '{segment.nodes[0]}' has other partitions now"
    return ""


def definition_of(segment: PinnedSegment, snapshot: Snapshot) -> PartitionsDefinition | None:
    """How a segment's assets are partitioned by other definitions; `None` when none of them is."""
    for node in segment.nodes:
        output = snapshot.output_by_node.get(node)
        if output is not None and output.partitions is not None:
            return output.partitions
    return None


def _covers(
    new: PartitionsDefinition,
    old: PartitionsDefinition,
    then: datetime,
    now: datetime,
    registered: Mapping[str, Sequence[str]],
) -> bool:
    """Whether every partition there was is there."""
    if new == old:
        return True
    if isinstance(new, PartitionsDefinition.Static) and isinstance(old, PartitionsDefinition.Static):
        return set(old.keys) <= set(new.keys)
    if isinstance(new, PartitionsDefinition.TimeWindow) and isinstance(old, PartitionsDefinition.TimeWindow):
        return _same_ticks(new, old) and _covers_ends(new, old, then, now)
    if isinstance(new, PartitionsDefinition.Multi) and isinstance(old, PartitionsDefinition.Multi):
        return [name for name, _ in new.dimensions] == [name for name, _ in old.dimensions] and all(
            _covers(one, other, then, now, registered)
            for (_, one), (_, other) in zip(new.dimensions, old.dimensions, strict=True)
        )
    return False


def _same_ticks(new: PartitionsDefinition.TimeWindow, old: PartitionsDefinition.TimeWindow) -> bool:
    return (new.cron_schedule, new.interval_seconds, new.fmt, new.timezone) == (
        old.cron_schedule,
        old.interval_seconds,
        old.fmt,
        old.timezone,
    )


def _covers_ends(
    new: PartitionsDefinition.TimeWindow, old: PartitionsDefinition.TimeWindow, then: datetime, now: datetime
) -> bool:
    was, is_ = old.axis(then), new.axis(now)
    return not was.count or all(is_.has(was.value_at(place)) for place in (0, was.count - 1))
