"""How much of what locations have reported waits for the core."""

from __future__ import annotations

import threading

from rivers_server.core.inputs import Message, Reported

#: Bytes of one location that may wait. One that keeps to its window of what is not acknowledged never has so many.
MOST_BYTES = 32 << 20


class Backlog:
    """Bytes of reports by location, counted where messages are put and where they are taken: any thread."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._lock = threading.Lock()

    def put(self, message: Message) -> None:
        """A message waits."""
        if isinstance(message, Reported) and message.size:
            with self._lock:
                self._bytes[message.location] = self._bytes.get(message.location, 0) + message.size

    def taken(self, message: Reported) -> None:
        """A message is about to be decided."""
        if message.size:
            with self._lock:
                left = self._bytes[message.location] - message.size
                if left:
                    self._bytes[message.location] = left
                else:
                    del self._bytes[message.location]

    def of(self, location: str) -> int:
        """The bytes of one location that wait."""
        return self._bytes.get(location, 0)
