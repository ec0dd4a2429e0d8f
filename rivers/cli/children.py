"""Child processes side by side: their output line by line, their end in order.

One thread and no threads beside it: pipes and signals are waited for together.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

#: Seconds that a child has after it was urged.
_URGENCY = 5.0
_PR_SET_PDEATHSIG = 1


class Child:
    """One child process."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.process = process
        self._rest = b""

    def take(self, data: bytes) -> list[str]:
        """The lines that are complete now; at the end of the output also what has no end of line."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines, self._rest = [*lines, self._rest], b""
        return [line.decode("utf-8", "backslashreplace").rstrip("\r") for line in lines]


class Children:
    """Children in the order in which they were started. `show` is called with a child's name and a line of it.

    The first SIGINT or SIGTERM asks them to end, last started first; a second one urges them, and kills who is still
    there soon after; a third one kills at once.
    """

    def __init__(self, show: Callable[[str, str], None]) -> None:
        self._show = show
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._wakes, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wakes, False)
        self._selector.register(self._wakes, selectors.EVENT_READ)
        self._old_wakeup = signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        self._old_handlers = {
            number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
        }

    @property
    def is_asked_to_end(self) -> bool:
        """Whether a signal came."""
        return self._signals > 0

    def start(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Starts a child in a session of its own, so that Ctrl-C reaches it through us; it dies when we do."""
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        child = Child(name, process)
        self._children.append(child)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)
        return child

    def until(self, met: Callable[[str, str], bool]) -> bool:
        """Shows output until a line meets the condition; False when a child ended or a signal came first."""
        while not self.is_asked_to_end:
            for child, lines in self._read(None):
                if any(met(child.name, line) for line in lines):
                    return True
            if self._ended() is not None:
                return False
        return False

    def until_one_ends(self) -> Child | None:
        """Shows output until a child ends, which is returned, or a signal comes."""
        while not self.is_asked_to_end:
            ended = self._ended()
            if ended is not None:
                return ended
            self._read(None)
        return None

    def end(self) -> None:
        """Ends the children one after another, last started first, and shows what they still say."""
        for child in reversed(self._children):
            self._send(child, signal.SIGTERM)
            urged_at: float | None = None
            while child.process.poll() is None:
                if self._signals > 1 and urged_at is None:
                    urged_at = time.monotonic()
                    self._send(child, signal.SIGTERM)
                if self._signals > 2 or (urged_at is not None and time.monotonic() > urged_at + _URGENCY):
                    self._send(child, signal.SIGKILL)
                self._read(0.2)
            self._read(0)

    def close(self) -> None:
        """Kills what is left and puts signals back as they were."""
        for child in self._children:
            self._send(child, signal.SIGKILL)
            child.process.wait()
            if child.process.stdout is not None:
                child.process.stdout.close()
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._wakes)
        os.close(self._woken)

    def _read(self, timeout: float | None) -> list[tuple[Child, list[str]]]:
        """Shows what came."""
        came = []
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                os.read(self._wakes, 1024)
                continue
            child: Child = key.data
            data = os.read(key.fd, 65536)
            if not data:
                self._selector.unregister(key.fileobj)
            lines = child.take(data)
            for line in lines:
                self._show(child.name, line)
            came.append((child, lines))
        return came

    def _ended(self) -> Child | None:
        """A child that has ended, its output shown; its own children may still hold the pipe."""
        for child in self._children:
            if child.process.poll() is not None:
                while self._read(0):
                    pass
                return child
        return None

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signals += number != signal.SIGCHLD

    def _send(self, child: Child, number: signal.Signals) -> None:
        if child.process.poll() is None:
            child.process.send_signal(number)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
