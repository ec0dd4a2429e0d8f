"""Ranges of partition keys, both ends included. What they select depends on the definition that they are used with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn, TypeAlias

from rivers.errors import PartitionDefinitionError

Dimension: TypeAlias = "tuple[str, str] | list[str]"


class PartitionKeyRange:
    """From one key to another, or for several dimensions each a pair (range) or a list (keys). Made by `single` and
    `multi`; a dimension that is left out means all its keys."""

    __slots__ = ("_dimensions", "_from_key", "_to_key")
    _from_key: str
    _to_key: str
    _dimensions: dict[str, Dimension] | None

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError(
            "PartitionKeyRange has no constructor: use PartitionKeyRange.single(...) or PartitionKeyRange.multi(...)"
        )

    @staticmethod
    def single(from_key: str, to_key: str) -> PartitionKeyRange:
        """From one key to another; the definition's order counts."""
        for name, value in (("from_key", from_key), ("to_key", to_key)):
            if not isinstance(value, str):
                raise TypeError(f"{name} must be a str, not {type(value).__name__}")
        return _make(from_key, to_key, None)

    @staticmethod
    def multi(dimensions: Mapping[str, tuple[str, str] | list[str]]) -> PartitionKeyRange:
        """Per dimension a pair (range) or a list (keys)."""
        if not isinstance(dimensions, Mapping):
            raise TypeError(f"dimensions must be a dict, not {type(dimensions).__name__}")
        if not dimensions:
            raise PartitionDefinitionError("dimensions dict must not be empty")
        return _make("", "", {name: _dimension(name, value) for name, value in dimensions.items()})

    @property
    def from_key(self) -> str:
        """The first key of a single range; empty for one of several dimensions."""
        return self._from_key

    @property
    def to_key(self) -> str:
        """The last key of a single range; empty for one of several dimensions."""
        return self._to_key

    @property
    def dimensions(self) -> dict[str, tuple[str, str] | list[str]] | None:
        """What is selected of each dimension; `None` for a single range."""
        return None if self._dimensions is None else dict(self._dimensions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PartitionKeyRange):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        if self._dimensions is None:
            return hash((self._from_key, self._to_key))
        return hash(frozenset((name, tuple(value)) for name, value in self._dimensions.items()))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a partition key range cannot be changed: {name!r} is read-only")

    def __reduce__(self) -> tuple[object, ...]:
        return _make, self._content()

    def __repr__(self) -> str:
        if self._dimensions is None:
            return f"PartitionKeyRange.single({_quote(self._from_key)}, {_quote(self._to_key)})"
        inner = ", ".join(f"{_quote(name)}: {_text(value)}" for name, value in self._dimensions.items())
        return f"PartitionKeyRange.multi({{{inner}}})"

    def _content(self) -> tuple[str, str, dict[str, Dimension] | None]:
        return self._from_key, self._to_key, self._dimensions


def _make(from_key: str, to_key: str, dimensions: dict[str, Dimension] | None) -> PartitionKeyRange:
    made = object.__new__(PartitionKeyRange)
    for name, value in (("_from_key", from_key), ("_to_key", to_key), ("_dimensions", dimensions)):
        object.__setattr__(made, name, value)
    return made


def _dimension(name: object, value: object) -> Dimension:
    if not isinstance(name, str):
        raise TypeError(f"dimension names must be str, got {type(name).__name__}")
    if not isinstance(value, (tuple, list)) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"dimension '{name}': expected (str, str) tuple or list[str], got {type(value).__name__}")
    if isinstance(value, tuple) and len(value) == 2:
        return (value[0], value[1])
    return list(value)


def _text(value: Dimension) -> str:
    inner = ", ".join(map(_quote, value))
    return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
