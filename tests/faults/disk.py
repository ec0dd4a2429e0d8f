"""Small disks, so that they can be full."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A file system of a few MiB in memory, mounted at `path`."""

    def __init__(self, path: Path, mib: int) -> None:
        self.path = path
        self._ballast = path / "ballast"
        path.mkdir(parents=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(path)], capture_output=True, text=True
        )
        if done.returncode != 0:
            path.rmdir()
            if os.environ.get("CI") == "true":
                pytest.fail(f"a small disk needs the right to mount: {done.stderr}")
            pytest.skip("a small disk needs the right to mount")

    @property
    def room(self) -> int:
        """Bytes that are free."""
        disk = os.statvfs(self.path)
        return disk.f_bavail * disk.f_frsize

    def fill(self) -> None:
        """Leaves no room."""
        with contextlib.suppress(OSError), open(self._ballast, "ab", buffering=0) as file:
            while True:
                file.write(bytes(1 << 12))
        assert self.room == 0

    def clear(self) -> None:
        """Makes room again."""
        self._ballast.unlink()

    def close(self) -> None:
        """Unmounts it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


@contextlib.contextmanager
def small_disk(path: Path, mib: int) -> Iterator[SmallDisk]:
    """Mounted meanwhile."""
    disk = SmallDisk(path, mib)
    try:
        yield disk
    finally:
        disk.close()
