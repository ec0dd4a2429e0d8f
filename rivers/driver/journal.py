"""Write-behind: a run's rows are written while it goes on, and all of them before anybody is told how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rivers.driver import journal_threads
from rivers.driver.owner import RENEW_SECONDS
from rivers.errors import RiversError, StorageError, StorageUnavailableError
from rivers.storage.database import Database
from rivers.storage.rows import WriteSet

#: How long rows may wait for others to be written with them, and how often captured output is looked for.
_LINGER = 0.02
_GLANCE = 1.0

#: A database that cannot be written right now is tried again this often.
_PATIENCE = (0.1, 0.5, 2.0)


class Journal:
    """Writes what `take` returns, in order, one transaction at a time. `take` returns `None` when nothing is due.

    A failure to write is kept in `error`: nothing is written after it, and the run cannot go on.
    """

    def __init__(self, database: Database, take: Callable[[bool], WriteSet | None]) -> None:
        self._database = database
        self._take = take
        self._turn = threading.Lock()
        self._due = threading.Event()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None

    def start(self) -> None:
        """Writes by itself from now on, if it is not stopped at once."""
        self._database.behind.append(self)
        journal_threads.threads.expect(self)

    def start_thread(self) -> None:
        """Writes what is due, and whatever becomes due."""
        self._thread = threading.Thread(target=self._keep, name="rivers-journal", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something is due."""
        if not self._due.is_set():
            self._due.set()

    def flush(self) -> None:
        """Writes what is due now, before it returns. Raises `StorageError` when that is, or was, not possible."""
        with self._turn:
            if self.error is None:
                self._write(is_renewal=False)
        if self.error is not None:
            raise as_storage_error(self.error) from self.error

    def catch_up(self) -> None:
        """Writes what is due now; of a failure the run hears. A writer that takes long is not waited for."""
        if self.error is None and self._turn.acquire(timeout=_PATIENCE[-1]):
            try:
                if self.error is None:
                    self._write(is_renewal=False)
            finally:
                self._turn.release()

    def stop(self) -> None:
        """Ends the thread. What is due stays due."""
        self._database.behind.remove(self)
        journal_threads.threads.forget(self)
        self._is_over.set()
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _keep(self) -> None:
        renewed = time.monotonic()
        linger = 0.0  # what is due first has lingered already
        while not self._is_over.is_set() and self.error is None:
            if self._due.wait(_GLANCE):
                self._is_over.wait(linger)
                self._due.clear()
            if self._is_over.is_set():
                return
            linger = _LINGER
            is_renewal = time.monotonic() - renewed >= RENEW_SECONDS
            if is_renewal:
                renewed = time.monotonic()
            with self._turn:
                if self.error is None:
                    self._write(is_renewal=is_renewal)

    def _write(self, *, is_renewal: bool) -> None:
        writes = self._take(is_renewal)
        if writes is None:
            return
        try:
            for pause in _PATIENCE:
                try:
                    self._database.write(writes)
                    return
                except StorageUnavailableError:
                    time.sleep(pause)
            self._database.write(writes)
        except BaseException as error:  # kept for the caller's thread, whatever it is
            self.error = error


def as_storage_error(error: BaseException) -> BaseException:
    """The error that a caller sees."""
    return error if isinstance(error, RiversError) else StorageError(f"the run could not be recorded: {error}")
