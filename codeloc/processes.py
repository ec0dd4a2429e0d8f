"""Processes of this machine as /proc tells of them, and how whole families of them are ended."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Looks at a family that is being stopped. A member that sleeps in the kernel cannot stop, and is not waited for.
_MOST_LOOKS = 50


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `started` is in ticks since the machine was started."""

    pid: int
    parent: int
    group: int
    started: int
    state: str

    @property
    def is_dead(self) -> bool:
        """Whether it only waits for its parent to ask how it ended."""
        return self.state in "ZX"


def read(pid: int) -> Process | None:
    """A process, if there is one of this number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the command's name may contain anything
    return Process(pid=pid, parent=int(fields[1]), group=int(fields[2]), started=int(fields[19]), state=fields[0])


def everyone() -> Iterator[Process]:
    """All that are there now."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (process := read(int(entry))) is not None:
            yield process


def is_marked(pid: int, mark: bytes) -> bool:
    """Whether the environment that a process was started with holds `NAME=value`."""
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def kill_families(roots: Iterable[int]) -> set[int]:
    """Kills processes with their groups and all that descends from them, in whatever session; the pids of all.

    They are stopped first, so that nobody is born while others die.
    """
    heads, stopped = set(roots), set[int]()
    for _ in range(_MOST_LOOKS if heads else 0):
        table = {process.pid: process for process in everyone() if not process.is_dead}
        found = _family(heads | stopped, table)
        still = all(table[pid].state in "Tt" for pid in stopped if pid in table)
        if found <= stopped and still:
            break
        for pid in found - stopped:
            _send(pid, signal.SIGSTOP)
        stopped |= found
    for pid in stopped:
        _send(pid, signal.SIGKILL)
    return stopped


def _family(heads: set[int], table: dict[int, Process]) -> set[int]:
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    waiting = [process.pid for process in table.values() if process.pid in heads or process.group in heads]
    found: set[int] = set()
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, ())
    return found


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
