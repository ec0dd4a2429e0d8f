"""The core's thread: drains what waits, runs one batch, hands its effects to the event loop in one go.

At most one batch is in flight: the next one is closed only after the effects of the last have been let go, so that the
messages they cause join it. The thread waits for that only when there is something to decide, so it wakes once for a
batch.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import structlog

from rivers_server.core.backlog import Backlog
from rivers_server.core.core import Core
from rivers_server.core.inputs import Message, Reported, Tick
from rivers_server.core.lanes import Lanes

log = structlog.get_logger()


class CoreThread:
    """Runs a core. `on_death` is called, in the thread, with what ended it otherwise than by `stop`."""

    def __init__(self, core: Core, on_death: Callable[[BaseException], None]) -> None:
        self._core = core
        self._on_death = on_death
        self.backlog = Backlog()
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._lanes = Lanes()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="core", daemon=True)

    def start(self) -> None:
        """Starts deciding."""
        self._thread.start()

    def put(self, message: Message) -> None:
        """Hands a message to the core; never blocks."""
        self.backlog.put(message)
        self._inbox.put(message)

    def stop(self) -> None:
        """Ends the thread after what waits has been decided."""
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._gather():
                batch = self._lanes.next_batch()
                decided = self._core.run_batch(batch)
                for message in batch[:decided]:
                    if isinstance(message, Reported):
                        self.backlog.taken(message)
                self._lanes.decided(decided)
            self._core.settle_effects()
        except BaseException as error:
            log.exception("core_died")
            self._on_death(error)

    def _gather(self) -> bool:
        """Brings what has come into the lanes, at most a batch of it; a tick when a timer is due before anything comes.

        False when everything that came before the end has been decided.
        """
        if not self._lanes and not self._is_stopping:
            try:
                self._take(self._inbox.get(timeout=self._core.next_due()))
            except queue.Empty:
                self._lanes.put(Tick())
        self._core.settle_effects()
        try:
            while not self._lanes.is_full and not self._is_stopping:
                self._take(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return bool(self._lanes)

    def _take(self, message: Message | None) -> None:
        if message is None:
            self._is_stopping = True
        else:
            self._lanes.put(message)
