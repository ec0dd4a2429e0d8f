"""A worker process: what its parent starts, does one errand after the other, and ends with its parent."""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from rivers.driver import errand_runner
from rivers.driver.frames import Frames, encode
from rivers.driver.worker import ERRAND

#: A worker without work ends after so many seconds.
_IDLE_SECONDS = 60.0

#: Seconds between two looks at who the parent is, in case its end of the channel lives on in a copy.
_GLANCE = 2.0
_PIECE = 1 << 16


def main(descriptor: int, parent: int) -> None:
    """Ctrl-C is the parent's business, and without the parent there is nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    os.register_at_fork(after_in_child=channel.close)
    threading.Thread(target=_follow, args=(channel, parent), name="rivers-parent-watch", daemon=True).start()
    letters = _Letters(channel)
    introduction = letters.next()
    if introduction is not None:
        _take_after(*pickle.loads(introduction))
    surroundings = b""
    while (letter := letters.next()) is not None:
        attempt, token, size = ERRAND.unpack_from(letter)
        begin = ERRAND.size + size
        if size:
            surroundings = letter[ERRAND.size : begin]
        reply = errand_runner.run(surroundings, letter[begin:], attempt, token)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # whatever an author has put in its place
                stream.flush()
        try:
            channel.sendall(encode(reply))
        except OSError:  # a fork of this process that an author's code let go on, or the parent is gone
            _leave()


class _Letters:
    """Reads what the parent sends."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._frames = Frames()
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)

    def next(self) -> bytes | None:
        """The next letter; `None` when there will be none, or there was none for long."""
        while (letter := self._frames.next()) is None:
            if not self._poll.poll(1000 * _IDLE_SECONDS):
                return None
            content = self._channel.recv(_PIECE)
            if not content:
                return None
            self._frames.feed(content)
        return letter


def _take_after(arguments: list[str], kinship: tuple[bytes | None, int | None]) -> None:
    """Takes over what is the same in all processes of a program."""
    sys.argv[:] = arguments
    key, tracker = kinship
    if key is not None:
        from multiprocessing import process

        process.current_process().authkey = key
    if tracker is not None:
        from multiprocessing import resource_tracker

        resource_tracker._resource_tracker._fd = tracker  # type: ignore[attr-defined]


def _follow(channel: socket.socket, parent: int) -> None:
    gone = select.poll()
    gone.register(channel, 0)
    while os.getppid() == parent and not gone.poll(1000 * _GLANCE):
        pass
    os._exit(1)


def _leave() -> NoReturn:
    with suppress(Exception):
        sys.stdout.flush()
    os._exit(0)
