"""Claims on pools by steps that run in process.

A row is held from `claimed_at` until it is freed or its lease is over, whichever comes first: a lease that is over
counts no more, swept or not. A row without `claimed_at` waits, and is forgotten when nobody has asked again for long.
Claims take turns on the rows of the pools that they name, so no two of them see the same room.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, delete, func, or_, select, update

from rivers.errors import StorageError
from rivers.lifecycle.pool_claims import FullPool, full_pools
from rivers.storage.multirow import Insert
from rivers.storage.prepared import Prepared
from rivers.storage.schema import Number, pools
from rivers.storage.schema import pool_claims as table

#: A waiting step that has not been heard of for so long is gone (or longer, if its lease would be longer).
WAIT_NS = 60_000_000_000

#: The shortest lease that is taken from a pool's own setting, which may be less than a second.
_SHORTEST_NS = 1_000_000_000

_NOW = bindparam("now", type_=Number)
_LIVE = table.c.expires_at > _NOW
_HELD = and_(table.c.claimed_at.is_not(None), _LIVE)
_WAITING = and_(table.c.claimed_at.is_(None), _LIVE)
_OF_OTHERS = or_(table.c.run_id != bindparam("of_run"), table.c.step_key != bindparam("of_step"))
_OF_STEP = and_(table.c.run_id == bindparam("of_run"), table.c.step_key == bindparam("of_step"))
_NAMED: BindParameter[list[str]] = bindparam("pools", expanding=True)

_POOLS = select(pools.c.pool, pools.c.slot_limit, pools.c.lease_seconds).with_for_update()
_LOCK = _POOLS.where(pools.c.pool.in_(_NAMED)).order_by(pools.c.pool)
_SUMS = select(table.c.pool, func.sum(table.c.slots)).where(_HELD, _OF_OTHERS).group_by(table.c.pool)
_CLAIMED = _SUMS.where(table.c.pool.in_(_NAMED))
_OWN = Prepared(
    select(table.c.pool, table.c.slots, table.c.since, table.c.claimed_at, table.c.expires_at).where(_OF_STEP)
)

# The same for one pool, as most claims are.
_LOCK_ONE = Prepared(_POOLS.where(pools.c.pool == bindparam("pool")))
_CLAIMED_ONE = Prepared(_SUMS.where(table.c.pool == bindparam("pool")))
_BEFORE = (
    select(func.count())
    .select_from(table)
    .where(
        table.c.pool == bindparam("pool"),
        _WAITING,
        or_(
            table.c.priority > bindparam("priority"),
            and_(
                table.c.priority == bindparam("priority"),
                or_(
                    table.c.since < bindparam("since", type_=Number),
                    and_(
                        table.c.since == bindparam("since", type_=Number),
                        or_(
                            table.c.run_id < bindparam("of_run"),
                            and_(table.c.run_id == bindparam("of_run"), table.c.step_key < bindparam("of_step")),
                        ),
                    ),
                ),
            ),
        ),
    )
)
_FREE = delete(table).where(_OF_STEP)
_FREE_RUN = delete(table).where(table.c.run_id == bindparam("of_run"))
_SWEEP = delete(table).where(table.c.claimed_at.is_not(None), table.c.expires_at <= _NOW)
_FORGET = delete(table).where(table.c.claimed_at.is_(None), table.c.expires_at <= _NOW)
_RENEW = update(table).where(_OF_STEP, _HELD).values(expires_at=bindparam("until", type_=Number))
_WAIT_ON = (
    update(table)
    .where(table.c.run_id == bindparam("of_run"), _WAITING)
    .values(expires_at=bindparam("until", type_=Number))
)
_HELD_OF_ALL = select(table.c.pool, func.sum(table.c.slots)).where(_HELD).group_by(table.c.pool)
_WAITING_OF_ALL = select(table.c.pool, func.count()).where(_WAITING).group_by(table.c.pool)
_HOLDERS = (
    select(table.c.run_id, table.c.step_key, table.c.slots, table.c.claimed_at, table.c.expires_at)
    .where(table.c.pool == bindparam("pool"), _HELD)
    .order_by(table.c.claimed_at, table.c.run_id, table.c.step_key)
)
_PUT = Insert(
    table,
    ["run_id", "step_key", "pool", "slots", "priority", "since", "claimed_at", "expires_at"],
    update=["slots", "priority", "since", "claimed_at", "expires_at"],
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a claim: `full` is empty when it is granted, else names what has no room.

    `position` is the place among those that wait for the first full pool. `held` counts the pools that keep a record
    of it (those without a limit keep none), `lease_ns` is how long each is held.
    """

    full: tuple[FullPool, ...]
    position: int
    held: int
    lease_ns: int


class _Limit(NamedTuple):
    pool: str
    slot_limit: int
    lease_seconds: int


