"""Exceptions on their way to another process.

An exception travels as its class, arguments, attributes and chain, and is put together there without its own
constructor: that may want other arguments than the exception kept, or would change its message once more.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from typing import Any

#: What a subclass in Python may add to the size of an exception: the list of its weak references.
_WEAK_REFERENCES = 8


def reduced(error: BaseException) -> tuple[Any, ...] | None:
    """How pickle takes the exception along; `None` when its class has a way of its own."""
    kind = type(error)
    root = _root(kind)
    if root is None:
        return None
    described: Any = root.__reduce__(error)
    state = (*_attributes(error, *described[2:]), _chain(error))
    return _restored, (kind, root, described[1]), state, None, None, _fill


def portable(error: BaseException, travels: Callable[[object], bool]) -> BaseException | None:
    """The exception, or one of its class with whatever of it can travel; `None` when not even that can."""
    if travels(error):
        return error
    kind = type(error)
    root = _root(kind)
    if root is None:
        return None
    copy = _restored(kind, root, tuple(one if travels(one) else str(one) for one in error.args))
    copy.__dict__.update({name: value for name, value in error.__dict__.items() if travels(value)})
    cause, context, suppress = _chain(error)
    _link(copy, cause if travels(cause) else None, context if travels(context) else None, suppress)
    return copy if travels(copy) else None


def annotate(error: BaseException, note: str) -> None:
    """Adds a note, also to an exception whose class lets nobody change it."""
    _set(error, "__notes__", [*getattr(error, "__notes__", ()), note])


def _root(kind: type[BaseException]) -> type[BaseException] | None:
    """The built-in class that the exception is made of; `None` when its class keeps what Python cannot see."""
    root: Any = kind
    while root.__module__ != builtins.__name__:
        root = root.__base__
    has_own_way = (
        kind.__reduce__ is not root.__reduce__
        or kind.__reduce_ex__ is not root.__reduce_ex__
        or kind.__setstate__ is not root.__setstate__
        or kind.__basicsize__ > root.__basicsize__ + _WEAK_REFERENCES
    )
    return None if has_own_way else root


def _attributes(error: BaseException, fields: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    """What the author has set, and what the built-in class keeps beside."""
    own = dict(error.__dict__)
    return own, {name: value for name, value in (fields or {}).items() if name not in own}


def _chain(error: BaseException) -> tuple[BaseException | None, BaseException | None, bool]:
    return error.__cause__, error.__context__, error.__suppress_context__


def _restored(kind: type[BaseException], root: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """An exception of that class, without attributes."""
    try:
        error = root.__new__(kind, *arguments)
        root.__init__(error, *arguments)
    except (TypeError, ValueError):  # the author has replaced `args`
        error = root.__new__(kind)
        error.args = arguments
    return error


def _fill(error: BaseException, state: tuple[Any, ...]) -> None:
    own, fields, chain = state
    error.__dict__.update(own)
    error.__setstate__(fields)
    _link(error, *chain)


def _link(error: BaseException, *chain: object) -> None:
    for name, value in zip(("__cause__", "__context__", "__suppress_context__"), chain, strict=True):
        _set(error, name, value)


def _set(error: BaseException, name: str, value: object) -> None:
    object.__setattr__(error, name, value)  # an author's class may be frozen
