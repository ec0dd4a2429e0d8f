"""The polite stop: a frame that names the attempt, a SIGINT, and an exception in the body's thread."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from codeloc.frames import FrameKind, FrameReader


class Stopped(KeyboardInterrupt):
    """Raised in a step that was asked to end."""


class Interrupts:
    """Reads what the supervisor sends to a worker, and interrupts the body when that is a stop for its attempt.

    The signal alone says nothing, because it can arrive when the attempt is over. While `token` is not 0 only the
    signal handler reads frames; between attempts only the worker's loop does.
    """

    def __init__(self, frames: FrameReader) -> None:
        self.token = 0
        self._frames = frames
        self._read: deque[tuple[int, bytes]] = deque()
        self._is_stop_due = False
        self._shields = 0
        self._main = threading.get_ident()

    def install(self) -> None:
        """Takes over SIGINT, whatever the module has made of it."""
        signal.signal(signal.SIGINT, self._interrupted)

    def next_frame(self) -> tuple[int, bytes] | None:
        """The next frame that is no stop; `None` at the end of the stream."""
        while True:
            frame = self._read.popleft() if self._read else self._frames.read()
            if frame is None or frame[0] != FrameKind.STOP:
                return frame

    def arm(self, token: int) -> None:
        """The body of this attempt begins; raises `Stopped` when it was asked to end before."""
        self._is_stop_due = False
        self.token = token
        self._interrupted(signal.SIGINT, None)

    def disarm(self) -> None:
        """The body is over."""
        self.token = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, the body is not interrupted: a frame must leave whole."""
        if threading.get_ident() != self._main:
            yield
            return
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._is_stop_due:
            self._stop()

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if not self.token:
            return
        for kind, payload in self._frames.ready():
            if kind == FrameKind.STOP:
                self._is_stop_due |= int.from_bytes(payload) == self.token
            else:
                self._read.append((kind, payload))
        if self._is_stop_due:
            self._stop()

    def _stop(self) -> None:
        if self.token and not self._shields:
            self._is_stop_due = False
            raise Stopped
