"""The daemon: a repository's schedules, sensors, conditions and backfills at work in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import warnings
from collections.abc import Coroutine
from typing import Any

from rivers.clock import SystemClock
from rivers.daemon.backfills import BackfillLoop
from rivers.daemon.conditions import ConditionLoop
from rivers.daemon.loops import Pulse
from rivers.daemon.requests import Requests
from rivers.daemon.run_status import RunStatusLoop
from rivers.daemon.schedules import ScheduleLoop
from rivers.daemon.sensors import SensorLoop
from rivers.daemon.tick_log import TickLog
from rivers.definitions import humantime
from rivers.repository.code_repository import CodeRepository
from rivers.repository.launching import Launcher
from rivers.repository.session import Session
from rivers.repository.storage import Storage

log = logging.getLogger("rivers.daemon")

#: Seconds that evaluations are given to end when the daemon is stopped.
_GRACE = 10.0


class AutomationDaemon:
    """Runs the schedules, sensors and conditions of a repository in this process, with its run queue if it has one, and
    the backfills that were recorded for it.

    `max_ticks_retained` is how many ticks of each automation stay in the storage, `None` for all of them;
    `condition_eval_interval` is the time between two evaluations of conditions. Raises `ValueError` for a text that is
    no duration.
    """

    def __init__(
        self,
        repo: CodeRepository,
        storage: Storage,
        *,
        max_ticks_retained: int | None = 100,
        condition_eval_interval: str = "30s",
    ) -> None:
        if not isinstance(repo, CodeRepository):
            raise TypeError(f"repo must be a CodeRepository, not {type(repo).__name__}")
        if not isinstance(storage, Storage):
            raise TypeError(f"storage must be a Storage, not {type(storage).__name__}")
        self._kept = _count(max_ticks_retained)
        self._interval = humantime.seconds(condition_eval_interval, "condition_eval_interval")
        self._repo = repo
        self._storage = storage
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._began = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pulse: Pulse | None = None
        self._launcher: Launcher | None = None

    def start(self) -> None:
        """Starts to tick, and returns at once. Definitions that are wrong are raised here. A daemon starts once."""
        with self._lock:
            if self._thread is not None:
                warnings.warn("the AutomationDaemon was started before: it starts once", UserWarning, stacklevel=2)
                return
            session = self._repo.opened(self._storage)
            self._launcher = Launcher(session)
            self._thread = threading.Thread(
                target=self._work, args=(session, self._launcher), name="rivers-daemon", daemon=True
            )
        session.start_queue()
        self._thread.start()

    def stop(self) -> None:
        """Ticks no more, and waits for evaluations and for the runs that were started without a queue. A backfill that
        is not done goes on with the next daemon.

        A daemon that was not started, or is stopped, stays as it is.
        """
        with self._lock:
            thread, launcher = self._thread, self._launcher
        if thread is None or launcher is None or thread is threading.current_thread():
            return
        self._began.wait()
        if self._loop is not None and self._pulse is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it was closed since
                self._loop.call_soon_threadsafe(self._pulse.stop)
        thread.join()
        launcher.join()

    def _work(self, session: Session, launcher: Launcher) -> None:
        try:
            asyncio.run(self._main(session, launcher))
        except Exception:  # a thread's end: nobody would hear of it
            log.exception("the daemon broke off")
        finally:
            self._began.set()

    async def _main(self, session: Session, launcher: Launcher) -> None:
        clock, database = SystemClock(), self._storage.database
        pulse = Pulse(database, clock)
        ticks = TickLog(database, Requests(session, launcher), clock, self._kept)
        bound = session.bound
        works: list[Coroutine[Any, Any, None]] = [pulse.watch()]
        works += [ScheduleLoop(one, bound.resources, pulse, ticks).run() for one in bound.schedules]
        works += [
            SensorLoop(one, bound.resources, pulse, ticks).run()
            for one in bound.sensors
            if one.definition.watch is None
        ]
        works += [
            RunStatusLoop(one, bound.resources, pulse, ticks, self._storage).run()
            for one in bound.sensors
            if one.definition.watch is not None
        ]
        works.append(BackfillLoop(session, pulse).run())
        works.append(ConditionLoop(session, launcher, pulse, self._kept, self._interval).run())
        await asyncio.to_thread(pulse.look)
        self._loop, self._pulse = asyncio.get_running_loop(), pulse
        tasks = [asyncio.create_task(work) for work in works]
        self._began.set()
        await pulse.stopped()
        _, late = await asyncio.wait(tasks, timeout=_GRACE)
        for task in late:
            task.cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(done, Exception):
                log.error("an automation broke off", exc_info=done)


def _count(kept: Any) -> int | None:
    if kept is None:
        return None
    if isinstance(kept, bool) or not isinstance(kept, int):
        raise TypeError(f"max_ticks_retained must be an int or None, not {type(kept).__name__}")
    if kept < 1:
        raise ValueError(f"max_ticks_retained must be at least 1, got {kept}: a sensor's last tick holds its cursor")
    return kept
