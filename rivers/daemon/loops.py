"""What the loops of schedules, sensors and conditions have in common: the time, and the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from rivers.automation.ticks import AutomationKind
from rivers.clock import Clock
from rivers.errors import StorageError
from rivers.storage import automations
from rivers.storage.database import Database

log = logging.getLogger("rivers.daemon")

#: Seconds between two looks at what somebody has started or stopped.
_GLANCE = 1.0

#: Seconds between two looks at the clock, which may be set while somebody waits for a time.
_CLOCK_GLANCE = 5.0

#: What threads are refused with once the program ends.
_ENDING = "cannot schedule new futures after"


class Pulse:
    """Waits that end when the daemon is stopped, and which automations run."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.clock = clock
        self._database = database
        self._stopping = asyncio.Event()
        self._running: dict[tuple[AutomationKind, str], bool] = {}

    @property
    def is_stopping(self) -> bool:
        """Whether the daemon ends."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ends every wait. Called on the loop's thread."""
        self._stopping.set()

    async def stopped(self) -> None:
        """Returns when the daemon ends."""
        await self._stopping.wait()

    async def pause(self, seconds: float) -> bool:
        """Waits; `False` when the daemon is stopped meanwhile."""
        try:
            await asyncio.wait_for(self._stopping.wait(), max(seconds, 0.0))
        except TimeoutError:
            return True
        return False

    async def until(self, moment: datetime) -> bool:
        """Waits for a time of the wall clock, which may be set meanwhile; `False` when the daemon is stopped."""
        while (left := (moment - self.clock.wall()).total_seconds()) > 0:
            if not await self.pause(min(left, _CLOCK_GLANCE)):
                return False
        return not self.is_stopping

    async def guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """Does the work of one tick. What goes wrong with it is said, and the automation goes on; not so when a program
        ends without having stopped its daemon."""
        try:
            await work
        except StorageError:
            log.warning("a tick could not be recorded", exc_info=True)
        except Exception as error:  # the end of a loop's iteration
            if str(error).startswith(_ENDING):
                self.stop()
            else:
                log.exception("a tick broke off")

    def is_running(self, kind: AutomationKind, name: str, default: bool) -> bool:
        """Whether an automation ticks: as somebody has said, else as its definition says."""
        return self._running.get((kind, name), default)

    async def watch(self) -> None:
        """Keeps reading what somebody has started or stopped."""
        while True:
            await self.guarded(asyncio.to_thread(self.look))
            if not await self.pause(_GLANCE):
                return

    def look(self) -> None:
        """Reads it once."""
        with self._database.read() as connection:
            self._running = automations.running(connection)
