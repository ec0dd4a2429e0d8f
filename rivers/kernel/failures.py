"""Exceptions as data."""

from __future__ import annotations

import os
from types import TracebackType

from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import FailureReason

_OWN = os.path.dirname(__file__)
_WORKER_DEATH = "concurrent.futures.process.BrokenProcessPool"
_CANCELLATION = frozenset(("asyncio.exceptions.CancelledError", "concurrent.futures._base.CancelledError"))


def failure_of(exception: BaseException) -> Failure:
    """Why, as events carry it: reason, "<Type>: <text>", qualified class names, traceback."""
    types = qualified_names(type(exception))
    return Failure(_reason(exception, types), message_of(exception), types, traceback_of(exception))


def message_of(exception: BaseException) -> str:
    """ "<Type>: <text>"."""
    try:
        text = str(exception)
    except Exception as error:  # an author's own __str__
        text = f"<{type(error).__name__} in __str__>"
    return f"{type(exception).__name__}: {text}"


def qualified_names(kind: type) -> tuple[str, ...]:
    """A class and its bases, most derived first, as `module.Class`."""
    return tuple(f"{cls.__module__}.{cls.__qualname__}" for cls in kind.__mro__)


def traceback_of(exception: BaseException) -> str:
    """The traceback as Python prints it, from the author's code on."""
    import traceback

    trace = _beyond(exception.__traceback__)
    try:
        return "".join(traceback.format_exception(type(exception), exception, trace))
    except Exception as error:  # an author's own __str__ or __repr__
        return f"{message_of(exception)} (no traceback: {type(error).__name__})\n"


def _beyond(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of the kernel at its top; all of it when there is nothing else."""
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename.startswith(_OWN):
        inner = inner.tb_next
    return inner or trace


def _reason(exception: BaseException, types: tuple[str, ...]) -> FailureReason:
    if isinstance(exception, MemoryError):
        return FailureReason.OUT_OF_MEMORY
    if isinstance(exception, TimeoutError):
        return FailureReason.TIMEOUT
    if not _CANCELLATION.isdisjoint(types):
        return FailureReason.CANCELLED
    if _WORKER_DEATH in types:
        return FailureReason.INFRASTRUCTURE
    return FailureReason.ERROR
