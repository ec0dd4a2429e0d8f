"""The order of steps: what is needed before what needs it."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from rivers.errors import GraphValidationError


def topological(names: Sequence[str], upstreams: Sequence[Sequence[int]]) -> list[int]:
    """Places in topological order; those that may come in any order stay as they were given."""
    unmet = [len(set(needed)) for needed in upstreams]
    downstreams: list[list[int]] = [[] for _ in names]
    for place, needed in enumerate(upstreams):
        for upstream in set(needed):
            downstreams[upstream].append(place)
    ready = [place for place, count in enumerate(unmet) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        place = heappop(ready)
        order.append(place)
        for downstream in downstreams[place]:
            unmet[downstream] -= 1
            if not unmet[downstream]:
                heappush(ready, downstream)
    if len(order) < len(names):
        cycle = " -> ".join(names[place] for place in _cycle(upstreams, unmet))
        raise GraphValidationError(f"Cycle detected in asset graph: {cycle}")
    return order


def _cycle(upstreams: Sequence[Sequence[int]], unmet: Sequence[int]) -> list[int]:
    """One cycle in the direction of the data, from its first place on and back to it."""
    place = next(place for place, count in enumerate(unmet) if count)
    path: list[int] = []
    seen: dict[int, int] = {}
    while place not in seen:  # every place left over has an upstream that is left over too
        seen[place] = len(path)
        path.append(place)
        place = next(upstream for upstream in upstreams[place] if unmet[upstream])
    cycle = path[seen[place] :][::-1]
    first = cycle.index(min(cycle))
    return [*cycle[first:], *cycle[:first], cycle[first]]
