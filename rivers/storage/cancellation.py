"""Requests to cancel a run that is executed in process; independent of the run's state, and of whether there is one."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from rivers.storage.multirow import Insert
from rivers.storage.prepared import Prepared
from rivers.storage.schema import cancellations as table

_INSERT = Insert(table, ["run_id", "requested_at"], ignore=True)
_IS_REQUESTED = Prepared(select(table.c.run_id).where(table.c.run_id == bindparam("run_id")))


def request(connection: Connection, run_id: str, *, now: int) -> None:
    """Asks the run to stop. A repeat changes nothing."""
    _INSERT.run(connection, [(run_id, now)])


def is_requested(connection: Connection, run_id: str) -> bool:
    """Whether the run was asked to stop."""
    return bool(_IS_REQUESTED.run(connection, {"run_id": run_id}))
