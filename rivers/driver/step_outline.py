"""What does not change of a step from call to call, packed once; a worker that has seen it unpacks it no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any

from rivers.definitions.binding import BoundStep
from rivers.kernel.references import dumps_by_name, loads, reference_of

#: A step as bytes, or as it is when it holds code that travels by value, which may hold anything.
Outline = bytes | BoundStep

_NAMED, _OTHER = "outline with its function", "outline"

#: Steps that a worker remembers.
_REMEMBERED = 2048


class Owner:
    """Stands for an asset or task in a worker: the names that contexts show."""

    def __init__(self, name: Any, group: Any, code_version: Any, hints: Mapping[str, Any]) -> None:
        self.name = name
        self.group = group
        self.code_version = code_version
        self.output_defs = [_Output(name, hint) for name, hint in hints.items()]


@dataclass(frozen=True, slots=True)
class _Output:
    name: str
    type_hint: Any


def outline_of(step: BoundStep) -> tuple[Outline, Callable[..., Any] | None]:
    """The outline, and the function where that is no part of it: code that travels by value has state of its own, so
    each call gets a copy of it as it is by then."""
    function = step.function
    is_named = type(function) is FunctionType and reference_of(function) is not None
    name = _NAMED if is_named else _OTHER
    outline: Outline | None = step.kept.get(name)
    if outline is None:
        whole = _travelling(step, function if is_named else None)
        outline = step.kept[name] = dumps_by_name(whole) or whole
    return outline, None if is_named else function


def whole_step(outline: Outline, function: Callable[..., Any] | None) -> BoundStep:
    """The step, in a worker."""
    step = _remembered(outline) if isinstance(outline, bytes) else outline
    if function is None:
        return step
    return BoundStep(
        step.definition, function, step.owner, step.parameters, step.return_annotation, {}, step.config_class, {}
    )


def _travelling(step: BoundStep, function: Callable[..., Any] | None) -> BoundStep:
    owner = step.owner
    hints = {one.name: one.type_hint for one in getattr(owner, "output_defs", ())}
    stand_in: Any = Owner(owner.name, getattr(owner, "group", None), getattr(owner, "code_version", None), hints)
    return BoundStep(
        step.definition, function, stand_in, step.parameters, step.return_annotation, {}, step.config_class, {}
    )


@lru_cache(maxsize=_REMEMBERED)
def _remembered(outline: bytes) -> BoundStep:
    step: BoundStep = loads(outline)
    return step
