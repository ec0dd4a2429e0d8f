"""What callers ask for: making, canceling, pausing and resuming backfills."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rivers.errors import BackfillNotFoundError, LocationUnavailableError
from rivers.lifecycle.backfill.changes import DEFINITION_CHANGED
from rivers.storage.backfill_rows import BackfillRow
from rivers.storage.rows import NewBackfill
from rivers_server.core import stopping
from rivers_server.core.inputs import CancelBackfill, CreateBackfill, PauseBackfill, Reply, ResumeBackfill
from rivers_server.core.live_backfill import LiveBackfill

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()


def create(core: Core, batch: Batch, message: CreateBackfill) -> None:
    """Accepts a backfill; a repeated request is answered with the one that the first made."""
    row = message.row
    if row.request_id is not None:
        existing = _made_by(core, row.request_id)
        if existing is not None:
            batch.outbox.answer(message.reply, (existing, True))
            return
    replica = core.state.replicas.get(row.location)
    if replica is None or replica.snapshot is None:
        raise LocationUnavailableError(location=row.location, field="location")
    row.backfill_id, row.created_at = core.chance.run_id(batch.now), batch.now
    live = LiveBackfill(row, message.pinned)
    batch.writes.new_backfills.append(NewBackfill(row, message.plan, message.pinned.registered))
    core.state.backfills[row.backfill_id] = live
    batch.backfills[row.backfill_id] = live
    core.state.stirred[row.backfill_id] = None
    batch.created_backfills += 1
    log.info(
        "backfill_created",
        backfill_id=row.backfill_id,
        location=row.location,
        partitions=row.total_partitions,
        runs=row.total_units,
    )
    batch.outbox.answer(message.reply, (row, False))


def cancel(core: Core, batch: Batch, message: CancelBackfill) -> None:
    """Draws nothing more; what is drawn and not over is canceled. One that is over is left as it is."""
    live = _live(core, batch, message.backfill_id, message.reply)
    if live is not None:
        live.progress.cancel(message.reason or "canceled")
        stopping.cancel_units(core, batch, live, message.reason or "its backfill was canceled")
        _changed(core, batch, live, message.reply)


def pause(core: Core, batch: Batch, message: PauseBackfill) -> None:
    """Draws nothing more for now and holds runs that wait. One that is over is left as it is."""
    live = _live(core, batch, message.backfill_id, message.reply)
    if live is not None:
        live.progress.pause(message.reason or "paused")
        live.hold(core.state.queue)
        _changed(core, batch, live, message.reply)


def resume(core: Core, batch: Batch, message: ResumeBackfill) -> None:
    """Goes on; with the definitions that are loaded now, when it was paused because they changed (B8)."""
    live = _live(core, batch, message.backfill_id, message.reply)
    if live is not None:
        replica = core.state.replicas.get(live.row.location)
        if live.progress.reason.startswith(DEFINITION_CHANGED) and replica is not None and replica.snapshot is not None:
            live.row.accepted_digest = replica.snapshot.digest
        live.progress.resume()
        live.release(core.state.queue)
        core.state.stirred[live.row.backfill_id] = None
        _changed(core, batch, live, message.reply)


def _changed(core: Core, batch: Batch, live: LiveBackfill, reply: Reply) -> None:
    batch.backfills[live.row.backfill_id] = live
    batch.outbox.answer(reply, live.row)


def _live(core: Core, batch: Batch, backfill_id: str, reply: Reply) -> LiveBackfill | None:
    """The backfill; one that is over answers the caller as it is."""
    live = core.state.backfills.get(backfill_id)
    if live is None:
        row = core.store.backfill(backfill_id)
        if row is None:
            raise BackfillNotFoundError(backfill_id=backfill_id)
        batch.outbox.answer(reply, row)
    return live


def _made_by(core: Core, request_id: str) -> BackfillRow | None:
    for live in core.state.backfills.values():
        if live.row.request_id == request_id:
            return live.row
    return core.store.find_backfill(request_id)
