"""Segments: parts of a backfill whose runs cover the same assets, and how one depends on another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.lifecycle.backfill.units import Units


class Mapping(Protocol):
    """How partitions of one grid depend on those of another; both ways, so each undoes the other."""

    def needs(self, index: int) -> Iterable[int]:
        """The upstream partitions that a downstream one is made from; none outside of the upstream grid."""

    def feeds(self, index: int) -> Iterable[int]:
        """The downstream partitions that are made from an upstream one."""


@dataclass(frozen=True, slots=True)
class Link:
    """A dependency on the units of another segment, an earlier one. Without a mapping all of it has to end first."""

    upstream: int
    mapping: Mapping | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Assets that run together, partition by partition.

    `own` is the dependency of its partitions on earlier ones of its own: these are not run at the same time.
    """

    nodes: tuple[str, ...]
    units: Units
    links: tuple[Link, ...] = ()
    own: Mapping | None = None

    @property
    def is_linked(self) -> bool:
        """Whether its units become ready one by one, as upstream units end."""
        return bool(self.links) and all(link.mapping is not None for link in self.links)

    def fed_by(self, link: Link, upstream: Units, unit: int) -> dict[int, list[int]]:
        """The units that depend on an upstream unit, each with the places in that one of what it is made from."""
        if self.units.count == 1:
            return {0: list(range(upstream.size(unit)))}
        assert link.mapping is not None
        fed: dict[int, list[int]] = {}
        for place, index in enumerate(upstream.indexes(unit)):
            for downstream in link.mapping.feeds(index):
                found = self.units.unit_of(downstream)
                if found is not None:
                    places = fed.setdefault(found, [])
                    if not places or places[-1] != place:
                        places.append(place)
        return fed

    def count_needed(self, segments: Sequence[Segment], unit: int) -> int:
        """How many upstream units of the backfill a unit depends on. What is not in it is not waited for."""
        return sum(len(self._needed(link, segments[link.upstream].units, unit)) for link in self.links)

    def _needed(self, link: Link, upstream: Units, unit: int) -> Sequence[int] | set[int]:
        if self.units.count == 1:
            return range(upstream.count)
        assert link.mapping is not None
        found: set[int] = set()
        for index in self.units.indexes(unit):
            for needed in link.mapping.needs(index):
                one = upstream.unit_of(needed)
                if one is not None:
                    found.add(one)
                    if len(found) == upstream.count:
                        return found
        return found


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What is fixed for the life of a backfill. `max_concurrency` runs at most are drawn and not over."""

    segments: tuple[Segment, ...]
    max_concurrency: int = 4
    failure_policy: FailurePolicy = FailurePolicy.CONTINUE

    @property
    def partitions(self) -> int:
        """How many partitions there are, over all segments."""
        return sum(segment.units.partitions for segment in self.segments)

    @property
    def units(self) -> int:
        """How many units there are: runs, when nothing fails upstream."""
        return sum(segment.units.count for segment in self.segments)


@dataclass(slots=True)
class SegmentProgress:
    """How far a segment is. Units before `cursor` were looked at; `ended` counts units, `failed` those that failed."""

    cursor: int = 0
    ended: int = 0
    failed: int = 0
    canceled: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A unit that gets a run now."""

    segment: int
    unit: int


@dataclass(slots=True)
class Followers:
    """Segments by the segment whose ends they wait for, unit by unit."""

    by_upstream: dict[int, list[tuple[int, Link]]] = field(default_factory=dict)

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> Followers:
        """Those of a plan."""
        followers = cls()
        for number, segment in enumerate(segments):
            if segment.is_linked:
                for link in segment.links:
                    followers.by_upstream.setdefault(link.upstream, []).append((number, link))
        return followers
