"""How a repository's assets are partitioned, as their conditions see it."""

from __future__ import annotations

from datetime import datetime, timedelta

from rivers.automation.facts import NOTHING, Cell, Cells
from rivers.definitions.snapshot import Snapshot
from rivers.errors import RiversError
from rivers.partitions.definition import PartitionsDefinition, Registered
from rivers.partitions.key import PartitionKey
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.mapping_image import Dependency, image

WHOLE: Cells = frozenset({None})

#: Of a definition with more partitions than this only the latest ones have conditions.
_MOST = 100_000


class Layout:
    """Partitions at one moment; `registered` holds the keys of dynamic definitions by name."""

    def __init__(self, snapshot: Snapshot, now: datetime, registered: Registered) -> None:
        self._snapshot = snapshot
        self._now = now
        self._registered = registered
        self._cells: dict[str, Cells] = {}
        self._upstream: dict[tuple[str, str, Cell], Cells] = {}

    def definition(self, asset: str) -> PartitionsDefinition | None:
        """How an asset is partitioned."""
        return self._snapshot.output_by_node[asset].partitions

    def cells(self, asset: str) -> Cells:
        """All partitions of an asset, the latest ones if they are too many; or the asset itself."""
        if asset not in self._cells:
            definition = self.definition(asset)
            if definition is None:
                self._cells[asset] = WHOLE
            else:
                grid = definition.grid(self._now, self._registered)
                self._cells[asset] = frozenset(grid.keys(max(grid.count - _MOST, 0)))
        return self._cells[asset]

    def upstream(self, asset: str, dependency: str, cell: Cell) -> Cells:
        """The cells of a dependency that one cell of the asset depends on."""
        known = (asset, dependency, cell)
        if known not in self._upstream:
            self._upstream[known] = self._image(asset, dependency, cell)
        return self._upstream[known]

    def launched_together(self, asset: str, dependency: str) -> bool:
        """Whether both go into one run: they have the same partitions, one to one."""
        mapping = self._mapping(asset, dependency)
        return self.definition(asset) == self.definition(dependency) and (
            mapping is None or isinstance(mapping, PartitionMapping.Identity)
        )

    def latest_window(self, asset: str, lookback: float | None) -> Cells:
        """Cells of the latest window of time, and of those that start at most `lookback` seconds before it.

        What has no windows of time is always in the latest one.
        """
        definition = self.definition(asset)
        starts = {cell: start for cell in self.cells(asset) if (start := _start(definition, cell)) is not None}
        if not starts:
            return self.cells(asset)
        first = max(starts.values()) - timedelta(seconds=lookback or 0.0)
        return frozenset(cell for cell, start in starts.items() if start >= first)

    def _mapping(self, asset: str, dependency: str) -> PartitionMapping | None:
        return self._snapshot.step_by_node[asset].mapping_of(dependency)

    def _image(self, asset: str, dependency: str, cell: Cell) -> Cells:
        upstream = self.definition(dependency)
        if upstream is None:
            return WHOLE
        related = Dependency(asset, dependency, self.definition(asset), upstream, self._mapping(asset, dependency))
        try:
            found = image(related, () if cell is None else (cell,), self._now, self._registered)
        except RiversError:  # this partition of the asset has no counterpart
            return NOTHING
        if found.is_nothing:
            return NOTHING
        if found.keys is None:
            return self.cells(dependency)
        return frozenset(one for key in found.keys for one in key.expand()) & self.cells(dependency)


def _start(definition: PartitionsDefinition | None, cell: Cell) -> datetime | None:
    """The start of a cell's window of time."""
    if isinstance(definition, PartitionsDefinition.TimeWindow) and isinstance(cell, PartitionKey.Single):
        window = definition.window_of(cell.key[0])
        return None if window is None else window[0]
    if isinstance(definition, PartitionsDefinition.Multi) and isinstance(cell, PartitionKey.Multi):
        for name, dimension in definition.dimensions:
            if isinstance(dimension, PartitionsDefinition.TimeWindow):
                window = dimension.window_of(cell.keys[name][0])
                return None if window is None else window[0]
    return None
