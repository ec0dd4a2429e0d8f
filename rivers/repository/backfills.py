"""Backfills of a resolved repository: launched, looked at, canceled and run again in this process."""

from __future__ import annotations

import logging
import threading
import uuid
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rivers.clock import SystemClock
from rivers.driver.outcome import RunOutcome
from rivers.driver.owner import LEASE_SECONDS, is_alive, owner_id
from rivers.driver.stored_outcome import stored_outcome
from rivers.errors import ExecutionError
from rivers.lifecycle.backfill.build import build_backfill, dynamic_names, failure_policy
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.backfill.progress import BackfillProgress
from rivers.lifecycle.backfill.rerun import RerunScope
from rivers.lifecycle.backfill.selection import Wanted
from rivers.lifecycle.run_queue import PRIORITY, priority_of
from rivers.lifecycle.states import LaunchCause, RunOwner
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.planning.build import plan_selection
from rivers.planning.launch_document import executor_of
from rivers.planning.plan import RunPlan
from rivers.repository.backfill_coordinator import BackfillCoordinator, claim
from rivers.repository.backfill_result import BackfillResult, BackfillStatus, status_of, status_text
from rivers.storage import backfill_units, backfills, cancellation, partitions, runs
from rivers.storage.backfill_reruns import rerun
from rivers.storage.backfill_rows import BackfillRow
from rivers.storage.rows import NewBackfill, RunRow, WriteSet
from rivers.wire.backfill_plans import encode_backfill_plan

if TYPE_CHECKING:
    from rivers.repository.session import Session

log = logging.getLogger("rivers.repository")

_CLOCK = SystemClock()
#: Below that of runs that people and schedules start.
DEFAULT_PRIORITY = -10
#: Seconds after which a queued run is looked at, for ends that happen in other processes.
_GLANCE = 0.25

Tags = tuple[tuple[str, str], ...]

#: What this process executes, whichever repository it is of.
_working: dict[str, BackfillCoordinator] = {}
_lock = threading.Lock()


