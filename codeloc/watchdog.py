"""The watchdog: kills process groups whose lease has passed, and all of them when the supervisor is gone (A5).

A process of its own, so that it does this while the supervisor is frozen or dead. It is run as a script, without
site-packages, imports next to nothing, and sleeps without a timer while no lease runs. What descends from a group dies
with it, in whatever session it is. Its argument is a `NAME=value` that is in the environment of everything that the
location has started: with the supervisor, all of that dies. It reads lines from standard input: a verb and numbers.

    group PID STARTED    a group exists; its leader was started at this tick
    gone PID             the whole group is dead
    lease PID SECONDS    what runs in the group may outlive the scheduler's word by so long; `inf` for ever
    heard TIME           when, on the boot clock, the newest beat was sent that the scheduler has heard
"""

from __future__ import annotations

import posix
import select
import sys
import time

_SIGKILL, _SIGSTOP = 9, 19
_MOST_LOOKS = 50
_PIECE = 1 << 16
_NEVER = float("inf")


class Watch:
    """The groups, and until when each may live."""

    def __init__(self) -> None:
        self.started: dict[int, int] = {}
        self.leases: dict[int, float] = {}
        self.heard = -_NEVER

    def told(self, line: str) -> None:
        """One line of the supervisor. It never renews a lease that has passed."""
        verb, _, rest = line.partition(" ")
        if verb == "heard":
            self.heard = float(rest)
            return
        first, _, second = rest.partition(" ")
        group = int(first)
        if verb == "group":
            self.started[group] = int(second)
        elif verb == "gone":
            self.started.pop(group, None)
            self.leases.pop(group, None)
        elif verb == "lease" and float(second) < _NEVER:
            self.leases[group] = float(second)
        elif verb == "lease":
            self.leases.pop(group, None)

    def due(self) -> float:
        """When the next lease passes."""
        return self.heard + min(self.leases.values()) if self.leases else _NEVER

    def expired(self, now: float) -> list[int]:
        """The groups whose lease has passed."""
        return [group for group, lease in self.leases.items() if now >= self.heard + lease]

    def kill(self, group: int) -> None:
        """Kills a group and what descends from it, unless its number is somebody else's by now."""
        started = self.started.pop(group, None)
        self.leases.pop(group, None)
        if started is None or _started(group) not in (None, started):
            return
        _kill_descendants(group)
        try:
            posix.killpg(group, _SIGKILL)
        except OSError:
            return


def run(source: int, mark: bytes) -> None:
    """Watches until the supervisor's end of the pipe is closed."""
    with open("/proc/self/comm", "wb") as name:
        name.write(b"rivers-watchdog")
    watch = Watch()
    poll = select.poll()
    poll.register(source, select.POLLIN)
    rest = b""
    while True:
        wait = watch.due() - _now()
        # Timers stand still while the machine is suspended and leases do not, so no wait is longer than a second.
        poll.poll(None if wait == _NEVER else int(min(max(wait, 0.0), 1.0) * 1000) + 1)
        while poll.poll(0):  # what has been said counts first: it was said before the lease passed
            piece = posix.read(source, _PIECE)
            if not piece:
                for group in list(watch.started):
                    watch.kill(group)
                _kill_marked(mark)
                return
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                watch.told(line.decode("ascii"))
        for group in watch.expired(_now()):
            watch.kill(group)


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _started(pid: int) -> int | None:
    """When a process was started, in ticks."""
    fields = _stat(pid)
    return int(fields[19]) if fields else None


def _stat(pid: int) -> list[bytes]:
    """State, parent and so on."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except OSError:
        return []
    return stat[stat.rindex(b")") + 2 :].split()


def _kill_descendants(head: int) -> None:
    """All are stopped before any of them is killed, so that nobody is born meanwhile."""
    stopped: list[int] = []
    for _ in range(_MOST_LOOKS):
        children: dict[int, list[int]] = {}
        states: dict[int, bytes] = {}
        for pid in _pids():
            fields = _stat(pid)
            if fields:
                children.setdefault(int(fields[1]), []).append(pid)
                states[pid] = fields[0]
        found = [head]
        for pid in found:
            found += children.get(pid, ())
        new = [pid for pid in found if pid not in stopped]
        if not new and all(states.get(pid, b"Z") in b"TtZX" for pid in stopped):
            break
        for pid in new:
            _send(pid, _SIGSTOP)
        stopped += new
    for pid in stopped:
        _send(pid, _SIGKILL)


def _kill_marked(mark: bytes) -> None:
    """Kills everything that has the mark, until there is nothing."""
    for _ in range(_MOST_LOOKS):
        found = [pid for pid in _pids() if pid != posix.getpid() and _is_marked(pid, mark)]
        if not found:
            return
        for pid in found:
            _send(pid, _SIGKILL)


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def _pids() -> list[int]:
    return [int(entry) for entry in posix.listdir("/proc") if entry.isdigit()]


def _send(pid: int, number: int) -> None:
    try:
        posix.kill(pid, number)
    except OSError:
        return


if __name__ == "__main__":
    run(0, sys.argv[1].encode())
