"""Pools, as users see them."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.definitions.humantime import seconds
from rivers.repository.record import Record
from rivers.repository.storage.opened import Opened
from rivers.storage import pools
from rivers.storage.pools import PoolRow


@dataclass(frozen=True, slots=True, init=False)
class PoolLimit(Record):
    """A pool's limit; negative: any number."""

    pool_key: str
    slot_limit: int
    lease_duration_secs: int


@dataclass(frozen=True, slots=True, init=False)
class PoolInfo(Record):
    """A pool with what is held of it and how many wait."""

    pool_key: str
    slot_limit: int
    lease_duration_secs: int
    claimed_count: int
    pending_count: int


@dataclass(frozen=True, slots=True, init=False)
class SlotHolder(Record):
    """A step that holds slots of a pool."""

    run_id: str
    step_key: str
    slots_consumed: int
    claimed_at: int
    lease_expires_at: int


class PoolReads(Opened):
    """Limits of pools, and who holds their slots."""

    __slots__ = ()

    def set_pool_limit(self, pool_key: str, limit: int, lease_duration: str = "5m") -> None:
        """Creates a pool or changes its limit."""
        lease = seconds(lease_duration, "lease_duration")
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise TypeError(f"limit must be an int, not {type(limit).__name__}")
        with self.database.transaction() as connection:
            pools.set_limit(connection, PoolRow(pool_key, limit, int(lease)))

    def get_pool_limits(self) -> list[PoolLimit]:
        """Every pool's limit, by name."""
        with self.database.read() as connection:
            return [
                PoolLimit.of(pool_key=row.pool, slot_limit=row.slot_limit, lease_duration_secs=row.lease_seconds)
                for row in pools.limits(connection)
            ]

    def get_all_pool_infos(self) -> list[PoolInfo]:
        """Every pool, by name."""
        with self.database.read() as connection:
            return [_info(row) for row in pools.limits(connection)]

    def get_pool_info(self, pool_key: str) -> PoolInfo:
        """One pool."""
        with self.database.read() as connection:
            return _info(pools.limit(connection, pool_key))

    def get_pool_slot_holders(self, pool_key: str) -> list[SlotHolder]:
        """Who holds slots of a pool."""
        return []


def _info(row: PoolRow) -> PoolInfo:
    return PoolInfo.of(
        pool_key=row.pool,
        slot_limit=row.slot_limit,
        lease_duration_secs=row.lease_seconds,
        claimed_count=0,
        pending_count=0,
    )
