"""Backfills that were recorded for a daemon, and those whose process is gone: executed here."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from rivers.daemon.loops import Pulse
from rivers.errors import RiversError
from rivers.repository.session import Session
from rivers.storage.backfill_rows import BackfillRow

log = logging.getLogger("rivers.daemon")

#: Seconds between two looks for backfills that other processes have recorded or left.
_GLANCE = 1.0


class BackfillLoop:
    """Picks backfills up as they come; each is executed in a thread of its own."""

    def __init__(self, session: Session, pulse: Pulse) -> None:
        self._session = session
        self._pulse = pulse
        self._stirred = asyncio.Event()
        self._working: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Goes on until the daemon ends, then leaves off: what is not done is there for whoever comes next."""
        self._session.backfills.arrive()
        loop = asyncio.get_running_loop()
        stop = self._session.storage.database.bells.runs.listen(lambda: loop.call_soon_threadsafe(self._stirred.set))
        try:
            while not self._pulse.is_stopping:
                self._stirred.clear()
                await self._pulse.guarded(self._look())
                await self._wait()
        finally:
            stop()
            self._session.backfills.leave()
            await asyncio.gather(*self._working.values(), return_exceptions=True)

    async def _look(self) -> None:
        for row in await asyncio.to_thread(self._session.backfills.waiting):
            if row.backfill_id not in self._working:
                task = asyncio.create_task(self._work(row))
                self._working[row.backfill_id] = task
                task.add_done_callback(partial(self._forget, row.backfill_id))

    def _forget(self, backfill_id: str, _: object) -> None:
        self._working.pop(backfill_id, None)

    async def _work(self, row: BackfillRow) -> None:
        try:
            await asyncio.to_thread(self._session.backfills.pick_up, row)
        except RiversError:
            log.exception("backfill %s broke off", row.backfill_id)

    async def _wait(self) -> None:
        waits = [asyncio.create_task(self._stirred.wait()), asyncio.create_task(self._pulse.stopped())]
        await asyncio.wait(waits, timeout=_GLANCE, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
