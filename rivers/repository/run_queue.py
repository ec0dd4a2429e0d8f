"""The run queue of a resolved repository: submits runs, and has them executed in this process when their turn comes."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Callable

from rivers.clock import SystemClock
from rivers.definitions.kinds import BackendKind
from rivers.definitions.snapshot import Snapshot
from rivers.driver.coordinator import Coordinator
from rivers.driver.run_row import new_row
from rivers.errors import ExecutionError
from rivers.lifecycle.events import Event
from rivers.lifecycle.run_queue import PRIORITY
from rivers.lifecycle.states import EventType, LaunchCause
from rivers.planning.plan import RunPlan
from rivers.repository.storage import Storage
from rivers.storage import runs
from rivers.storage.rows import EventRow, RunRow, WriteSet

_CLOCK = SystemClock()


class RunQueue:
    """The queue of a snapshot that has one; nothing looks at it before `start`.

    `execute` runs a plan to its end for a run that has left the queue.
    """

    def __init__(self, storage: Storage, snapshot: Snapshot, execute: Callable[[RunPlan, RunRow], object]) -> None:
        settings, backend = snapshot.run_queue, snapshot.run_backend
        assert settings is not None
        self._storage = storage
        self._is_local = backend is None or backend.kind == BackendKind.LOCAL
        self._execute = weakref.WeakMethod(execute)
        self.coordinator = Coordinator(storage.database, settings, self._launch, _CLOCK)

    def submit(
        self,
        plan: RunPlan,
        *,
        tags: tuple[tuple[str, str], ...] = (),
        cause: LaunchCause = LaunchCause.USER,
        cause_name: str = "",
        priority: int | None = None,
        run_id: str | None = None,
        request_id: str | None = None,
    ) -> str:
        """Puts a run into the queue. It starts when a coordinator admits it: here once started, or in another process.

        Without a priority that of its tags holds. Returns the run's id.
        """
        now = _CLOCK.wall_ns()
        row = new_row(
            run_id or str(uuid.uuid4()),
            plan,
            now,
            tags=tags,
            cause=cause,
            cause_name=cause_name,
            priority=priority,
            request_id=request_id,
        )
        self.enqueue(plan, row)
        return row.run_id

    def enqueue(self, plan: RunPlan, row: RunRow) -> None:
        """Puts a run into the queue whose row is made already."""
        row.last_seq = row.version = 1
        queued = Event(EventType.RUN_QUEUED, facts=((PRIORITY, str(row.priority)),))
        event = EventRow(row.run_id, row.last_seq, row.submitted_at, queued, None)
        self._storage.database.write(WriteSet(new_runs=[row], plans=[(row.run_id, plan)], events=[event]))
        self.coordinator.expect()

    def start(self) -> None:
        """Admits and executes runs in this process from now on. A repeat changes nothing."""
        self.coordinator.start()

    def stop(self) -> None:
        """Admits no more; runs that are executed here are asked to stop and waited for."""
        self.coordinator.stop()

    def _launch(self, row: RunRow) -> None:
        if not self._is_local:
            raise ExecutionError(
                "RunBackendConfig.kubernetes() launches runs as jobs of a cluster, which no coordinator in a process "
                "does yet: use RunBackendConfig.local()"
            )
        execute = self._execute()
        if execute is None:
            raise ExecutionError("the repository that was to execute the run is gone")
        with self._storage.database.read() as connection:
            plan = runs.plan(connection, row.run_id)
        execute(plan, row)
