"""Executes a run in this process."""

from __future__ import annotations

import inspect
import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from rivers.clock import Clock, SystemClock
from rivers.definitions.binding import BoundRepository, BoundStep
from rivers.definitions.kinds import ExecutorKind, StepKind
from rivers.driver.calls import Calls, NodeHandlers
from rivers.driver.cancellation import CancellationWatch
from rivers.driver.conductor import Conductor
from rivers.driver.data_versions import DataVersions
from rivers.driver.gate import Gate
from rivers.driver.hands import ParallelHands, run_inline
from rivers.driver.hook_calls import HookCalls
from rivers.driver.interrupts import Interrupts
from rivers.driver.journal import Journal, as_storage_error
from rivers.driver.lanes import Lanes
from rivers.driver.ledger import Beginning, Ledger
from rivers.driver.outcome import RunOutcome, nodes_of
from rivers.driver.queues import Queues
from rivers.driver.resumption import Earlier
from rivers.driver.run_row import new_row, started, used_again
from rivers.driver.tokens import Tokens
from rivers.errors import RiversError
from rivers.io_handlers.handler import BaseIOHandler
from rivers.kernel import capture
from rivers.kernel.launched_resources import LaunchedResources
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import LaunchCause, RunKind, RunState
from rivers.planning.plan import RunPlan
from rivers.storage import backfills, partitions
from rivers.storage.database import Database
from rivers.storage.rows import RunRow

_CLOCK = SystemClock()

log = logging.getLogger("rivers.driver")


def execute(
    bound: BoundRepository,
    plan: RunPlan,
    *,
    database: Database,
    memory_handler: BaseIOHandler,
    run_id: str | None = None,
    tags: Sequence[tuple[str, str]] = (),
    kind: RunKind | None = None,
    resume: bool = False,
    made: RunRow | None = None,
    launched: RunRow | None = None,
    clock: Clock = _CLOCK,
) -> RunOutcome:
    """Runs the plan to its end and returns what came of it, once all of it is recorded.

    `memory_handler` keeps the nodes whose author named no handler. A `run_id` that is there already is used again, its
    events go on; with `resume`, steps of it that succeeded are not run again. `made` is the row of a run that is not
    stored yet, `launched` one that has left the queue for this process. Raises `StorageError` when the run cannot be
    recorded, and `KeyboardInterrupt`, when the run is over, if Ctrl-C stopped it; what steps raise is returned.
    """
    now = clock.wall_ns()
    earlier = Earlier.find(database, run_id, now) if run_id is not None else None
    plan = _without_vain_retries(bound, plan)
    _say_ignored(bound, plan)
    handlers = NodeHandlers(bound, memory_handler)
    progress = RunProgress(plan, state=RunState.QUEUED if launched is None else RunState.DEQUEUED)
    lanes = Lanes(bound, plan, handlers, progress.planned)
    kept = earlier.carry_over(plan, progress, resume=resume) if earlier is not None else frozenset[str]()
    if launched is not None:
        row, tags, beginning = started(replace(launched), now), launched.tags, Beginning.LAUNCHED
    else:
        row = made or new_row(run_id or str(uuid.uuid4()), plan, now, tags=tags, kind=kind)
        row, tags, beginning = started(row, now), row.tags, Beginning.NEW
        if earlier is not None:
            row, beginning = used_again(earlier.row, row), Beginning.AGAIN
    settings: Any = (plan.config or {}).get("resources")
    with LaunchedResources(bound.resources, settings) as resources, Interrupts() as interrupts:
        is_parallel = plan.executor is None or plan.executor.kind == ExecutorKind.PARALLEL
        conductor = Conductor(
            plan,
            progress,
            ledger=Ledger(row, plan, progress, clock, beginning),
            calls=Calls(
                bound,
                plan,
                progress,
                handlers,
                run_id=row.run_id,
                tags=tags,
                resources=resources,
                keys_of=partial(_keys_of, database, row),
            ),
            lanes=lanes,
            hooks=HookCalls(bound, plan, progress.planned, row.run_id),
            versions=DataVersions.stored(database, plan, kept),
            watch=CancellationWatch(database, row.run_id, is_deaf=earlier is not None and earlier.was_canceled),
            interrupts=interrupts,
            tokens=Tokens(database, progress.unfinished),
            queues=Queues(
                workers=plan.executor.max_workers if plan.executor is not None else None,
                coroutines=plan.executor.max_async_concurrent if plan.executor is not None else None,
                has_loop=is_parallel,
            ),
        )
        if any(step.pools for step in plan.steps):
            strict = not is_parallel  # steps run one after another: nothing overtakes one that waits
            conductor.gate = Gate(database, row.run_id, clock, conductor, priority=row.priority, is_strict=strict)
        try:
            _conduct(conductor, Journal(database, conductor.take))
        finally:
            if conductor.gate is not None:
                conductor.gate.close()
            conductor.journal = conductor.hands = conductor.gate = None  # no cycle keeps the database open
            database.bells.runs.ring()
    if interrupts.is_requested:
        raise KeyboardInterrupt
    return _outcome(row.run_id, conductor)


