"""Frames between a process and its workers arrive as they were sent, however the stream is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rivers.driver.frames import Frames, encode


@given(st.lists(st.lists(st.binary(max_size=40), max_size=3), max_size=6), st.lists(st.integers(1, 30)))
def test_frames_arrive_whole_and_in_order(frames, cuts):
    stream = b"".join(encode(*parts) for parts in frames)
    arrived, heard = Frames(), []
    while stream:
        size = cuts.pop() if cuts else len(stream)
        arrived.feed(stream[:size])
        stream = stream[size:]
        while (payload := arrived.next()) is not None:
            heard.append(payload)
    assert heard == [b"".join(parts) for parts in frames]
    assert arrived.next() is None
