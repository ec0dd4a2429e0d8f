"""Migrating a database to this build's schema.

One transaction does all of it, under a lock that ends with its holder: two processes never migrate at once, and one
that crashed leaves the database as it was. Alembic is loaded only when there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from rivers.errors import SchemaMigrationNeededError
from rivers.storage import stamp
from rivers.storage.database import FILE, Database
from rivers.storage.url import parse, printed


def migrate_embedded(directory: str | Path) -> str:
    """Brings the store in a directory to this build's schema, or makes one there; returns the database's path."""
    try:
        Database.embedded(directory).close()
    except SchemaMigrationNeededError:
        _migrate(Database.embedded(directory, lock="exclusive", to_migrate=True))
    return str(Path(directory) / FILE)


def migrate(url: str) -> str:
    """Brings the database at a URL to this build's schema, or makes it; returns the URL without its password."""
    try:
        Database.connect(url).close()
    except SchemaMigrationNeededError:
        _migrate(Database.connect(url, lock="exclusive", to_migrate=True))
    return printed(parse(url))


def _migrate(database: Database) -> None:
    try:
        with database.transaction() as connection:
            stamp.hold(connection)
            found = stamp.read(connection, database.url)
            if found is None or found.version < stamp.VERSION:  # not so when another process was first
                upgrade(connection)
    finally:
        database.close()


def upgrade(connection: Connection) -> None:
    """Runs every revision that the database lacks, and stamps it."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    stamp.bring_up(connection)
