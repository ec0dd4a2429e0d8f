"""A worker process, seen from its parent."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import weakref
from contextlib import suppress

from rivers.driver.frames import Frames, encode

#: What precedes an errand: attempt, token, bytes of the surroundings, which are left out while they are the same.
ERRAND = struct.Struct("<IQI")

#: Seconds that a process may take to end whose end of the channel is closed.
_PATIENCE = 5.0
_PIECE = 1 << 16

_PROGRAM = """\
import sys
sys.path[:] = {path!r}
from rivers.driver.worker_process import main
main({channel}, {parent})
"""


class Worker:
    """One process that does errands, started when this is made. It belongs to whoever has taken it from the crew.

    `is_new` until it has done an errand; `idle_since` in seconds of the monotonic clock.
    """

    __slots__ = (
        "__weakref__",
        "_channel",
        "_frames",
        "_kinship",
        "_process",
        "_surroundings",
        "_unsent",
        "idle_since",
        "is_new",
    )

    def __init__(self) -> None:
        self._kinship = kinship()
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _spawn(theirs.fileno(), self._kinship[1])
        except BaseException:
            self._channel.close()
            raise
        self._channel.setblocking(False)
        self._frames = Frames()
        self._unsent = bytearray(encode(pickle.dumps((sys.argv, self._kinship))))
        self._surroundings = b""
        self.idle_since = 0.0
        self.is_new = True
        _all.add(self)

    @property
    def is_usable(self) -> bool:
        """Whether it lives, and would be started in the same way today."""
        return self._kinship == kinship() and self._process.poll() is None

    @property
    def has_unsent(self) -> bool:
        """Whether its end of the channel was full."""
        return bool(self._unsent)

    def fileno(self) -> int:
        """The channel, for a selector."""
        return self._channel.fileno()

    def send(self, surroundings: bytes, data: bytes, attempt: int, token: int) -> None:
        """Hands over an errand. That the process is gone shows when its answer is read."""
        changed = b"" if surroundings == self._surroundings else surroundings
        self._surroundings = surroundings
        self._unsent += encode(ERRAND.pack(attempt, token, len(changed)), changed, data)
        with suppress(OSError):
            self.send_rest()

    def send_rest(self) -> None:
        """Sends what the channel had no room for. Raises `OSError` when the process is gone."""
        with suppress(BlockingIOError):
            while self._unsent:
                del self._unsent[: self._channel.send(self._unsent)]

    def receive(self) -> bytes | None:
        """What came of the errand, once all of it is there. Raises `EOFError` when the process has ended, and
        `ConnectionError` when it had not even read what it was to do."""
        try:
            content = self._channel.recv(_PIECE)
        except BlockingIOError:
            return None
        if not content:
            if self._unsent:
                raise ConnectionError("the process has ended")
            raise EOFError
        self._frames.feed(content)
        return self._frames.next()

    def exit_code(self) -> int:
        """How a process has ended whose channel is closed: its exit code, or a signal's number below zero."""
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()
        finally:
            self._channel.close()

    def dismiss(self) -> None:
        """Ends the process in order, once it is idle."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)

    def has_ended(self, patience: float = 0.0) -> bool:
        """Whether the process is gone, after so many seconds at most."""
        if patience > 0.0:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        if self._process.poll() is None:
            return False
        self._channel.close()
        return True

    def kill(self) -> None:
        """Ends the process now."""
        self._process.kill()


def kinship() -> tuple[bytes | None, int | None]:
    """What processes of `multiprocessing` share with their parent: the key to its managers, and its tracker of shared
    memory, without which a process that ends takes along what it looked at. `None` for what is not in use."""
    process = sys.modules.get("multiprocessing.process")
    tracking = sys.modules.get("multiprocessing.resource_tracker")
    key = None if process is None else bytes(process.current_process().authkey)
    return key, None if tracking is None else tracking._resource_tracker._fd


def _spawn(channel: int, tracker: int | None) -> subprocess.Popen[bytes]:
    """Starts an interpreter with the same path. Ctrl-C is held off until it has said that it does not care."""
    path = [str(entry) for entry in sys.path]
    program = _PROGRAM.format(path=path, channel=channel, parent=os.getpid())
    kept = (channel,) if tracker is None else (channel, tracker)
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(
            [sys.executable, *["-O"] * sys.flags.optimize, "-c", program], stdin=subprocess.DEVNULL, pass_fds=kept
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


_all: weakref.WeakSet[Worker] = weakref.WeakSet()


def _forget() -> None:
    """A forked child has no workers: they are its parent's, and end with that."""
    for worker in list(_all):
        worker._channel.close()
    _all.clear()


os.register_at_fork(after_in_child=_forget)
