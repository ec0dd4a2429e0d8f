"""Runs that something other than a person launches: through the queue when there is one, else at once in a thread."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rivers.clock import SystemClock
from rivers.driver.owner import LEASE_SECONDS, owner_id
from rivers.driver.run_row import new_row
from rivers.errors import RiversError
from rivers.lifecycle.states import LaunchCause, RunState
from rivers.planning.plan import RunPlan
from rivers.storage import runs
from rivers.storage.rows import RunRow, WriteSet

if TYPE_CHECKING:
    from rivers.repository.session import Session

log = logging.getLogger("rivers.repository")

_CLOCK = SystemClock()


class Launcher:
    """Launches runs of a session. Safe to use from several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._running: set[threading.Thread] = set()

    def launch(
        self,
        plan: RunPlan,
        *,
        cause: LaunchCause,
        cause_name: str = "",
        tags: Sequence[tuple[str, str]] = (),
        request_id: str | None = None,
    ) -> str | None:
        """Launches a run and returns its id; `None` when a run of that request is known already."""
        database = self._session.storage.database
        with self._lock:  # nobody else in this process asks for the same between the look and the write
            if request_id is not None:
                with database.read() as connection:
                    if runs.find_request(connection, request_id) is not None:
                        return None
            queue = self._session.queue
            if queue is not None:
                return queue.submit(plan, tags=tuple(tags), cause=cause, cause_name=cause_name, request_id=request_id)
            row = new_row(
                str(uuid.uuid4()),
                plan,
                _CLOCK.wall_ns(),
                tags=tags,
                cause=cause,
                cause_name=cause_name,
                request_id=request_id,
            )
            row.state, row.version = RunState.DEQUEUED, 1
            row.owner_id, row.started_at = owner_id(), row.submitted_at
            row.owner_expires_at = row.submitted_at + int(LEASE_SECONDS * 1e9)
            database.write(WriteSet(new_runs=[row], plans=[(row.run_id, plan)]))
            thread = threading.Thread(target=self._execute, args=(plan, row), name=f"rivers-run-{row.run_id}")
            self._running.add(thread)
            thread.start()
        return row.run_id

    def join(self) -> None:
        """Waits for the runs that are executed here now."""
        if self._session.queue is not None:
            self._session.queue.coordinator.join()
        with self._lock:
            running = list(self._running)
        for thread in running:
            thread.join()

    def _execute(self, plan: RunPlan, row: RunRow) -> None:
        try:
            self._session.execute_launched(plan, row)
        except RiversError:  # nobody waits for it: what could be recorded is
            log.exception("run '%s' broke off", row.run_id)
        finally:
            with self._lock:
                self._running.discard(threading.current_thread())
