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

log = structlog.get_logger()

#: A batch is closed when it has so many messages (a message of a location counts for each of its reports), or when
#: what locations sent of it reaches so many bytes: one commit keeps nobody waiting for long (W7).
MAX_MESSAGES, MAX_BYTES = 500, 1 << 20


class CoreThread:
    """Runs a core. `on_death` is called, in the thread, with what ended it otherwise than by `stop`."""

    def __init__(self, core: Core, on_death: Callable[[BaseException], None]) -> None:
        self._core = core
        self._on_death = on_death
        self.backlog = Backlog()
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
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
            while True:
                messages, stopping = self._next_messages()
                if messages:
                    self._core.run_batch(messages)
                if stopping:
                    self._core.settle_effects()
                    return
        except BaseException as error:
            log.exception("core_died")
            self._on_death(error)

    def _next_messages(self) -> tuple[list[Message], bool]:
        """What waits now, at most one batch of it; a tick when a timer is due first."""
        messages: list[Message] = []
        try:
            message = self._inbox.get(timeout=self._core.next_due())
        except queue.Empty:
            message = Tick()
        self._core.settle_effects()
        count = size = 0
        try:
            while True:
                if message is None:
                    return messages, True
                messages.append(message)
                if isinstance(message, Reported):
                    self.backlog.taken(message)
                    count, size = count + len(message.reports), size + message.size
                else:
                    count += 1
                if count >= MAX_MESSAGES or size >= MAX_BYTES:
                    return messages, False
                message = self._inbox.get_nowait()
        except queue.Empty:
            return messages, False
