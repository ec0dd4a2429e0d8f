"""Units: which partitions of a grid a backfill covers, and which of them share a run.

Unit and partition are numbers, found by arithmetic from one another; a partition's number is its index in the grid.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from math import prod

from rivers.partitions.spans import Spans


class Units(ABC):
    """Units from 0 on; each partition belongs to one unit at most."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many units there are."""

    @property
    @abstractmethod
    def partitions(self) -> int:
        """How many partitions they have together."""

    @property
    @abstractmethod
    def largest(self) -> int:
        """How many partitions the largest unit has; 0 without units."""

    @abstractmethod
    def size(self, unit: int) -> int:
        """How many partitions a unit has."""

    @abstractmethod
    def indexes(self, unit: int) -> Iterator[int]:
        """The partitions of a unit, in order; `IndexError` for a unit that is not there."""

    @abstractmethod
    def unit_of(self, index: int) -> int | None:
        """The unit that a partition belongs to; `None` when it is not covered."""

    @abstractmethod
    def size_between(self, start: int, stop: int) -> int:
        """How many partitions the units from one to before another have."""

    def all_indexes(self) -> Iterator[int]:
        """Every covered partition, unit by unit."""
        for unit in range(self.count):
            yield from self.indexes(unit)


class ProductUnits(Units):
    """Places chosen on each axis of a grid, all combinations of them.

    `shape` is the number of values on each axis, the first varying slowest. A unit is one combination of the places on
    the `outer` axes, with all combinations of those on the others. The product is never built.
    """

    def __init__(self, shape: Sequence[int], places: Sequence[Spans], outer: Sequence[int] | None = None) -> None:
        self.shape = tuple(shape)
        self.places = tuple(places)
        self.outer = tuple(range(len(self.shape))) if outer is None else tuple(sorted(outer))
        self.inner = tuple(axis for axis in range(len(self.shape)) if axis not in self.outer)
        self._size = prod(self.places[axis].count for axis in self.inner)

    @cached_property
    def count(self) -> int:
        return prod(self.places[axis].count for axis in self.outer) if self._size else 0

    @property
    def partitions(self) -> int:
        return self.count * self._size

    @property
    def largest(self) -> int:
        return self._size if self.count else 0

    def size(self, unit: int) -> int:
        return self._size

    def size_between(self, start: int, stop: int) -> int:
        return (stop - start) * self._size

    def chosen(self, unit: int) -> list[Sequence[int]]:
        """For each axis the places that a unit covers; `IndexError` for a unit that is not there."""
        if not 0 <= unit < self.count:
            raise IndexError(unit)
        chosen: list[Sequence[int]] = [()] * len(self.shape)
        for axis in self.inner:
            chosen[axis] = tuple(self.places[axis])
        for axis in reversed(self.outer):
            unit, place = divmod(unit, self.places[axis].count)
            chosen[axis] = (self.places[axis].at(place),)
        return chosen

    def indexes(self, unit: int) -> Iterator[int]:
        indexes = [0]
        for axis, places in enumerate(self.chosen(unit)):
            count = self.shape[axis]
            indexes = [index * count + place for index in indexes for place in places]
        yield from indexes

    def unit_of(self, index: int) -> int | None:
        found = []
        for axis in range(len(self.shape) - 1, -1, -1):
            index, value = divmod(index, self.shape[axis])
            place = self.places[axis].place_of(value)
            if place is None:
                return None
            found.append(place)
        if index:
            return None
        found.reverse()
        unit = 0
        for axis in self.outer:
            unit = unit * self.places[axis].count + found[axis]
        return unit


class ListedUnits(Units):
    """Partitions in the order in which they are listed, consecutive ones grouped. `sizes`: of each unit, or all 1."""

    def __init__(self, listed: Spans, sizes: array[int] | None = None) -> None:
        self.listed = listed
        self.sizes = sizes

    @property
    def count(self) -> int:
        return self.listed.count if self.sizes is None else len(self.sizes)

    @property
    def partitions(self) -> int:
        return self.listed.count

    @property
    def largest(self) -> int:
        return max(self.sizes, default=0) if self.sizes is not None else min(self.listed.count, 1)

    def size(self, unit: int) -> int:
        return 1 if self.sizes is None else self.sizes[unit]

    def size_between(self, start: int, stop: int) -> int:
        return self._start(stop) - self._start(start)

    def indexes(self, unit: int) -> Iterator[int]:
        if not 0 <= unit < self.count:
            raise IndexError(unit)
        yield from self.listed.between_places(self._start(unit), self._start(unit + 1))

    def unit_of(self, index: int) -> int | None:
        place = self.listed.place_of(index)
        if place is None or self.sizes is None:
            return place
        return bisect_right(self._ends, place)

    def all_indexes(self) -> Iterator[int]:
        yield from self.listed

    def _start(self, unit: int) -> int:
        if self.sizes is None:
            return unit
        return self._ends[unit - 1] if unit else 0

    @cached_property
    def _ends(self) -> array[int]:
        return array("q", accumulate(self.sizes or ()))
