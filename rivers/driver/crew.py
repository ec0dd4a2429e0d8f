"""Worker processes that outlive a run: they are shared by all runs of this process, each by one at a time."""

from __future__ import annotations

import atexit
import os
import threading
import time

from rivers.driver.worker import Worker

#: A worker that has been idle for so many seconds is about to end by itself.
_FRESH_SECONDS = 45.0

#: Seconds that workers have to end in order when the program ends.
_LEAVE = 2.0


class Crew:
    """The workers of this process that are idle, and those that are on their way out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._leaving: list[Worker] = []

    def take(self, *, fresh: bool = False) -> Worker:
        """A worker for one errand. Raises `OSError` when no process can be started."""
        with self._lock:
            self._leaving = [worker for worker in self._leaving if not worker.has_ended()]
            while self._idle and not fresh:
                worker = self._idle.pop()
                if worker.is_usable and time.monotonic() - worker.idle_since < _FRESH_SECONDS:
                    return worker
                self._dismiss(worker)
        return Worker()

    def give_back(self, worker: Worker) -> None:
        """The worker has done its errand."""
        worker.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(worker)

    def dismiss(self, worker: Worker) -> None:
        """The worker has done its errand, and its last one."""
        with self._lock:
            self._dismiss(worker)

    def leave(self) -> None:
        """Ends the workers that are idle and waits for them."""
        deadline = time.monotonic() + _LEAVE
        with self._lock:
            while self._idle:
                self._dismiss(self._idle.pop())
            leaving, self._leaving = self._leaving, []
        for worker in leaving:
            if not worker.has_ended(deadline - time.monotonic()):
                worker.kill()
                worker.exit_code()

    def _dismiss(self, worker: Worker) -> None:
        worker.dismiss()
        if not worker.has_ended():
            self._leaving.append(worker)


crew = Crew()


@atexit.register
def _leave() -> None:
    crew.leave()


def _start_over() -> None:
    """A forked child has no workers: they are its parent's."""
    global crew, _of_parent
    _of_parent, crew = crew, Crew()


_of_parent: Crew | None = None  # kept, as a process that is dropped is waited for
os.register_at_fork(after_in_child=_start_over)