class _Own(NamedTuple):
    pool: str
    slots: int
    since: int
    claimed_at: int | None
    expires_at: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A step that holds slots of a pool."""

    run_id: str
    step_key: str
    slots: int
    claimed_at: int
    expires_at: int


def claim(
    connection: Connection,
    needs: Mapping[str, int],
    run_id: str,
    step_key: str,
    *,
    now: int,
    priority: int = 0,
    lease_ns: int | None = None,
) -> Answer:
    """Claims all of it or nothing, and notes a step that has to wait. Without a lease the pools' shortest one holds.

    A repeat while everything is held changes nothing. `StorageError` when a pool is not known.
    """
    rows = {row[0]: _Limit(*row) for row in _named(connection, _LOCK, _LOCK_ONE, list(needs), {})}
    for pool in needs:
        if pool not in rows:
            raise StorageError(f"pool '{pool}' not configured", pool=pool)
    if lease_ns is None:
        shortest = min((row.lease_seconds for row in rows.values()), default=0)
        lease_ns = max(shortest * 1_000_000_000, _SHORTEST_NS)
    limited = [pool for pool in needs if rows[pool].slot_limit >= 0]
    step = {"of_run": run_id, "of_step": step_key, "now": now}
    left = [_Own(*row) for row in _OWN.run(connection, step)]
    own = {one.pool: one for one in left if one.expires_at > now}
    held = {pool: row.slots for pool, row in own.items() if row.claimed_at is not None}
    if limited and all(held.get(pool, -1) >= needs[pool] for pool in limited):
        return Answer((), 0, len(limited), lease_ns)
    claimed: dict[str, int] = {}
    if limited:
        claimed = {pool: int(slots) for pool, slots in _named(connection, _CLAIMED, _CLAIMED_ONE, limited, step)}
    full = full_pools(needs.items(), {pool: row.slot_limit for pool, row in rows.items()}, claimed)
    if left:
        free(connection, run_id, step_key)
    if not full:
        since = [(run_id, step_key, pool, needs[pool], priority, now, now, now + lease_ns) for pool in limited]
        _PUT.run(connection, since)
        return Answer((), 0, len(limited), lease_ns)
    until = now + max(lease_ns, WAIT_NS)
    waiting = {one.pool: own[one.pool].since if one.pool in own else now for one in full}
    _PUT.run(
        connection,
        [(run_id, step_key, one.pool, one.needed, priority, waiting[one.pool], None, until) for one in full],
    )
    place = {**step, "pool": full[0].pool, "priority": priority, "since": waiting[full[0].pool]}
    return Answer(full, 1 + int(connection.execute(_BEFORE, place).scalar_one()), 0, lease_ns)


def _named(
    connection: Connection, many: Select[Any], one: Prepared, names: list[str], values: dict[str, Any]
) -> Iterable[Any]:
    """The rows of pools by name."""
    if len(names) == 1:
        return one.run(connection, {**values, "pool": names[0]})
    return connection.execute(many, {**values, "pools": names})


def free(connection: Connection, run_id: str, step_key: str) -> None:
    """A step holds and wants nothing any more."""
    connection.execute(_FREE, {"of_run": run_id, "of_step": step_key})


def free_run(connection: Connection, run_id: str) -> None:
    """No step of the run holds or wants anything any more."""
    connection.execute(_FREE_RUN, {"of_run": run_id})


def free_expired(connection: Connection, *, now: int) -> int:
    """Deletes leases that are over; returns how many."""
    connection.execute(_FORGET, {"now": now})
    return connection.execute(_SWEEP, {"now": now}).rowcount


def renew(connection: Connection, run_id: str, step_key: str, *, now: int, lease_ns: int) -> int:
    """Prolongs the leases of a step that are not over; returns how many there are."""
    step = {"of_run": run_id, "of_step": step_key, "now": now, "until": now + lease_ns}
    return connection.execute(_RENEW, step).rowcount


def wait_on(connection: Connection, run_id: str, *, now: int) -> None:
    """The run's steps that wait are still there."""
    connection.execute(_WAIT_ON, {"of_run": run_id, "now": now, "until": now + WAIT_NS})


def counts(connection: Connection, *, now: int) -> tuple[dict[str, int], dict[str, int]]:
    """Slots that are held and steps that wait, by pool."""
    held = {pool: int(slots) for pool, slots in connection.execute(_HELD_OF_ALL, {"now": now})}
    waiting = {pool: int(steps) for pool, steps in connection.execute(_WAITING_OF_ALL, {"now": now})}
    return held, waiting


def holders(connection: Connection, pool: str, *, now: int) -> list[Holder]:
    """Who holds slots of a pool, from the oldest on."""
    return [Holder(*row) for row in connection.execute(_HOLDERS, {"pool": pool, "now": now})]