def _keys_of(database: Database, row: RunRow, name: str) -> Sequence[str]:
    """The keys of a dynamic definition; for a run of a backfill those that there were when it was made."""
    with database.read() as connection:
        if row.cause == LaunchCause.BACKFILL_UNIT:
            pinned = backfills.pinned_keys(connection, row.cause_name).get(name)
            if pinned is not None:
                return pinned
        return partitions.keys(connection, name)


def _conduct(conductor: Conductor, journal: Journal) -> None:
    """Runs everything and writes it. The run is stored before its first step starts."""
    conductor.admit(journal)
    journal.flush()
    if conductor.progress.state.is_terminal:
        return
    hands = conductor.hands = ParallelHands(conductor)
    is_aborted = True
    journal.start()
    try:
        with capture.installed():
            spent = 1.0
            while batch := conductor.next_inline(spent):
                spent = run_inline(conductor, batch)
        is_aborted = False
    finally:
        if is_aborted:
            conductor.abort()
        hands.stop(kill=is_aborted)
        journal.stop()
        if is_aborted:
            with suppress(RiversError):  # what ended the run is raised already
                journal.flush()
    journal.flush()
    if conductor.broken is not None:
        raise as_storage_error(conductor.broken) from conductor.broken


def _without_vain_retries(bound: BoundRepository, plan: RunPlan) -> RunPlan:
    """A generator of a multi-asset is never tried again: what it yielded is stored."""
    vain = [
        ordinal
        for ordinal, planned in enumerate(plan.steps)
        if planned.retry is not None and _is_multi_generator(bound.steps[planned.step])
    ]
    if not vain:
        return plan
    steps = list(plan.steps)
    for ordinal in vain:
        steps[ordinal] = replace(steps[ordinal], retry=None)
    return replace(plan, steps=tuple(steps))


def _say_ignored(bound: BoundRepository, plan: RunPlan) -> None:
    """What a step asks of a container it cannot be given here."""
    asking = [step.key for step in plan.steps if getattr(bound.steps[step.step].owner, "compute", None) is not None]
    if asking:
        log.warning("compute= of %s is ignored: only Executor.kubernetes() runs steps in containers", ", ".join(asking))


def _is_multi_generator(step: BoundStep) -> bool:
    return step.definition.kind == StepKind.MULTI_ASSET and (
        inspect.isgeneratorfunction(step.function) or inspect.isasyncgenfunction(step.function)
    )


def _outcome(run_id: str, conductor: Conductor) -> RunOutcome:
    progress = conductor.progress
    made, failed = nodes_of(progress, conductor.failures)
    order = progress.fan_outs.in_order()
    exceptions = {progress.planned[n].key: conductor.exceptions[n] for n in order if n in conductor.exceptions}
    return RunOutcome(run_id, progress.state, made, failed, exceptions, tuple(conductor.marked))
