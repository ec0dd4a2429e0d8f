"""Worker processes that outlive a run.

Each worker is a loky executor of one process: the death of a process breaks its executor, and with it only the step
that it ran. Workers are shared by all runs of this process; one that has been idle for long ends by itself.
"""

from __future__ import annotations

import os
import re
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError  # type: ignore[import-untyped]

from rivers.driver import errand_runner
from rivers.kernel import StepEnd, failure_of
from rivers.lifecycle.states import AttemptOutcome, FailureReason

#: A worker without work ends after so many seconds; it is not used any more shortly before that.
_IDLE_SECONDS = 60.0
_FRESH_SECONDS = 45.0

_CODES = re.compile(r"\{(\w+)\((-?\d+)\)")


class Worker:
    """One worker process, started by its first errand."""

    __slots__ = ("_executor", "idle_since", "is_new")

    def __init__(self) -> None:
        self._executor: Any = ProcessPoolExecutor(
            max_workers=1, timeout=_IDLE_SECONDS, initializer=errand_runner.begin, initargs=(os.getpid(),)
        )
        self.idle_since = 0.0
        self.is_new = True

    def run(self, surroundings: bytes, data: bytes, attempt: int, token: int) -> Future[bytes]:
        """Runs an errand."""
        future: Future[bytes] = self._executor.submit(errand_runner.run, surroundings, data, attempt, token)
        return future

    def end(self, *, kill: bool = False) -> None:
        """Ends the process: after what it is doing, or now."""
        self._executor.shutdown(wait=False, kill_workers=kill)


class Crew:
    """The workers of this process that are idle."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Worker] = []

    def take(self, *, fresh: bool = False) -> Worker:
        """A worker for one errand."""
        tired = []
        try:
            with self._lock:
                while self._idle and not fresh:
                    worker = self._idle.pop()
                    if time.monotonic() - worker.idle_since < _FRESH_SECONDS:
                        worker.is_new = False
                        return worker
                    tired.append(worker)
            return Worker()
        finally:
            for worker in tired:
                worker.end()

    def give_back(self, worker: Worker) -> None:
        """The worker has done its errand."""
        worker.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(worker)


crew = Crew()


def crashed(step_key: str, error: BaseException) -> StepEnd:
    """The end of an attempt whose worker died; loky's error tells how."""
    found = _CODES.search(str(error))
    if isinstance(error, TerminatedWorkerError) and found is not None:
        kind, number = found.group(1), int(found.group(2))
        how = f"by exit code {number}" if kind == "EXIT" else f"by signal {-number} ({kind})"
        error = TerminatedWorkerError(f"the worker process of step '{step_key}' ended {how}")
        signal, code = (0, number) if kind == "EXIT" else (-number, 0)
        failure = replace(failure_of(error), traceback="", signal=signal, exit_code=code)
    else:
        failure = replace(failure_of(error), reason=FailureReason.INFRASTRUCTURE, traceback="")
    return StepEnd(AttemptOutcome.CRASHED, failure, error)


def _start_over() -> None:
    """A forked child has no workers: they are its parent's."""
    global crew
    crew = Crew()


os.register_at_fork(after_in_child=_start_over)
