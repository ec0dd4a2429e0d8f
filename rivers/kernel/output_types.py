"""The check of a returned value against its annotation: shallow, on the container only."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

from rivers.definitions.results import DynamicOutput, Materialization, Observation, Output
from rivers.errors import AssetOutputValidationError

Check = Callable[[object], bool]

_UNCHECKED = (
    Any,
    object,
    None,
    type(None),
    Output,
    Materialization,
    Observation,
    DynamicOutput,
    inspect.Parameter.empty,
)


def check_of(annotation: Any) -> Check | None:
    """A predicate for values of this annotation; `None` when every value passes."""
    classes: list[type] = []
    literals: list[object] = []
    if _is_unchecked(annotation) or not _collect(annotation, classes, literals):
        return None
    allowed = tuple(classes)
    try:
        isinstance(None, allowed)
    except TypeError:  # a protocol that cannot be checked at run time
        return None
    if not literals:
        return lambda value: isinstance(value, allowed)
    return lambda value: (
        isinstance(value, allowed) or any(type(value) is type(one) and value == one for one in literals)
    )


def refuse(node: str, value: object, annotation: Any) -> AssetOutputValidationError:
    """The error for a value that does not pass."""
    return AssetOutputValidationError(
        f"Asset '{node}' returned value of type '{type(value).__name__}' but expected '{text_of(annotation)}'"
    )


def text_of(annotation: Any) -> str:
    """An annotation as authors write it."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _collect(annotation: Any, classes: list[type], literals: list[object]) -> bool:
    """Adds what the annotation allows; `False` when that is everything."""
    if annotation is None:
        classes.append(type(None))
        return True
    origin = get_origin(annotation)
    if origin is Union or origin is types.UnionType:
        return all(
            _collect(member, classes, literals) for member in get_args(annotation) if not _is_none(member, classes)
        )
    if origin is Literal:
        literals.extend(get_args(annotation))
        return True
    if origin is Annotated:
        return _collect(get_args(annotation)[0], classes, literals)
    if origin is not None:
        annotation = origin
    if hasattr(annotation, "__supertype__"):  # a NewType
        return _collect(annotation.__supertype__, classes, literals)
    if hasattr(annotation, "__value__"):  # a type alias of Python 3.12
        return _collect(annotation.__value__, classes, literals)
    if typing.is_typeddict(annotation):
        annotation = dict
    if isinstance(annotation, (str, ForwardRef, TypeVar)) or not isinstance(annotation, type):
        return False
    if _is_unchecked(annotation):
        return False
    classes.append(annotation)
    return True


def _is_none(member: Any, classes: list[type]) -> bool:
    if member is None or member is type(None):
        classes.append(type(None))
        return True
    return False


def _is_unchecked(annotation: Any) -> bool:
    return any(annotation is one for one in _UNCHECKED)
