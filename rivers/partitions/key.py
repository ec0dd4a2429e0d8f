"""Partition keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, NoReturn, TypeAlias

from rivers.errors import PartitionDefinitionError


class PartitionKey:
    """One partition key, or several that are handled together. Made by `single` and `multi`.

    Keys compare and hash by what they select: the order of values and of dimensions does not matter.
    """

    __slots__ = ()

    Single: TypeAlias = "SingleKey"
    Multi: TypeAlias = "MultiKey"
    Set: TypeAlias = "KeySet"

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("PartitionKey has no constructor: use PartitionKey.single(...) or PartitionKey.multi(...)")

    @staticmethod
    def single(key: str | list[str]) -> PartitionKey.Single:
        """A key of one dimension, with one value or several."""
        return SingleKey(key)

    @staticmethod
    def multi(keys: Mapping[str, str | list[str]]) -> PartitionKey.Multi:
        """A key of several dimensions, each with one value or several."""
        return MultiKey(keys)

    @staticmethod
    def from_json(s: str) -> PartitionKey:
        """The key whose `to_json` this is."""
        try:
            return _from_plain(json.loads(s))
        except (ValueError, TypeError, PartitionDefinitionError) as error:
            raise PartitionDefinitionError(f"invalid partition key JSON: {error}") from None

    def to_json(self) -> str:
        """JSON text: `{"single":["a"]}` or `{"multi":{"d":["1","2"]}}`."""
        return json.dumps(self._plain(), ensure_ascii=False, separators=(",", ":"))

    def expand(self) -> list[PartitionKey]:
        """The concrete keys, one a partition: of several values each by itself, of dimensions their product."""
        raise NotImplementedError

    def _plain(self) -> dict[str, Any]:
        raise NotImplementedError

    def _identity(self) -> object:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, PartitionKey)
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a partition key cannot be changed: {name!r} is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a partition key cannot be changed: {name!r} is read-only")


class SingleKey(PartitionKey):
    """A key of one dimension."""

    __slots__ = ("key",)
    __match_args__ = ("key",)
    key: list[str]

    def __init__(self, key: str | list[str]) -> None:
        values = _values(key)
        if not values:
            raise PartitionDefinitionError("partition key list must not be empty")
        object.__setattr__(self, "key", values)

    def expand(self) -> list[PartitionKey]:
        return [SingleKey(value) for value in self.key]

    def _plain(self) -> dict[str, Any]:
        return {"single": self.key}

    def _identity(self) -> object:
        return self.key[0] if len(self.key) == 1 else tuple(sorted(self.key))

    def __reduce__(self) -> tuple[object, ...]:
        return SingleKey, (self.key,)

    def __str__(self) -> str:
        return ",".join(self.key)

    def __repr__(self) -> str:
        return f"PartitionKey({_quoted(self.key)})"


class MultiKey(PartitionKey):
    """A key of several dimensions; `keys` holds them in alphabetical order."""

    __slots__ = ("keys",)
    __match_args__ = ("keys",)
    keys: dict[str, list[str]]

    def __init__(self, keys: Mapping[str, str | list[str]]) -> None:
        if not isinstance(keys, Mapping):
            raise TypeError("expected a dict of dimension name to str or list[str]")
        if not keys:
            raise PartitionDefinitionError("PartitionKey dict must have at least one dimension")
        dimensions = {}
        for name in sorted(keys):
            values = _values(keys[name])
            if not isinstance(name, str):
                raise TypeError("expected dimension names of type str")
            if not values:
                raise PartitionDefinitionError(f"partition key list for dimension {name!r} must not be empty")
            dimensions[name] = values
        object.__setattr__(self, "keys", dimensions)

    def expand(self) -> list[PartitionKey]:
        return [
            MultiKey(dict(zip(self.keys, values, strict=True)))  # the product in the order of the dimensions
            for values in product(*self.keys.values())
        ]

    def _plain(self) -> dict[str, Any]:
        return {"multi": self.keys}

    def _identity(self) -> object:
        return tuple((name, tuple(sorted(values))) for name, values in self.keys.items())

    def __reduce__(self) -> tuple[object, ...]:
        return MultiKey, (self.keys,)

    def __str__(self) -> str:
        return "|".join(f"{name}={','.join(values)}" for name, values in self.keys.items())

    def __repr__(self) -> str:
        inner = ", ".join(f"{_quote(name)}: {_quoted(values)}" for name, values in self.keys.items())
        return f"PartitionKey({{{inner}}})"


class KeySet(PartitionKey):
    """Several keys of one run."""

    __slots__ = ("keys",)
    __match_args__ = ("keys",)
    keys: list[PartitionKey]

    def __init__(self, keys: Iterable[PartitionKey]) -> None:
        members = list(keys)
        if not members:
            raise PartitionDefinitionError("partition key list must not be empty")
        if not all(isinstance(member, PartitionKey) for member in members):
            raise TypeError("expected a list of PartitionKey")
        object.__setattr__(self, "keys", members)

    def expand(self) -> list[PartitionKey]:
        return [key for member in self.keys for key in member.expand()]

    def _plain(self) -> dict[str, Any]:
        return {"set": [member._plain() for member in self.keys]}

    def _identity(self) -> object:
        return frozenset(self.keys)

    def __reduce__(self) -> tuple[object, ...]:
        return KeySet, (self.keys,)

    def __str__(self) -> str:
        return ", ".join(map(str, self.keys))

    def __repr__(self) -> str:
        return f"PartitionKey.Set([{', '.join(map(repr, self.keys))}])"


for _name, _variant in (("Single", SingleKey), ("Multi", MultiKey), ("Set", KeySet)):
    _variant.__name__, _variant.__qualname__ = _name, f"PartitionKey.{_name}"
    setattr(PartitionKey, _name, _variant)


def _values(given: object) -> list[str]:
    if isinstance(given, str):
        return [given]
    if not isinstance(given, (list, tuple)) or not all(isinstance(value, str) for value in given):
        raise TypeError("expected str or list[str]")
    return list(given)


def _from_plain(plain: Any) -> PartitionKey:
    if not isinstance(plain, dict) or len(plain) != 1:
        raise ValueError("expected an object with one of the keys 'single', 'multi' and 'set'")
    ((kind, content),) = plain.items()
    if kind == "single" and isinstance(content, list):
        return SingleKey(content)
    if kind == "multi" and isinstance(content, dict) and all(isinstance(values, list) for values in content.values()):
        return MultiKey(content)
    if kind == "set" and isinstance(content, list):
        return KeySet([_from_plain(member) for member in content])
    raise ValueError(f"unexpected content of {kind!r}")


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _quoted(values: list[str]) -> str:
    return _quote(values[0]) if len(values) == 1 else f"[{', '.join(map(_quote, values))}]"
