"""Dynamic partitions: keys that are added and removed while programs run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rivers.errors import ExecutionError, PartitionDefinitionError
from rivers.partitions.axis import Axis, ListedAxis, UnlistedAxis
from rivers.partitions.definition import PartitionsDefinition, Registered, variant
from rivers.partitions.grid import Grid
from rivers.partitions.key import PartitionKey


class DynamicPartitions(PartitionsDefinition):
    """Keys that the storage has under a name."""

    __slots__ = ("_name",)
    __match_args__ = ("name",)
    _name: str

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of dynamic partitions must be a str, not {type(name).__name__}")
        object.__setattr__(self, "_name", name)

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    def grid(self, now: datetime, registered: Registered | None = None) -> Grid:
        axis: Axis = UnlistedAxis() if registered is None else ListedAxis(registered.get(self._name, ()), self._name)
        return Grid((axis,))

    def validate_partition_key(self, key: PartitionKey) -> bool:
        """Which keys there are is looked up when a run is launched; until then each may be one."""
        return isinstance(key, PartitionKey)

    def check(self) -> None:
        if not self._name:
            raise PartitionDefinitionError("dynamic partitions need a name that is not empty")

    def dynamic_names(self) -> Iterator[str]:
        yield self._name

    def _content(self) -> tuple[Any, ...]:
        return (self._name,)

    def __reduce__(self) -> tuple[object, ...]:
        return DynamicPartitions, (self._name,)

    def __repr__(self) -> str:
        return f"PartitionsDefinition.dynamic({self._name!r})"


def unregistered_key(value: str, name: str, asset: str) -> ExecutionError:
    """The error about a key that an asset's dynamic definition of this name does not have."""
    return ExecutionError(
        f"Invalid partition_key '{value}' for asset '{asset}': not a registered dynamic partition key of "
        f"namespace '{name}'. Register it with add_dynamic_partitions(\"{name}\", [...]) first.",
        asset=asset,
    )


variant("Dynamic")(DynamicPartitions)
