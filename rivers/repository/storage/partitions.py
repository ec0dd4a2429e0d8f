"""Dynamic partitions and materialized ones, as users see them."""

from __future__ import annotations

import asyncio
import warnings

from rivers.partitions.key import PartitionKey
from rivers.repository import arguments
from rivers.repository.storage.opened import Opened
from rivers.storage import events, partitions


class PartitionReads(Opened):
    """Keys of dynamic definitions, and which partitions have been materialized."""

    __slots__ = ()

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: list[str]) -> None:
        """Adds keys; those that are there are ignored, and one that is refused refuses them all."""
        keys = arguments.instances("partition_keys", partition_keys, str)
        with self.database.transaction() as connection:
            partitions.add(connection, partitions_def_name, keys)

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """Removes a key; its materializations stay."""
        with self.database.transaction() as connection:
            partitions.delete_key(connection, partitions_def_name, partition_key)

    def get_dynamic_partitions(self, partitions_def_name: str) -> list[str]:
        """The keys, sorted."""
        keys = self._dynamic_keys(partitions_def_name)
        if not keys:
            warnings.warn(_unknown(partitions_def_name), UserWarning, stacklevel=2)
        return keys

    def _dynamic_keys(self, partitions_def_name: str) -> list[str]:
        with self.database.read() as connection:
            return partitions.keys(connection, partitions_def_name)

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Whether the key is there."""
        with self.database.read() as connection:
            return partitions.has(connection, partitions_def_name, partition_key)

    def get_materialized_partitions(self, asset_key: str) -> list[PartitionKey]:
        """The concrete keys with a materialization."""
        with self._current() as connection:
            made = partitions.materialized(connection, asset_key)
            return made or events.partitions_made_by_step(connection, asset_key)

    def count_materialized_partitions(self, asset_key: str) -> int:
        """How many there are."""
        with self._current() as connection:
            count = partitions.count_materialized(connection, asset_key)
            return count or len(events.partitions_made_by_step(connection, asset_key))

    async def async_add_dynamic_partitions(self, partitions_def_name: str, partition_keys: list[str]) -> None:
        """`add_dynamic_partitions`, off the event loop."""
        await asyncio.to_thread(self.add_dynamic_partitions, partitions_def_name, partition_keys)

    async def async_delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """`delete_dynamic_partition`, off the event loop."""
        await asyncio.to_thread(self.delete_dynamic_partition, partitions_def_name, partition_key)

    async def async_get_dynamic_partitions(self, partitions_def_name: str) -> list[str]:
        """`get_dynamic_partitions`, off the event loop."""
        keys = await asyncio.to_thread(self._dynamic_keys, partitions_def_name)
        if not keys:
            warnings.warn(_unknown(partitions_def_name), UserWarning, stacklevel=2)
        return keys

    async def async_has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """`has_dynamic_partition`, off the event loop."""
        return await asyncio.to_thread(self.has_dynamic_partition, partitions_def_name, partition_key)


def _unknown(name: str) -> str:
    return f"no dynamic partitions are known under the name '{name}'"
