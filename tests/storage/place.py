"""Where a test's database is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rivers.storage.database import Database

#: For tests of databases that are still there after they were closed.
lasting = pytest.mark.parametrize(
    "place", ["embedded", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


class Place:
    """Opens the same database as often as asked for, and closes what was opened."""

    def __init__(self, kind: str, directory: Path, url: str) -> None:
        self.kind = kind
        self.directory = directory
        self.url = url
        self._opened: list[Database] = []

    def open(self, **options: Any) -> Database:
        """The database; one in memory is new each time."""
        match self.kind:
            case "memory":
                database = Database.memory()
            case "embedded":
                database = Database.embedded(self.directory, **options)
            case _:
                database = Database.connect(self.url, **options)
        self._opened.append(database)
        return database

    def close(self) -> None:
        """Closes every one."""
        for database in self._opened:
            database.close()
