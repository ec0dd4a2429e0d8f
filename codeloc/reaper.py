"""Sees how child processes end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import OrderedDict
from collections.abc import Callable

from codeloc.endings import Exit
from codeloc.processes import everyone, kill_families, read

#: Exits of processes that nobody has asked about yet; those of orphans that were adopted are never asked about.
_UNCLAIMED = 256


class Reaper:
    """The only one that waits for children, orphans that this process adopts included.

    A watched process that ends takes along its group, while its number is still held, and what it leaves behind in
    other groups and sessions: workers adopt what their own descendants leave, so what comes to this process when one
    ends was below it. `on_orphans` is called before, so that forks that are about to be watched are.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.on_orphans: Callable[[], None] = lambda: None
        self._loop = loop
        self._watched: dict[int, Callable[[Exit], None]] = {}
        self._unclaimed: OrderedDict[int, Exit] = OrderedDict()
        self._spared: set[tuple[int, int]] = set()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def watch(self, pid: int, callback: Callable[[Exit], None]) -> None:
        """Calls back once, when the process has ended."""
        exit = self._unclaimed.pop(pid, None)
        if exit is None:
            self._watched[pid] = callback
        else:
            kill_group(pid)
            self._loop.call_soon(callback, exit)

    def spare_orphans(self) -> None:
        """The orphans that are here now belong to no worker: the module has left them, which is still loaded."""
        ours = os.getpid()
        self._spared = {(one.pid, one.started) for one in everyone() if one.parent == ours}

    def close(self) -> None:
        """Waits for nobody any more."""
        self._loop.remove_signal_handler(signal.SIGCHLD)

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            callback = self._watched.get(ended.si_pid)
            if callback is not None:
                self._end_family(ended.si_pid)
                del self._watched[ended.si_pid]
            _, status = os.waitpid(ended.si_pid, 0)
            exit = Exit.of_status(status)
            if callback is not None:
                callback(exit)
                continue
            self._unclaimed[ended.si_pid] = exit
            if len(self._unclaimed) > _UNCLAIMED:
                self._unclaimed.popitem(last=False)

    def _end_family(self, pid: int) -> None:
        """Kills what is left of a dead child's group, and its orphans: younger than it, and known to nobody."""
        kill_group(pid)
        dead, ours = read(pid), os.getpid()
        if dead is None:
            return
        left = [one for one in everyone() if one.parent == ours and one.started >= dead.started and not one.is_dead]
        self.on_orphans()  # only now: a fork makes itself known before it becomes a child of this process
        known = self._watched
        kill_families(one.pid for one in left if one.pid not in known and (one.pid, one.started) not in self._spared)


def kill_group(pid: int) -> None:
    """Kills a process with everything that it started and that has not left its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
