"""Event loops of a run: one on a thread of its own, or a batch of coroutines on the calling thread."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]


class LoopThread:
    """An event loop on a thread of its own, started by the first task."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._context = contextvars.copy_context()

    def spawn(self, work: Work) -> None:
        """Runs a coroutine as a task. Called under the run's lock, from any thread."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._run, args=(self._loop,), name="rivers-steps", daemon=True)
            self._thread.start()
        self._loop.call_soon_threadsafe(self._create, self._loop, work)

    def stop(self) -> None:
        """Cancels what still runs and ends the thread."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _create(self, loop: asyncio.AbstractEventLoop, work: Work) -> None:
        task = loop.create_task(work(), context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            for task in self._tasks:
                task.cancel()
            loop.run_until_complete(_settled(list(self._tasks)))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def run_together(works: list[Work]) -> None:
    """Runs coroutines side by side to their end: on this thread, or on another when this one's event loop is busy."""

    async def together() -> None:
        await asyncio.gather(*(work() for work in works))

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(together())
        return
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: context.run(asyncio.run, together()), name="rivers-steps")
    thread.start()
    thread.join()


async def _settled(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
