"""The function of a schedule or sensor."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from rivers.definitions.signature import Signature
from rivers.errors import DefinitionError


class EvaluationFunction:
    """A function with what it takes; `noun` and `error` are for the message about something else."""

    __slots__ = ("function", "is_async", "signature")

    def __init__(self, function: Any, noun: str, error: type[DefinitionError]) -> None:
        if not callable(function):
            raise error(f"{noun} wraps a function, not {type(function).__name__}")
        try:
            self.signature = Signature(function)
        except ValueError as unreadable:
            raise error(f"{noun}: the parameters of {function!r} cannot be read: {unreadable}") from None
        self.function: Callable[..., Any] = function
        self.is_async = inspect.iscoroutinefunction(function)

    @property
    def name(self) -> str | None:
        """The function's own name."""
        return getattr(self.function, "__name__", None)
