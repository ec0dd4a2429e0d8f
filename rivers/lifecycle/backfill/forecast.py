"""What a backfill would do and use, worked out from what would be pinned for it (F-09)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import RunPlan

#: Keys that are shown of each segment, the last one apart.
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SegmentForecast:
    """Nodes that run together. `last_key` is `None` when `first_keys` are all."""

    nodes: tuple[str, ...]
    partitions: int
    runs: int
    first_keys: tuple[PartitionKey, ...]
    last_key: PartitionKey | None
    upstream: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PoolForecast:
    """Slots of a pool that one run may hold at a time, and all of them together as far as its limit goes."""

    pool: str
    slots_a_run: int
    peak_slots: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """All of it."""

    partitions: int
    runs: int
    segments: tuple[SegmentForecast, ...]
    pools: tuple[PoolForecast, ...]
    strategy: BackfillStrategy


def forecast(pinned: PinnedBackfill, plans: Sequence[RunPlan], limits: Mapping[str, int]) -> Forecast:
    """The forecast of a backfill with the plans of its segments; `limits` are those of pools that have one."""
    plan = pinned.plan
    return Forecast(
        plan.partitions,
        plan.units,
        tuple(_segment(pinned, number) for number in range(len(pinned.segments))),
        tuple(_pools(pinned, plans, limits)),
        pinned.strategy,
    )


def _segment(pinned: PinnedBackfill, number: int) -> SegmentForecast:
    segment = pinned.segments[number]
    count = segment.units.count
    return SegmentForecast(
        segment.nodes,
        segment.units.partitions,
        count,
        tuple(pinned.key_of(number, unit) for unit in range(min(count, _SHOWN))),
        pinned.key_of(number, count - 1) if count > _SHOWN else None,
        tuple(sorted({link.upstream for link in segment.links})),
    )


def _pools(pinned: PinnedBackfill, plans: Sequence[RunPlan], limits: Mapping[str, int]) -> list[PoolForecast]:
    """The steps of a run may all hold their slots at the same time."""
    most: dict[str, int] = {}
    peak: Counter[str] = Counter()
    for segment, plan in zip(pinned.segments, plans, strict=True):
        claims: Counter[str] = Counter()
        for step in plan.steps:
            for claim in step.pools:
                claims[claim.pool] += claim.slots
        for pool, slots in claims.items():
            most[pool] = max(most.get(pool, 0), slots)
            peak[pool] = max(peak[pool], slots * min(pinned.max_concurrency, segment.units.count))
    return [
        PoolForecast(pool, slots, min(peak[pool], limits.get(pool, peak[pool])), limits.get(pool))
        for pool, slots in sorted(most.items())
    ]