class Backfills:
    """The backfills of one session. Safe to use from several threads."""

    def __init__(self, session: Session) -> None:
        self._session = weakref.ref(session)
        self._own: set[str] = set()
        self._is_leaving = False

    # -- launching --------------------------------------------------------------------------------------------------

    def launch(
        self,
        selection: Sequence[str] | None,
        *,
        keys: Sequence[PartitionKey] | None,
        key_range: PartitionKeyRange | None,
        strategy: BackfillStrategy | None,
        policy: str,
        max_concurrency: int,
        tags: Tags,
        config: Mapping[str, Any] | None,
        block: bool,
        dry_run: bool,
        cause: LaunchCause = LaunchCause.USER,
        cause_name: str = "",
    ) -> BackfillResult:
        """Makes a backfill and executes it, or, unless `block`, leaves it to a daemon. Whatever is wrong with it is
        raised before anything is recorded."""
        session = self._get()
        snapshot = session.bound.snapshot
        wanted = Wanted(keys=keys, range=key_range)
        wanted.check()
        known = failure_policy(policy)
        pinned = build_backfill(
            snapshot,
            selection,
            wanted,
            now=datetime.now().astimezone(),
            registered=self._registered(dynamic_names(snapshot, selection)),
            strategy=strategy,
            policy=known,
            max_concurrency=max_concurrency,
        )
        whole = plan_selection(snapshot, pinned.nodes, has_values=_has_values(cause))
        document = session.document(config, whole)
        pinned = replace(pinned, config=document)
        if dry_run:
            return _forecast(pinned)
        row = BackfillRow(
            backfill_id=str(uuid.uuid4()),
            location="",
            nodes=pinned.nodes,
            tags=tags,
            created_at=_CLOCK.wall_ns(),
            total_partitions=pinned.plan.partitions,
            total_units=pinned.plan.units,
            priority=priority_of(tags) if any(key == PRIORITY for key, _ in tags) else DEFAULT_PRIORITY,
            max_concurrency=pinned.max_concurrency,
            failure_policy=known,
            cause=cause,
            cause_name=cause_name,
        )
        return self._begin(row, pinned, block=block)

    def rerun(self, backfill_id: str, *, block: bool, dry_run: bool) -> BackfillResult:
        """A new backfill of the failed and canceled partitions of an old one, with all of its options."""
        session = self._get()
        snapshot = session.bound.snapshot
        with session.storage.database.read() as connection:
            old = backfills.get(connection, backfill_id)
            if old is None:
                raise ExecutionError(f"backfill '{backfill_id}' not found")
            known = [node for node in old.nodes if node in snapshot.step_by_node]
            names = dynamic_names(snapshot, known) if known else []
            registered = {name: partitions.keys(connection, name) for name in names}
            now = datetime.now().astimezone()
            row, pinned = rerun(
                connection, old, RerunScope.UNSUCCESSFUL, snapshot, now=now, registered=registered, request_id=None
            )
        if dry_run:
            return _forecast(pinned)
        if not row.total_partitions:
            return _result(row, pinned, [], status="completed")
        row.backfill_id, row.created_at = str(uuid.uuid4()), _CLOCK.wall_ns()
        return self._begin(row, pinned, block=block)

    # -- looking and stopping ---------------------------------------------------------------------------------------

    def status(self, backfill_id: str) -> BackfillStatus | None:
        """How far a backfill is; `None` for one that is not known."""
        with self._get().storage.database.read() as connection:
            row = backfills.get(connection, backfill_id)
            return None if row is None else status_of(row, backfill_units.run_ids(connection, backfill_id))

    def cancel(self, backfill_id: str) -> bool:
        """Whether a backfill that this process executes was told to stop; others find the wish in the storage."""
        database = self._get().storage.database
        with _lock:
            coordinator = _working.get(backfill_id)
        if coordinator is not None:
            coordinator.cancel()
            return True
        with database.read() as connection:
            row = backfills.get(connection, backfill_id)
        if row is None:
            raise ExecutionError("Failed to cancel backfill: backfill not found")
        if row.status.is_terminal:
            return False
        with database.transaction() as connection:
            cancellation.request(connection, backfill_id, now=_CLOCK.wall_ns())
        if not self._is_worked_on(row) and claim(database, row, _CLOCK):
            self._execute(row)
        database.bells.runs.ring()
        return False

    # -- for a daemon -----------------------------------------------------------------------------------------------

    def waiting(self) -> list[BackfillRow]:
        """Backfills in process that nobody executes: requested ones, and those whose process is gone."""
        with self._get().storage.database.read() as connection:
            found = backfills.unfinished(connection, RunOwner.PROCESS)
        return [row for row in found if not self._is_worked_on(row)]

    def pick_up(self, row: BackfillRow) -> None:
        """Executes a waiting backfill to its end, unless somebody else is first."""
        if claim(self._get().storage.database, row, _CLOCK):
            self._execute(row, for_daemon=True)

    def arrive(self) -> None:
        """A daemon begins to work."""
        self._is_leaving = False

    def leave(self) -> None:
        """Leaves off: starts nothing more of what is executed for a daemon, and whoever comes next goes on with it."""
        with _lock:
            self._is_leaving = True
            for backfill_id in self._own:
                _working[backfill_id].leave()

    # -- within -----------------------------------------------------------------------------------------------------

    def _get(self) -> Session:
        session = self._session()
        if session is None:
            raise ExecutionError("the repository of these backfills is gone")
        return session

    def _registered(self, names: Sequence[str]) -> dict[str, list[str]]:
        if not names:
            return {}
        with self._get().storage.database.read() as connection:
            return {name: partitions.keys(connection, name) for name in names}

    def _is_worked_on(self, row: BackfillRow) -> bool:
        with _lock:
            if row.backfill_id in _working:
                return True
        if not row.owner_id or row.owner_id == owner_id():
            return False
        return is_alive(row.owner_id, row.owner_expires_at, _CLOCK.wall_ns())

    def _begin(self, row: BackfillRow, pinned: PinnedBackfill, *, block: bool) -> BackfillResult:
        session = self._get()
        row.owner = RunOwner.PROCESS
        row.segments = BackfillProgress(pinned.plan).segments
        plans = self._plans(pinned, row.cause)  # raises for a selection that cannot be run
        if block:
            row.owner_id, row.owner_expires_at = owner_id(), row.created_at + int(LEASE_SECONDS * 1e9)
        row.version = 1
        body = encode_backfill_plan(pinned).SerializeToString()
        database = session.storage.database
        database.write(WriteSet(new_backfills=[NewBackfill(row, body, pinned.registered)]))
        if not block:
            database.bells.runs.ring()
            return _result(row, pinned, [])
        self._work(BackfillCoordinator(database, row, pinned, plans, self._run, _CLOCK))
        with database.read() as connection:
            return _result(row, pinned, backfill_units.run_ids(connection, row.backfill_id))

    def _execute(self, row: BackfillRow, *, for_daemon: bool = False) -> None:
        """Goes on with a backfill from its rows. For a daemon its runs go through the queue, if there is one."""
        database = self._get().storage.database
        with database.read() as connection:
            pinned = backfills.pinned(connection, row.backfill_id)
            units = [
                unit.progress
                for unit in backfill_units.open_units(connection, RunOwner.PROCESS)
                if unit.backfill_id == row.backfill_id
            ]
        try:
            plans = self._plans(pinned, row.cause)
        except Exception as error:  # the definitions have changed since: the backfill cannot be launched
            plans, failure = [], str(error)
        else:
            failure = ""
        run = self._run_queued if for_daemon and self._get().queue is not None else self._run
        coordinator = BackfillCoordinator(database, row, pinned, plans, run, _CLOCK, units)
        if failure:
            coordinator.give_up(failure)
        self._work(coordinator, may_leave=for_daemon)

    def _work(self, coordinator: BackfillCoordinator, *, may_leave: bool = False) -> None:
        backfill_id = coordinator.row.backfill_id
        with _lock:
            _working[backfill_id] = coordinator
            if may_leave:
                self._own.add(backfill_id)
        try:
            coordinator.run()
        finally:
            with _lock:
                _working.pop(backfill_id, None)
                self._own.discard(backfill_id)

    def _plans(self, pinned: PinnedBackfill, cause: LaunchCause) -> list[RunPlan]:
        """A plan for the runs of each segment. What another segment makes is at hand, or is loaded by its handler."""
        snapshot, config = self._get().bound.snapshot, pinned.config
        plan_selection(snapshot, pinned.nodes, has_values=_has_values(cause))
        executor = executor_of(config) if config is not None else None
        return [
            plan_selection(snapshot, segment.nodes, config=config, executor=executor, has_values=True)
            for segment in pinned.segments
        ]

    def _run(self, plan: RunPlan, row: RunRow, *, again: bool) -> RunOutcome | None:
        """Executes a run here, at once."""
        session = self._get()
        if again:
            with session.storage.database.read() as connection:
                earlier = runs.get(connection, row.run_id)
                if earlier is not None and earlier.state.is_terminal:
                    return stored_outcome(connection, earlier)
            if earlier is not None:
                return session.execute(plan, run_id=row.run_id, tags=row.tags, resume=True)
        return session.execute(plan, made=row)

    def _run_queued(self, plan: RunPlan, row: RunRow, *, again: bool) -> RunOutcome | None:
        """Queues a run and waits for its end, whoever executes it."""
        session = self._get()
        assert session.queue is not None
        database = session.storage.database
        changed = threading.Event()
        stop = database.bells.runs.listen(changed.set)
        try:
            with database.read() as connection:
                is_known = again and runs.get(connection, row.run_id) is not None
            if not is_known:
                session.queue.enqueue(plan, row)
            while not self._is_leaving:
                changed.clear()
                with database.read() as connection:
                    found = runs.get(connection, row.run_id)
                    if found is not None and found.state.is_terminal:
                        return stored_outcome(connection, found)
                changed.wait(_GLANCE)
            return None
        finally:
            stop()


