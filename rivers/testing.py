"""Storages for tests."""

from __future__ import annotations

import os

from rivers.repository.storage import Storage


def memory_storage() -> Storage:
    """A storage in memory, released as soon as it is dropped."""
    return Storage.memory()


def embedded_storage(path: str | os.PathLike[str]) -> Storage:
    """The storage in a directory; its lock is released as soon as it is dropped."""
    return Storage.embedded(path)
