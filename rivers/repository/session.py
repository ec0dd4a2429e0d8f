"""A resolved repository in this process: its storage, the values in its memory, and the runs that it executes.

The only place where definitions, driver and storage meet.
"""

from __future__ import annotations

from typing import Any

from rivers.definitions.binding import BoundRepository
from rivers.io_handlers.memory import InMemoryIOHandler
from rivers.repository.storage import Storage
from rivers.storage import assets, pools
from rivers.storage.assets import AssetRow
from rivers.storage.pools import PoolRow

Tags = tuple[tuple[str, str], ...]


class Session:
    """One repository with one storage."""

    def __init__(self, bound: BoundRepository, storage: Storage | None) -> None:
        if storage is not None and not isinstance(storage, Storage):
            raise TypeError(f"storage must be a Storage or None, not {type(storage).__name__}")
        self.bound = bound
        self.storage = Storage.memory() if storage is None else storage
        self.memory_handler = InMemoryIOHandler()

    def register(self) -> None:
        """Writes asset records and pools to the storage."""
        rows = []
        claimed: dict[str, None] = {}
        for step in self.bound.snapshot.steps:
            claims = tuple((claim.pool, claim.slots) for claim in step.pools)
            claimed |= dict.fromkeys(pool for pool, _ in claims)
            rows += [
                AssetRow(
                    output.name,
                    tags=output.tags,
                    kinds=output.kinds,
                    group=output.group,
                    code_version=output.code_version,
                    pools=claims,
                )
                for output in step.outputs
                if output.is_asset
            ]
        limits = dict(self.bound.snapshot.pool_limits)
        with self.storage.database.transaction() as connection:
            assets.define(connection, rows)
            for pool, limit in limits.items():
                pools.set_limit(connection, PoolRow(pool, limit))
            pools.register(connection, [pool for pool in claimed if pool not in limits])

    def handler_for(self, node: str) -> Any:
        """The handler that stores a node."""
        handler = self.bound.handler_for(node)
        return self.memory_handler if handler is None else handler
