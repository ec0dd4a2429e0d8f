"""What came of a claim on pools, as users read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rivers.lifecycle.pool_claims import FullPool
from rivers.repository.record import Record
from rivers.storage.claims import Answer


@dataclass(frozen=True, slots=True, init=False)
class PoolBlockDetail(Record):
    """A pool without room: so many slots of its limit are claimed."""

    pool_key: str
    claimed: int
    limit: int


@dataclass(frozen=True, slots=True, init=False)
class BlockReason(Record):
    """Why a claim waits; `kind` is "pool_full", or "pools_full" when it is more than one, which `pools` then names.

    `message` says it in words, also that a claim can never fit because it is larger than the pool.
    """

    kind: str
    pool_key: str
    claimed: int
    limit: int
    pools: list[PoolBlockDetail]
    message: str = field(compare=False)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True, init=False)
class ConcurrencyClaimStatus(Record):
    """What came of a claim: "claimed", or "pending" with the place in the line, from 1, and the reason."""

    status: str
    position: int
    reason: BlockReason | None

    @property
    def is_claimed(self) -> bool:
        """Whether the slots are held."""
        return self.status == "claimed"


def status_of(answer: Answer) -> ConcurrencyClaimStatus:
    """An answer of the storage."""
    if not answer.full:
        return ConcurrencyClaimStatus.of(status="claimed", position=0, reason=None)
    return ConcurrencyClaimStatus.of(status="pending", position=answer.position, reason=_reason(answer.full))


def _reason(full: tuple[FullPool, ...]) -> BlockReason:
    first = full[0]
    details = [PoolBlockDetail.of(pool_key=one.pool, claimed=one.claimed, limit=one.limit) for one in full]
    return BlockReason.of(
        kind="pool_full" if len(full) == 1 else "pools_full",
        pool_key=first.pool,
        claimed=first.claimed,
        limit=first.limit,
        pools=details if len(full) > 1 else [],
        message=", ".join(map(str, full)),
    )
