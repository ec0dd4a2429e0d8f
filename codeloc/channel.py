"""The supervisor's end of the socket to a process of the location."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from codeloc.frames import FrameBuffer

_PIECE = 1 << 18


class Channel:
    """Frames both ways, without blocking. `on_frames` gets all that came in one piece."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: socket.socket,
        on_frames: Callable[[list[tuple[int, bytes]]], None],
        on_end: Callable[[], None],
    ) -> None:
        end.setblocking(False)
        self.is_open = True
        self.socket = end
        self._loop = loop
        self._on_frames = on_frames
        self._on_end = on_end
        self._frames = FrameBuffer()
        self._unsent = bytearray()
        loop.add_reader(end, self._read)

    def send(self, frame: bytes) -> None:
        """Sends a frame; what the socket does not take now follows when it does."""
        if not self.is_open:
            return
        if not self._unsent:
            try:
                frame = frame[self.socket.send(frame) :]
            except BlockingIOError:
                pass
            except OSError:
                return  # the end is dead, which its exit will tell
        if frame:
            self._unsent += frame
            self._loop.add_writer(self.socket, self._write)

    def finish(self) -> None:
        """Sends no more, so that the other side ends."""
        if self.is_open:
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                return

    def drain(self) -> None:
        """Passes on all that is there now."""
        while self.is_open and self._read():
            pass

    def hold(self, held: bool) -> None:
        """Stops reading, or goes on."""
        if held:
            self._loop.remove_reader(self.socket)
        elif self.is_open:
            self._loop.add_reader(self.socket, self._read)

    def close(self) -> None:
        """Closes this end."""
        if self.is_open:
            self.is_open = False
            self._loop.remove_reader(self.socket)
            self._loop.remove_writer(self.socket)
            self.socket.close()

    def _read(self) -> bool:
        try:
            piece = self.socket.recv(_PIECE)
        except BlockingIOError:
            return False
        except OSError:
            piece = b""
        if not piece:
            self.close()
            self._on_end()
            return False
        frames = list(self._frames.feed(piece))
        if frames:
            self._on_frames(frames)
        return True

    def _write(self) -> None:
        try:
            del self._unsent[: self.socket.send(self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
        if not self._unsent:
            self._loop.remove_writer(self.socket)
