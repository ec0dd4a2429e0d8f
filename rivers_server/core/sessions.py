"""Sessions: opening and closing a location's step stream, and what silence means (protocol sections 4 and 5)."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import structlog

from rivers.lifecycle.attempt import ATTEMPT, Attempt, AttemptEvent
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import AttemptOutcome, AttemptState, FailureReason
from rivers_server.core import adoption, dispatching, drawing, ingestion
from rivers_server.core.commands import Adopt, Fence, Stop
from rivers_server.core.inputs import Beaten, SessionClosed
from rivers_server.core.live import LiveRun
from rivers_server.core.replica import Replica
from rivers_server.core.reports import Inventory
from rivers_server.core.state import FENCE_MARGIN

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()

#: Beats in a row whose holdings differ in the same way, after which the session is closed, and how long that has to
#: last in seconds: beats that waited while the core was busy come all at once, and say what was before.
PERSISTENT, LASTING = 5, 2.0


def open(core: Core, batch: Batch, location: str, session: int, inventory: Inventory) -> None:
    """A location told what it holds: every attempt bound to its home is decided about, and it is told what to do."""
    replica = core.state.replicas.get(location)
    if replica is None or session <= replica.session:
        return
    _settle_in(core, batch, replica, session, inventory)
    bound = {t: a for t, a in core.state.attempts.items() if a.home_id == inventory.home_id and a.location == location}
    current = {
        token
        for token, attempt in bound.items()
        if core.state.runs[attempt.run_id].progress.steps[attempt.ordinal].token == token
    }
    verdicts = adoption.compare(bound, current, inventory.boot, inventory.attempts)
    restarted = Failure(FailureReason.INFRASTRUCTURE, f"location '{location}' was restarted while the attempt ran")
    for token in verdicts.lost:
        _end(core, batch, bound[token], AttemptOutcome.LOST, restarted)
    for token in verdicts.not_started:
        unstarted = Failure(
            FailureReason.INFRASTRUCTURE, f"location '{location}' was restarted before the attempt arrived"
        )
        _end(core, batch, bound[token], AttemptOutcome.NOT_STARTED, unstarted)
    for token in verdicts.fence:
        if token in bound:
            fence(core, batch, bound[token])
    homes = tuple(run_id for run_id in inventory.homes if run_id not in core.state.runs)
    batch.outbox.send(
        location,
        session,
        Adopt(
            inventory.beat,
            tuple(verdicts.keep + verdicts.await_replay),
            tuple(verdicts.fence),
            tuple(verdicts.forget),
            homes,
        ),
    )
    for token in verdicts.resend:
        if not bound[token].is_stopping:
            run = core.state.runs[bound[token].run_id]
            batch.outbox.send(location, session, dispatching.assignment(core, batch, replica, run, bound[token]))
    core.state.forget_fences(bound)
    for token in verdicts.keep + verdicts.resend:
        if bound[token].is_stopping:
            _stop(core, batch, bound[token], "the run is over")
    log.info("session_opened", location=location, session=session, boot=inventory.boot, held=len(inventory.attempts))


def replayed(core: Core, batch: Batch, replica: Replica) -> None:
    """Finished work has been seen: now, and not before, new work is sent (section 4, step 4)."""
    replica.is_replayed = True
    drawing.stir(core, replica.name)


def close(core: Core, batch: Batch, message: SessionClosed) -> None:
    """A step stream is over. What is with the location stays with it until its end is proven."""
    note_closed(core, message)


def note_closed(core: Core, message: SessionClosed) -> None:
    """Sessions are facts of this process: their end is noted without a row."""
    replica = core.state.replicas.get(message.location)
    if replica is not None and replica.session == message.session:
        replica.detach()
        replica.heard_awake = core.awake
        log.info("session_closed", location=message.location, session=message.session, reason=message.reason)


def take_beat(core: Core, batch: Batch, message: Beaten) -> None:
    """A location that says that it has no room is sent nothing until it says otherwise; one that holds other attempts
    than we believe, and goes on to, is asked for its inventory again."""
    replica = core.state.replicas.get(message.location)
    if replica is None or replica.session != message.session:
        batch.outbox.closed.append((message.location, message.session, "the session is over"))
        return
    if not replica.is_attached:
        return
    _note_room(replica, message)
    count = mixed = 0
    for token in replica.in_flight:
        attempt = core.state.attempts.get(token)
        if attempt is not None and attempt.home_id == replica.home_id:
            count, mixed = count + 1, mixed ^ token
    doubts = replica.doubts((count, mixed), (message.held_count, message.held_hash), core.awake)
    if doubts >= PERSISTENT and core.awake - replica.doubted_awake >= LASTING:
        drop(core, batch, replica, f"it holds {message.held_count} attempts that are not the {count} that it should")


def _note_room(replica: Replica, message: Beaten) -> None:
    """Places taken by attempts are counted here, newer than any beat; no room beside free places is for it to say."""
    is_closed = message.free_places == 0 and message.held_count < replica.places
    if is_closed is not replica.takes_nothing:
        replica.takes_nothing = is_closed
        log.warning("location_full" if is_closed else "location_has_room", location=replica.name)


def drop(core: Core, batch: Batch, replica: Replica, reason: str) -> None:
    """Closes a session from this side; the link opens another and both sides take inventory again."""
    batch.outbox.closed.append((replica.name, replica.session, reason))
    replica.detach()
    replica.heard_awake = core.awake


def stop_attempts(core: Core, batch: Batch, run: LiveRun, reason: str) -> None:
    """Asks every live attempt of a run to end; after the grace it is fenced (A14)."""
    for step in run.progress.steps:
        attempt = core.state.attempts.get(step.token)
        if attempt is not None and attempt.state != AttemptState.ENDED and not attempt.is_stopping:
            _stop(core, batch, attempt, reason)


def fire_timers(core: Core, batch: Batch) -> None:
    """Steps whose wait is over become ready; attempts of homes that were silent for too long are lost (A6, A7)."""
    state = core.state
    while state.wakes and state.wakes[0][0] <= batch.monotonic:
        _, run_id, ordinal, attempt = heapq.heappop(state.wakes)
        run = state.runs.get(run_id)
        if run is not None and run.progress.steps[ordinal].attempt == attempt:
            run.progress.wake(ordinal)
            batch.dirty[run_id] = run
    while state.fences and state.fences[0][0] <= batch.monotonic:
        _, token = heapq.heappop(state.fences)
        late = state.attempts.get(token)
        replica = state.replicas.get(late.location) if late is not None else None
        if late is None or replica is None or late.state == AttemptState.ENDED or late.is_fencing:
            continue
        if replica.session and replica.home_id == late.home_id:  # others are stopped when they are heard of again
            fence(core, batch, late)
            batch.outbox.send(replica.name, replica.session, Fence(token))
    if not has_silent_attempts(core):
        return
    for silent in [attempt for attempt in state.attempts.values() if _is_out_of_patience(core, attempt)]:
        lose(core, batch, silent, f"location '{silent.location}' was silent for longer than the lease")


def lose(core: Core, batch: Batch, attempt: Attempt, why: str) -> None:
    """Nothing is heard of an attempt any more, and its body is dead."""
    _end(core, batch, attempt, AttemptOutcome.LOST, Failure(FailureReason.INFRASTRUCTURE, why))


def has_silent_attempts(core: Core) -> bool:
    """Whether somebody without a session has a live attempt, so that patience must be counted."""
    return any(r.in_flight and (not r.session or r.has_moved) for r in core.state.replicas.values())


def _is_out_of_patience(core: Core, attempt: Attempt) -> bool:
    replica = core.state.replicas.get(attempt.location)
    if attempt.state == AttemptState.ENDED or replica is None:
        return False
    if replica.session and replica.home_id == attempt.home_id:
        return False
    heard = replica.heard_awake if replica.home_id == attempt.home_id else replica.moved_awake
    return core.awake - heard > attempt.lease * 1.01 + 5.0


def _settle_in(core: Core, batch: Batch, replica: Replica, session: int, inventory: Inventory) -> None:
    replica.detach()
    replica.session = session
    if (replica.home_id, replica.boot) != (inventory.home_id, inventory.boot):
        replica.takes_nothing = False  # the same start of the same home says soon whether it has room by now
    if replica.home_id != inventory.home_id:
        replica.moved_awake, replica.has_moved = core.awake, True
    replica.home_id, replica.boot = inventory.home_id, inventory.boot
    replica.workers, replica.places = inventory.workers, inventory.places
    replica.step_lease, replica.digests = inventory.step_lease, frozenset(inventory.digests)
    replica.heard_awake = core.awake
    row = replica.row
    if (row.home_id, row.boot) != (inventory.home_id, inventory.boot):
        row.home_id, row.boot = inventory.home_id, inventory.boot
        batch.writes.locations.append(row)


def _end(core: Core, batch: Batch, attempt: Attempt, outcome: AttemptOutcome, failure: Failure) -> None:
    run = core.state.runs[attempt.run_id]
    ingestion.end(core, batch, run, attempt, outcome, failure)
    if attempt.is_home and outcome == AttemptOutcome.LOST and not run.row.state.is_terminal:
        ingestion.lose_home(core, batch, run)


def fence(core: Core, batch: Batch, attempt: Attempt) -> None:
    """Clears the step's token: no late result counts (A10). A live attempt keeps its place until its end (A12)."""
    run = core.state.runs[attempt.run_id]
    if attempt.is_fencing:
        return
    if attempt.state != AttemptState.ENDED:
        attempt.state = ATTEMPT.apply(attempt, attempt.state, AttemptEvent.FENCE)
        run.progress.fence(attempt.ordinal)
    else:  # it was called lost
        run.progress.steps[attempt.ordinal].token = 0
        run.progress.touched.add(attempt.ordinal)
        core.state.attempts.pop(attempt.token, None)
    batch.dirty[attempt.run_id] = run


def _stop(core: Core, batch: Batch, attempt: Attempt, reason: str) -> None:
    """Asks an attempt to end; one that cannot hear it now is asked when its location is back."""
    attempt.state = ATTEMPT.apply(attempt, attempt.state, AttemptEvent.STOP)
    replica = core.state.replicas.get(attempt.location)
    grace = core.state.grace(attempt)
    if replica is not None and replica.session:
        batch.outbox.send(replica.name, replica.session, Stop(attempt.token, grace, reason))
        heapq.heappush(core.state.fences, (batch.monotonic + grace + FENCE_MARGIN, attempt.token))
