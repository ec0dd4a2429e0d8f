"""Static partitions: a list of keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rivers.errors import PartitionDefinitionError
from rivers.partitions.axis import ListedAxis
from rivers.partitions.definition import PartitionsDefinition, Registered, variant
from rivers.partitions.grid import Grid
from rivers.partitions.key_format import RESERVED


class StaticPartitions(PartitionsDefinition):
    """Keys in the order in which they were given."""

    __slots__ = ("_axis", "_keys")
    __match_args__ = ("keys",)
    _keys: tuple[str, ...]
    _axis: ListedAxis

    def __init__(self, keys: Sequence[str]) -> None:
        if isinstance(keys, str) or not isinstance(keys, Sequence) or not all(isinstance(key, str) for key in keys):
            raise TypeError("static partition keys must be a list of str")
        object.__setattr__(self, "_keys", tuple(dict.fromkeys(keys)))
        object.__setattr__(self, "_axis", ListedAxis(self._keys))

    @property
    def keys(self) -> list[str]:
        """The keys."""
        return list(self._keys)

    def grid(self, now: datetime, registered: Registered | None = None) -> Grid:
        return Grid((self._axis,))

    def check(self) -> None:
        if not self._keys:
            raise PartitionDefinitionError("Static partitions must have at least one key")
        for key in self._keys:
            if not key:
                raise PartitionDefinitionError("static partition keys must not be empty")
            for character in RESERVED:
                if character in key:
                    raise PartitionDefinitionError(
                        f"partition key '{key}' contains reserved character '{character}' "
                        "(used by the canonical display form)"
                    )

    def _content(self) -> tuple[Any, ...]:
        return (self._keys,)

    def __reduce__(self) -> tuple[object, ...]:
        return StaticPartitions, (self._keys,)

    def __repr__(self) -> str:
        return f"PartitionsDefinition.static_({list(self._keys)!r})"


variant("Static")(StaticPartitions)
