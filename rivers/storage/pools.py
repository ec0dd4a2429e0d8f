"""Pools: their limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from rivers.errors import StorageError
from rivers.storage.multirow import Insert
from rivers.storage.schema import pools as table

UNLIMITED = -1

_NAMES = ["pool", "slot_limit", "lease_seconds"]
_UPSERT = Insert(table, _NAMES, update=["slot_limit", "lease_seconds"])
_UPSERT_LIMIT = Insert(table, _NAMES, update=["slot_limit"])
_INSERT = Insert(table, _NAMES, ignore=True)
_ALL = select(*(table.c[name] for name in _NAMES)).order_by(table.c.pool)
_GET = _ALL.where(table.c.pool == bindparam("pool"))


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool: at most so many slots at once (negative: any number, 0: none), each held under a lease."""

    pool: str
    slot_limit: int = UNLIMITED
    lease_seconds: int = 300


def set_limit(connection: Connection, row: PoolRow) -> None:
    """Gives a pool a limit, whether it had one or not."""
    _UPSERT.run(connection, [(row.pool, row.slot_limit, row.lease_seconds)])


def define(connection: Connection, limits: Mapping[str, int]) -> None:
    """Gives pools the limits that a repository defines; their leases stay as they are."""
    rows = [PoolRow(pool, limit) for pool, limit in limits.items()]
    _UPSERT_LIMIT.run(connection, [(row.pool, row.slot_limit, row.lease_seconds) for row in rows])


def register(connection: Connection, names: Iterable[str]) -> None:
    """Makes pools that are named without a limit; those that have one keep it."""
    rows = [PoolRow(name) for name in dict.fromkeys(names)]
    _INSERT.run(connection, [(row.pool, row.slot_limit, row.lease_seconds) for row in rows])


def limits(connection: Connection) -> list[PoolRow]:
    """Every pool, by name."""
    return [PoolRow(*row) for row in connection.execute(_ALL)]


def limit(connection: Connection, pool: str) -> PoolRow:
    """One pool."""
    found = connection.execute(_GET, {"pool": pool}).one_or_none()
    if found is None:
        raise StorageError(f"pool '{pool}' not configured", pool=pool)
    return PoolRow(*found)
