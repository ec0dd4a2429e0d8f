"""Wakes the desk when something is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rivers.clock import Clock

#: The loop's clock stands still while the machine is suspended and leases do not, so no wait is longer. A beat is due
#: as often, so this alone wakes nobody.
_LONGEST = 2.0


class Ticker:
    """One timer. It may fire early; then nothing is due, and it is set again."""

    def __init__(self, clock: Clock) -> None:
        self.on_tick: Callable[[], None] = lambda: None
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def set(self, when: float) -> None:
        """Ticks at this time, on the boot clock."""
        self.close()
        wait = min(max(when - self._clock.boot(), 0.0), _LONGEST)
        self._timer = self._loop.call_later(wait, self._tick)

    def close(self) -> None:
        """Ticks no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        self.on_tick()
