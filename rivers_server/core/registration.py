"""Locations: who may be called by which name, and whose definitions are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rivers.errors import ConflictError, LocationNotFoundError
from rivers.lifecycle.states import AttemptState
from rivers.storage.rows import LocationRow
from rivers_server.core import drawing, sessions
from rivers_server.core.inputs import Deregister, ForgetLocation, Register, SnapshotRead
from rivers_server.core.replica import Replica

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()


def register(core: Core, batch: Batch, message: Register) -> None:
    """Notes that a location exists and has it dialled. Renews nothing: leases live on the step stream only."""
    replica = core.state.replicas.get(message.location)
    if replica is not None and replica.session and replica.home_id != message.home_id:
        log.warning(
            "registration_refused", location=message.location, address=message.address, taken_by=replica.row.address
        )
        raise ConflictError(
            f"location '{message.location}' is already served from {replica.row.address}; "
            f"the one at {message.address} needs another name (`--name`)",
            field="location",
            location=message.location,
        )
    if replica is not None and replica.refusal and message.digest in ("", replica.refused_digest):
        raise ConflictError(replica.refusal, location=message.location)
    if replica is None:
        row = LocationRow(message.location, message.address, message.home_id, message.boot, registered_at=batch.now)
        replica = core.state.replicas[message.location] = Replica(row, core.awake)
    row = replica.row
    is_attached = replica.session != 0 and (replica.home_id, replica.boot) == (message.home_id, message.boot)
    if not is_attached or row.address != message.address:
        row.address, row.digest, row.heard_at = message.address, message.digest, batch.now
        row.home_id, row.boot = message.home_id, message.boot
        batch.writes.locations.append(row)
        log.info("location_registered", location=message.location, address=message.address, boot=message.boot)
    # With a session that is about to end, too: the location may have left it, and its end is not here yet.
    batch.outbox.dial.append((message.location, message.address, message.home_id, message.boot))
    batch.outbox.answer(message.reply, (core.store.store_id, core.store.term))


def deregister(core: Core, batch: Batch, message: Deregister) -> None:
    """Stops dialling a location that leaves. Attempts with it are settled by the rules of the step stream (A6, A9)."""
    replica = core.state.replicas.get(message.location)
    if replica is not None and replica.row.home_id == message.home_id and replica.row.boot <= message.boot:
        replica.detach()
        replica.heard_awake = core.awake
        replica.snapshot = None
        batch.outbox.hang_up.append(message.location)
        if not replica.in_flight and not replica.ready:
            del core.state.replicas[message.location]
        batch.writes.forgotten_locations.append(message.location)
        log.info("location_left", location=message.location, boot=message.boot)
    batch.outbox.answer(message.reply, None)


def forget(core: Core, batch: Batch, message: ForgetLocation) -> None:
    """Somebody knows that a machine is gone: that ends what ran there, without waiting for patience (A9).

    What runs at a home that is connected is none of it. Who said so, and why, stays with each run.
    """
    replica = core.state.replicas.get(message.location)
    if replica is None:
        raise LocationNotFoundError(location=message.location, field="location")
    gone = [
        attempt
        for attempt in core.state.attempts.values()
        if attempt.location == message.location
        and attempt.state != AttemptState.ENDED
        and not (replica.session and replica.home_id == attempt.home_id)
    ]
    if replica.session and not gone:
        raise ConflictError(
            f"location '{message.location}' is connected from {replica.row.address}: stop it, and what runs there is "
            "settled by itself",
            field="location",
            location=message.location,
        )
    why = f"location '{message.location}' was forgotten by {message.who}"
    why += f": {message.reason}" if message.reason else ""
    for attempt in gone:
        sessions.lose(core, batch, attempt, why)
    if not replica.session:
        replica.snapshot = None
        batch.outbox.hang_up.append(message.location)
        if not replica.in_flight and not replica.ready:
            del core.state.replicas[message.location]
        batch.writes.forgotten_locations.append(message.location)
    log.warning(
        "location_forgotten", location=message.location, who=message.who, reason=message.reason, attempts=len(gone)
    )
    batch.outbox.answer(message.reply, len(gone))


def take_snapshot(core: Core, batch: Batch, message: SnapshotRead) -> None:
    """Takes a location's definitions, unless one of its assets belongs to another location already (L-09)."""
    replica = core.state.replica(message.location, core.awake)
    theirs = {output.name for step in message.snapshot.steps for output in step.outputs if output.is_asset}
    for other in core.state.replicas.values():
        if other is replica or other.snapshot is None:
            continue
        shared = sorted(theirs & other.asset_names)
        if shared:
            replica.refusal = (
                f"asset '{shared[0]}' is defined by location '{other.name}' ({other.row.address}) "
                f"and by location '{message.location}' ({replica.row.address}); rename one of them"
            )
            replica.refused_digest = message.snapshot.digest
            replica.snapshot = None
            log.warning("definitions_refused", location=message.location, owner=other.name, asset=shared[0])
            raise ConflictError(replica.refusal, location=message.location, owner=other.name)
    replica.refusal = ""
    replica.snapshot = message.snapshot
    replica.asset_names = frozenset(theirs)
    if replica.row.digest != message.snapshot.digest or replica.row.module != message.snapshot.module:
        replica.row.digest, replica.row.module = message.snapshot.digest, message.snapshot.module
        batch.writes.locations.append(replica.row)
    core.state.queue.unpark(message.location)
    drawing.stir(core, message.location)
    batch.outbox.answer(message.reply, None)
