"""Dispatch: ready steps get attempts, as far as their locations have places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from rivers.definitions.executor_override import override_of, refusal
from rivers.definitions.kinds import HandlerKind
from rivers.definitions.snapshot import Snapshot
from rivers.errors import ExecutionError, RiversError
from rivers.lifecycle.attempt import Attempt
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import AttemptOutcome, FailureReason, StepState
from rivers.planning.build import plan_job, plan_selection
from rivers.planning.plan import Placement, PlannedStep
from rivers_server.core import dynamic_partitions, sessions
from rivers_server.core.commands import Assign, ReleaseHome
from rivers_server.core.live import LiveRun
from rivers_server.core.replica import Replica

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()


def enqueue(core: Core, run: LiveRun) -> None:
    """Puts a run's ready steps in line at their locations."""
    ready = run.progress.ready
    if ready:
        for ordinal in ready:
            location = run.progress.planned[ordinal].location or run.row.location
            core.state.replica(location, core.awake).ready.append((run.row.run_id, ordinal))
        ready.clear()


def dispatch(core: Core, batch: Batch) -> None:
    """Issues an attempt for each step in line, while its location has places."""
    for replica in core.state.replicas.values():
        places = replica.free_places
        while places > 0 and replica.ready:
            run_id, ordinal = replica.ready.popleft()
            run = core.state.runs.get(run_id)
            if run is None or run.progress.steps[ordinal].state != StepState.READY:
                continue
            if _loaded_digest(replica, run) is None:
                gone = (
                    "the definitions that the run was planned from are loaded nowhere any more, and the new ones differ"
                )
                run.progress.abandon(Failure(FailureReason.GENERATION_GONE, gone))
                sessions.stop_attempts(core, batch, run, gone)
                batch.dirty[run_id] = run
                continue
            if (refused := _refusal(core, batch, replica, run, ordinal)) is not None:
                run.progress.dispatch(ordinal, core.store.take_token())
                wait = run.progress.end(ordinal, AttemptOutcome.FAILED, refused, core.chance.spread())
                core.schedule_wake(run, ordinal, wait)
                batch.dirty[run_id] = run
                core.settle(batch)
                continue
            places -= 1
            attempt = _issue(core, batch, replica, run, ordinal)
            batch.outbox.send(replica.name, replica.session, assignment(core, batch, replica, run, attempt))


def assignment(core: Core, batch: Batch, replica: Replica, run: LiveRun, attempt: Attempt) -> Assign:
    """The permission to start an attempt; made from rows, so the same again after any crash."""
    plan, row = run.plan, run.row
    step = run.progress.planned[attempt.ordinal]
    return Assign(
        token=attempt.token,
        boot=attempt.boot,
        run_id=row.run_id,
        attempt=attempt.number,
        digest=_loaded_digest(replica, run) or plan.digest,
        lease=attempt.lease,
        step=step,
        producers=run.producers_of(attempt.ordinal),
        mapping_index=run.progress.fan_outs.place(attempt.ordinal),
        home_required=step.placement == Placement.HOME and _has_home_output(run),
        config=plan.config,
        tags=row.tags,
        job=row.job,
        partition_key=plan.partition_key,
        previous=_previous(core, batch, replica, run, step),
        registered=_told(core, batch, run, step)[0],
    )


def release_home(core: Core, batch: Batch, run: LiveRun) -> None:
    """Tells every location of an ended run that its home process may end."""
    for location in {step.location or run.row.location for step in run.plan.steps if step.placement == Placement.HOME}:
        replica = core.state.replicas.get(location)
        if replica is not None and replica.session:
            batch.outbox.send(location, replica.session, ReleaseHome(run.row.run_id))


