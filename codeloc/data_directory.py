"""The directory that makes a location the same one after a restart."""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from pathlib import Path

from codeloc.process_groups import ProcessGroups
from codeloc.segments import encode_segment
from rivers.errors import ConfigurationError, ConflictError


class DataDirectory:
    """What a location keeps: its identity, results that nobody has taken yet, and the values of its steps.

    `home_id` is the identity of the directory, `boot` the number of starts in it. Only one process has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock(self.path / "lock")
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self.home_id, self.boot = _next_boot(self.path / "home.json")
            self.groups = ProcessGroups(self.path / "groups", self.home_id)
            for name in ("spool", "values"):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            self.close()
            raise self._unusable(error) from error
        except BaseException:
            self.close()
            raise

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"data directory {str(self.path)!r} cannot be used: {error.strerror}; "
            "make room or rights there, or choose another with --data-dir",
            field="data_directory",
        )

    @property
    def values(self) -> Path:
        """Where values are kept whose author named no handler."""
        return self.path / "values"

    def spool(self, store_id: str) -> Path:
        """Where results for one scheduler's store wait; tokens of different stores can be equal."""
        return self.path / "spool" / encode_segment(store_id)

    def close(self) -> None:
        """Lets another process open it."""
        os.close(self._lock)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise ConflictError(
            f"data directory {str(path.parent)!r} is used by process {holder or 'unknown'}; "
            "stop it, or give this location another --data-dir or --name",
            directory=str(path.parent),
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _next_boot(path: Path) -> tuple[str, int]:
    """Identity and boot, on disk before anybody hears of them: a boot that came twice could start an attempt twice."""
    try:
        known = json.loads(path.read_text())
        home_id, boot = str(known["home_id"]), int(known["boot"]) + 1
    except FileNotFoundError:
        home_id, boot = uuid.uuid4().hex, 1
    write_durably(path, json.dumps({"home_id": home_id, "boot": boot}).encode())
    return home_id, boot


def write_durably(path: Path, content: bytes) -> None:
    """Replaces a small file; after a crash it holds the old content or the new."""
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
