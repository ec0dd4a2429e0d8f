"""The clock: the only source of time, handed to whoever needs one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Three times, each for its own purpose."""

    def wall(self) -> datetime:
        """Now, aware, UTC: what people read. Leases never depend on it."""

    def wall_ns(self) -> int:
        """`wall` in nanoseconds since the epoch: what rows carry."""

    def monotonic(self) -> float:
        """Seconds that only grow; stands still while the machine is suspended."""

    def boot(self) -> float:
        """Seconds that only grow, suspend included: what attempt leases run on."""


class SystemClock:
    """The machine's clocks."""

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def wall_ns(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()

    def boot(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)


def local_time(wall_ns: int) -> datetime:
    """A moment on the wall clock of this process, aware: what partitions without a time zone follow."""
    return datetime.fromtimestamp(wall_ns / 1_000_000_000, UTC).astimezone()
