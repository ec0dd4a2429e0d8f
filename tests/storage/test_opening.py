"""Opening, closing, opening again; what cannot be opened says why, without a password."""

from __future__ import annotations

import gc
import sqlite3
import weakref
from pathlib import Path

import pytest

from rivers.errors import StorageError, StorageUnavailableError
from rivers.storage import runs
from rivers.storage.database import Database
from rivers.storage.faults import is_damage
from tests.postgresql import Cluster
from tests.storage import samples
from tests.storage.place import Place, lasting


@lasting
def test_everything_is_still_there(place: Place) -> None:
    database = place.open()
    row = samples.run()
    database.write(samples.writes(row, samples.event("run-1", 1)))
    store_id = database.store_id
    database.close()
    database.close()
    again = place.open()
    assert again.store_id == store_id
    with again.read() as connection:
        assert runs.get(connection, "run-1") == row
    again.write(samples.writes(samples.event("run-1", 2)))
    assert samples.positions(again) == [1, 2]


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    with pytest.raises(StorageError, match="is closed"):
        samples.positions(database)
    with pytest.raises(StorageError, match="is closed"):
        database.write(samples.writes(samples.run()))


def test_a_database_is_gone_when_it_is_dropped() -> None:
    database = Database.memory()
    database.write(samples.writes(samples.run()))
    engine = weakref.ref(database.engine)
    del database
    gc.collect()
    assert engine() is None


def test_a_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    Database.embedded(tmp_path / "a" / "b c" / "d%e?f#g").close()
    assert (tmp_path / "a" / "b c" / "d%e?f#g" / "rivers.db").exists()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=str(tmp_path / "file")):
        Database.embedded(tmp_path / "file")


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no database at"):
        Database.embedded(tmp_path / "none", read_only=True)
    assert not (tmp_path / "none").exists()


def test_reading_alone_leaves_everything_as_it_is(tmp_path: Path) -> None:
    Database.embedded(tmp_path).close()
    database = Database.embedded(tmp_path, read_only=True)
    assert samples.positions(database) == []
    database.checkpoint()
    database.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "rivers.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match="file is not a database") as raised:
        Database.embedded(tmp_path)
    assert not isinstance(raised.value, StorageUnavailableError)
    assert is_damage(raised.value)
    assert str(tmp_path) in str(raised.value)


@pytest.mark.parametrize(("synchronous", "number"), [("NORMAL", 1), ("FULL", 2)])
def test_D1_how_a_file_is_opened(tmp_path: Path, synchronous: str, number: int) -> None:
    database = Database.embedded(tmp_path, synchronous=synchronous)  # type: ignore[arg-type]
    for context in (database.read, database.transaction):
        with context() as connection:
            names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]
        assert found == ["wal", number, 1, 5000]
    database.close()
    with pytest.raises(StorageError, match="must be 'FULL' or 'NORMAL'"):
        Database.embedded(tmp_path, synchronous="OFF")  # type: ignore[arg-type]


def test_a_sqlite_url(tmp_path: Path) -> None:
    database = Database.connect(f"sqlite:///{tmp_path}/other.db")
    database.write(samples.writes(samples.run()))
    database.close()
    assert (tmp_path / "other.db").exists()
    with pytest.raises(StorageError, match="no directory"):
        Database.connect(f"sqlite:///{tmp_path}/none/other.db")
    assert Database.connect("sqlite://").kind == "memory"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:secret@host/db",
        "sqlite+aiosqlite:///file",
        "postgresql+asyncpg://user:secret@host/db",
        "postgresql+psycopg://user:secret@127.0.0.1:1/db?sslpassword=secret",
        "postgresql://user:secret@/db?host=/nowhere",
        "user:secret@host",
        "://user:sec/ret@host",
        "",
    ],
)
def test_urls_that_cannot_be_connected_to(url: str) -> None:
    with pytest.raises(StorageError) as raised:
        Database.connect(url)
    assert "secret" not in str(raised.value)
    assert "sec/ret" not in str(raised.value)


def test_the_url_of_a_database_has_no_password(place: Place) -> None:
    if place.kind == "postgres":
        database = place.open()
        assert database.url.startswith("postgresql+psycopg://postgres@/postgres?")
        with_password = place.url.replace("postgres@", "postgres:secret@")
        other = Database.connect(with_password)
        assert "secret" not in other.url
        other.close()


def test_D4_a_locked_database_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rivers.storage.sqlite._BUSY", 0.05)
    database = Database.embedded(tmp_path)
    other = sqlite3.connect(tmp_path / "rivers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailableError, match="database is locked"):
        database.write(samples.writes(samples.run()))
    other.execute("ROLLBACK")
    other.close()
    database.write(samples.writes(samples.run()))
    database.close()


def test_D4_a_full_disk_can_be_tried_again(tmp_path: Path) -> None:
    database = Database.embedded(tmp_path)
    row = samples.run()
    database.write(samples.writes(row))
    with database.transaction() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    big = samples.changed(row, priority=1)
    big.logs.append(samples.log("run-1", 1, "x" * 1_000_000))
    with pytest.raises(StorageUnavailableError, match="full") as raised:
        database.write(big)
    assert not is_damage(raised.value)
    with database.transaction() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    with database.read() as connection:
        found = runs.get(connection, "run-1")
        assert found is not None
        assert found.priority == 0
    database.write(big)
    database.close()


def test_an_interrupted_statement_does_not_end_a_database_in_memory() -> None:
    database = Database.memory()
    database.write(samples.writes(samples.run(), samples.event("run-1", 1)))

    def interrupt() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE writer SET term = 9")
            connection.invalidate()  # as SQLAlchemy does at Ctrl-C
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert samples.positions(database) == [1]
    database.write(samples.writes(samples.event("run-1", 2)))
    assert samples.positions(database) == [1, 2]
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT term FROM writer").scalar_one() == 0


@pytest.mark.postgres
def test_T6_a_server_that_may_forget_what_it_acknowledged_is_refused(cluster: Cluster) -> None:
    url = cluster.new_database()
    lazy = f"{url}&options=-csynchronous_commit%3Doff"
    Database.connect(lazy).close()
    with pytest.raises(StorageError, match="set synchronous_commit to on"):
        Database.connect(lazy, synchronous="FULL")
    Database.connect(url, synchronous="FULL").close()
    cluster.set("fsync", "off")
    try:
        with pytest.raises(StorageError, match="set fsync to on"):
            Database.connect(url, synchronous="FULL")
    finally:
        cluster.set("fsync", "on")
