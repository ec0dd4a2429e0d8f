"""One look at the run queue: who leaves it now, who goes on waiting and why, and who never began or is gone.

All of it is decided on one state of the store, in the transaction that writes it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rivers.definitions.snapshot import RunQueueDefinition
from rivers.driver.owner import LEASE_SECONDS, is_alive, owner_id
from rivers.driver.patience import printed
from rivers.lifecycle.events import Event, Failure
from rivers.lifecycle.run import RUN, RunVerb
from rivers.lifecycle.run_queue import Room
from rivers.lifecycle.states import EventType, FailureReason, RunState
from rivers.storage import claims, run_queue, runs
from rivers.storage.rows import EventRow, RunRow, WriteSet
from rivers.storage.run_queue import Flying

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(slots=True)
class Admission:
    """What came of a look: runs that this process is to launch, and whether slots of pools were freed or runs ended."""

    admitted: list[RunRow] = field(default_factory=list)
    is_freed: bool = False
    has_ended: bool = False


def admit(
    connection: Connection,
    settings: RunQueueDefinition,
    *,
    now: int,
    places: int,
    launching: Container[str],
    admission: Admission,
) -> WriteSet:
    """Admits at most `places` runs, by priority and then by age; `launching` are runs that this process looks after."""
    writes = WriteSet()
    admission.is_freed = claims.free_expired(connection, now=now) > 0
    staying = []
    for one in run_queue.in_flight(connection):
        failure = None if one.run_id in launching else _gone(one, settings, now)
        if failure is None:
            staying.append(one.tags)
            continue
        row = runs.get(connection, one.run_id)
        assert row is not None
        fail(row, failure, now, writes)
        admission.has_ended = True
    room = Room(settings, staying)
    reasons: dict[str, str] = {}
    for waiting in run_queue.waiting(connection):
        if len(admission.admitted) == places:
            break
        reason = room.blocked_by(waiting.tags)
        if reason is None:
            room.take(waiting.tags)
            row = runs.get(connection, waiting.run_id)
            assert row is not None
            _dequeue(row, now, writes)
            runs.give(connection, row.run_id, row.owner_id)
            admission.admitted.append(row)
        elif reason != waiting.reason:
            reasons[waiting.run_id] = reason
    run_queue.block(connection, reasons)
    run_queue.clear(connection, [row.run_id for row in admission.admitted])
    return writes


def fail(row: RunRow, failure: Failure, now: int, writes: WriteSet) -> None:
    """Ends a run that nobody executes: it could not be launched, or whoever executed it is gone."""
    kind = EventType.RUN_LAUNCH_FAILED if row.state == RunState.DEQUEUED else EventType.RUN_FAILED
    row.state = RUN.apply(row, row.state, RunVerb.FAIL, failure)
    row.ended_at = now
    _note(row, Event(kind, failure=failure), now, writes)


def _dequeue(row: RunRow, now: int, writes: WriteSet) -> None:
    row.state = RUN.apply(row, row.state, RunVerb.DEQUEUE)
    row.started_at = now
    row.owner_id = owner_id()
    row.owner_expires_at = now + int(LEASE_SECONDS * 1e9)
    _note(row, Event(EventType.RUN_DEQUEUED, facts=(("priority", str(row.priority)),)), now, writes)


def _note(row: RunRow, event: Event, now: int, writes: WriteSet) -> None:
    row.last_seq += 1
    row.version += 1
    writes.events.append(EventRow(row.run_id, row.last_seq, now, event, None))
    writes.changed_runs[row.run_id] = row


def _gone(run: Flying, settings: RunQueueDefinition, now: int) -> Failure | None:
    """Why a run in flight will never end by itself, if so."""
    if run.state == RunState.DEQUEUED:
        if run.since + int(settings.start_timeout * 1e9) > now:
            return None
        story = f"ExecutionError: the run was not started within {printed(settings.start_timeout)} of leaving the queue"
        return Failure(FailureReason.INFRASTRUCTURE, story)
    is_leased = run.owner_expires_at is not None and run.owner_expires_at > now
    if is_leased or is_alive(run.owner_id, run.owner_expires_at, now):
        return None
    return Failure(
        FailureReason.INFRASTRUCTURE, f"ExecutionError: the process that executed it is gone: {run.owner_id}"
    )
