"""Who executes a run in process: this process, by host, process id and start."""

from __future__ import annotations

import os
import time
from functools import cache

#: How long a process may be silent before its unfinished runs are anybody's, and how often it says that it lives.
LEASE_SECONDS = 60.0
RENEW_SECONDS = 15.0


def owner_id() -> str:
    """The identity of this process."""
    return _owner_id(os.getpid())


@cache
def _owner_id(pid: int) -> str:
    return f"{os.uname().nodename}:{pid}:{_started(pid)}"


def _started(pid: int) -> int:
    """When the process started, in the kernel's ticks; now, where the kernel does not say."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return int(stat.read().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return time.time_ns()


def is_alive(owner: str, expires_at: int | None, now: int) -> bool:
    """Whether a process may still execute its runs: here as the kernel says, elsewhere until its lease ends."""
    host, pid, started = owner.rsplit(":", 2) if owner.count(":") >= 2 else ("", "", "")
    if host == os.uname().nodename and os.path.isdir("/proc/self"):
        return os.path.isdir(f"/proc/{pid}") and str(_started(int(pid))) == started
    return expires_at is not None and expires_at > now
