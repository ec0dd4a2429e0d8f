"""The process groups that a location has started, on record, so that its next start can end what outlived it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from codeloc.processes import everyone, is_marked, read

#: In the environment of every process that a location starts, and of what those start.
MARK = "RIVERS_LOCATION_HOME"


class ProcessGroups:
    """One file for each group, named by its leader's pid, that holds when the leader was started.

    The pid alone proves nothing, because pids come round again. What has left its group, or whose leader is gone, is
    known by the mark in its environment. What a full disk has no room for is noted when there is room again;
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
        process = read(pid)
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
        """Kills what is left of earlier starts and waits until it is dead; the pids that it killed."""
        recorded = {}
        for entry in self._directory.iterdir():
            with contextlib.suppress(ValueError):
                recorded[int(entry.name)] = int(entry.read_text())
        killed: set[int] = set()
        deadline = time.monotonic() + patience
        while left := self._left(recorded):
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
        ourselves = {os.getpid(), os.getppid()}
        return [
            process.pid
            for process in everyone()
            if not process.is_dead
            and process.pid not in ourselves
            and (recorded.get(process.pid) == process.started or is_marked(process.pid, self._mark))
        ]
