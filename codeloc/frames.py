"""Frames between the processes of a location: four bytes of length, one byte of kind, and a payload."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from enum import IntEnum, unique

_HEAD = struct.Struct(">IB")
_READ = 1 << 16


@unique
class FrameKind(IntEnum):
    """What the payload is."""

    # down, to a worker
    ASSIGN = 1  # rivers.v1.Assign
    STOP = 2  # the token, 8 bytes
    HOOKS = 3  # rivers.v1.CallHooks
    # up, from a worker
    FORKED = 13  # its pid, 8 bytes, said before it becomes a child of the supervisor
    READY = 11  # the digest of the definitions that it has loaded, text
    EVENT = 12  # rivers.v1.AttemptEvent without seq
    HOOKED = 14  # nothing: the hooks have been called
    # up, from the host
    PART = 21  # rivers.v1.GetSnapshotResponse: header, slice or load failure
    LOADED = 22  # nothing: every part has been sent
    REFUSED = 23  # the worker's number, 8 bytes, and the reason why it was not forked, text


def encode_frame(kind: FrameKind, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    return _HEAD.pack(len(payload), kind) + payload


class FrameBuffer:
    """Takes what a stream brings and gives the frames that are whole."""

    __slots__ = ("_content",)

    def __init__(self) -> None:
        self._content = bytearray()

    def feed(self, content: bytes) -> Iterator[tuple[int, bytes]]:
        """Adds content; the frames that are whole now, kind and payload."""
        self._content += content
        return self.take()

    def take(self) -> Iterator[tuple[int, bytes]]:
        """The frames that are whole."""
        while (frame := self.next()) is not None:
            yield frame

    def next(self) -> tuple[int, bytes] | None:
        """The next frame, if it is whole."""
        content = self._content
        if len(content) < _HEAD.size:
            return None
        length, kind = _HEAD.unpack_from(content)
        end = _HEAD.size + length
        if len(content) < end:
            return None
        payload = bytes(content[_HEAD.size : end])
        del content[:end]
        return kind, payload


class FrameReader:
    """Reads frames from a blocking socket."""

    __slots__ = ("_buffer", "_socket")

    def __init__(self, source: socket.socket) -> None:
        self._socket = source
        self._buffer = FrameBuffer()

    def read(self) -> tuple[int, bytes] | None:
        """The next frame; `None` at the end of the stream."""
        while (frame := self._buffer.next()) is None:
            content = self._socket.recv(_READ)
            if not content:
                return None
            self._buffer.feed(content)
        return frame

    def ready(self) -> Iterator[tuple[int, bytes]]:
        """The frames that have arrived, without waiting for more."""
        while True:
            yield from self._buffer.take()
            try:
                content = self._socket.recv(_READ, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionError):
                return
            if not content:
                return
            self._buffer.feed(content)
