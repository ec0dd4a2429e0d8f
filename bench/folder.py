"""Where programs keep their files: one folder, removed when everything has been measured.

On ext4, making a file costs many times as much for minutes after thousands were removed near it, by anybody: so nothing
is removed between two measurements, and each gets a directory in another part of the disk.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

_VARIABLE = "RIVERS_BENCH_FOLDER"
#: From <linux/fs.h>: attributes of a file, and that subdirectories have nothing to do with one another.
_GET_FLAGS, _SET_FLAGS, _TOP_DIRECTORY = 0x80086601, 0x40086602, 0x00020000


class Folder:
    """A folder that outlives each single measurement."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    @cache
    def get() -> Folder:
        """The folder of whoever started this process, or else one that is removed at its end."""
        given = os.environ.get(_VARIABLE)
        if given is not None:
            return Folder(Path(given))
        made = Path(tempfile.mkdtemp(prefix="rivers-bench-"))
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        with contextlib.suppress(OSError):  # a file system that knows nothing of it
            _spread(made)
        return Folder(made)

    def new(self) -> Path:
        """A new directory in it."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def environment(self) -> dict[str, str]:
        """What a program is started with that shall use it, too."""
        return {**os.environ, _VARIABLE: str(self.path)}


def _spread(path: Path) -> None:
    """Has subdirectories put into different parts of the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = array.array("i", [0])
        fcntl.ioctl(descriptor, _GET_FLAGS, flags, True)
        flags[0] |= _TOP_DIRECTORY
        fcntl.ioctl(descriptor, _SET_FLAGS, flags, True)
    finally:
        os.close(descriptor)
