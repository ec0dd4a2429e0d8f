"""Runs: their rows, and what is asked of them."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, tuple_, update

from rivers.errors import RunNotFoundError
from rivers.lifecycle.states import LaunchCause, RunKind, RunOwner, RunState
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import RunPlan
from rivers.storage import plans
from rivers.storage.images import (
    failure_bytes,
    failure_of,
    key_bytes,
    key_of,
    names_of,
    names_text,
    pairs_of,
    pairs_text,
)
from rivers.storage.multirow import Insert, Update, Values
from rivers.storage.prepared import Prepared
from rivers.storage.rows import RunRow
from rivers.storage.schema import run_nodes
from rivers.storage.schema import runs as table
from rivers.storage.steps import of_run as steps_of_run

_FIXED = [
    "run_id", "kind", "location", "job", "tags", "submitted_at", "owner", "cause", "cause_name", "root_run_id",
    "parent_run_id", "request_id", "digest", "partition_key", "queue_number", "owner_id",
    "nodes",
]  # fmt: skip
_CHANGING = [
    "state", "priority", "queued_at", "started_at", "ended_at", "failure", "last_seq", "last_log_seq",
    "completed_steps", "total_steps", "owner_expires_at", "version",
]  # fmt: skip

INSERT = Insert(table, [*_FIXED, *_CHANGING], ignore=True)
UPSERT_NODES = Insert(run_nodes, ["run_id", "nodes"], update=["nodes"])

#: Characters of nodes that a run's own row may hold; it is written anew at every change.
_SHORT = 1000
UPDATE = Update(table, "run_id", _CHANGING)

_COLUMNS = [*(table.c[name] for name in [*_FIXED, *_CHANGING]), run_nodes.c.nodes.label("many_nodes")]
_WHOLE = select(*_COLUMNS).select_from(table.outerjoin(run_nodes, run_nodes.c.run_id == table.c.run_id))
_GET = _WHOLE.where(table.c.run_id == bindparam("run_id"))
#: The run that a request made.
FIND_REQUEST = Prepared(select(table.c.run_id).where(table.c.request_id == bindparam("request_id")))
_UNFINISHED = _WHOLE.where(
    table.c.state.in_([int(state) for state in RunState if not state.is_terminal]),
    table.c.owner == bindparam("owner"),
)
_PROGRESS = select(table.c.completed_steps, table.c.total_steps).where(table.c.run_id == bindparam("run_id"))
_REPLAN = (
    update(table)
    .where(table.c.run_id == bindparam("id"))
    .values({name: bindparam(f"new_{name}") for name in ("digest", "nodes", "owner_id")})
)
_GIVE = update(table).where(table.c.run_id == bindparam("id")).values(owner_id=bindparam("new_owner_id"))
_CANCEL_QUEUED = (
    update(table)
    .where(table.c.run_id == bindparam("id"), table.c.state == int(RunState.QUEUED))
    .values(state=int(RunState.CANCELED), ended_at=bindparam("now"), version=table.c.version + 1)
)


def fixed_image(row: RunRow) -> Values:
    """What never changes of a run, its nodes last if they are few."""
    nodes = names_text(row.nodes)
    return (
        row.run_id,
        int(row.kind),
        row.location,
        row.job,
        pairs_text(row.tags),
        row.submitted_at,
        int(row.owner),
        int(row.cause),
        row.cause_name,
        row.root_run_id,
        row.parent_run_id,
        row.request_id,
        row.digest,
        key_bytes(row.partition_key),
        row.queue_number,
        row.owner_id,
        nodes if len(nodes) <= _SHORT else None,
    )


def changing_image(row: RunRow) -> Values:
    """What changes of a run, its version last."""
    return (
        int(row.state),
        row.priority,
        row.queued_at,
        row.started_at,
        row.ended_at,
        failure_bytes(row.failure),
        row.last_seq,
        row.last_log_seq,
        row.completed_steps,
        row.total_steps,
        row.owner_expires_at,
        row.version,
    )


def nodes_image(row: RunRow) -> Values:
    """The nodes of a run that are too many for its row."""
    return row.run_id, names_text(row.nodes)


def replan(connection: Connection, row: RunRow) -> None:
    """Writes what of a waiting run its new plan changed. Its version is guarded where it is changed."""
    nodes = names_text(row.nodes)
    is_short = len(nodes) <= _SHORT
    values = {
        "new_digest": row.digest,
        "new_nodes": nodes if is_short else None,
        "new_owner_id": row.owner_id,
    }
    connection.execute(_REPLAN, {"id": row.run_id, **values})
    if not is_short:
        UPSERT_NODES.run(connection, [(row.run_id, nodes)])


def _row(image: Row[*tuple[Any, ...]]) -> RunRow:
    (
        run_id, kind, location, job, tags, submitted_at, owner, cause, cause_name, root_run_id, parent_run_id,
        request_id, digest, partition_key, queue_number, owner_id, nodes, state, priority, queued_at,
        started_at, ended_at, failure, last_seq, last_log_seq, completed_steps, total_steps,
        owner_expires_at, version, many_nodes,
    ) = image  # fmt: skip
    return RunRow(
        run_id=run_id,
        kind=RunKind(kind),
        location=location,
        job=job,
        nodes=names_of(nodes if nodes is not None else many_nodes),
        tags=pairs_of(tags),
        submitted_at=submitted_at,
        owner=RunOwner(owner),
        cause=LaunchCause(cause),
        cause_name=cause_name,
        root_run_id=root_run_id,
        parent_run_id=parent_run_id,
        request_id=request_id,
        digest=digest,
        total_steps=total_steps,
        partition_key=key_of(partition_key),
        queue_number=queue_number,
        owner_id=owner_id,
        state=RunState(state),
        priority=priority,
        queued_at=queued_at,
        started_at=started_at,
        ended_at=ended_at,
        failure=failure_of(failure),
        last_seq=last_seq,
        last_log_seq=last_log_seq,
        completed_steps=completed_steps,
        owner_expires_at=owner_expires_at,
        version=version,
        stored_version=version,
    )


def get(connection: Connection, run_id: str) -> RunRow | None:
    """A run."""
    found = connection.execute(_GET, {"run_id": run_id}).one_or_none()
    return _row(found) if found is not None else None


def page(
    connection: Connection,
    *,
    location: str | None = None,
    job: str | None = None,
    states: Collection[RunState] = (),
    before: tuple[int, str] | None = None,
    limit: int = 50,
) -> list[RunRow]:
    """Runs, newest first, after the one submitted at `before` and of that id. Empty filters let all through."""
    values: dict[str, Any] = {"limit": limit}
    if location:
        values["location"] = location
    if job:
        values["job"] = job
    if before is not None:
        values["submitted_at"], values["run_id"] = before
    if (location or job) and not states:
        return [_row(image) for image in connection.execute(_page(frozenset(values)), values)]
    found = []
    for state in states or RunState:  # each reads its index in order, where several states at once would be sorted
        values["state"] = int(state)
        found += [_row(image) for image in connection.execute(_page(frozenset(values)), values)]
    found.sort(key=lambda row: (row.submitted_at, row.run_id), reverse=True)
    return found[:limit]


@cache
def _page(filters: frozenset[str]) -> Select[Any]:
    statement = _WHOLE.order_by(table.c.submitted_at.desc(), table.c.run_id.desc()).limit(bindparam("limit"))
    for name in sorted(filters & {"location", "job", "state"}):
        statement = statement.where(table.c[name] == bindparam(name))
    if "run_id" in filters:
        place = tuple_(table.c.submitted_at, table.c.run_id)
        statement = statement.where(place < tuple_(bindparam("submitted_at"), bindparam("run_id")))
    return statement


def queued(connection: Connection) -> list[RunRow]:
    """Every queued run, oldest first."""
    return page(connection, states=[RunState.QUEUED], limit=1 << 31)[::-1]


def unfinished(connection: Connection, owner: RunOwner) -> list[RunRow]:
    """Every run of this owner that is not over."""
    return [_row(found) for found in connection.execute(_UNFINISHED, {"owner": int(owner)})]


def find_request(connection: Connection, request_id: str) -> str | None:
    """The run that a request made."""
    found = FIND_REQUEST.run(connection, {"request_id": request_id})
    return found[0][0] if found else None


def progress(connection: Connection, run_id: str) -> tuple[int, int]:
    """How many steps have ended, of how many; (0, 0) of an unknown run."""
    found = connection.execute(_PROGRESS, {"run_id": run_id}).one_or_none()
    return (found[0], found[1]) if found is not None else (0, 0)


def give(connection: Connection, run_id: str, owner_id: str) -> None:
    """Notes which process executes a run that has left the queue."""
    connection.execute(_GIVE, {"id": run_id, "new_owner_id": owner_id})


def cancel_queued(connection: Connection, run_id: str, *, now: int) -> bool:
    """Ends a run that is still queued; `False` when it is not. For a database without a scheduler."""
    return connection.execute(_CANCEL_QUEUED, {"id": run_id, "now": now}).rowcount > 0


def plan(connection: Connection, run_id: str) -> RunPlan:
    """The plan of a run."""
    found = plans.get(connection, run_id)
    if found is None:
        raise RunNotFoundError(run_id=run_id)
    return found


def steps(connection: Connection, run_id: str) -> list[StepProgress]:
    """The steps of a run that have moved, in plan order."""
    return steps_of_run(connection, run_id)
