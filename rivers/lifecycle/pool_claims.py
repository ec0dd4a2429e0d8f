"""Whether a claim on pools can be granted: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FullPool:
    """A pool without room for a claim of `needed` slots: so many of its `limit` are claimed by others."""

    pool: str
    claimed: int
    limit: int
    needed: int

    @property
    def can_never_fit(self) -> bool:
        """Whether waiting is no use unless the limit is raised."""
        return self.needed > self.limit

    def __str__(self) -> str:
        text = f"pool '{self.pool}' full ({self.claimed}/{self.limit})"
        return f"{text}: a claim of {self.needed} slots can never fit" if 0 < self.limit < self.needed else text


def full_pools(
    needs: Iterable[tuple[str, int]], limits: Mapping[str, int], claimed: Mapping[str, int]
) -> tuple[FullPool, ...]:
    """The pools in which the claim has no room, in its order; `claimed` leaves out what the claimer holds itself.

    A negative limit is none. A limit of 0 grants nothing, not even a claim of no slots.
    """
    return tuple(
        FullPool(pool, claimed.get(pool, 0), limits[pool], slots)
        for pool, slots in needs
        if limits[pool] >= 0 and (limits[pool] == 0 or claimed.get(pool, 0) + slots > limits[pool])
    )


def together(needs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """A claim by pool, in the order in which pools are named first; of a pool named twice the larger count holds."""
    found: dict[str, int] = {}
    for pool, slots in needs:
        found[pool] = max(slots, found.get(pool, 0))
    return found
