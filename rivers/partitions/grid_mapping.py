"""How partitions of one grid depend on those of another, as indexes: what a mapping between definitions comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from rivers.partitions.axis_mapping import AxisMapping, EveryPlace, axis_mapping
from rivers.partitions.grid import Grid
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.spans import Spans


class GridMapping:
    """For each upstream axis the downstream axis that it follows, if any, and how."""

    def __init__(self, downstream: Grid, upstream: Grid, axes: Iterable[tuple[int | None, AxisMapping]]) -> None:
        self.downstream = downstream
        self.upstream = upstream
        self._axes = tuple(axes)
        self._down_counts = [axis.count for axis in downstream.axes]
        self._up_counts = [axis.count for axis in upstream.axes]

    def needs(self, index: int) -> Iterator[int]:
        """The upstream partitions that a downstream one is made from."""
        places = _split(index, self._down_counts)
        needed = [mapping.needs(places[axis] if axis is not None else 0) for axis, mapping in self._axes]
        return _combined(needed, self._up_counts)

    def feeds(self, index: int) -> Iterator[int]:
        """The downstream partitions that are made from an upstream one."""
        places = _split(index, self._up_counts)
        fed: list[Sequence[int] | None] = [None] * len(self._down_counts)
        for (axis, mapping), place in zip(self._axes, places, strict=True):
            if axis is None:
                continue
            found, known = mapping.feeds(place), fed[axis]
            fed[axis] = found if known is None else [one for one in found if one in known]
        whole = [range(count) if some is None else some for some, count in zip(fed, self._down_counts, strict=True)]
        return _combined(whole, self._down_counts)

    def image(self, places: Sequence[Spans]) -> list[Spans]:
        """The places on each downstream axis that depend on these of each upstream axis."""
        images: list[Spans | None] = [None] * len(self._down_counts)
        for (axis, mapping), some in zip(self._axes, places, strict=True):
            if axis is None:
                continue
            found, known = mapping.image(some), images[axis]
            images[axis] = found if known is None else Spans.of(one for one in found if known.place_of(one) is not None)
        return [
            Spans.between(0, count) if some is None else some
            for some, count in zip(images, self._down_counts, strict=True)
        ]


def grid_mapping(mapping: PartitionMapping | None, downstream: Grid, upstream: Grid) -> GridMapping | None:
    """The mapping of a dependency; `None` when each downstream partition depends on all upstream ones."""
    match mapping:
        case PartitionMapping.AllPartitions():
            return None
        case PartitionMapping.Multi(dimensions):
            followed = []
            for name, axis in zip(upstream.names or ("",), upstream.axes, strict=True):
                source, inner = dimensions[name]
                place = _axis_of(downstream, source)
                followed.append((place, axis_mapping(inner, downstream.axes[place], axis)))
            return GridMapping(downstream, upstream, followed)
        case PartitionMapping.MultiToSingle(name, inner):
            return GridMapping(
                downstream,
                upstream,
                [
                    (0, axis_mapping(inner, downstream.axes[0], axis))
                    if dimension == name
                    else (None, EveryPlace(downstream.axes[0], axis))
                    for dimension, axis in zip(upstream.names or (), upstream.axes, strict=True)
                ],
            )
    if upstream.names is None:
        return GridMapping(downstream, upstream, [(0, axis_mapping(mapping, downstream.axes[0], upstream.axes[0]))])
    same = [
        (_axis_of(downstream, name), axis_mapping(None, downstream.axes[_axis_of(downstream, name)], axis))
        for name, axis in zip(upstream.names, upstream.axes, strict=True)
    ]
    return GridMapping(downstream, upstream, same)


def _axis_of(grid: Grid, name: str) -> int:
    return 0 if grid.names is None else grid.names.index(name)


def _split(index: int, counts: Sequence[int]) -> list[int]:
    places = []
    for count in reversed(counts):
        index, place = divmod(index, count)
        places.append(place)
    places.reverse()
    return places


def _combined(places: Sequence[Sequence[int]], counts: Sequence[int]) -> Iterator[int]:
    if len(places) == 1:
        yield from places[0]
        return
    for chosen in product(*places):
        index = 0
        for place, count in zip(chosen, counts, strict=True):
            index = index * count + place
        yield index
