"""A backfill's partitions, page by page: those that have rows, and those to which nothing happened."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.backfill.states import UnitState
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.storage import backfill_units
from rivers.storage.backfill_rows import BackfillRow, UnitRow
from rivers.v1 import backfill_pb2
from rivers.wire.backfills import encode_unit

#: Units that are looked at together, and how often before a page is given out that is not full.
_CHUNK, _CHUNKS = 1_000, 20
#: States in which a unit may be without a row.
_ABSENT = (UnitState.UNDRAWN, UnitState.CANCELED)


def partitions_page(
    connection: Any,
    row: BackfillRow,
    pinned: PinnedBackfill,
    *,
    states: Collection[UnitState],
    after: tuple[int, int],
    limit: int,
) -> tuple[list[backfill_pb2.BackfillUnit], tuple[int, int] | None]:
    """Units after this segment and number, and after which one the next page starts, `None` after the last."""
    if states and not any(state in _ABSENT for state in states):
        found = backfill_units.page(connection, row.backfill_id, states=states, after=after, limit=limit)
        shown = [one for one in found if _state(row, one.progress) in states]
        last = found[-1].progress if len(found) == limit else None
        return [_encode(row, pinned, one) for one in shown], (last.segment, last.unit) if last is not None else None
    units: list[backfill_pb2.BackfillUnit] = []
    place = after
    for _ in range(_CHUNKS):
        chunk = list(_chunk(connection, row, pinned, place))
        for one in chunk:
            if len(units) == limit:
                return units, place
            place = one.progress.segment, one.progress.unit
            if not states or _state(row, one.progress) in states:
                units.append(_encode(row, pinned, one))
        if not chunk:
            return units, None
    return units, place


def _chunk(connection: Any, row: BackfillRow, pinned: PinnedBackfill, after: tuple[int, int]) -> Iterator[UnitRow]:
    """The units that follow, with a row or not; those of one segment."""
    segment, first = max(after[0], 0), after[1] + 1
    while segment < len(pinned.segments) and first >= pinned.segments[segment].units.count:
        segment, first = segment + 1, 0
    if segment == len(pinned.segments):
        return
    units = pinned.segments[segment].units
    last = min(first + _CHUNK, units.count)
    rows = {one.progress.unit: one for one in backfill_units.between(connection, row.backfill_id, segment, first, last)}
    for unit in range(first, last):
        yield rows.get(unit) or UnitRow(row.backfill_id, UnitProgress(segment, unit, units.size(unit)))


def _state(row: BackfillRow, unit: UnitProgress) -> UnitState:
    """A unit that will never get a run is canceled, whatever it waits for."""
    if row.intent.is_final and unit.state < UnitState.DRAWN:
        return UnitState.CANCELED
    return unit.state


def _encode(row: BackfillRow, pinned: PinnedBackfill, unit: UnitRow) -> backfill_pb2.BackfillUnit:
    progress = unit.progress
    grid = pinned.grids[progress.segment]
    indexes = list(pinned.segments[progress.segment].units.indexes(progress.unit)) if progress.marked else []
    return encode_unit(
        progress.segment,
        progress.unit,
        pinned.key_of(progress.segment, progress.unit),
        state=_state(row, progress),
        size=progress.size,
        failed=progress.failed,
        reason=progress.reason,
        run_id=unit.run_id or "",
        failed_keys=[grid.key_at(indexes[place]) for place in progress.marked],
    )
