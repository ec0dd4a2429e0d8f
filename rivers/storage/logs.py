"""Logs: captured output, in numbered chunks."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from rivers.lifecycle.states import LogStream
from rivers.storage.events import EVERYTHING
from rivers.storage.multirow import Insert, Values
from rivers.storage.rows import LogRow
from rivers.storage.schema import run_logs as table

_NAMES = ["run_id", "seq", "at", "step_key", "attempt", "stream", "text"]

INSERT = Insert(table, _NAMES)

_OF_RUN = (
    select(*(table.c[name] for name in _NAMES))
    .where(table.c.run_id == bindparam("run_id"), table.c.seq > bindparam("after_seq"))
    .order_by(table.c.seq)
    .limit(bindparam("limit"))
)
_OF_STEP = _OF_RUN.where(table.c.step_key == bindparam("step_key"))


def image(row: LogRow) -> Values:
    """A chunk's row. Text that no encoding has, as a stream may hold, is written as escapes."""
    text = row.text.encode("utf-8", "backslashreplace")
    return row.run_id, row.seq, row.at, row.step_key, row.attempt, int(row.stream), text


def of_run(
    connection: Connection, run_id: str, *, after_seq: int = 0, step_key: str = "", limit: int = EVERYTHING
) -> list[LogRow]:
    """The captured output of a run, or of one of its steps, after a place in it, oldest first."""
    values = {"run_id": run_id, "after_seq": after_seq, "limit": limit}
    found = (
        connection.execute(_OF_STEP, {**values, "step_key": step_key})
        if step_key
        else connection.execute(_OF_RUN, values)
    )
    return [
        LogRow(run_id, seq, at, key, attempt, LogStream(stream), text.decode())
        for run_id, seq, at, key, attempt, stream, text in found
    ]
