"""The threads of journals: started for runs that last. One that is over sooner is written by its own thread.

Starting a thread costs a short run more than all else together, so one thread of the process watches over who needs
one.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol

#: Seconds after which a run counts as one that lasts.
LASTING = 0.02


class Lasting(Protocol):
    """What wants a thread if it lasts."""

    def start_thread(self) -> None: ...


class JournalThreads:
    """Who may need a thread, from the oldest on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Lasting, float] = {}
        self._is_wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def expect(self, journal: Lasting) -> None:
        """Its thread is started in time, unless it is forgotten before."""
        with self._lock:
            self._waiting[journal] = time.monotonic() + LASTING
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="rivers-journals", daemon=True)
                self._thread.start()
            if not self._is_wanted.is_set():
                self._is_wanted.set()

    def forget(self, journal: Lasting) -> None:
        """Its thread is not started any more."""
        with self._lock:
            self._waiting.pop(journal, None)

    def _watch(self) -> None:
        while True:
            self._is_wanted.wait()
            time.sleep(LASTING)
            with self._lock:
                now = time.monotonic()
                for journal in [one for one, since in self._waiting.items() if since <= now]:
                    del self._waiting[journal]
                    journal.start_thread()
                if not self._waiting:
                    self._is_wanted.clear()


threads = JournalThreads()


def _start_over() -> None:
    """A forked child has none of its parent's threads."""
    global threads
    threads = JournalThreads()


os.register_at_fork(after_in_child=_start_over)
