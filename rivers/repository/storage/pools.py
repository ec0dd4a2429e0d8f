"""Pools, as users see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING, Any

from rivers.definitions.humantime import seconds
from rivers.lifecycle.pool_claims import together
from rivers.repository.record import Record
from rivers.repository.storage.claim_status import ConcurrencyClaimStatus, status_of
from rivers.repository.storage.opened import Opened
from rivers.storage import claims, pools
from rivers.storage.pools import PoolRow

if TYPE_CHECKING:
    from sqlalchemy import Connection


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
    """Limits of pools, who holds their slots, and claims on them."""

    __slots__ = ()

    def set_pool_limit(self, pool_key: str, limit: int, lease_duration: str = "5m") -> None:
        """Creates a pool or changes its limit."""
        lease = seconds(lease_duration, "lease_duration")
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise TypeError(f"limit must be an int, not {type(limit).__name__}")
        with self.database.transaction() as connection:
            pools.set_limit(connection, PoolRow(pool_key, limit, int(lease)))
        self.database.bells.slots.ring()

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
            return _infos(connection, pools.limits(connection))

    def get_pool_info(self, pool_key: str) -> PoolInfo:
        """One pool."""
        with self.database.read() as connection:
            return _infos(connection, [pools.limit(connection, pool_key)])[0]

    def get_pool_slot_holders(self, pool_key: str) -> list[SlotHolder]:
        """Who holds slots of a pool under a lease that is not over, from the oldest on."""
        with self.database.read() as connection:
            found = claims.holders(connection, pool_key, now=time_ns())
        return [
            SlotHolder.of(
                run_id=one.run_id,
                step_key=one.step_key,
                slots_consumed=one.slots,
                claimed_at=one.claimed_at,
                lease_expires_at=one.expires_at,
            )
            for one in found
        ]

    def _claim_concurrency_slots(
        self,
        pools: Sequence[tuple[str, int]] | Mapping[str, int],
        run_id: str,
        step_key: str,
        priority: int = 0,
        lease_duration: str = "5m",
    ) -> ConcurrencyClaimStatus:
        """Claims slots of every pool or of none, under leases of that length. A repeat takes nothing more.

        `StorageError` when a pool is not known.
        """
        needs = _needs(pools)
        with self.database.transaction() as connection:
            lease_ns = _nanoseconds(lease_duration)
            answer = claims.claim(
                connection, needs, run_id, step_key, now=time_ns(), priority=priority, lease_ns=lease_ns
            )
        return status_of(answer)

    def _free_concurrency_slots(self, run_id: str, step_key: str) -> None:
        """Frees what a step holds."""
        with self.database.transaction() as connection:
            claims.free(connection, run_id, step_key)
        self.database.bells.slots.ring()

    def _free_concurrency_slots_for_run(self, run_id: str) -> None:
        """Frees what the steps of a run hold."""
        with self.database.transaction() as connection:
            claims.free_run(connection, run_id)
        self.database.bells.slots.ring()

    def _renew_slot_lease(self, run_id: str, step_key: str, lease_duration: str = "5m") -> int:
        """Prolongs a step's leases, from now on; returns how many, 0 when they are lost."""
        lease_ns = _nanoseconds(lease_duration)
        with self.database.transaction() as connection:
            return claims.renew(connection, run_id, step_key, now=time_ns(), lease_ns=lease_ns)

    def _free_expired_leases(self) -> int:
        """Deletes leases that are over; returns how many."""
        with self.database.transaction() as connection:
            found = claims.free_expired(connection, now=time_ns())
        self.database.bells.slots.ring()
        return found


def _infos(connection: Connection, rows: Iterable[PoolRow]) -> list[PoolInfo]:
    held, waiting = claims.counts(connection, now=time_ns())
    return [
        PoolInfo.of(
            pool_key=row.pool,
            slot_limit=row.slot_limit,
            lease_duration_secs=row.lease_seconds,
            claimed_count=held.get(row.pool, 0),
            pending_count=waiting.get(row.pool, 0),
        )
        for row in rows
    ]


def _needs(pools: Any) -> dict[str, int]:
    pairs = list(pools.items() if isinstance(pools, Mapping) else pools) if not isinstance(pools, str) else [(pools, 1)]
    found: list[tuple[str, int]] = []
    for pair in pairs:
        pool, slots = pair if isinstance(pair, (tuple, list)) and len(pair) == 2 else (pair, 1)
        if not isinstance(pool, str) or isinstance(slots, bool) or not isinstance(slots, int):
            raise TypeError(f"pools must be (pool, slots) pairs, got {pair!r}")
        if slots < 0:
            raise OverflowError(f"a claim on pool '{pool}' must not be negative, got {slots}")
        found.append((pool, slots))
    return together(found)


def _nanoseconds(lease_duration: str) -> int:
    return int(seconds(lease_duration, "lease_duration") * 1_000_000_000)
