"""Under which conditions a program measures: the database, and whether callers have to show who they are.

python -m bench wide_run --database postgresql --credentials
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.folder import Folder
from bench.guarded import GuardedStack
from bench.stack import BenchStack
from tests.postgresql import Cluster, binaries

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_TITLES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}


@dataclass(frozen=True)
class Conditions:
    """What was asked for; no database: the program's own choice."""

    database: str | None = None
    credentials: bool = False

    @classmethod
    def asked(cls) -> Conditions:
        """From the command line of a program."""
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        add_options(parser)
        chosen = parser.parse_args()
        return cls(chosen.database, chosen.credentials)

    def databases(self) -> list[Conditions]:
        """The same with each database that there is, or with the one that was asked for."""
        if self.database is not None:
            return [self]
        kinds = [SQLITE, POSTGRESQL] if binaries() is not None else [SQLITE]
        return [Conditions(kind, self.credentials) for kind in kinds]

    def title(self, figure: str) -> str:
        """A figure's name with what was asked for."""
        parts = [figure, *([_TITLES[self.database]] if self.database else [])]
        return ", ".join([*parts, *(["mutual TLS and tokens"] if self.credentials else [])])

    @contextmanager
    def running(self, module: str, *, workers: int = 2, limit: int = 10) -> Iterator[BenchStack]:
        """Serves the module as location `bench` under a scheduler with all defaults, and stops both afterwards."""
        with self._database_url() as url:
            directory = Folder.get().new()
            with (GuardedStack if self.credentials else BenchStack)(directory, url) as stack:
                stack.serve(module, workers=workers, limit=limit)
                yield stack

    @contextmanager
    def _database_url(self) -> Iterator[str | None]:
        """The URL of a new database with fsync on; none for SQLite."""
        if self.database != POSTGRESQL:
            yield None
            return
        found = binaries()
        if found is None:
            raise SystemExit("there is no PostgreSQL server on this machine; leave out --database")
        cluster = Cluster(found)
        try:
            yield cluster.new_database()
        finally:
            cluster.remove()


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every program takes."""
    parser.add_argument("--database", choices=sorted(_TITLES), help="where the scheduler keeps its rows")
    parser.add_argument("--credentials", action="store_true", help="with mutual TLS and tokens")
