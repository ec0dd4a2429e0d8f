"""What a function takes and returns, read once when it is declared."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import CodeType, FrameType
from typing import Any

EMPTY = inspect.Parameter.empty

_IGNORED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_compiled: dict[str, CodeType | None] = {}


class Signature:
    """A function's parameters, without `*args` and `**kwargs`, and its return annotation.

    Annotations written as text are resolved when asked for; one that cannot be resolved stays text. Those of a function
    within a function are resolved at once, while the names around it can still be seen.
    """

    __slots__ = ("_namespace", "_resolved", "parameters", "return_annotation")

    def __init__(self, function: Callable[..., Any]) -> None:
        signature = inspect.signature(function)
        self.parameters = tuple(
            parameter for parameter in signature.parameters.values() if parameter.kind not in _IGNORED
        )
        self.return_annotation = signature.return_annotation
        self._resolved: dict[str, Any] = {}
        original = _original(function)
        self._namespace: dict[str, Any] = getattr(original, "__globals__", {})
        if "<locals>" in getattr(original, "__qualname__", ""):
            self._look_around(original)

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return [parameter.name for parameter in self.parameters]

    def resolve(self, annotation: Any) -> Any:
        """The annotation itself, or what its text stands for."""
        if not isinstance(annotation, str):
            return annotation
        if annotation in self._resolved:
            return self._resolved[annotation]
        return _evaluate(annotation, self._namespace)

    def _look_around(self, function: Callable[..., Any]) -> None:
        annotations = {parameter.annotation for parameter in self.parameters if isinstance(parameter.annotation, str)}
        if isinstance(self.return_annotation, str):
            annotations.add(self.return_annotation)
        unknown = {text for text in annotations if isinstance(_evaluate(text, self._namespace), str)}
        frame: FrameType | None = sys._getframe(1)
        while unknown and frame is not None:  # outwards, through the functions of the same module
            if frame.f_globals is self._namespace:
                around = frame.f_locals
                seen = {text: _evaluate(text, self._namespace, around) for text in unknown}
                self._resolved |= {text: value for text, value in seen.items() if not isinstance(value, str)}
                unknown -= self._resolved.keys()
            frame = frame.f_back


def _original(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, partial):
        function = function.func
    original: Callable[..., Any] = inspect.unwrap(function)
    return original


def _evaluate(text: str, namespace: dict[str, Any], around: Mapping[str, Any] | None = None) -> Any:
    """What the text stands for; the text itself when that cannot be found out."""
    if text not in _compiled:
        try:
            _compiled[text] = compile(text, "<annotation>", "eval")
        except SyntaxError:
            _compiled[text] = None
    code = _compiled[text]
    if code is None:
        return text
    try:
        value = eval(code, namespace, around)
    except Exception:  # an annotation may name anything, also what only type checkers import
        return text
    if isinstance(value, str) and text[0] in "\"'":  # quoted by its author in a module whose annotations are all text
        return _evaluate(value, namespace, around)
    return value
