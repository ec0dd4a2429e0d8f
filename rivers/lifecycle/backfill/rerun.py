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
    is_over: bool = True,
    is_missing: Callable[[int], bool] | None = None,
    exists: Callable[[int], bool] | None = None,
) -> ListedUnits:
    """Units of those partitions, grouped as they were. `rows` are the segment's, in the order of their units.

    Units that were never drawn count as canceled once the backfill `is_over`, or will be; until then they are still to
    come. `is_missing` says which partitions were never made; those that `exists` does not know are left out.
    """
    numbers: list[int] = []
    sizes = array("q")
    undrawn = UnitState.CANCELED if is_over else UnitState.UNDRAWN
    known = {row.unit: row for row in rows}
    for unit in range(units.count):
        row = known.get(unit)
        state = undrawn if row is None or row.state < UnitState.DRAWN else row.state
        marked = row.marked if row is not None else ()
        wanted = [
            index
            for place, index in enumerate(units.indexes(unit))
            if _is_wanted(scope, state, place in marked, index, is_missing) and (exists is None or exists(index))
        ]
        if wanted:
            numbers += wanted
            sizes.append(len(wanted))
    return ListedUnits(Spans.of(numbers), None if all(size == 1 for size in sizes) else sizes)


def _is_wanted(
    scope: RerunScope, state: UnitState, is_marked: bool, index: int, is_missing: Callable[[int], bool] | None
) -> bool:
    match scope:
        case RerunScope.ALL:
            return True
        case RerunScope.MISSING:
            return is_missing is None or is_missing(index)
    failed = state == UnitState.FAILED or is_marked
    canceled = state == UnitState.CANCELED
    if scope == RerunScope.UNSUCCESSFUL:
        return failed or canceled
    return failed if scope == RerunScope.FAILED else canceled
