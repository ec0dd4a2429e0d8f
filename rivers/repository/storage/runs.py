"""Runs, as users read them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING, Any

from rivers.definitions.run_status import RunStatus
from rivers.definitions.suggestion import nearest
from rivers.driver.cancellation import request
from rivers.errors import StorageError
from rivers.lifecycle.events import Event
from rivers.lifecycle.run import RUN, RunVerb
from rivers.lifecycle.states import EventType, RunState
from rivers.partitions.key import PartitionKey
from rivers.repository.record import Record
from rivers.repository.storage.launched_by import LaunchedBy
from rivers.repository.storage.limit import checked
from rivers.repository.storage.opened import Opened
from rivers.repository.storage.statuses import STATUS_OF
from rivers.storage import cancellation, outcomes, plans, run_queue, runs
from rivers.storage.rows import EventRow, RunRow, WriteSet

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, init=False)
class RunRecord(Record):
    """One run, as it was when it was read."""

    run_id: str
    job_name: str | None
    status: str
    start_time: int
    end_time: int | None
    tags: list[tuple[str, str]]
    node_names: list[str]
    priority: int
    partition_key: PartitionKey | None
    block_reason: str | None
    launched_by: LaunchedBy
    action: str | None
    config: dict[str, Any] | None


class RunReads(Opened):
    """Reads of runs, and what may be asked of one from outside."""

    __slots__ = ()

    def get_run(self, run_id: str) -> RunRecord | None:
        """One run."""
        with self._current() as connection:
            row = runs.get(connection, run_id)
            return None if row is None else _records(connection, [row])[0]

    def get_runs(self, limit: int = 100, status: str | None = None) -> list[RunRecord]:
        """Runs, newest first; `status` is the name of a `RunStatus`."""
        states: list[RunState] = []
        if status is not None:
            if status not in RunStatus.__members__:
                raise StorageError(f"Unknown run status: {status}", remedy=nearest(str(status), RunStatus.__members__))
            states = [state for state, name in STATUS_OF.items() if name.name == status]
        with self._current() as connection:
            return _records(connection, runs.page(connection, states=states, limit=checked(limit)))

    def get_queued_runs(self) -> list[RunRecord]:
        """Every run that waits in the queue, oldest first."""
        with self._current() as connection:
            return _records(connection, runs.queued(connection))

    def get_run_progress(self, run_id: str) -> tuple[int, int]:
        """Steps that have ended, and steps in all."""
        with self._current() as connection:
            return runs.progress(connection, run_id)

    def cancel_queued_run(self, run_id: str) -> bool:
        """Cancels a run that is still queued; `False` when it is not."""
        canceled: list[str] = []

        def decide(connection: Connection) -> WriteSet:
            row = runs.get(connection, run_id)
            if row is None or row.state != RunState.QUEUED:
                return WriteSet()
            now = time_ns()
            row.state, row.ended_at = RUN.apply(row, row.state, RunVerb.END_CANCELED), now
            row.version += 1
            row.last_seq += 1
            canceled.append(run_id)
            event = EventRow(run_id, row.last_seq, now, Event(EventType.RUN_CANCELED), None)
            return WriteSet(changed_runs={run_id: row}, events=[event])

        self.database.decide(decide)
        if canceled:
            self.database.bells.runs.ring()
        return bool(canceled)

    def is_cancelled(self, run_id: str) -> bool:
        """Whether somebody asked the run to stop."""
        with self.database.read() as connection:
            return cancellation.is_requested(connection, run_id)

    def request_cancellation(self, run_id: str) -> None:
        """Asks the run to stop between steps."""
        request(self.database, run_id, now=time_ns())

    def set_run_outcome(
        self, run_id: str, status: str, completed_steps: int, total_steps: int, message: str | None = None
    ) -> None:
        """Notes what a detached executor reports; the run itself stays as it is."""
        row = outcomes.OutcomeRow(run_id, status, completed_steps, total_steps, message, time_ns())
        with self.database.transaction() as connection:
            outcomes.report(connection, row)

    async def async_get_run(self, run_id: str) -> RunRecord | None:
        """`get_run`, off the event loop."""
        return await asyncio.to_thread(self.get_run, run_id)

    async def async_get_runs(self, limit: int = 100, status: str | None = None) -> list[RunRecord]:
        """`get_runs`, off the event loop."""
        return await asyncio.to_thread(self.get_runs, limit, status)


def _records(connection: Connection, rows: list[RunRow]) -> list[RunRecord]:
    reasons = run_queue.reasons(connection, [row.run_id for row in rows if row.state == RunState.QUEUED])
    return [_record(row, plans.config(connection, row.run_id), reasons.get(row.run_id)) for row in rows]


def _record(row: RunRow, config: dict[str, Any] | None, block_reason: str | None) -> RunRecord:
    return RunRecord.of(
        run_id=row.run_id,
        job_name=row.job,
        status=STATUS_OF[row.state].name,
        start_time=row.started_at if row.started_at is not None else row.submitted_at,
        end_time=row.ended_at,
        tags=list(row.tags),
        node_names=list(row.nodes),
        priority=row.priority,
        partition_key=row.partition_key,
        block_reason=block_reason,
        launched_by=LaunchedBy.by(row.cause, row.cause_name),
        action=None,
        config=config,
    )
