"""All keys of a definition at one moment, in order.

A grid is what a backfill pins: it never changes, its keys are computed from their index, and nothing of it grows with
their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, product
from math import prod

from rivers.errors import ExecutionError
from rivers.partitions.axis import Axis
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange


class Grid:
    """The product of axes; the first one varies slowest. Without names it has one axis, and single keys."""

    def __init__(self, axes: Sequence[Axis], names: Sequence[str] | None = None) -> None:
        self.axes = tuple(axes)
        self.names = None if names is None else tuple(names)

    @property
    def count(self) -> int:
        """How many keys there are."""
        return prod(axis.count for axis in self.axes)

    def key_at(self, index: int) -> PartitionKey:
        """The key at an index from 0; `IndexError` outside."""
        if not 0 <= index < self.count:
            raise IndexError(index)
        places = []
        for axis in reversed(self.axes):
            index, place = divmod(index, axis.count)
            places.append(place)
        return self._key([axis.value_at(place) for axis, place in zip(self.axes, reversed(places), strict=True)])

    def index_of(self, key: PartitionKey) -> int | None:
        """The index of a key of one partition; `None` for what is none."""
        values = self._values(key)
        if values is None or any(len(some) != 1 for some in values):
            return None
        index = 0
        for axis, (value,) in zip(self.axes, values, strict=True):
            place = axis.index_of(value)
            if place is None:
                return None
            index = index * axis.count + place
        return index

    def keys(self, start: int = 0, stop: int | None = None) -> Iterator[PartitionKey]:
        """The keys from one index to before another, made as they are asked for."""
        stop = self.count if stop is None else min(stop, self.count)
        if self.names is None:
            yield from map(PartitionKey.single, self.axes[0].values(start, stop))
        elif start == 0 and all(axis.count <= _KEPT for axis in self.axes):
            for values in islice(product(*(list(axis.values()) for axis in self.axes)), stop):
                yield self._key(values)
        else:
            yield from map(self.key_at, range(start, stop))

    def has(self, key: PartitionKey) -> bool:
        """Whether all partitions of a key are keys."""
        if isinstance(key, PartitionKey.Set):
            return all(self.has(member) for member in key.keys)
        values = self._values(key)
        return values is not None and all(
            axis.has(value) for axis, some in zip(self.axes, values, strict=True) for value in some
        )

    def nearest(self, key: PartitionKey) -> list[str]:
        """Keys, as text, that somebody who gave this one may have meant; of a dimension, which values it has."""
        if isinstance(key, PartitionKey.Set):
            return next((self.nearest(member) for member in key.keys if not self.has(member)), [])
        if self._values(key) is None:
            return [str(one) for one in self.keys(0, 3)] if all(axis.is_listed for axis in self.axes) else []
        wrong = self.foreign(key)
        if wrong is None:
            return []
        place, value = wrong
        found = self.axes[place].nearest(value)
        return found if self.names is None else [f"{self.names[place]}={one}" for one in found]

    def foreign(self, key: PartitionKey) -> tuple[int, str] | None:
        """The first value that its axis does not have, after the place of that; `None` when there is none, or the key
        has other dimensions."""
        if isinstance(key, PartitionKey.Set):
            return next((wrong for member in key.keys if (wrong := self.foreign(member)) is not None), None)
        for place, some in enumerate(self._values(key) or ()):
            for value in some:
                if not self.axes[place].has(value):
                    return place, value
        return None

    def select(self, selected: PartitionKeyRange) -> Selection:
        """The keys of a range; `ExecutionError` for one that does not fit."""
        if selected.dimensions is None:
            if self.names is not None:
                raise ExecutionError(
                    "a single-dimension range cannot select from Multi partitions; use PartitionKeyRange.multi() "
                    f"with dimensions: {', '.join(self.names)}"
                )
            return Selection(self, [_between(self.axes[0], selected.from_key, selected.to_key)])
        if self.names is None:
            raise ExecutionError("PartitionKeyRange.multi() requires a Multi-partitioned asset")
        for name in selected.dimensions:
            if name not in self.names:
                raise ExecutionError(
                    f"range dimension '{name}' is not a dimension of the partitions; available: {', '.join(self.names)}"
                )
        places: list[Sequence[int]] = []
        for name, axis in zip(self.names, self.axes, strict=True):
            some = selected.dimensions.get(name)
            if some is None:
                places.append(range(axis.count))
            elif isinstance(some, tuple):
                places.append(_between(axis, *some))
            else:
                places.append([_endpoint(axis, value) for value in dict.fromkeys(some)])
        return Selection(self, places)

    def _values(self, key: PartitionKey) -> list[list[str]] | None:
        """The values of a key for each axis; `None` when it has other dimensions."""
        if self.names is None:
            return [key.key] if isinstance(key, PartitionKey.Single) else None
        if not isinstance(key, PartitionKey.Multi) or key.keys.keys() != set(self.names):
            return None
        return [key.keys[name] for name in self.names]

    def _key(self, values: Sequence[str]) -> PartitionKey:
        if self.names is None:
            return PartitionKey.single(values[0])
        return PartitionKey.multi(dict(zip(self.names, values, strict=True)))


class Selection:
    """Keys of a grid: for each axis the places that are meant. Their product is never built."""

    def __init__(self, grid: Grid, places: Sequence[Sequence[int]]) -> None:
        self.grid = grid
        self.places = tuple(places)

    @property
    def count(self) -> int:
        """How many keys are meant."""
        return prod(len(some) for some in self.places)

    def index_at(self, number: int) -> int:
        """The index in the grid of the nth selected key, from 0; `IndexError` outside."""
        if not 0 <= number < self.count:
            raise IndexError(number)
        chosen = []
        for some in reversed(self.places):
            number, place = divmod(number, len(some))
            chosen.append(some[place])
        index = 0
        for axis, place in zip(self.grid.axes, reversed(chosen), strict=True):
            index = index * axis.count + place
        return index

    def keys(self) -> Iterator[PartitionKey]:
        """The keys, in the order of the grid."""
        for number in range(self.count):
            yield self.grid.key_at(self.index_at(number))

    def has(self, key: PartitionKey) -> bool:
        """Whether all partitions of a key are meant."""
        values = self.grid._values(key)
        if values is None:
            return False
        for axis, chosen, some in zip(self.grid.axes, self.places, values, strict=True):
            for value in some:
                place = axis.index_of(value)
                if place is None or place not in chosen:
                    return False
        return True


_KEPT = 1_000


def _between(axis: Axis, low: str, high: str) -> range:
    first, last = _endpoint(axis, low), _endpoint(axis, high)
    if first > last:
        raise ExecutionError(f"from_key '{low}' is after to_key '{high}'")
    return range(first, last + 1)


def _endpoint(axis: Axis, value: str) -> int:
    place = axis.index_of(value)
    if place is None:
        near = ", ".join(f"'{one}'" for one in axis.nearest(value))
        raise ExecutionError(
            f"Range endpoint '{value}' is not a partition key", remedy=f"the nearest keys are {near}" if near else ""
        )
    return place
