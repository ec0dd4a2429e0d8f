"""Who waits for a run to change. A watch is a wake-up, never a source: the rows are read again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Watches:
    """Waiters by run. Used on the event loop only."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def on(self, run_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the run changed; subscribe first, then read (W8)."""
        event = asyncio.Event()
        waiters = self._waiters.setdefault(run_id, set())
        waiters.add(event)
        try:
            yield event
        finally:
            waiters.discard(event)
            if not waiters:
                self._waiters.pop(run_id, None)

    def notify(self, run_ids: Iterable[str]) -> None:
        """Wakes whoever waits for one of these runs."""
        if self._waiters:
            for run_id in run_ids:
                for event in self._waiters.get(run_id, ()):
                    event.set()
