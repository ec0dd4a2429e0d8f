"""The partitions that a step works on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey


class PartitionContext:
    """The concrete keys of one step, one a partition, and their definition."""

    __slots__ = ("_definition", "_keys")

    def __init__(self, keys: Sequence[PartitionKey], definition: PartitionsDefinition) -> None:
        self._keys = list(keys)
        self._definition = definition
        if not self._keys:
            raise ValueError("PartitionContext keys must not be empty")
        if not all(isinstance(key, PartitionKey) for key in self._keys):
            raise TypeError("PartitionContext keys must be PartitionKey instances")

    @property
    def keys(self) -> list[PartitionKey]:
        """All keys."""
        return list(self._keys)

    @property
    def key(self) -> PartitionKey:
        """The first key."""
        return self._keys[0]

    @property
    def definition(self) -> PartitionsDefinition:
        """The definition that the keys belong to."""
        return self._definition

    def time_window(self) -> tuple[datetime, datetime] | None:
        """Start and end of the key's window, end exclusive; `None` for several keys and for what is no window."""
        key = self._keys[0]
        if len(self._keys) > 1 or not isinstance(key, PartitionKey.Single) or len(key.key) > 1:
            return None
        return self._definition.window_of(key.key[0]) if isinstance(self._definition, PartitionsDefinition) else None

    def __repr__(self) -> str:
        return f"PartitionContext(keys={self._keys!r}, definition={self._definition!r})"
