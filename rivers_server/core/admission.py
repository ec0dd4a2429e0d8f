"""Admission: the one path by which a run starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rivers.errors import RiversError
from rivers.lifecycle.events import Event
from rivers.lifecycle.states import EventType
from rivers.planning.build import plan_job, plan_selection
from rivers.planning.plan import RunPlan
from rivers.storage.rows import EventRow, RunRow
from rivers_server.core.lanes import LONGEST
from rivers_server.core.live import LiveRun
from rivers_server.core.replica import NO_ROOM

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()


def admit(core: Core, batch: Batch) -> None:
    """Starts waiting runs while a place is free and a gate is open; when that takes long, the next batch goes on."""
    begun, core.has_more_to_admit = core.clock.monotonic(), False
    while (row := core.state.queue.admit_next(lambda row: _is_open(core, row))) is not None:
        stored = core.plans.pop(row.run_id, None) or core.store.plan(row.run_id)
        try:
            plan = _current_plan(core, row, stored)
        except RiversError as error:
            core.state.queue.park(row, f"cannot be planned any more: {error}")
            log.warning("run_parked", run_id=row.run_id, location=row.location, reason=str(error))
            continue
        if plan is not stored:
            row.digest, row.nodes, row.total_steps = plan.digest, plan.nodes, len(plan.steps)
            batch.writes.replanned.append((row, plan))
        run = LiveRun(row, plan, core.settings.infrastructure_budget)
        row.last_seq += 1
        dequeued = Event(EventType.RUN_DEQUEUED, facts=(("priority", str(row.priority)),))
        batch.writes.events.append(EventRow(row.run_id, row.last_seq, batch.now, dequeued, None))
        run.progress.admit()
        core.state.runs[row.run_id] = run
        batch.dirty[row.run_id] = run
        core.settle(batch)
        batch.admitted.append(batch.now - row.queued_at)
        log.info("run_admitted", run_id=row.run_id, location=row.location, steps=row.total_steps)
        if core.clock.monotonic() - begun > LONGEST:
            core.has_more_to_admit = True
            return


def _is_open(core: Core, row: RunRow) -> bool:
    """Whether the run's location is up and has room, the gate that all of its runs share."""
    replica = core.state.replicas.get(row.location)
    return replica is not None and replica.has_room


def block_reason(core: Core, row: RunRow) -> str:
    """Why a run waits, as the next admission will see it."""
    queue = core.state.queue
    if row.run_id in queue.held:
        return queue.held[row.run_id]
    if row.run_id in queue.parked:
        return queue.parked[row.run_id]
    replica = core.state.replicas.get(row.location)
    if replica is None or not replica.is_attached:
        return f"location '{row.location}' is not connected"
    if replica.takes_nothing:
        return f"location '{row.location}': {NO_ROOM}"
    if queue.is_full:
        return f"global run limit ({queue.in_flight}/{queue.limit}), position {queue.rank(row)} in its location"
    return f"position {queue.rank(row)} in its location"


def _current_plan(core: Core, row: RunRow, plan: RunPlan) -> RunPlan:
    """The run's plan for the definitions that are loaded now (protocol section 13)."""
    snapshot = core.state.replicas[row.location].snapshot
    if snapshot is None or plan.digest == snapshot.digest:
        return plan
    if row.job is not None:
        return plan_job(snapshot, row.job, location=row.location, config=plan.config, partition_key=row.partition_key)
    return plan_selection(
        snapshot, row.nodes, location=row.location, config=plan.config, partition_key=row.partition_key
    )
