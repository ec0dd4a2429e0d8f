"""What a session has been sent and has not acknowledged: the scheduler must hold it until it is committed."""

from __future__ import annotations

import sys
from collections import deque

#: Bytes of events that a scheduler is asked to hold. What comes after them waits in the spool.
_WINDOW = 8 << 20


class Flight:
    """Bytes of events on their way, by attempt. An event that is sent again counts once."""

    __slots__ = ("_events", "size")

    def __init__(self) -> None:
        self.size = 0
        self._events: dict[int, deque[tuple[int, int]]] = {}

    @property
    def is_full(self) -> bool:
        """Whether the scheduler has enough to do."""
        return self.size >= _WINDOW

    def sent(self, token: int, seq: int, size: int) -> None:
        """An event was sent."""
        events = self._events.get(token)
        if events is None:
            events = self._events[token] = deque()
        if not events or events[-1][0] < seq:
            events.append((seq, size))
            self.size += size

    def acknowledged(self, token: int, seq: int = sys.maxsize) -> bool:
        """Events of an attempt are committed up to this one, or unwanted; true when that makes room at last."""
        was_full = self.is_full
        events = self._events.get(token)
        while events and events[0][0] <= seq:
            self.size -= events.popleft()[1]
        if events is not None and not events:
            del self._events[token]
        return was_full and not self.is_full
