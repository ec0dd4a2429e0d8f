"""The coordinator of a run queue in this process: admits queued runs as the limits allow, and launches them here.

Several coordinators, in several processes, may work on one store: each decides in a transaction of its own, so none
admits what another one has admitted, and together they stay within the limits. Runs that end make room at once. What
is submitted is looked at one interval later, so that what comes together is put in order together.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from rivers.clock import Clock
from rivers.definitions.snapshot import RunQueueDefinition
from rivers.driver.admission import Admission, admit, fail
from rivers.driver.cancellation import request
from rivers.errors import ExecutionError, StorageError
from rivers.kernel import failure_of
from rivers.lifecycle.states import RunState
from rivers.storage import run_queue, runs
from rivers.storage.bells import Bell
from rivers.storage.database import Database
from rivers.storage.faults import StaleWriteError
from rivers.storage.rows import RunRow, WriteSet

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger("rivers.driver")

#: Runs that one process executes for the queue at once, whatever the limits say: each has a thread.
_THREADS = 128

#: Seconds that the end of the program waits for them.
_LEAVE = 5.0

#: Seconds between two looks at what needs no queue: leases that are over, runs that were never started.
_ROUND = 10.0


class Coordinator:
    """Looks at the queue, by itself once started. `launch` executes a run to its end, or raises before it began."""

    def __init__(
        self, database: Database, settings: RunQueueDefinition, launch: Callable[[RunRow], None], clock: Clock
    ) -> None:
        self._database = database
        self._settings = settings
        self._launch = weakref.WeakMethod(launch)  # whoever has this coordinator
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._due = threading.Event()
        self._look_at: float | None = None
        self._thread: threading.Thread | None = None
        self._running: dict[str, threading.Thread] = {}
        self._went_round = 0.0
        self.is_over = False

    @property
    def bell(self) -> Bell:
        """Rung when a run ends."""
        return self._database.bells.runs

    def start(self) -> None:
        """Looks at the queue by itself from now on. A repeat changes nothing."""
        with self._lock:
            if self._thread is None:
                self.is_over = False
                _started.add(self)
                arguments = (weakref.ref(self), self._due, self._settings.dequeue_interval)
                self._thread = threading.Thread(target=_watch, args=arguments, name="rivers-queue", daemon=True)
                self._thread.start()

    def expect(self) -> None:
        """A run was submitted: it is looked at in time."""
        with self._lock:
            if self._look_at is None:
                self._look_at = time.monotonic() + self._settings.dequeue_interval

    def stop(self, patience: float | None = None) -> None:
        """Admits no more, asks the runs that it launched to stop, and waits for them, for so many seconds at most."""
        deadline = None if patience is None else time.monotonic() + patience
        with self._lock:
            thread, self._thread = self._thread, None
            self.is_over = True
        self._due.set()
        if thread is not None:
            thread.join()
        with self._lock:
            running = dict(self._running)
        for run_id, one in running.items():
            if one is not threading.current_thread():
                request(self._database, run_id, now=self._clock.wall_ns())
        for one in running.values():
            if one is not threading.current_thread():
                one.join(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def join(self) -> None:
        """Waits for the runs that are executed here now."""
        with self._lock:
            running = list(self._running.values())
        for one in running:
            if one is not threading.current_thread():
                one.join()

    def tick(self) -> int:
        """Looks at the queue once; returns how many runs it admitted, which are being launched."""
        with self._turn:
            admission = self._admit()
            for row in admission.admitted:
                name = f"rivers-run-{row.run_id}"
                thread = threading.Thread(target=self._run, args=(row,), name=name, daemon=True)
                with self._lock:
                    self._running[row.run_id] = thread
                thread.start()
        if admission.is_freed:
            self._database.bells.slots.ring()
        if admission.has_ended:
            self._database.bells.runs.ring()
        return len(admission.admitted)

    # -- within -----------------------------------------------------------------------------------------------------

    def _admit(self) -> Admission:
        while True:
            try:
                return self._admit_once()
            except StaleWriteError:  # a run was canceled, or ended, while it was decided on
                continue

    def _admit_once(self) -> Admission:
        with self._lock:
            launching = set(self._running)
        admission = Admission()

        def decide(connection: Connection) -> WriteSet:
            places = _THREADS - len(launching)
            now = self._clock.wall_ns()
            return admit(connection, self._settings, now=now, places=places, launching=launching, admission=admission)

        self._database.decide(decide)
        return admission

    def _run(self, row: RunRow) -> None:
        try:
            launch = self._launch()
            if launch is None:
                raise ExecutionError("the repository that was to execute the run is gone")
            launch(row)
        except BaseException as error:  # a thread's end: nobody would hear of it
            try:
                self._failed(row.run_id, error)
            except StorageError:
                log.exception("run '%s' could not be launched, and this could not be recorded", row.run_id)
        finally:
            with self._lock:
                self._running.pop(row.run_id, None)
            self._database.bells.runs.ring()

    def _failed(self, run_id: str, error: BaseException) -> None:
        """The launch has failed: the run ends. One that had begun was ended by whoever executed it."""

        def decide(connection: Connection) -> WriteSet:
            writes = WriteSet()
            row = runs.get(connection, run_id)
            if row is not None and row.state == RunState.DEQUEUED:
                fail(row, failure_of(error), self._clock.wall_ns(), writes)
            else:
                log.error("run '%s' broke off", run_id, exc_info=error)
            return writes

        self._database.decide(decide)

    def look(self, *, is_rung: bool) -> None:
        """Ticks if something is due; `is_rung` says that a run has ended."""
        now = time.monotonic()
        with self._lock:
            if not is_rung and self._look_at is not None and now < self._look_at:
                return
            self._look_at = None
        try:
            with self._database.read() as connection:
                is_empty = run_queue.is_empty(connection)
            if not is_empty or now - self._went_round > _ROUND:
                self._went_round = now
                self.tick()
        except StorageError:
            log.warning("the run queue cannot be read; it is tried again", exc_info=True)

    def pause(self, interval: float) -> float:
        """Seconds until the next look, unless a run ends before."""
        with self._lock:
            return interval if self._look_at is None else max(0.0, self._look_at - time.monotonic())


def _watch(reference: weakref.ref[Coordinator], due: threading.Event, interval: float) -> None:
    """Looks at the queue for as long as its coordinator is there and not stopped."""
    coordinator = reference()
    if coordinator is None:
        return
    stop = coordinator.bell.listen(due.set)
    pause = coordinator.pause(interval)
    del coordinator
    try:
        while True:
            is_rung = due.wait(pause)
            due.clear()
            coordinator = reference()
            if coordinator is None or coordinator.is_over:
                return
            coordinator.look(is_rung=is_rung)
            pause = coordinator.pause(interval)
            del coordinator
    finally:
        stop()


_started: weakref.WeakSet[Coordinator] = weakref.WeakSet()


os.register_at_fork(after_in_child=_started.clear)  # they are its parent's


@atexit.register
def _leave() -> None:
    """The program ends: runs end between two steps rather than in the middle of one, if their steps let them."""
    for coordinator in list(_started):
        try:
            coordinator.stop(_LEAVE)
        except Exception:  # the store may be gone already
            log.debug("the run queue could not be stopped", exc_info=True)
