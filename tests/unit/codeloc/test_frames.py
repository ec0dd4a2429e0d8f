"""Frames arrive whole, however the stream is cut."""

from __future__ import annotations

import socket

from codeloc.frames import FrameBuffer, FrameKind, FrameReader, encode_frame


def test_any_cut_gives_the_same_frames() -> None:
    expected = [(FrameKind.ASSIGN, b"first"), (FrameKind.STOP, b""), (FrameKind.EVENT, b"x")]
    content = b"".join(encode_frame(kind, payload) for kind, payload in expected)
    for size in range(1, len(content) + 1):
        buffer, found = FrameBuffer(), []
        for start in range(0, len(content), size):
            found += list(buffer.feed(content[start : start + size]))
        assert found == expected


def test_a_reader_sees_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = FrameReader(ours)
        theirs.sendall(encode_frame(FrameKind.STOP, b"1") + encode_frame(FrameKind.STOP, b"2"))
        assert reader.read() == (FrameKind.STOP, b"1")
        assert list(reader.ready()) == [(FrameKind.STOP, b"2")]
        assert list(reader.ready()) == []
        theirs.close()
        assert reader.read() is None
