"""The lock on a storage directory: one scheduler alone, or any number of programs that run in process (D2, D3).

It is held on `owner.lock` beside the database file, never on that file: closing any handle of it would drop SQLite's
own locks. The operating system releases it when its holder ends, however that happens. No database driver is needed.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rivers.errors import StorageError

FILE = "owner.lock"

LockMode = Literal["shared", "exclusive"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The scheduler that owns a directory: its process, and where it is reached."""

    pid: int
    address: str

    def __str__(self) -> str:
        return f"the scheduler with pid {self.pid}" + (f" at {self.address}" if self.address else "")


class OwnerLock:
    """A lock that is held. Dropping the last reference releases it too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Gives the directory free. A repeat changes nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        self.release()


def take(directory: Path, mode: LockMode, address: str = "") -> OwnerLock:
    """Takes the lock at once or raises `StorageError`, naming who holds it."""
    try:
        descriptor = os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(f"storage directory {directory} cannot be locked: {error}") from None
    try:
        if not _try(descriptor, fcntl.LOCK_EX if mode == "exclusive" else fcntl.LOCK_SH):
            raise StorageError(_refusal(descriptor, directory))
        if mode == "exclusive":
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return OwnerLock(descriptor)


def owner(directory: Path) -> Owner | None:
    """The scheduler that owns the directory now, `None` when there is none."""
    try:
        descriptor = os.open(directory / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _try(descriptor, fcntl.LOCK_SH) else _read(descriptor)
    finally:
        os.close(descriptor)


def _try(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> Owner:
    try:
        content = json.loads(os.pread(descriptor, 4096, 0))
        return Owner(int(content["pid"]), str(content["address"]))
    except (ValueError, KeyError, TypeError):
        return Owner(0, "")  # it has the lock and is about to say who it is


def _refusal(descriptor: int, directory: Path) -> str:
    if _try(descriptor, fcntl.LOCK_SH):
        return (
            f"storage directory {directory} is used by programs that run in process; "
            "end them, or give the scheduler a directory of its own"
        )
    return (
        f"storage directory {directory} is owned by {_read(descriptor)}; "
        "go through its address, or use another directory"
    )
