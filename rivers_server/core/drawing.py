"""Drawing: the units of backfills become queued runs, in the transaction that has room for them (B2, B3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from rivers.definitions.snapshot import Snapshot
from rivers.errors import RiversError
from rivers.lifecycle.backfill.changes import DEFINITION_CHANGED, change, definition_of
from rivers.lifecycle.backfill.states import BackfillIntent
from rivers.lifecycle.events import Event
from rivers.lifecycle.states import EventType, LaunchCause, RunKind, RunState
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import RunPlan
from rivers.storage.rows import EventRow, RunRow
from rivers_server.core import stopping
from rivers_server.core.live_backfill import LiveBackfill

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()

#: Runs of one backfill that one batch makes at most; the next batch goes on.
DRAWN_AT_ONCE = 200


def draw(core: Core, batch: Batch) -> None:
    """Draws from every backfill that may have room: one that was made or resumed, or of which a unit ended."""
    stirred, core.state.stirred = core.state.stirred, {}
    for backfill_id in stirred:
        live = core.state.backfills.get(backfill_id)
        if live is not None and _draw(core, batch, live):
            core.state.stirred[backfill_id] = None


def unit_ended(core: Core, batch: Batch, row: RunRow, marked: Sequence[PartitionKey] = ()) -> None:
    """A run that is over may have been a unit's: its backfill counts it in the same transaction (B4).

    `marked` are partitions that the run's functions marked as failed while it succeeded.
    """
    found = core.state.units.pop(row.run_id, None)
    if found is None:
        return
    backfill_id, segment, unit = found
    live = core.state.backfills[backfill_id]
    match row.state:
        case RunState.SUCCEEDED:
            live.progress.complete(segment, unit, live.places(segment, unit, marked))
        case RunState.FAILED:
            was = live.progress.intent
            live.progress.fail(segment, unit)
            if live.progress.intent == BackfillIntent.STOP != was:
                log.info("backfill_stopping", backfill_id=backfill_id, run_id=row.run_id)
                stopping.cancel_queued_units(core, batch, live, "a run of the backfill failed")
        case _:
            live.progress.cancel_unit(segment, unit)
    batch.backfills[backfill_id] = live
    core.state.stirred[backfill_id] = None


def record(core: Core, batch: Batch) -> None:
    """Turns what backfills decided into rows, and ends those that are over."""
    for backfill_id, live in batch.backfills.items():
        batch.partitions.update(live.ended_since())
        is_over = live.record(batch.writes, batch.now)
        batch.outbox.changed_backfills[backfill_id] = is_over
        if is_over:
            core.state.backfills.pop(backfill_id, None)
            batch.ended_backfills.append(live.row.status)
            log.info("backfill_ended", backfill_id=backfill_id, status=live.row.status.name)
    batch.backfills.clear()


def stir(core: Core, location: str) -> None:
    """A location can be sent work, or has other definitions: its backfills go on."""
    for backfill_id, live in core.state.backfills.items():
        if live.row.location == location:
            core.state.stirred[backfill_id] = None


def _draw(core: Core, batch: Batch, live: LiveBackfill) -> bool:
    """Whether there is more to draw at once."""
    progress = live.progress
    replica = core.state.replicas.get(live.row.location)
    if progress.intent != BackfillIntent.RUN or replica is None or not replica.is_attached or replica.snapshot is None:
        return False
    snapshot = replica.snapshot
    if not _can_go_on(core, batch, live, snapshot):
        return False
    drawn = progress.draw(DRAWN_AT_ONCE)
    if not drawn and not progress.touched and not progress.has_moved:
        return False
    batch.backfills[live.row.backfill_id] = live
    is_changed = live.row.accepted_digest == snapshot.digest
    for one in drawn:
        key = live.pinned.key_of(one.segment, one.unit)
        if is_changed and not _exists(core, live, snapshot, one.segment, key):
            progress.refuse(one.segment, one.unit)
            core.state.stirred[live.row.backfill_id] = None
            continue
        _queue(core, batch, live, one.segment, one.unit, replace(live.plan(one.segment, snapshot), partition_key=key))
    return progress.has_more or len(drawn) == DRAWN_AT_ONCE


def _can_go_on(core: Core, batch: Batch, live: LiveBackfill, snapshot: Snapshot) -> bool:
    """Whether the definitions that are loaded now have what is still to be drawn; else the backfill is paused (B8)."""
    if snapshot.digest in (live.checked_digest, live.row.accepted_digest):
        return True
    reason = change(live.pinned, snapshot, _now(core, live))
    if not reason:
        try:
            for segment in range(len(live.pinned.segments)):
                live.plan(segment, snapshot)
        except RiversError as error:
            reason = f"{DEFINITION_CHANGED}: {error}"
    if reason:
        live.progress.pause(reason)
        live.hold(core.state.queue)
        batch.backfills[live.row.backfill_id] = live
        log.warning("backfill_paused", backfill_id=live.row.backfill_id, reason=reason)
        return False
    live.checked_digest = snapshot.digest
    return True


def _exists(core: Core, live: LiveBackfill, snapshot: Snapshot, segment: int, key: PartitionKey) -> bool:
    definition = definition_of(live.pinned.segments[segment], snapshot)
    return definition is not None and definition.grid(_now(core, live), live.pinned.registered).has(key)


def _now(core: Core, live: LiveBackfill) -> datetime:
    """The wall clock that keys follow: of the same offset as when the backfill was made."""
    return core.clock.wall().astimezone(live.pinned.now.tzinfo)


def _queue(core: Core, batch: Batch, live: LiveBackfill, segment: int, unit: int, plan: RunPlan) -> None:
    backfill = live.row
    run_id = live.run_id(segment, unit)
    row = RunRow(
        run_id=run_id,
        kind=RunKind.BACKFILL_UNIT,
        location=backfill.location,
        job=None,
        nodes=plan.nodes,
        tags=live.run_tags,
        submitted_at=batch.now,
        cause=LaunchCause.BACKFILL_UNIT,
        cause_name=backfill.backfill_id,
        root_run_id=run_id,
        digest=plan.digest,
        total_steps=len(plan.steps),
        partition_key=plan.partition_key,
        queue_number=core.store.take_queue_number(),
        priority=backfill.priority,
        queued_at=batch.now,
        last_seq=1,
        version=1,
    )
    queued = Event(EventType.RUN_QUEUED, facts=(("rivers/priority", str(row.priority)),))
    batch.writes.new_runs.append(row)
    batch.writes.plans.append((run_id, plan))
    batch.writes.events.append(EventRow(run_id, 1, batch.now, queued, None))
    core.plans[run_id] = plan
    core.state.units[run_id] = (backfill.backfill_id, segment, unit)
    core.state.queue.add(row)
