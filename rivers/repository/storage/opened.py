"""What every part of the storage facade stands on: an open database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Self

from rivers.repository.storage.statuses import StorageType
from rivers.storage.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Opened:
    """An open storage; made by the factories of `Storage`."""

    __slots__ = ("__weakref__", "_database", "_type")

    _database: Database
    _type: StorageType

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("Storage has no constructor: use Storage.memory(), embedded(path) or connect(url)")

    @classmethod
    def _over(cls, database: Database, kind: StorageType) -> Self:
        storage = object.__new__(cls)
        storage._database = database
        storage._type = kind
        return storage

    @property
    def database(self) -> Database:
        """The database behind the storage."""
        return self._database

    @property
    def type(self) -> StorageType:
        """Where it keeps what it keeps."""
        return self._type

    def _current(self) -> AbstractContextManager[Connection]:
        """A read that sees what the runs of this process have done so far."""
        self._database.catch_up()
        return self._database.read()
