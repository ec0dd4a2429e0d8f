"""Values as files of this machine, without the threads of the object store.

`LocalStore` hands each file to a thread of its own and waits for it, which costs a small value more than the file does.
What is written here is what it writes: a file beside the old one, which then takes its place.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import Any

#: Paths whose meaning needs no parsing.
_is_plain = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.=-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.=-]*").fullmatch

#: Larger values are the store's: what a thread costs does not matter then, and it gives other threads the interpreter.
_SMALL = 1 << 16


def write_small(store: object, path: str, data: bytes) -> bool:
    """Stores a small value in a `LocalStore`; `False` when it is the store's to do so, or to say why that fails."""
    if len(data) > _SMALL or os.name != "posix" or not _is_plain(path):
        return False
    root = _root_of(store)
    if root is None:
        return False
    target = f"{root}/{path}"
    staged = f"{target}#1"  # as the store calls it, which lists no such files
    try:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError:  # no such directory yet, or somebody else is writing the same value
        return False
    try:
        try:
            is_whole = os.write(descriptor, data) == len(data)
        finally:
            os.close(descriptor)
        if is_whole:
            os.rename(staged, target)
            return True
    except OSError:
        pass
    with suppress(OSError):
        os.unlink(staged)
    return False


def _root_of(store: Any) -> str | None:
    """Where a store that is exactly a `LocalStore` keeps its files."""
    stores = sys.modules.get("obstore.store")
    if stores is None or type(store) is not stores.LocalStore or store.prefix is None:
        return None
    return str(store.prefix)
