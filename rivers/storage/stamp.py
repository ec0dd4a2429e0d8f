"""The stamp of a database: which schema it has, and the oldest builds that may read and write it.

Opening never migrates. An empty database is initialised by whoever opens it first; that it then equals one that was
migrated from nothing is proven by a test, so that opening needs no Alembic.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import cache

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from rivers.errors import SchemaMigrationNeededError, StorageError
from rivers.storage.schema import metadata, schema_stamp, writer

#: The schema of this build. A migration raises it, and the floors when older builds could not cope with what it did.
VERSION = 5
MIN_READER = 2
MIN_WRITER = 5

#: The last revision under `migrations/versions`; revision n makes version n.
REVISION = f"{VERSION:04}"

#: Alembic's own table, as Alembic makes it.
alembic_version = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

_READ = select(schema_stamp.c.version, schema_stamp.c.min_reader, schema_stamp.c.min_writer)
_WRITE = update(schema_stamp).values(version=VERSION, min_reader=MIN_READER, min_writer=MIN_WRITER)

#: The key of PostgreSQL's advisory lock under which a database is initialised or migrated.
_LOCK = 0x72697665_7273


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a database says of itself."""

    version: int
    min_reader: int
    min_writer: int

    def check(self, name: str, *, read_only: bool) -> None:
        """Raises when this build may not use the database."""
        floor = self.min_reader if read_only else self.min_writer
        if self.version < VERSION:
            raise SchemaMigrationNeededError(
                f"database {name} has schema {self.version} and this version of rivers needs {VERSION}; "
                "run `rivers db migrate`"
            )
        if floor > VERSION:
            raise StorageError(
                f"database {name} has schema {self.version}, which needs a version of rivers with schema {floor} "
                f"to {'read' if read_only else 'write'} it; this one has {VERSION}: upgrade rivers"
            )


def read(connection: Connection, name: str) -> Stamp | None:
    """The stamp; `None` of a database without tables. `StorageError` when its tables are something else's."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if schema_stamp.name not in tables:
        raise StorageError(
            f"database {name} holds tables that are not rivers' (for example {min(tables)!r}); use one of its own"
        )
    row = connection.execute(_READ).one_or_none()
    if row is None:
        raise StorageError(f"database {name} has no stamp: it was not completely made; use a new one")
    return Stamp(*row)


def hold(connection: Connection) -> None:
    """Waits until nobody else initialises or migrates this database; it is held to the end of the transaction.

    So it ends with its holder, however that ends, and a crashed migration can be repeated at once. On SQLite the
    transaction has the lock already.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def initialise(connection: Connection) -> None:
    """Makes every table of an empty database and stamps it."""
    for statement in _definitions(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.execute(insert(alembic_version).values(version_num=REVISION))
    seed(connection)


def seed(connection: Connection) -> None:
    """Writes the rows that a database begins with."""
    connection.execute(insert(schema_stamp).values(id=1, version=VERSION, min_reader=MIN_READER, min_writer=MIN_WRITER))
    counters = {"term": 0, "batch": 0, "next_token": 1, "next_position": 1, "next_queue_number": 1}
    connection.execute(
        insert(writer).values(id=1, store_id=uuid.uuid4().hex, holder="", address="", **counters),
    )


def bring_up(connection: Connection) -> None:
    """Stamps a database that was migrated."""
    if not connection.execute(_WRITE).rowcount:
        seed(connection)


@cache
def _definitions(dialect_name: str) -> list[str]:
    dialect = make_url(f"{dialect_name}://").get_dialect()()
    statements = []
    for table in [*metadata.sorted_tables, alembic_version]:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements += [
            str(CreateIndex(index).compile(dialect=dialect))
            for index in sorted(table.indexes, key=lambda i: str(i.name))
        ]
    return statements
