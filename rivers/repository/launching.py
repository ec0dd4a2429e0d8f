"""Runs that something other than a person launches: through the queue when there is one, else at once in a thread."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
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

#: Runs in line that are executed at once.
_AT_ONCE = 4


class Launcher:
    """Launches runs of a session. Safe to use from several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._running: set[Future[None]] = set()
        self._line = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rivers-run")

    def launch(
        self,
        plan: RunPlan,
        *,
        cause: LaunchCause,
        cause_name: str = "",
        tags: Sequence[tuple[str, str]] = (),
        request_id: str | None = None,
        in_line: bool = False,
    ) -> str | None:
        """Launches a run and returns its id; `None` when a run of that request is known already.

        Runs that are launched `in_line` come a few at a time, where there is no queue.
        """
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
            future: Future[None] = Future()
            self._running.add(future)
        if in_line:
            self._line.submit(self._execute, plan, row, future)
        else:
            name = f"rivers-run-{row.run_id}"
            threading.Thread(target=self._execute, args=(plan, row, future), name=name).start()
        return row.run_id

    def join(self) -> None:
        """Waits for the runs that are executed here now, without a queue for all; none is launched afterwards."""
        if self._session.queue is not None:
            self._session.queue.coordinator.join()
        with self._lock:
            running = set(self._running)
        wait(running)
        self._line.shutdown()

    def _execute(self, plan: RunPlan, row: RunRow, future: Future[None]) -> None:
        try:
            self._session.execute_launched(plan, row)
        except RiversError:  # nobody waits for it: what could be recorded is
            log.exception("run '%s' broke off", row.run_id)
        finally:
            with self._lock:
                self._running.discard(future)
            future.set_result(None)