def _has_values(cause: LaunchCause) -> bool:
    """Whether what the default handler keeps may be loaded: nobody is there to hear that it may not."""
    return cause == LaunchCause.CONDITION


def _forecast(pinned: PinnedBackfill) -> BackfillResult:
    return BackfillResult.of(
        backfill_id="",
        num_partitions=pinned.plan.partitions,
        num_runs=pinned.plan.units,
        status="dry_run",
        completed=0,
        failed=0,
        canceled=0,
        run_ids=[],
        is_dry_run=True,
        partition_keys=_keys(pinned),
    )


def _result(
    row: BackfillRow, pinned: PinnedBackfill, run_ids: list[str], *, status: str | None = None
) -> BackfillResult:
    told = status_of(row, run_ids)
    return BackfillResult.of(
        backfill_id=row.backfill_id,
        num_partitions=row.total_partitions,
        num_runs=row.counters.runs,
        status=status or status_text(row.status),
        completed=told.completed_partitions,
        failed=told.failed_partitions,
        canceled=told.canceled_partitions,
        run_ids=run_ids,
        is_dry_run=False,
        partition_keys=_keys(pinned),
    )


def _keys(pinned: PinnedBackfill) -> list[PartitionKey]:
    return [
        grid.key_at(index)
        for grid, segment in zip(pinned.grids, pinned.segments, strict=True)
        for index in segment.units.all_indexes()
    ]
