"""What a run came to, as its rows say: for whoever did not execute it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivers.driver.outcome import RunOutcome, nodes_of
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import RunKind
from rivers.storage import events, plans, steps
from rivers.storage.rows import RunRow

if TYPE_CHECKING:
    from sqlalchemy import Connection


def stored_outcome(connection: Connection, row: RunRow) -> RunOutcome:
    """The outcome of a run, without the exceptions: these were never stored."""
    plan = plans.get(connection, row.run_id)
    if plan is None:
        return RunOutcome(row.run_id, row.state)
    progress = RunProgress(plan, state=row.state)
    progress.restore(steps.of_run(connection, row.run_id))
    made, failed = nodes_of(progress, {})
    marked = tuple(events.marked_partitions(connection, row.run_id)) if row.kind == RunKind.BACKFILL_UNIT else ()
    return RunOutcome(row.run_id, row.state, made, failed, marked=marked)
