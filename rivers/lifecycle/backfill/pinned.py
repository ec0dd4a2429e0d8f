"""What a backfill pins when it is made: definitions, the moment, the dynamic keys, and the units of each segment (B1).

Grids and mappings between them follow from these, so the key of any unit is arithmetic, whatever becomes of the
definitions later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import prod

from rivers.lifecycle.backfill.segment import BackfillPlan, Link, Segment
from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.lifecycle.backfill.units import ProductUnits, Units
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.grid import Grid
from rivers.partitions.grid_mapping import grid_mapping
from rivers.partitions.key import PartitionKey
from rivers.partitions.mapping import PartitionMapping


@dataclass(frozen=True, slots=True)
class PinnedLink:
    """A dependency on an earlier segment, by the mapping of the edge that made it; `None` is the same partition."""

    upstream: int
    mapping: PartitionMapping | None = None


@dataclass(frozen=True, slots=True)
class PinnedSegment:
    """Nodes that run together. `own` is a mapping to earlier partitions of their own."""

    nodes: tuple[str, ...]
    definition: PartitionsDefinition
    units: Units
    links: tuple[PinnedLink, ...] = ()
    own: PartitionMapping | None = None


@dataclass(frozen=True)
class PinnedBackfill:
    """Everything that is fixed. `registered` holds the keys of dynamic definitions; `config` is the launch document."""

    segments: tuple[PinnedSegment, ...]
    now: datetime
    strategy: BackfillStrategy = field(default_factory=BackfillStrategy.multi_run)
    max_concurrency: int = 4
    failure_policy: FailurePolicy = FailurePolicy.CONTINUE
    config: dict[str, object] | None = None
    registered: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        """The keys that there were, for each segment."""
        return tuple(segment.definition.grid(self.now, self.registered) for segment in self.segments)

    @cached_property
    def plan(self) -> BackfillPlan:
        """What progress is made on."""
        return BackfillPlan(
            tuple(self._segment(number) for number in range(len(self.segments))),
            self.max_concurrency,
            self.failure_policy,
        )

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes, segment by segment."""
        return tuple(node for segment in self.segments for node in segment.nodes)

    def key_of(self, segment: int, unit: int) -> PartitionKey:
        """The partition key of a unit's run."""
        grid, units = self.grids[segment], self.segments[segment].units
        if isinstance(units, ProductUnits):
            chosen = units.chosen(unit)
            return _key(grid, [[axis.value_at(n) for n in some] for axis, some in zip(grid.axes, chosen, strict=True)])
        keys = [grid.key_at(index) for index in units.indexes(unit)]
        return keys[0] if len(keys) == 1 else joined(keys, grid)

    def _segment(self, number: int) -> Segment:
        segment, grid = self.segments[number], self.grids[number]
        links = tuple(
            Link(link.upstream, grid_mapping(link.mapping, grid, self.grids[link.upstream])) for link in segment.links
        )
        own = None if segment.own is None else grid_mapping(segment.own, grid, grid)
        return Segment(segment.nodes, segment.units, links, own)


def joined(keys: Sequence[PartitionKey], grid: Grid) -> PartitionKey:
    """One key for several partitions: of lists where these say the same, or else a set."""
    if grid.names is None:
        return PartitionKey.single([value for key in keys if isinstance(key, PartitionKey.Single) for value in key.key])
    values: dict[str, dict[str, None]] = {name: {} for name in grid.names}
    for key in keys:
        assert isinstance(key, PartitionKey.Multi)
        for name, some in key.keys.items():
            values[name].update(dict.fromkeys(some))
    if prod(len(some) for some in values.values()) == len(keys):
        return PartitionKey.multi({name: list(some) for name, some in values.items()})
    return PartitionKey.Set(keys)


def _key(grid: Grid, values: Sequence[list[str]]) -> PartitionKey:
    if grid.names is None:
        return PartitionKey.single(values[0])
    return PartitionKey.multi(dict(zip(grid.names, values, strict=True)))
