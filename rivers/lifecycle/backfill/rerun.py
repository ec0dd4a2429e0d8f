"""Which partitions of a backfill are run again: the units of a new one, fixed when it is made (B7)."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from enum import StrEnum

from rivers.lifecycle.backfill.states import UnitState
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.lifecycle.backfill.units import ListedUnits, Units
from rivers.partitions.spans import Spans


class RerunScope(StrEnum):
    """What of a backfill is run again."""

    UNSUCCESSFUL = "unsuccessful"
    FAILED = "failed"
    CANCELED = "canceled"
    MISSING = "missing"
    ALL = "all"


def rerun_units(
    units: Units,
    rows: Iterable[UnitProgress],
    scope: RerunScope,
    *,
    is_missing: Callable[[int], bool] | None = None,
    exists: Callable[[int], bool] | None = None,
) -> ListedUnits:
    """Units of those partitions, grouped as they were. `rows` are the segment's, in the order of their units.

    A unit without a row was never drawn and counts as canceled. `is_missing` says which partitions were never made;
    those that `exists` does not know are left out.
    """
    numbers: list[int] = []
    sizes = array("q")
    ended = {row.unit: row for row in rows if row.state.is_terminal}
    for unit in range(units.count):
        wanted = [
            index
            for place, index in enumerate(units.indexes(unit))
            if _is_wanted(scope, ended.get(unit), place, index, is_missing) and (exists is None or exists(index))
        ]
        if wanted:
            numbers += wanted
            sizes.append(len(wanted))
    return ListedUnits(Spans.of(numbers), None if all(size == 1 for size in sizes) else sizes)


def _is_wanted(
    scope: RerunScope, row: UnitProgress | None, place: int, index: int, is_missing: Callable[[int], bool] | None
) -> bool:
    match scope:
        case RerunScope.ALL:
            return True
        case RerunScope.MISSING:
            return is_missing is None or is_missing(index)
    failed = row is not None and (row.state == UnitState.FAILED or place in row.marked)
    canceled = row is None or row.state == UnitState.CANCELED
    if scope == RerunScope.UNSUCCESSFUL:
        return failed or canceled
    return failed if scope == RerunScope.FAILED else canceled
