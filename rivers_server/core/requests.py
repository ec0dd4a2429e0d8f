"""What callers ask for: submitting, canceling and explaining runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rivers.clock import local_time
from rivers.errors import LocationNotFoundError, LocationUnavailableError, RunNotFoundError
from rivers.lifecycle.events import Event
from rivers.lifecycle.states import EventType, RunState
from rivers.planning.build import plan_job, plan_selection
from rivers.planning.partitions import check_partition_key
from rivers.planning.plan import RunPlan
from rivers.storage.rows import EventRow, RunRow
from rivers_server.core import drawing, sessions
from rivers_server.core.admission import block_reason
from rivers_server.core.inputs import Cancel, Explain, Submit
from rivers_server.core.live import LiveRun

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()


def submit(core: Core, batch: Batch, message: Submit) -> None:
    """Queues a run; a repeated request is answered with the run that the first one made."""
    state = core.state
    if message.request_id is not None:
        existing = state.requests.get(message.request_id) or core.store.find_request(message.request_id)
        if existing is not None:
            batch.outbox.answer(message.reply, (_row(core, existing), True))
            return
    plan = _for_current_definitions(core, batch, message)
    run_id = core.chance.run_id(batch.now)
    row = RunRow(
        run_id=run_id,
        kind=message.kind,
        location=plan.location,
        job=plan.job,
        nodes=plan.nodes,
        tags=message.tags,
        submitted_at=batch.now,
        cause=message.cause,
        cause_name=message.cause_name,
        root_run_id=run_id,
        parent_run_id=message.parent_run_id,
        request_id=message.request_id,
        digest=plan.digest,
        total_steps=len(plan.steps),
        partition_key=plan.partition_key,
        queue_number=core.store.take_queue_number(),
        priority=message.priority,
        queued_at=batch.now,
        last_seq=1,
        version=1,
    )
    queued = Event(EventType.RUN_QUEUED, facts=(("rivers/priority", str(row.priority)),))
    batch.writes.new_runs.append(row)
    batch.writes.plans.append((run_id, plan))
    batch.writes.events.append(EventRow(run_id, 1, batch.now, queued, None))
    if message.request_id is not None:
        state.requests[message.request_id] = run_id
    core.plans[run_id] = plan
    state.queue.add(row)
    log.debug("run_queued", run_id=run_id, location=row.location, request_id=row.request_id)
    batch.outbox.answer(message.reply, (row, False))


def cancel(core: Core, batch: Batch, message: Cancel) -> None:
    """Asks a run to stop. A queued one ends at once; one that is over is left as it is."""
    run = core.state.runs.get(message.run_id)
    log.debug("cancel_requested", run_id=message.run_id, reason=message.reason)
    if run is not None:
        cancel_running(core, batch, run, message.reason)
        batch.outbox.answer(message.reply, run.row)
        return
    row = core.state.queue.waiting.get(message.run_id)
    if row is None:
        batch.outbox.answer(message.reply, _row(core, message.run_id))
        return
    cancel_queued(core, batch, row, message.reason)
    batch.outbox.answer(message.reply, row)


def cancel_running(core: Core, batch: Batch, run: LiveRun, reason: str) -> None:
    """Asks a run that was admitted to stop (A14)."""
    run.progress.cancel(reason)
    sessions.stop_attempts(core, batch, run, reason)
    batch.dirty[run.row.run_id] = run


def cancel_queued(core: Core, batch: Batch, row: RunRow, reason: str) -> None:
    """Ends a run that waits."""
    core.state.queue.remove(row.run_id)
    core.plans.pop(row.run_id, None)
    facts = (("reason", reason),) if reason else ()
    for event in (Event(EventType.RUN_CANCEL_REQUESTED, facts=facts), Event(EventType.RUN_CANCELED)):
        row.last_seq += 1
        batch.writes.events.append(EventRow(row.run_id, row.last_seq, batch.now, event, None))
    row.state, row.ended_at, row.version = RunState.CANCELED, batch.now, row.version + 1
    batch.finished.append(row.state)
    batch.writes.changed_runs[row.run_id] = row
    batch.outbox.changed_runs[row.run_id] = True
    if row.request_id is not None:
        core.state.requests.pop(row.request_id, None)
    drawing.unit_ended(core, batch, row)


def explain(core: Core, batch: Batch, message: Explain) -> None:
    """Says why runs wait, inside the core, so that it sees what the next admission will see."""
    waiting = core.state.queue.waiting
    reasons = {run_id: block_reason(core, waiting[run_id]) for run_id in message.run_ids if run_id in waiting}
    batch.outbox.answer(message.reply, reasons)


def _row(core: Core, run_id: str) -> RunRow:
    run = core.state.runs.get(run_id)
    row = run.row if run is not None else core.state.queue.waiting.get(run_id) or core.store.run(run_id)
    if row is None:
        raise RunNotFoundError(run_id=run_id)
    return row


def _for_current_definitions(core: Core, batch: Batch, message: Submit) -> RunPlan:
    """The plan, made again when the location's definitions changed since it was prepared."""
    plan = message.plan
    replica = core.state.replicas.get(plan.location)
    if replica is None:
        raise LocationNotFoundError(location=plan.location, field="location")
    if replica.snapshot is None:
        raise LocationUnavailableError(location=plan.location, field="location")
    if plan.digest == replica.snapshot.digest:
        return plan
    key = plan.partition_key
    if plan.job is not None:
        plan = plan_job(replica.snapshot, plan.job, location=plan.location, config=plan.config, partition_key=key)
    else:
        plan = plan_selection(
            replica.snapshot, plan.nodes, location=plan.location, config=plan.config, partition_key=key
        )
    # Which keys are registered was looked up when the request came.
    check_partition_key(replica.snapshot, plan, local_time(batch.now), None)
    return plan
