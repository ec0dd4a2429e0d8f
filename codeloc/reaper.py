"""Sees how child processes end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import OrderedDict
from collections.abc import Callable

from codeloc.endings import Exit

#: Exits of processes that nobody has asked about yet; those of orphans that were adopted are never asked about.
_UNCLAIMED = 256


class Reaper:
    """The only one that waits for children, orphans that this process adopts included.

    Every watched process leads a group of its own. The group is killed while its dead leader still holds the number.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watched: dict[int, Callable[[Exit], None]] = {}
        self._unclaimed: OrderedDict[int, Exit] = OrderedDict()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def watch(self, pid: int, callback: Callable[[Exit], None]) -> None:
        """Calls back once, when the process has ended."""
        exit = self._unclaimed.pop(pid, None)
        if exit is None:
            self._watched[pid] = callback
        else:
            kill_group(pid)
            self._loop.call_soon(callback, exit)

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
            callback = self._watched.pop(ended.si_pid, None)
            if callback is not None:
                kill_group(ended.si_pid)
            _, status = os.waitpid(ended.si_pid, 0)
            exit = Exit.of_status(status)
            if callback is not None:
                callback(exit)
                continue
            self._unclaimed[ended.si_pid] = exit
            if len(self._unclaimed) > _UNCLAIMED:
                self._unclaimed.popitem(last=False)


def kill_group(pid: int) -> None:
    """Kills a process with everything that it started and that has not left its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
