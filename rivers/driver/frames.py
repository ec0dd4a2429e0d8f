"""Frames between a process and its workers: eight bytes of length, and a payload."""

from __future__ import annotations

import struct

_HEAD = struct.Struct("<Q")


def encode(*parts: bytes) -> bytes:
    """The bytes of one frame, whose payload is given in parts."""
    return b"".join((_HEAD.pack(sum(map(len, parts))), *parts))


class Frames:
    """Takes what a stream brings and gives the payloads that are whole."""

    __slots__ = ("_content",)

    def __init__(self) -> None:
        self._content = bytearray()

    def feed(self, content: bytes) -> None:
        """More of the stream."""
        self._content += content

    def next(self) -> bytes | None:
        """The next payload, if it is whole."""
        content = self._content
        if len(content) < _HEAD.size:
            return None
        end = _HEAD.size + _HEAD.unpack_from(content)[0]
        if len(content) < end:
            return None
        payload = bytes(memoryview(content)[_HEAD.size : end])
        del content[:end]
        return payload
