"""The reading end of what a process writes to stdout or stderr."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
from collections.abc import Callable

_PIECE = 1 << 16
#: After a small piece the pipe itself gathers for this long, so that many small writes become few events.
_GATHER = 0.02
_SMALL = 1 << 13


class OutputPipe:
    """Passes text on as it comes. A full pipe makes the writer wait; that is what `hold` is for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: int, on_text: Callable[[str], None]) -> None:
        os.set_blocking(descriptor, False)
        self.is_open = True
        self.on_end: Callable[[], None] = lambda: None
        self._loop = loop
        self._descriptor = descriptor
        self._on_text = on_text
        self._decoder = _decoder()
        self._is_held = False
        self._gathering: asyncio.TimerHandle | None = None
        loop.add_reader(descriptor, self._readable)

    def drain(self) -> None:
        """Passes on all that is there now; a character that is not whole ends here."""
        while self._read() == _PIECE:
            pass
        if rest := self._decoder.decode(b"", final=True):
            self._on_text(rest)
        self._decoder = _decoder()

    def hold(self, held: bool) -> None:
        """Stops reading, or goes on."""
        self._is_held = held
        self._listen(not held)

    def close(self) -> None:
        """Reads no more."""
        if self.is_open:
            self.is_open = False
            self._listen(False)
            os.close(self._descriptor)
            self.on_end()

    def _readable(self) -> None:
        if 0 < self._read() < _SMALL and self.is_open:
            self._listen(False)
            self._gathering = self._loop.call_later(_GATHER, self._listen, True)

    def _read(self) -> int:
        if not self.is_open:
            return 0
        try:
            piece = os.read(self._descriptor, _PIECE)
        except BlockingIOError:
            return 0
        if not piece:
            self.close()
            return 0
        if text := self._decoder.decode(piece):
            self._on_text(text)
        return len(piece)

    def _listen(self, wanted: bool) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if wanted and self.is_open and not self._is_held:
            self._loop.add_reader(self._descriptor, self._readable)
        elif not wanted:
            with contextlib.suppress(ValueError, OSError):
                self._loop.remove_reader(self._descriptor)


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")
