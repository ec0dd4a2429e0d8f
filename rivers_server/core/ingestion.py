"""Ingest: what locations report becomes rows, and is acknowledged after they are committed (A10, A11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rivers.lifecycle.attempt import ATTEMPT, Attempt, AttemptEvent
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import AttemptOutcome, AttemptState, FailureReason
from rivers_server.core import dynamic_partitions, hooks, sessions
from rivers_server.core.commands import Ack
from rivers_server.core.inputs import Reported
from rivers_server.core.live import LiveRun
from rivers_server.core.reports import (
    AttemptReport,
    Ended,
    Inventory,
    Logged,
    Mapped,
    Materialized,
    Observed,
    PartitionFailed,
    PartitionsChanged,
    Replayed,
    Started,
)

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()


def take_reports(core: Core, batch: Batch, message: Reported) -> None:
    """Takes the reports of one message of a session; those of a session that is over are not looked at."""
    replica = core.state.replicas.get(message.location)
    acks: dict[int, int] = {}
    for report in message.reports:
        if isinstance(report, Inventory):
            sessions.open(core, batch, message.location, message.session, report)
            replica = core.state.replicas[message.location]
            continue
        if replica is None or replica.session != message.session:
            batch.outbox.closed.append((message.location, message.session, "the session is over"))
            return
        if isinstance(report, Replayed):
            sessions.replayed(core, batch, replica)
        elif not _take(core, batch, message.location, report, acks):
            sessions.drop(core, batch, replica, f"event {report.seq} of attempt {report.token} came out of order")
            return
    if replica is not None:
        for token, seq in acks.items():
            batch.outbox.send(replica.name, message.session, Ack(token, seq))


def _take(core: Core, batch: Batch, location: str, report: AttemptReport, acks: dict[int, int]) -> bool:
    attempt = core.state.attempts.get(report.token)
    if attempt is None or attempt.location != location or attempt.run_id not in core.state.runs:
        acks[report.token] = report.seq  # unknown, or another location's: dropped, so that the spool drains
        return True
    if report.seq <= attempt.ingested:
        acks[report.token] = max(attempt.ingested, acks.get(report.token, 0))
        return True
    if report.seq != attempt.ingested + 1:
        return False
    attempt.ingested = acks[report.token] = report.seq
    batch.writes.attempts[report.token] = attempt
    run = core.state.runs[attempt.run_id]
    _apply(core, batch, run, attempt, report)
    batch.dirty[attempt.run_id] = run
    return True


def _apply(core: Core, batch: Batch, run: LiveRun, attempt: Attempt, report: AttemptReport) -> None:
    body, ordinal, progress = report.body, attempt.ordinal, run.progress
    counts = progress.steps[ordinal].token == attempt.token and not progress.steps[ordinal].state.is_terminal
    match body:
        case Logged():
            run.log(batch.writes, report, ordinal, attempt.number)
        case Started():
            if attempt.state == AttemptState.ASSIGNED:
                attempt.state = ATTEMPT.apply(attempt, attempt.state, AttemptEvent.START)
                log.debug("attempt_started", run_id=attempt.run_id, token=attempt.token, location=attempt.location)
            if counts:
                progress.start(ordinal)
            if not run.has_started:
                run.has_started = True
                # By the location's clock, as far as that can be right.
                batch.started.append(max(0, min(report.at, batch.now) - run.row.submitted_at))
        case Materialized() if counts:
            run.learn_versions(ordinal, core.store.data_versions)  # for a step that an earlier scheduler dispatched
            progress.materialize(
                ordinal, body.node, body.metadata, body.data_version, body.partition_key, body.has_value
            )
        case Observed() if counts:
            progress.observe(ordinal, body.node, body.metadata, body.data_version, body.partition_key)
        case Mapped() if counts:
            progress.map_items(ordinal, body.node, body.keys)
        case PartitionFailed() if counts:
            progress.fail_partition(ordinal, body.node, body.partition_key, body.error)
        case PartitionsChanged() if counts:
            dynamic_partitions.apply(core, batch, body.name, body.keys, is_added=body.is_added)
        case Ended():
            end(core, batch, run, attempt, body.outcome, body.failure)
            if body.home_lost:
                lose_home(core, batch, run)


def end(
    core: Core, batch: Batch, run: LiveRun, attempt: Attempt, outcome: AttemptOutcome, failure: Failure | None
) -> None:
    """An attempt's end is known: its place is free, and the step goes on if the token still counts (A10)."""
    if attempt.is_fencing and outcome != AttemptOutcome.LOST:
        outcome = AttemptOutcome.FENCED
    was_lost = attempt.state == AttemptState.ENDED
    event = AttemptEvent.CORRECT if was_lost else AttemptEvent.END
    attempt.state = ATTEMPT.apply(attempt, attempt.state, event, outcome)
    batch.writes.attempts[attempt.token] = attempt
    replica = core.state.replicas.get(attempt.location)
    if replica is not None:
        replica.in_flight.discard(attempt.token)
    batch.outcomes.append(outcome)
    log.debug("attempt_ended", run_id=attempt.run_id, token=attempt.token, outcome=outcome.name)
    if outcome == AttemptOutcome.LOST:
        log.warning(
            "attempt_lost",
            run_id=attempt.run_id,
            step_key=run.progress.planned[attempt.ordinal].key,
            attempt=attempt.number,
            token=attempt.token,
            location=attempt.location,
            reason=failure.message if failure is not None else "",
        )
    step = run.progress.steps[attempt.ordinal]
    if attempt.is_fencing:
        core.state.attempts.pop(attempt.token, None)
        wait = run.progress.end(attempt.ordinal, AttemptOutcome.FENCED, failure, core.chance.spread())
        core.schedule_wake(run, attempt.ordinal, wait)
        batch.dirty[run.row.run_id] = run
        return
    if step.token != attempt.token or step.state.is_terminal:
        core.state.attempts.pop(attempt.token, None)
        return
    if outcome != AttemptOutcome.LOST and not (was_lost and outcome != AttemptOutcome.SUCCEEDED):
        core.state.attempts.pop(attempt.token, None)
    if was_lost and outcome not in (AttemptOutcome.SUCCEEDED, AttemptOutcome.FAILED):
        return
    wait = run.progress.end(attempt.ordinal, outcome, failure, core.chance.spread())
    core.schedule_wake(run, attempt.ordinal, wait)
    batch.dirty[run.row.run_id] = run
    if replica is not None and replica.session:
        hooks.call(batch, replica, run, attempt.ordinal)


def lose_home(core: Core, batch: Batch, run: LiveRun) -> None:
    """The run's home process died and took its values along: the run cannot go on (A18)."""
    gone = Failure(
        FailureReason.HOME_LOST, "home_lost: the run's home process died, and the values in its memory with it"
    )
    run.progress.abandon(gone)
    sessions.stop_attempts(core, batch, run, gone.message)
    batch.dirty[run.row.run_id] = run
