"""Who waits for a run to change. A watch is a wake-up, never a source: the rows are read again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

#: Changes of a run that goes on are gathered for so many seconds after a watcher was told; its end is told at once.
GATHER = 0.025


class Watch:
    """One waiter of one run."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._over = asyncio.Event()

    def set(self, *, is_over: bool) -> None:
        """The run changed, or ended."""
        self._changed.set()
        if is_over:
            self._over.set()

    def clear(self) -> None:
        """What is read from now on holds every change that was told so far."""
        self._changed.clear()

    async def wait(self) -> None:
        """Until the run changes again: never many times in a moment, and at once when it ends."""
        if not self._over.is_set():
            gathering = asyncio.ensure_future(self._over.wait())
            await asyncio.wait({gathering}, timeout=GATHER)
            gathering.cancel()
        await self._changed.wait()


class Watches:
    """Waiters by run. Used on the event loop only."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[Watch]] = {}

    @contextmanager
    def on(self, run_id: str) -> Iterator[Watch]:
        """A watch on a run; subscribe first, then read (W8)."""
        watch = Watch()
        waiters = self._waiters.setdefault(run_id, set())
        waiters.add(watch)
        try:
            yield watch
        finally:
            waiters.discard(watch)
            if not waiters:
                self._waiters.pop(run_id, None)

    def notify(self, runs: Iterable[tuple[str, bool]]) -> None:
        """Wakes whoever waits for one of these runs; each comes with whether it is over."""
        if self._waiters:
            for run_id, is_over in runs:
                for watch in self._waiters.get(run_id, ()):
                    watch.set(is_over=is_over)
