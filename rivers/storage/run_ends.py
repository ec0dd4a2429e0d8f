"""Ends of runs, in the order in which they were committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from rivers.lifecycle.states import EventType
from rivers.storage.schema import events as table
from rivers.storage.schema import runs

_LATEST = select(func.coalesce(func.max(table.c.position), 0))
_ENDS = (
    select(table.c.position, table.c.run_id)
    .where(table.c.position > bindparam("after"), table.c.type.in_(bindparam("types", expanding=True)))
    .order_by(table.c.position)
    .limit(bindparam("limit"))
)
_ENDS_OF_JOBS = _ENDS.join_from(table, runs, runs.c.run_id == table.c.run_id).where(
    runs.c.job.in_(bindparam("jobs", expanding=True))
)


def latest_position(connection: Connection) -> int:
    """The position of the last event; 0 when there is none."""
    position: int = connection.execute(_LATEST).scalar_one()
    return position


def ended(
    connection: Connection,
    types: Sequence[EventType],
    *,
    after: int,
    jobs: Sequence[str] | None = None,
    limit: int,
) -> list[tuple[int, str]]:
    """Positions and runs of events of these types after a position, oldest first; of these jobs, or of any run."""
    values: dict[str, Any] = {"after": after, "types": [int(type) for type in types], "limit": limit}
    statement = _ENDS
    if jobs is not None:
        statement, values["jobs"] = _ENDS_OF_JOBS, list(jobs)
    return [(position, run_id) for position, run_id in connection.execute(statement, values)]
