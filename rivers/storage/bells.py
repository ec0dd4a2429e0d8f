"""Bells: a change of a store wakes whoever waits for it in this process. A hint only; rows are what counts."""

from __future__ import annotations

import threading
import time
from weakref import WeakValueDictionary


class Bell:
    """Rung after each commit of one kind of change."""

    __slots__ = ("_changed", "_rung")

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._rung = 0

    @property
    def rung(self) -> int:
        """How often it was rung: to be noted before looking at rows, and handed to `wait`."""
        return self._rung

    def ring(self) -> None:
        """Something has changed."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def wait(self, seen: int, timeout: float | None) -> bool:
        """Waits until it is rung since `seen` was noted; `False` when the time is up before that."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._rung == seen:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0.0:
                    return False
                self._changed.wait(left)
            return True


class Bells:
    """The bells of one store: `slots` for freed slots and raised limits, `runs` for submissions and ends of runs."""

    __slots__ = ("__weakref__", "runs", "slots")

    def __init__(self) -> None:
        self.slots = Bell()
        self.runs = Bell()


_lock = threading.Lock()
_shared: WeakValueDictionary[str, Bells] = WeakValueDictionary()


def bells_of(address: str) -> Bells:
    """The bells of everybody in this process who has opened the store at an address."""
    with _lock:
        bells = _shared.get(address)
        if bells is None:
            bells = _shared[address] = Bells()
        return bells
