"""The supervisor's side of the watchdog."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from codeloc.console import tell
from codeloc.endings import Exit
from codeloc.lease import NEVER
from codeloc.reaper import Reaper, kill_group

_SCRIPT = str(Path(__file__).with_name("watchdog.py"))
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
#: A group with nothing to do keeps its last lease so long: most steps follow one another with the same.
_IDLE = 1.0
#: It ends when its pipe closes, and by nothing that is meant for everybody.
_BLOCKED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]


class WatchdogLink:
    """Keeps a watchdog running and tells it what it must know, before a worker is given anything.

    A line that it already knows is not said again, so a step that follows another costs nothing here.
    """

    def __init__(self, reaper: Reaper, mark: str) -> None:
        self.pid = 0
        self._mark = mark
        self._loop = asyncio.get_running_loop()
        self._reaper = reaper
        self._groups: dict[int, int] = {}
        self._leases: dict[int, float] = {}
        self._heard = -NEVER
        self._told_heard = -NEVER
        self._idle: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._pipe: int | None = None
        self._pause = _FIRST_PAUSE
        self._is_closed = False

    def start(self) -> None:
        """Starts the process, and tells it all."""
        if self._is_closed:
            return
        source, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            self.pid = _spawn(source, self._mark)
        except OSError as error:
            self._hang_up()
            self._ended(Exit(detail=f"could not be started: {error}"))
            return
        finally:
            os.close(source)
        self._told_heard = -NEVER
        self._reaper.watch(self.pid, self._ended)
        for group, started in self._groups.items():
            self._say(f"group {group} {started}\n")
        for group, lease in self._leases.items():
            self._say(f"{self._news()}lease {group} {lease!r}\n")

    def close(self) -> None:
        """Lets it end; groups that it still knows of are killed."""
        self._is_closed = True
        self._hang_up()
        if self._timer is not None:
            self._timer.cancel()

    def add(self, group: int, started: int) -> None:
        """A group exists; its leader was started at this tick of the machine."""
        self._groups[group] = started
        self._say(f"group {group} {started}\n")

    def remove(self, group: int) -> None:
        """The whole group is dead."""
        if self._groups.pop(group, None) is not None:
            self._leases.pop(group, None)
            self._idle.discard(group)
            self._say(f"gone {group}\n")

    def lease(self, group: int, lease: float) -> None:
        """An attempt with this lease is about to start in a group."""
        self._idle.discard(group)
        if group in self._groups and self._leases.get(group, NEVER) != lease:
            self._set_lease(group, lease)

    def idle(self, group: int) -> None:
        """Nothing runs in a group any more."""
        if group in self._leases:
            self._idle.add(group)
            if self._timer is None:
                self._timer = self._loop.call_later(_IDLE, self._clear)

    def heard(self, at: float) -> None:
        """The scheduler has heard a beat that was sent at this time on the boot clock."""
        self._heard = at
        if self._leases:
            self._say(self._news())

    def _clear(self) -> None:
        self._timer = None
        for group in self._idle:
            self._set_lease(group, NEVER)
        self._idle.clear()

    def _set_lease(self, group: int, lease: float) -> None:
        if lease == NEVER:
            self._leases.pop(group, None)
        else:
            self._leases[group] = lease
        self._say(f"{self._news()}lease {group} {lease!r}\n")

    def _news(self) -> str:
        if self._heard == self._told_heard:
            return ""
        self._told_heard = self._heard
        return f"heard {self._heard!r}\n"

    def _say(self, lines: str) -> None:
        """A few lines are one write, which a pipe takes whole or not at all."""
        if self._pipe is None or not lines:
            return
        try:
            os.write(self._pipe, lines.encode("ascii"))
        except BlockingIOError:  # it has not read for a long time: the next one is told all
            kill_group(self.pid)
            self._hang_up()
        except OSError:
            return  # it is dead, which its exit will tell

    def _hang_up(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None

    def _ended(self, exit: Exit) -> None:
        self._hang_up()
        self.pid = 0
        if not self._is_closed:
            tell(f"the watchdog process {exit}; it is started again\n")
            self._loop.call_later(self._pause, self.start)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)


def _spawn(source: int, mark: str) -> int:
    """Starts the script in a process group of its own; it inherits nothing but its end of the pipe."""
    libraries = os.environ.get("LD_LIBRARY_PATH")  # an interpreter may need it to find itself
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", _SCRIPT, mark],
        {"LD_LIBRARY_PATH": libraries} if libraries else {},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, source, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setpgroup=0,
        setsigmask=_BLOCKED,
    )
