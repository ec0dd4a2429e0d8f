"""A run that was submitted, for whoever submitted it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rivers.driver.outcome import RunOutcome
from rivers.driver.stored_outcome import stored_outcome
from rivers.errors import RunNotFoundError
from rivers.repository.run_result import RunResult, fields_of
from rivers.repository.storage import Storage
from rivers.storage import runs

if TYPE_CHECKING:
    from rivers.storage.rows import RunRow

#: Seconds after which a waiting caller looks by itself, for runs that another process executes.
_GLANCE = 0.25


class RunHandle:
    """A submitted run: what has become of it, a wait for its end, and a way to stop it."""

    __slots__ = ("_keeper", "_storage", "run_id")

    run_id: str
    _storage: Storage
    _keeper: object

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("RunHandle has no constructor: submitting a run makes it")

    @classmethod
    def of(cls, storage: Storage, run_id: str, keeper: object = None) -> RunHandle:
        """The handle of a run in a storage; `keeper` is what executes it, and stays for as long as the handle."""
        handle = object.__new__(cls)
        handle._storage = storage
        handle.run_id = run_id
        handle._keeper = keeper
        return handle

    @property
    def status(self) -> str:
        """The run's status now, the name of a `RunStatus`."""
        record = self._storage.get_run(self.run_id)
        if record is None:
            raise RunNotFoundError(run_id=self.run_id)
        return record.status

    def wait(self, timeout: float | None = None) -> RunResult:
        """Waits until the run is over, at most `timeout` seconds: then `TimeoutError`, and the run goes on."""
        deadline = None if timeout is None else time.monotonic() + timeout
        changed = threading.Event()
        stop = self._storage.database.bells.runs.listen(changed.set)
        try:
            while True:
                changed.clear()
                outcome = self._outcome()
                if outcome is not None:
                    return RunResult.of(**fields_of(outcome))
                left = _GLANCE if deadline is None else min(_GLANCE, deadline - time.monotonic())
                if left <= 0.0:
                    raise TimeoutError(f"Timed out waiting for run '{self.run_id}' after {timeout:g}s")
                changed.wait(left)
        finally:
            stop()

    def cancel(self) -> None:
        """Cancels a run that is still queued and asks one that runs to stop; does nothing to one that is over."""
        if not self._storage.cancel_queued_run(self.run_id) and not self._row().state.is_terminal:
            self._storage.request_cancellation(self.run_id)

    def __repr__(self) -> str:
        return f"RunHandle({self.run_id!r})"

    def _row(self) -> RunRow:
        with self._storage.database.read() as connection:
            row = runs.get(connection, self.run_id)
        if row is None:
            raise RunNotFoundError(run_id=self.run_id)
        return row

    def _outcome(self) -> RunOutcome | None:
        with self._storage.database.read() as connection:
            row = runs.get(connection, self.run_id)
            if row is None:
                raise RunNotFoundError(run_id=self.run_id)
            return stored_outcome(connection, row) if row.state.is_terminal else None
