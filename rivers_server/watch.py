"""Who waits for a run to change. A watch is a wake-up, never a source: the rows are read again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rivers.errors import OverloadedError
from rivers_server.limits import Limits

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

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._waiters: dict[str, set[Watch]] = {}
        self._watchers: Counter[str] = Counter()

    @contextmanager
    def on(self, run_id: str, connection: str = "") -> Iterator[Watch]:
        """A watch on a run; subscribe first, then read (W8). `OverloadedError` when all places are taken."""
        with self._place(connection):
            yield from self._watch(run_id)

    @contextmanager
    def _place(self, connection: str) -> Iterator[None]:
        here, most_here = self._watchers[connection], self._limits.watchers_per_connection
        total, most = self._watchers.total(), self._limits.watchers
        if here >= most_here or total >= most:
            which = f"this connection follows {here} runs, and at most {most_here} can be followed over one"
            if here < most_here:
                which = f"{total} runs are being followed, and at most {most} can be"
            raise OverloadedError(f"{which}; try again when others have ended", limit="watchers")
        self._watchers[connection] += 1
        try:
            yield
        finally:
            self._watchers[connection] -= 1
            if not self._watchers[connection]:
                del self._watchers[connection]

    def _watch(self, run_id: str) -> Iterator[Watch]:
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
