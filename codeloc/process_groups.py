"""The process groups that a location has started, on record, so that its next start can end what outlived it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: In the environment of every process that a location starts, and of what those start.
MARK = "RIVERS_LOCATION_HOME"


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    group: int
    started: int
    is_zombie: bool


class ProcessGroups:
    """One file for each group, named by its leader's pid, that holds when the leader was started.

    The pid alone proves nothing, because pids come round again. A group whose leader is gone is known by the mark in
    the environment of the members that are left. What a full disk has no room for is noted when there is room again;
    until then only the watchdog knows of it.
    """

    def __init__(self, directory: Path, mark: str) -> None:
        self.on_recorded: Callable[[int, int], None] = lambda pid, started: None
        self.on_forgotten: Callable[[int], None] = lambda pid: None
        self._directory = directory
        self._unnoted: dict[int, int] = {}
        self._mark = f"{MARK}={mark}".encode()
        directory.mkdir(exist_ok=True)

    def record(self, pid: int) -> None:
        """Notes a group before any work is given to it."""
        process = _process(pid)
        if process is not None:
            self.on_recorded(pid, process.started)
            self._unnoted[pid] = process.started
            self._note()

    def forget(self, pid: int) -> None:
        """The whole group is dead."""
        self._unnoted.pop(pid, None)
        self.on_forgotten(pid)
        (self._directory / str(pid)).unlink(missing_ok=True)
        self._note()

    def _note(self) -> None:
        for pid, started in list(self._unnoted.items()):
            try:
                (self._directory / str(pid)).write_text(str(started))
            except OSError:
                return
            del self._unnoted[pid]

    def end_all(self, patience: float = 10.0) -> list[int]:
        """Kills what is left of the recorded groups and waits until it is dead; the pids that it killed."""
        recorded = {}
        for entry in self._directory.iterdir():
            with contextlib.suppress(ValueError):
                recorded[int(entry.name)] = int(entry.read_text())
        killed: set[int] = set()
        deadline = time.monotonic() + patience
        while recorded and (left := self._left(recorded)):
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            killed.update(left)
            if time.monotonic() > deadline:
                raise TimeoutError(f"processes {sorted(left)} of an earlier start do not die")
            time.sleep(0.01)
        for pid in recorded:
            self.forget(pid)
        return sorted(killed)

    def _left(self, recorded: dict[int, int]) -> list[int]:
        found = []
        for entry in os.listdir("/proc"):
            process = _process(int(entry)) if entry.isdigit() else None
            if process is None or process.is_zombie or process.group not in recorded:
                continue
            started = recorded[process.group]
            is_leader = process.pid == process.group
            if process.started == started if is_leader else process.started >= started and self._is_marked(process.pid):
                found.append(process.pid)
        return found

    def _is_marked(self, pid: int) -> bool:
        try:
            return self._mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False


def _process(pid: int) -> _Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the command's name may contain anything
    return _Process(pid=pid, group=int(fields[2]), started=int(fields[19]), is_zombie=fields[0] in "ZX")
