"""Strategies: which partitions of a selection share a run."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from rivers.errors import ExecutionError
from rivers.lifecycle.backfill.units import ListedUnits, ProductUnits, Units
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.grid import Grid
from rivers.partitions.spans import Spans


def choose(given: BackfillStrategy | None, declared: Sequence[BackfillStrategy | None]) -> BackfillStrategy:
    """The strategy given, else the one that the assets declare, if they agree; else a run for each key."""
    if given is not None:
        return given
    found = [one for one in declared if one is not None]
    if found and all(one == found[0] for one in found):
        return found[0]
    return BackfillStrategy.multi_run()


def check(strategy: BackfillStrategy, asset: str, definition: PartitionsDefinition) -> None:
    """`ExecutionError` for a strategy by dimensions that an asset does not have."""
    if not isinstance(strategy, BackfillStrategy.PerDimension):
        return
    if not isinstance(definition, PartitionsDefinition.Multi):
        raise ExecutionError(
            f"BackfillStrategy.per_dimension requires Multi-partitioned assets; asset '{asset}' is not "
            "Multi-partitioned",
            asset=asset,
        )
    known = [name for name, _ in definition.dimensions]
    for dimension in [*strategy.multi_run_dims, *strategy.single_run_dims]:
        if dimension not in known:
            raise ExecutionError(
                f"BackfillStrategy.per_dimension references dimension '{dimension}', which is not a dimension of "
                f"asset '{asset}'",
                remedy=f"its dimensions are {', '.join(known)}",
                asset=asset,
            )


def grouped(strategy: BackfillStrategy, units: Units, grid: Grid) -> Units:
    """The same partitions, grouped as the strategy says."""
    match strategy:
        case BackfillStrategy.SingleRun():
            if isinstance(units, ProductUnits):
                return ProductUnits(units.shape, units.places, ())
            return ListedUnits(
                Spans.of(units.all_indexes()), array("q", [units.partitions] if units.partitions else [])
            )
        case BackfillStrategy.PerDimension():
            names = grid.names or ()
            outer = [axis for axis, name in enumerate(names) if name in strategy.multi_run_dims]
            if isinstance(units, ProductUnits):
                return ProductUnits(units.shape, units.places, outer)
            return _by_axes(units, [axis.count for axis in grid.axes], outer)
    return units


def _by_axes(units: Units, shape: Sequence[int], outer: Sequence[int]) -> ListedUnits:
    """Partitions with the same places on the outer axes together, groups in the order of their first partition."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index in units.all_indexes():
        rest, places = index, []
        for count in reversed(shape):
            rest, place = divmod(rest, count)
            places.append(place)
        places.reverse()
        groups.setdefault(tuple(places[axis] for axis in outer), []).append(index)
    return ListedUnits(
        Spans.of(index for group in groups.values() for index in group),
        array("q", [len(group) for group in groups.values()]),
    )
