"""Types of arguments, checked where an author or a caller hands them over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def instances(name: str, values: Any, kind: type[T]) -> tuple[T, ...]:
    """A sequence of instances of one class, or nothing."""
    if values is None:
        return ()
    if isinstance(values, (str, Mapping)) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a sequence of {kind.__name__}, not {type(values).__name__}")
    for value in values:
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a sequence of {kind.__name__}, got {type(value).__name__}")
    return tuple(values)


def mapping(name: str, values: Any, kind: type[T]) -> dict[str, T]:
    """A dict of names to instances of one class, or nothing."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise TypeError(f"{name} must be a dict, not {type(values).__name__}")
    for key, value in values.items():
        if not isinstance(key, str):
            raise TypeError(f"{name} must have str keys, got {type(key).__name__}")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise TypeError(f"{name}[{key!r}] must be {kind.__name__}, not {type(value).__name__}")
    return dict(values)


def optional(name: str, value: Any, kind: type[Any] | tuple[type[Any], ...]) -> Any:
    """An instance of one of the classes, or nothing."""
    if value is not None and not isinstance(value, kind):
        names = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise TypeError(f"{name} must be {names} or None, not {type(value).__name__}")
    return value


def names(name: str, value: Any) -> None:
    """Node names, or nothing for all of them."""
    if value is None:
        return
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list of str, not {type(value).__name__}")
    for entry in value:
        if not isinstance(entry, str):
            raise TypeError(f"{name} must be a list of str, got {type(entry).__name__}")


def tags(value: Any) -> tuple[tuple[str, str], ...]:
    """Tags, in their order, repeated keys included."""
    if value is None:
        return ()
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise TypeError(f"tags must be a list of (str, str) pairs, not {type(value).__name__}")
    for tag in value:
        if not (isinstance(tag, (tuple, list)) and len(tag) == 2 and all(isinstance(part, str) for part in tag)):
            raise TypeError(f"tags must be a list of (str, str) pairs, got {tag!r}")
    return tuple((key, text) for key, text in value)


def whole(name: str, value: Any) -> int:
    """An integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    return value
