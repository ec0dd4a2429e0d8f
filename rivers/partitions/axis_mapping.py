"""How places on one axis depend on places of another, both ways: needs and feeds undo each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rivers.partitions.axis import Axis
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.spans import Spans
from rivers.partitions.time_axis import TimeAxis

_MICROSECOND = timedelta(microseconds=1)
#: So many windows are looked at to see which of two grids is the finer one.
_LOOKED_AT = 64


class AxisMapping(ABC):
    """From places of a downstream axis to those of an upstream axis."""

    #: Whether places further on depend on places that are not further back.
    is_monotone = False

    def __init__(self, downstream: Axis, upstream: Axis) -> None:
        self.downstream = downstream
        self.upstream = upstream

    @abstractmethod
    def needs(self, place: int) -> Sequence[int]:
        """The upstream places that a downstream one depends on."""

    @abstractmethod
    def feeds(self, place: int) -> Sequence[int]:
        """The downstream places that depend on an upstream one."""

    def image(self, places: Spans) -> Spans:
        """All downstream places that depend on any of these, in their order."""
        if self.is_monotone:
            return _joined(
                [self._image_of_run(start, length) for start, length in zip(places.starts, places.lengths, strict=True)]
            )
        return Spans.of(sorted({fed for place in places for fed in self.feeds(place)}))

    def _image_of_run(self, start: int, length: int) -> range:
        first = next((fed for n in range(start, start + length) for fed in self.feeds(n)[:1]), None)
        last = next((fed for n in range(start + length - 1, start - 1, -1) for fed in self.feeds(n)[-1:]), None)
        return range(first, last + 1) if first is not None and last is not None else range(0)


class SameValue(AxisMapping):
    """The same value; a value that the other side lacks depends on nothing."""

    def __init__(self, downstream: Axis, upstream: Axis) -> None:
        super().__init__(downstream, upstream)
        self._is_same = downstream is upstream
        self._ahead: int | None = 0 if self._is_same else None
        if isinstance(downstream, TimeAxis) and isinstance(upstream, TimeAxis):
            if downstream.ticks is upstream.ticks and downstream.label.fmt == upstream.label.fmt:
                self._ahead = downstream.first - upstream.first
            self.is_monotone = True
        self.is_monotone |= self._is_same

    def needs(self, place: int) -> Sequence[int]:
        if self._ahead is not None:
            return _within(place + self._ahead, self.upstream)
        return _found(self.upstream.index_of(self.downstream.value_at(place)))

    def feeds(self, place: int) -> Sequence[int]:
        if self._ahead is not None:
            return _within(place - self._ahead, self.downstream)
        return _found(self.downstream.index_of(self.upstream.value_at(place)))


class NamedValue(AxisMapping):
    """A value by name; one that is not named stays as it is."""

    def __init__(self, downstream: Axis, upstream: Axis, named: Mapping[str, str]) -> None:
        super().__init__(downstream, upstream)
        self._named = named
        self._sources: dict[str, list[str]] = {}
        for source, target in named.items():
            self._sources.setdefault(target, []).append(source)

    def needs(self, place: int) -> Sequence[int]:
        value = self.downstream.value_at(place)
        return _found(self.upstream.index_of(self._named.get(value, value)))

    def feeds(self, place: int) -> Sequence[int]:
        value = self.upstream.value_at(place)
        sources = [*self._sources.get(value, ()), *(() if value in self._named else (value,))]
        found = [self.downstream.index_of(source) for source in sources]
        return sorted(one for one in found if one is not None)


class Windows(AxisMapping):
    """Windows of time, so many later. Of a coarser downstream every upstream window that starts within its own."""

    is_monotone = True

    def __init__(self, downstream: TimeAxis, upstream: TimeAxis, offset: int) -> None:
        super().__init__(downstream, upstream)
        self._down = downstream
        self._up = upstream
        self._offset = offset
        self._is_finer = is_finer(upstream, downstream)

    def needs(self, place: int) -> Sequence[int]:
        if self._is_finer:
            number = self._down.first + place + self._offset
            return _starting(self._up, _start(self._down, number), _start(self._down, number + 1))
        moment = _as_in(self._up, _start(self._down, self._down.first + place))
        return _within(self._up.ticks.before(moment + _MICROSECOND) - 1 + self._offset - self._up.first, self._up)

    def feeds(self, place: int) -> Sequence[int]:
        if self._is_finer:
            moment = _as_in(self._down, _start(self._up, self._up.first + place))
            number = self._down.ticks.before(moment + _MICROSECOND) - 1 - self._offset
            return _within(number - self._down.first, self._down)
        number = self._up.first + place - self._offset
        return _starting(self._down, _start(self._up, number), _start(self._up, number + 1))


class EveryPlace(AxisMapping):
    """All of the other axis."""

    is_monotone = True

    def needs(self, place: int) -> Sequence[int]:
        return range(self.upstream.count)

    def feeds(self, place: int) -> Sequence[int]:
        return range(self.downstream.count)

    def image(self, places: Spans) -> Spans:
        return Spans.between(0, self.downstream.count if places.count else 0)


class SomePlaces(AxisMapping):
    """The same upstream values for every downstream one."""

    def __init__(self, downstream: Axis, upstream: Axis, values: Sequence[str]) -> None:
        super().__init__(downstream, upstream)
        found = [upstream.index_of(value) for value in values]
        self._places = sorted(one for one in found if one is not None)

    def needs(self, place: int) -> Sequence[int]:
        return self._places

    def feeds(self, place: int) -> Sequence[int]:
        return range(self.downstream.count) if place in self._places else ()


def axis_mapping(mapping: PartitionMapping | None, downstream: Axis, upstream: Axis) -> AxisMapping:
    """A mapping of one dimension as places."""
    match mapping:
        case PartitionMapping.Static(named):
            return NamedValue(downstream, upstream, named)
        case PartitionMapping.SpecificPartitions(values):
            return SomePlaces(downstream, upstream, values)
        case PartitionMapping.AllPartitions():
            return EveryPlace(downstream, upstream)
        case PartitionMapping.TimeWindow(offset):
            assert isinstance(downstream, TimeAxis)
            assert isinstance(upstream, TimeAxis)
            return Windows(downstream, upstream, offset)
    return SameValue(downstream, upstream)


def is_finer(axis: TimeAxis, than: TimeAxis) -> bool:
    """Whether the windows of one grid are shorter than those of another."""
    begin, end = _start(than, than.first), _start(than, than.first + _LOOKED_AT)
    count = axis.ticks.before(_as_in(axis, end)) - axis.ticks.before(_as_in(axis, begin))
    return count > _LOOKED_AT


def _start(axis: TimeAxis, number: int) -> datetime:
    return axis.ticks.at(number)


def _as_in(axis: TimeAxis, moment: datetime) -> datetime:
    """The moment as the axis tells time: on its zone's clock, or on nobody's in particular."""
    zone = axis.ticks.at(axis.first).tzinfo
    if zone is None:
        return moment.replace(tzinfo=None)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _starting(axis: TimeAxis, begin: datetime, end: datetime) -> range:
    """The places of windows that start between two moments, the second exclusive."""
    low = axis.ticks.before(_as_in(axis, begin)) - axis.first
    high = axis.ticks.before(_as_in(axis, end)) - axis.first
    return range(max(low, 0), max(min(high, axis.count), max(low, 0)))


def _within(place: int, axis: Axis) -> Sequence[int]:
    return (place,) if 0 <= place < axis.count else ()


def _found(place: int | None) -> Sequence[int]:
    return () if place is None else (place,)


def _joined(runs: Sequence[range]) -> Spans:
    """The numbers of runs, each once, in order."""
    joined: list[list[int]] = []
    for run in sorted((run for run in runs if run), key=lambda run: run.start):
        if joined and run.start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], run.stop)
        else:
            joined.append([run.start, run.stop])
    return Spans.runs((start, stop - start) for start, stop in joined)
