"""Bells: a change of a store wakes whoever waits for it in this process. A hint only; rows are what counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from weakref import WeakValueDictionary


class Bell:
    """Rung after each commit of one kind of change."""

    __slots__ = ("_listeners", "_lock", "rung")

    def __init__(self) -> None:
        self.rung = 0
        self._lock = threading.Lock()
        self._listeners: dict[object, Callable[[], object]] = {}

    def ring(self) -> None:
        """Something has changed."""
        with self._lock:
            self.rung += 1
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Calls the listener at each ring, on the thread that rings, until the function that it returns is called."""
        key = object()
        with self._lock:
            self._listeners[key] = listener

        def stop() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return stop


class Bells:
    """The bells of one store.

    `slots` for freed slots and changed limits, `runs` for runs that come and that end, `cancellations` for requests.
    """

    __slots__ = ("__weakref__", "cancellations", "runs", "slots")

    def __init__(self) -> None:
        self.slots = Bell()
        self.runs = Bell()
        self.cancellations = Bell()


_lock = threading.Lock()
_shared: WeakValueDictionary[str, Bells] = WeakValueDictionary()


def bells_of(address: str) -> Bells:
    """The bells of everybody in this process who has opened the store at an address."""
    with _lock:
        bells = _shared.get(address)
        if bells is None:
            bells = _shared[address] = Bells()
        return bells
