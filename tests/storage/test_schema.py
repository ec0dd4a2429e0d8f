"""Stamps and migrations (storage.md of the API, section 7): opening never migrates, migrating can be repeated."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from rivers.errors import SchemaMigrationNeededError, StorageError
from rivers.storage import migration, stamp
from rivers.storage.database import Database
from rivers.storage.schema import metadata
from tests.storage import samples
from tests.storage.place import Place, lasting


def migrate(place: Place) -> str:
    return migration.migrate(place.url) if place.url else migration.migrate_embedded(place.directory)


def restamp(place: Place, **fields: int) -> None:
    """Makes the database say that another build made it."""
    database = place.open()
    with database.transaction() as connection:
        for name, value in fields.items():
            connection.exec_driver_sql(f"UPDATE schema_stamp SET {name} = {value}")
    database.close()


def definitions(connection: Connection) -> object:
    """All that the database says of its tables."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        return {name: sorted("".join(sql.replace('"', "").split()).split(",")) for name, sql in found}
    inspector = inspect(connection)
    return {
        name: (
            [{**column, "type": str(column["type"])} for column in inspector.get_columns(name)],
            inspector.get_pk_constraint(name),
            inspector.get_foreign_keys(name),
            inspector.get_indexes(name),
            inspector.get_unique_constraints(name),
            inspector.get_check_constraints(name),
        )
        for name in sorted(inspector.get_table_names())
    }


@lasting
def test_a_new_database_equals_one_that_was_migrated_from_nothing(place: Place, request: pytest.FixtureRequest) -> None:
    with place.open().read() as connection:
        made = definitions(connection)
    if place.url:
        other = Place("postgres", Path(), request.getfixturevalue("cluster").new_schema())
    else:
        other = Place("embedded", place.directory / "other", "")
    migrated = other.open(to_migrate=True)
    with migrated.transaction() as connection:
        migration.upgrade(connection)
    with migrated.read() as connection:
        assert definitions(connection) == made
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    with place.open().read() as first, other.open().read() as second:
        for table in ("schema_stamp", "alembic_version"):
            query = f"SELECT * FROM {table}"
            assert first.exec_driver_sql(query).all() == second.exec_driver_sql(query).all()
    other.close()


@lasting
def test_a_build_that_is_newer_than_the_database_asks_for_a_migration(place: Place) -> None:
    restamp(place, version=stamp.VERSION - 1)
    for read_only in (False, True):
        with pytest.raises(SchemaMigrationNeededError, match="run `rivers db migrate`"):
            place.open(read_only=read_only)


@lasting
@pytest.mark.parametrize(
    ("min_reader", "min_writer", "may_read", "may_write"),
    [(0, 0, True, True), (0, 1, True, False), (1, 1, False, False)],
)
def test_a_database_that_is_ahead(
    place: Place, min_reader: int, min_writer: int, may_read: bool, may_write: bool
) -> None:
    ahead = stamp.VERSION + 1
    restamp(place, version=ahead, min_reader=stamp.VERSION + min_reader, min_writer=stamp.VERSION + min_writer)
    for read_only, may in ((True, may_read), (False, may_write)):
        if may:
            place.open(read_only=read_only).close()
        else:
            with pytest.raises(StorageError, match="upgrade rivers") as raised:
                place.open(read_only=read_only)
            assert not isinstance(raised.value, SchemaMigrationNeededError)


@lasting
def test_migrating_brings_it_up_and_keeps_what_is_there(place: Place) -> None:
    database = place.open()
    database.write(samples.writes(samples.run(), samples.event("run-1", 1)))
    store_id = database.store_id
    database.close()
    restamp(place, version=0, min_reader=0, min_writer=0)
    migrated = migrate(place)
    assert migrate(place) == migrated
    database = place.open()
    assert migrated == database.url
    assert samples.positions(database) == [1]
    assert database.store_id == store_id


@lasting
def test_migrating_nothing_makes_a_database(place: Place) -> None:
    migrate(place)
    assert samples.positions(place.open()) == []


@lasting
def test_a_migration_that_fails_leaves_everything_as_it_was(place: Place) -> None:
    restamp(place, version=0)
    database = place.open(to_migrate=True)
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")  # so it begins with tables that are there
    database.close()
    with pytest.raises(StorageError):
        migrate(place)
    database = place.open(to_migrate=True)
    with database.transaction() as connection:
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{stamp.REVISION}')")
    database.close()
    migrate(place)
    place.open()


@lasting
def test_one_at_a_time(place: Place) -> None:
    restamp(place, version=0)

    def attempt(_: int) -> str:
        try:
            return migrate(place)
        except StorageError as error:  # the directory is taken: nothing was done twice
            return str(error)

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(attempt, range(3)))
    assert any("rivers.db" in answer or "://" in answer for answer in answers)
    place.open()


PROGRAM = """
import sys
from rivers.storage.database import Database
(where,) = sys.argv[1:]
print((Database.connect(where) if "://" in where else Database.embedded(where)).store_id)
"""


@lasting
def test_two_processes_that_open_an_empty_database_at_once(place: Place) -> None:
    where = place.url or str(place.directory)
    programs = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, where], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = {program.communicate(timeout=30)[0].strip() for program in programs}
    assert answers == {place.open().store_id}


def test_opening_does_not_load_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from rivers.storage import migration; from rivers.storage.database import Database; "
        "Database.embedded(sys.argv[1]).close(); Database.memory(); migration.migrate_embedded(sys.argv[1]); "
        "assert 'alembic' not in sys.modules; assert 'psycopg' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=30)


@lasting
def test_a_database_of_something_else_is_refused_and_left_alone(place: Place) -> None:
    database = place.open(to_migrate=True)
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
    database.close()
    for attempt in (place.open, lambda: migrate(place)):
        with pytest.raises(StorageError, match="'theirs'"):
            attempt()
    with place.open(to_migrate=True).read() as connection:
        assert inspect(connection).get_table_names() == ["theirs"]


def test_databases_in_memory_are_current_and_apart() -> None:
    first, second = Database.memory(), Database.memory()
    first.write(samples.writes(samples.run(), samples.event("run-1", 1)))
    assert (samples.positions(first), samples.positions(second)) == ([1], [])
    assert first.store_id != second.store_id
