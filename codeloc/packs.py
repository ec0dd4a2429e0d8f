"""Small values of a run, one behind the other in a file of the worker that made them.

To make a file costs a file system far more than to append to one: up to half a millisecond where its tables are full.
A pack has one writer. What a writer leaves unfinished when it dies is at the end of its pack, and belongs to an attempt
that no row names.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections import OrderedDict
from dataclasses import dataclass, field

_HEADER = struct.Struct("<QHI")  # token, bytes of the node's name, bytes of the value
_SUFFIX = ".pack"
#: Runs whose packs a reader remembers.
_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is."""

    path: str
    offset: int
    size: int


@dataclass(slots=True)
class _Index:
    """What was found in the packs of a run, and how far each was read."""

    places: dict[tuple[int, str], Place] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)


class Packs:
    """The packs of one process: it writes its own, and reads everybody's."""

    def __init__(self) -> None:
        self._name = f"{os.getpid()}-{time.monotonic_ns()}{_SUFFIX}"
        self._indexes: OrderedDict[str, _Index] = OrderedDict()

    def append(self, folder: str, token: int, node: str, data: bytes) -> Place:
        """Stores a value; when that fails, nothing of it takes room. `folder` is the run's, made if it is not there."""
        path = f"{folder}/{self._name}"
        name = node.encode()
        record = _HEADER.pack(token, len(name), len(data)) + name + data
        try:
            descriptor = _open(path)
        except FileNotFoundError:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # the run's first value here
            descriptor = _open(path)
        try:
            before = os.lseek(descriptor, 0, os.SEEK_END)
            try:
                rest = memoryview(record)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            except BaseException:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)
        return Place(path, before + len(record) - len(data), len(data))

    def load(self, folder: str, token: int, node: str) -> bytes | None:
        """The value that an attempt stored; `None` when no pack has it."""
        index = self._index(folder)
        place = index.places.get((token, node))
        if place is None:
            _read_on(folder, index)
            place = index.places.get((token, node))
        if place is None:
            return None
        with open(place.path, "rb", buffering=0) as file:
            file.seek(place.offset)
            return file.read(place.size)

    def _index(self, folder: str) -> _Index:
        index = self._indexes.get(folder)
        if index is None:
            index = self._indexes[folder] = _Index()
            if len(self._indexes) > _REMEMBERED:
                self._indexes.popitem(last=False)
        else:
            self._indexes.move_to_end(folder)
        return index


def _open(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _read_on(folder: str, index: _Index) -> None:
    """Notes what was added to the run's packs since they were last looked at."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith(_SUFFIX):
            path = f"{folder}/{name}"
            start = index.read.get(path, 0)
            with open(path, "rb") as file:
                end = os.fstat(file.fileno()).st_size
                if end > start:
                    file.seek(start)
                    index.read[path] = start + _note(path, start, file.read(end - start), index)


def _note(path: str, start: int, content: bytes, index: _Index) -> int:
    """Notes the records that are whole; returns how many bytes these take."""
    at = 0
    while at + _HEADER.size <= len(content):
        token, name_size, size = _HEADER.unpack_from(content, at)
        value = at + _HEADER.size + name_size
        if value + size > len(content):
            break
        index.places[token, content[at + _HEADER.size : value].decode()] = Place(path, start + value, size)
        at = value + size
    return at
