"""The queue of runs that are executed in process: who waits and who is in flight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, exists, select

from rivers.lifecycle.states import RunOwner, RunState
from rivers.storage.images import pairs_of
from rivers.storage.multirow import Insert
from rivers.storage.schema import queue_blocks as blocks
from rivers.storage.schema import runs as table

#: States of runs that have left the queue and have not ended.
IN_FLIGHT = (RunState.DEQUEUED, RunState.STARTED, RunState.CANCELING)

_OURS = table.c.owner == int(RunOwner.PROCESS)
_QUEUED = table.c.state == int(RunState.QUEUED)
_WAITING = (
    select(table.c.run_id, table.c.tags, blocks.c.reason)
    .select_from(table.outerjoin(blocks, blocks.c.run_id == table.c.run_id))
    .where(_QUEUED, _OURS)
    .order_by(table.c.priority.desc(), table.c.submitted_at, table.c.queue_number, table.c.run_id)
)
_ANY = select(exists().where(_QUEUED, _OURS))
_FLYING = select(
    table.c.run_id, table.c.tags, table.c.state, table.c.started_at, table.c.owner_id, table.c.owner_expires_at
).where(table.c.state == bindparam("state"), _OURS)
_REASONS = select(blocks.c.run_id, blocks.c.reason).where(blocks.c.run_id.in_(bindparam("run_ids", expanding=True)))
_CLEAR = delete(blocks).where(blocks.c.run_id.in_(bindparam("run_ids", expanding=True)))
_BLOCK = Insert(blocks, ["run_id", "reason"], update=["reason"])


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued run, and why it was not admitted when it was last looked at."""

    run_id: str
    tags: tuple[tuple[str, str], ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Flying:
    """A run in flight; `since` is when it left the queue or started."""

    run_id: str
    tags: tuple[tuple[str, str], ...]
    state: RunState
    since: int
    owner_id: str
    owner_expires_at: int | None


def is_empty(connection: Connection) -> bool:
    """Whether nobody waits."""
    return not connection.execute(_ANY).scalar_one()


def waiting(connection: Connection) -> list[Waiting]:
    """Queued runs by priority, then by the time of their submission."""
    return [Waiting(run_id, pairs_of(tags), reason) for run_id, tags, reason in connection.execute(_WAITING)]


def in_flight(connection: Connection) -> list[Flying]:
    """Every run that has left the queue, or never was in it, and has not ended."""
    return [
        Flying(run_id, pairs_of(tags), RunState(state), since or 0, owner_id, expires_at)
        for each in IN_FLIGHT
        for run_id, tags, state, since, owner_id, expires_at in connection.execute(_FLYING, {"state": int(each)})
    ]


def block(connection: Connection, reasons: Mapping[str, str]) -> None:
    """Notes why runs wait."""
    _BLOCK.run(connection, list(reasons.items()))


def clear(connection: Connection, run_ids: Iterable[str]) -> None:
    """The runs wait no more."""
    found = list(run_ids)
    if found:
        connection.execute(_CLEAR, {"run_ids": found})


def reasons(connection: Connection, run_ids: Collection[str]) -> dict[str, str]:
    """Why runs wait, of those among them that were looked at."""
    if not run_ids:
        return {}
    found = connection.execute(_REASONS, {"run_ids": list(run_ids)})
    return {run_id: str(reason) for run_id, reason in found}