def _issue(core: Core, batch: Batch, replica: Replica, run: LiveRun, ordinal: int) -> Attempt:
    run.learn_versions(ordinal, core.store.data_versions)
    step = run.progress.steps[ordinal]
    superseded = step.token
    token = core.store.take_token()
    number = run.progress.dispatch(ordinal, token)
    core.state.attempts.pop(superseded, None)
    lease = replica.step_lease if replica.step_lease is not None else core.settings.step_lease.total_seconds()
    attempt = Attempt(
        token=token,
        run_id=run.row.run_id,
        ordinal=ordinal,
        number=number,
        location=replica.name,
        home_id=replica.home_id,
        boot=replica.boot,
        lease=lease,
        is_home=run.progress.planned[ordinal].placement == Placement.HOME,
    )
    run.has_home |= attempt.is_home
    core.state.attempts[token] = attempt
    replica.in_flight.add(token)
    batch.writes.attempts[token] = attempt
    batch.dirty[run.row.run_id] = run
    key = run.progress.planned[ordinal].key
    log.debug(
        "attempt_assigned", run_id=attempt.run_id, step_key=key, attempt=number, token=token, location=replica.name
    )
    return attempt


def _previous(core: Core, batch: Batch, replica: Replica, run: LiveRun, step: PlannedStep) -> tuple[int, str] | None:
    """The attempt that made a step's own last output. Partitions, and handlers that authors named, find it by name."""
    definition = replica.snapshot.step_by_key.get(step.step) if replica.snapshot is not None else None
    output = step.outputs[0]
    if definition is None or not definition.reads_itself or output.handler != HandlerKind.DEFAULT:
        return None
    if run.plan.partition_key is not None:
        return None
    for row in reversed(batch.writes.materializations):
        if row.asset_key == output.node:
            return row.token, row.run_id
    return core.store.last_made(output.node)


def _told(
    core: Core, batch: Batch, run: LiveRun, step: PlannedStep
) -> tuple[Mapping[str, Sequence[str]] | None, RiversError | None]:
    """The dynamic keys that the step has to know, and why it is not told them: such a step is not sent. When they have
    become too many after it was, it fails where it runs."""
    try:
        return dynamic_partitions.told(core, batch, run, step.reads_keys), None
    except ExecutionError as error:
        return None, error


def _refusal(core: Core, batch: Batch, replica: Replica, run: LiveRun, ordinal: int) -> Failure | None:
    """Why a step cannot be sent anywhere: its metadata names an executor that there is not, or it is too much."""
    planned = run.progress.planned[ordinal]
    error: RiversError | None = None
    if replica.snapshot is not None:
        error = refusal(override_of(replica.snapshot, planned.step, planned.graph))
    if error is None:
        _, error = _told(core, batch, run, planned)
    if error is None:
        return None
    types = tuple(f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__)
    return Failure(FailureReason.ERROR, f"{type(error).__name__}: {error}", types)


def _has_home_output(run: LiveRun) -> bool:
    """Whether a step of the run's home process succeeded: a home that is missing now means that its values are gone."""
    return any(
        planned.placement == Placement.HOME and step.state == StepState.SUCCEEDED
        for planned, step in zip(run.progress.planned, run.progress.steps, strict=True)
    )


def _loaded_digest(replica: Replica, run: LiveRun) -> str | None:
    """The definitions that the location is to use: the run's own, or new ones in which its steps are the same."""
    if not replica.digests or run.plan.digest in replica.digests:
        return run.plan.digest
    snapshot = replica.snapshot
    if snapshot is None or snapshot.digest not in replica.digests:
        return None
    if snapshot.digest not in run.equal_definitions:
        run.equal_definitions[snapshot.digest] = _plans_equally(snapshot, run)
    return snapshot.digest if run.equal_definitions[snapshot.digest] else None


def _plans_equally(snapshot: Snapshot, run: LiveRun) -> bool:
    location, job, config = run.row.location, run.row.job, run.plan.config
    try:
        if job is not None:
            plan = plan_job(snapshot, job, location=location, config=config)
        else:
            plan = plan_selection(snapshot, run.row.nodes, location=location, config=config)
    except RiversError:
        return False
    steps = {step.key: step for step in plan.steps}
    return all(steps.get(step.key) == step for step in run.plan.steps)
