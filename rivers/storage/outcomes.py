"""Outcomes that detached executors report; notes for a supervisor, which never touch the run's own state."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from rivers.storage.multirow import Insert
from rivers.storage.schema import run_outcomes as table

_STATUSES = ("Success", "Failure", "Cancelled")
_CHANGING = ["status", "completed_steps", "total_steps", "message", "reported_at"]
_UPSERT = Insert(table, ["run_id", *_CHANGING], update=_CHANGING)
_GET = select(*(table.c[name] for name in ["run_id", *_CHANGING])).where(table.c.run_id == bindparam("run_id"))


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What was reported of a run last."""

    run_id: str
    status: str
    completed_steps: int
    total_steps: int
    message: str | None
    reported_at: int


def report(connection: Connection, row: OutcomeRow) -> None:
    """Keeps an outcome in place of an earlier one. Any run id is accepted."""
    if row.status not in _STATUSES:
        raise ValueError(f"Invalid outcome status: {row.status!r}. Expected 'Success', 'Failure', or 'Cancelled'")
    values = (row.run_id, row.status, row.completed_steps, row.total_steps, row.message, row.reported_at)
    _UPSERT.run(connection, [values])


def get(connection: Connection, run_id: str) -> OutcomeRow | None:
    """The outcome of a run."""
    found = connection.execute(_GET, {"run_id": run_id}).one_or_none()
    return OutcomeRow(*found) if found is not None else None
