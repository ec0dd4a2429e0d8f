"""Ctrl-C while a run is executed: the first lets running steps finish, the second interrupts them."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

_NOTICE = b"\nfinishing the steps that run; press Ctrl-C again to interrupt them\n"


class Interrupts:
    """Takes SIGINT over for the length of a `with` block, where Python's own handler had it."""

    __slots__ = ("_is_installed", "is_requested")

    def __init__(self) -> None:
        self.is_requested = False
        self._is_installed = False

    def __enter__(self) -> Interrupts:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._handle)
            self._is_installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_requested:
            raise KeyboardInterrupt
        self.is_requested = True
        os.write(2, _NOTICE)  # a buffered stream may be in the middle of a write
