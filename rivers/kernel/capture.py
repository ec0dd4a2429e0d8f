"""Captured output: what a step writes to stdout, stderr and Python logging, while the console still shows it.

The streams are replaced once for as long as anybody runs steps, not per step: the replacement asks a context variable
whose text it is. Text of a thread that a step started itself has no such variable; it goes to the only step that is
running, or, when there are several, to the console alone.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, Protocol

from rivers.lifecycle.states import LogStream


class Target(Protocol):
    """Takes what one step writes. Called from any thread of the step."""

    def write(self, stream: LogStream, text: str) -> None: ...


class Capture:
    """A target that keeps the text until it is taken."""

    __slots__ = ("_texts",)

    def __init__(self) -> None:
        self._texts: dict[LogStream, list[str]] = {}

    def write(self, stream: LogStream, text: str) -> None:
        self._texts.setdefault(stream, []).append(text)

    def take(self) -> list[tuple[LogStream, str]]:
        """What was written since the last time, by stream."""
        if not self._texts:
            return []
        taken = []
        for stream in sorted(self._texts):
            texts = self._texts[stream]
            count = len(texts)  # threads may append meanwhile
            text = "".join(texts[:count])
            del texts[:count]
            if text:
                taken.append((stream, text))
        return taken


_target: ContextVar[Target | None] = ContextVar("rivers_step_output", default=None)
_open: list[Target] = []
_lock = threading.Lock()
_format = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s").format
_call_handlers = logging.Logger.callHandlers


def begin(target: Target) -> Token[Target | None]:
    """From here on output of this context goes to the target."""
    _open.append(target)
    return _target.set(target)


def end(target: Target, token: Token[Target | None]) -> None:
    """Ends what `begin` began, in the same context."""
    _target.reset(token)
    _open.remove(target)


def is_capturing() -> bool:
    """Whether anybody takes what is written here."""
    return _current() is not None


def log(record: logging.LogRecord) -> None:
    """Captures a record of Python logging."""
    target = _current()
    if target is None:
        return
    try:
        text = _format(record)
    except Exception:  # arguments that do not fit their message, which logging itself reports
        text = str(record.msg)
    target.write(LogStream.LOGGING, text + "\n")


def pass_on(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Hands a record to the handlers without capturing it."""
    _call_handlers(logger, record)


@contextmanager
def installed() -> Iterator[None]:
    """Steps that run within are captured: stdout, stderr and logging."""
    tap_logging()
    streams = [(name, _acquire(name)) for name in ("stdout", "stderr")]
    try:
        yield
    finally:
        for name, tee in streams:
            _release(name, tee)


def tap_logging() -> None:
    """Captures records from now on, after the filters of their logger.

    No handler is added: one on the root logger would disable `logging.basicConfig` and the handler of last resort, and
    would miss what does not propagate.
    """
    if logging.Logger.callHandlers is _call_handlers:
        logging.Logger.callHandlers = _tap  # type: ignore[method-assign]


def _tap(self: logging.Logger, record: logging.LogRecord) -> None:
    log(record)
    _call_handlers(self, record)


def _current() -> Target | None:
    target = _target.get()
    if target is None and len(_open) == 1 and threading.current_thread() is not threading.main_thread():
        try:
            return _open[0]
        except IndexError:  # it ended this moment
            return None
    return target


class _Tee:
    """A text stream that also tells whoever captures."""

    def __init__(self, console: Any, stream: LogStream) -> None:
        self._console = console
        self._stream = stream
        self.users = 0

    def write(self, text: str) -> int:
        target = _current()
        if target is not None and text:
            target.write(self._stream, text)
        if self._console is not None:
            self._console.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._console is not None:
            self._console.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._console, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._console)


def _acquire(name: str) -> _Tee:
    with _lock:
        stream = getattr(sys, name)
        if not isinstance(stream, _Tee):
            stream = _Tee(stream, LogStream.STDOUT if name == "stdout" else LogStream.STDERR)
            setattr(sys, name, stream)
        stream.users += 1
        return stream


def _release(name: str, tee: _Tee) -> None:
    with _lock:
        tee.users -= 1
        if not tee.users and getattr(sys, name) is tee:
            setattr(sys, name, tee._console)
