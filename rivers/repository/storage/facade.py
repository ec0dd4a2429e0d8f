"""The public storage class: factories, and one part for each noun."""

from __future__ import annotations

import os
from pathlib import Path

from rivers.errors import StorageError
from rivers.repository.storage.assets import AssetReads
from rivers.repository.storage.events import EventReads
from rivers.repository.storage.kv import KeyValues
from rivers.repository.storage.logs import LogReads
from rivers.repository.storage.partitions import PartitionReads
from rivers.repository.storage.pools import PoolReads
from rivers.repository.storage.runs import RunReads
from rivers.repository.storage.statuses import StorageType
from rivers.repository.storage.ticks import TickReads
from rivers.storage.database import Database


class Storage(EventReads, LogReads, RunReads, AssetReads, PartitionReads, PoolReads, TickReads, KeyValues):
    """Keeps events, runs, asset records, partitions, pools and a key-value area. Safe to use from several threads."""

    __slots__ = ()

    @staticmethod
    def memory() -> Storage:
        """A new private storage, gone when it is dropped."""
        return Storage._over(Database.memory(), StorageType.Memory)

    @staticmethod
    def embedded(path: str | os.PathLike[str]) -> Storage:
        """The storage in a directory, which is made with its parents."""
        return Storage._over(Database.embedded(Path(os.fspath(path))), StorageType.Embedded)

    @staticmethod
    def connect(url: str | None = None) -> Storage:
        """The storage at a database URL, by default the one in `RIVERS_DATABASE_URL`."""
        return Storage._over(Database.connect(_url(url)), StorageType.Remote)

    @staticmethod
    def migrate_embedded(path: str | os.PathLike[str]) -> None:
        """Brings the database in a directory to this version's schema, and makes it when there is none."""
        from rivers.storage.migration import migrate_embedded

        migrate_embedded(Path(os.fspath(path)))

    @staticmethod
    def migrate_remote(url: str | None = None) -> None:
        """Brings the database at a URL to this version's schema."""
        from rivers.storage.migration import migrate

        migrate(_url(url))

    def __repr__(self) -> str:
        return f"<Storage {self.type.name} {self.database.url}>"


def _url(url: str | None) -> str:
    found = url if url is not None else os.environ.get("RIVERS_DATABASE_URL")
    if not found:
        raise StorageError("no database URL: give one, or set RIVERS_DATABASE_URL")
    if not isinstance(found, str):
        raise TypeError(f"url must be a str, not {type(found).__name__}")
    return found
