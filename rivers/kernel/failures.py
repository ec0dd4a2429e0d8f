"""Exceptions as data."""

from __future__ import annotations

from rivers.kernel.tracebacks import forget_callers, text_of, traceback_of
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import FailureReason

_WORKER_DEATH = "concurrent.futures.process.BrokenProcessPool"
_CANCELLATION = frozenset(("asyncio.exceptions.CancelledError", "concurrent.futures._base.CancelledError"))


def failure_of(exception: BaseException) -> Failure:
    """Why, as events carry it: reason, "<Type>: <text>", qualified class names, traceback from the author's code on."""
    forget_callers(exception)
    types = qualified_names(type(exception))
    return Failure(_reason(exception, types), message_of(exception), types, traceback_of(exception))


def message_of(exception: BaseException) -> str:
    """ "<Type>: <text>"."""
    return f"{type(exception).__name__}: {text_of(exception)}"


def qualified_names(kind: type) -> tuple[str, ...]:
    """A class and its bases, most derived first, as `module.Class`."""
    return tuple(f"{cls.__module__}.{cls.__qualname__}" for cls in kind.__mro__)


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
