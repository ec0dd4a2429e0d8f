"""Which partitions a caller wants: keys, a range or all of them, found in a grid."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

from rivers.errors import ExecutionError
from rivers.lifecycle.backfill.units import ListedUnits, ProductUnits, Units
from rivers.partitions.dynamic import unregistered_key
from rivers.partitions.grid import Grid
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.partitions.spans import Spans


@dataclass(frozen=True, slots=True)
class Wanted:
    """Exactly one of these: explicit keys, a list of keys that were found already, a range, or all that there are."""

    keys: Sequence[PartitionKey] | None = None
    range: PartitionKeyRange | None = None
    all: bool = False
    listed: KeyList | None = None

    def check(self) -> None:
        """Raises for none and for several of them."""
        if self.keys is not None and self.range is not None:
            raise ExecutionError("partition_keys and partition_range are mutually exclusive; give one of them")
        if self.keys is None and self.range is None and self.listed is None and not self.all:
            raise ExecutionError("Either partition_keys or partition_range must be provided")
        if (self.keys is not None and not self.keys) or (self.listed is not None and not self.listed.units().count):
            raise ExecutionError("partition_keys must not be empty")


class KeyList:
    """Explicit keys of a grid, taken one after another; each partition counts once, where it came first."""

    def __init__(self, grid: Grid, asset: str) -> None:
        self._grid = grid
        self._asset = asset
        self._seen = bytearray(-(-grid.count // 8))
        self._indexes = array("q")
        self._sizes = array("q")
        self._is_grouped = False
        self._expected = 0
        self._top = 0
        self._made: ListedUnits | None = None

    def add(self, key: PartitionKey) -> None:
        """Takes a key, all partitions of which share a run; `ExecutionError` for one that the asset does not have."""
        if isinstance(key, PartitionKey.Single) and len(key.key) == 1:
            self.add_value(key.key[0])
            return
        before = len(self._indexes)
        for one in key.expand():
            index = self._grid.index_of(one)
            if index is None:
                raise invalid_key(key, self._asset, self._grid)
            self._take(index)
        self._close(before)

    def add_value(self, value: str) -> None:
        """Takes a key of one value. Most lists are in order, so the next value is looked at first."""
        axis = self._grid.axes[0]
        index: int | None = self._expected
        if self._grid.names is not None:
            index = None
        elif self._expected >= axis.count or axis.value_at(self._expected) != value:
            index = axis.index_of(value)
        if index is None:
            raise invalid_key(PartitionKey.single(value), self._asset, self._grid)
        self._expected = index + 1
        before = len(self._indexes)
        self._take(index)
        self._close(before)

    def add_values(self, values: Sequence[str]) -> None:
        """Takes keys of one value each. A page that is a run of consecutive keys is taken at once."""
        start, count = self._expected, len(values)
        axis = self._grid.axes[0]
        is_ahead = self._grid.names is None and start >= self._top and start + count <= axis.count
        if is_ahead and list(axis.values(start, start + count)) == list(values):
            self._mark(start, start + count)
            self._indexes.extend(range(start, start + count))
            self._sizes.extend(repeat(1, count))
            self._expected = self._top = start + count
            return
        for value in values:
            self.add_value(value)

    def units(self) -> ListedUnits:
        """The keys as units, one each. No key is added afterwards."""
        if self._made is None:
            self._made = ListedUnits(Spans.of(self._indexes), self._sizes if self._is_grouped else None)
        return self._made

    def _take(self, index: int) -> None:
        bit = 1 << (index & 7)
        if not self._seen[index >> 3] & bit:
            self._seen[index >> 3] |= bit
            self._indexes.append(index)
            self._top = max(self._top, index + 1)

    def _mark(self, start: int, stop: int) -> None:
        """Notes a run of indexes as seen: whole bytes at once."""
        first, last = -(-start // 8), stop // 8
        if first >= last:
            first = last = stop  # too short to hold a whole byte
        else:
            self._seen[first:last] = b"\xff" * (last - first)
            first, last = first * 8, last * 8
        for index in (*range(start, min(first, stop)), *range(max(last, start), stop)):
            self._seen[index >> 3] |= 1 << (index & 7)

    def _close(self, before: int) -> None:
        size = len(self._indexes) - before
        if size:
            self._sizes.append(size)
            self._is_grouped |= size > 1


def find(wanted: Wanted, grid: Grid, asset: str) -> Units:
    """The wanted partitions as units of one key each; `ExecutionError` for what the asset does not have."""
    if wanted.keys is not None:
        listed = KeyList(grid, asset)
        for key in wanted.keys:
            listed.add(key)
        return listed.units()
    if wanted.listed is not None:
        return wanted.listed.units()
    shape = [axis.count for axis in grid.axes]
    if wanted.range is None:
        return ProductUnits(shape, [Spans.between(0, count) for count in shape])
    return ProductUnits(shape, [_spans(places) for places in grid.select(wanted.range).places])


def invalid_key(key: PartitionKey, asset: str, grid: Grid) -> ExecutionError:
    """The error about a key that an asset does not have, with the nearest ones that it has."""
    wrong = grid.foreign(key)
    if wrong is not None and (name := grid.axes[wrong[0]].dynamic):
        return unregistered_key(wrong[1], name, asset)
    near = ", ".join(f"'{one}'" for one in grid.nearest(key))
    return ExecutionError(
        f"Invalid partition_key '{key}' for asset '{asset}': not a member of its partition definition.",
        remedy=f"the nearest keys are {near}" if near else "",
        asset=asset,
    )


def _spans(places: Iterable[int]) -> Spans:
    return Spans.between(places.start, places.stop) if isinstance(places, range) else Spans.of(places)
