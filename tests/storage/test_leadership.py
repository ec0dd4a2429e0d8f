"""Leadership: one writes, the older one never again (W5); a lost answer to COMMIT is looked up (W6)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from rivers.errors import StorageError, StorageUnavailableError
from rivers.storage import runs
from rivers.storage.database import Database
from rivers.storage.faults import DeposedError, StaleWriteError
from rivers.storage.leadership import Leadership
from rivers.storage.rows import WriteSet
from tests.storage import samples
from tests.storage.place import Place, lasting


def take(database: Database, holder: str = "leader") -> Leadership:
    return Leadership.take(database, holder=holder, address="127.0.0.1:1")


def test_terms_grow_and_name_their_holder(database: Database) -> None:
    first, second = take(database), take(database, "second")
    assert (first.term, second.term) == (1, 2)
    assert first.store_id == second.store_id == database.store_id
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT holder, address FROM writer").one() == ("second", "127.0.0.1:1")


def test_W5_the_older_leader_writes_nothing_more(database: Database) -> None:
    old = take(database)
    row = samples.run()
    old.commit(samples.writes(row))
    new = take(database)
    writes = samples.changed(row, priority=3)
    writes.new_runs.append(samples.run("run-2"))
    writes.events.append(samples.event("run-1", 1))
    with pytest.raises(DeposedError, match="term 1 is over"):
        old.commit(writes)
    new.commit(samples.writes(samples.run("run-3")))
    with database.read() as connection:
        assert {row.run_id: row.priority for row in runs.page(connection)} == {"run-1": 0, "run-3": 0}
    assert samples.positions(database) == []


@lasting
def test_W5_the_older_leader_in_another_place(place: Place) -> None:
    old, new = take(place.open()), take(place.open())
    with pytest.raises(DeposedError):
        old.commit(samples.writes(samples.run()))
    new.commit(samples.writes(samples.run()))


def test_each_commit_is_a_batch_even_an_empty_one(database: Database) -> None:
    leader = take(database)
    leader.commit(WriteSet())
    leader.commit(samples.writes(samples.run(), samples.event("run-1", 1)))
    assert leader.batch == 2
    assert take(database).batch == 2


def test_W4_a_foreign_change_is_noticed(database: Database) -> None:
    leader = take(database)
    row = samples.run()
    leader.commit(samples.writes(row))
    with database.transaction() as connection:
        runs.cancel_queued(connection, "run-1", now=1)
    with pytest.raises(StaleWriteError):
        leader.commit(samples.changed(row, priority=1))
    assert leader.batch == 1
    leader.commit(samples.writes(samples.run("run-2")))
    assert leader.batch == 2


def test_numbers_are_given_once(database: Database) -> None:
    tokens: list[int] = []
    leader = take(database)
    for count in (1, 0, 5, 70_000, 1):
        for _ in range(count):
            tokens.append(leader.next_token)
            leader.next_token += 1
        leader.next_queue_number += count
        leader.commit(WriteSet())
        tokens += range(first := database.take_tokens(2), first + 2) if database.kind == "server" else ()
    assert len(tokens) == len(set(tokens))
    again = take(database)
    assert again.next_token > max(tokens)
    assert again.next_queue_number == leader.next_queue_number == 70_008


@pytest.mark.parametrize("place", ["memory", "embedded"], indirect=True)
def test_tokens_are_dense_where_one_process_writes(database: Database) -> None:
    leader = take(database)
    assert leader.next_token == 1
    leader.next_token += 3
    leader.commit(WriteSet())
    assert take(database).next_token == 4


@contextmanager
def lost_answer(database: Database, *, happened: bool) -> Iterator[None]:
    """The next COMMIT happens or not, and the connection is lost either way."""

    def lose(connection: Connection) -> None:
        dbapi = connection.connection.dbapi_connection
        assert dbapi is not None
        if happened:
            dbapi.commit()
        else:
            dbapi.rollback()
        event.remove(database.engine, "commit", lose)
        driver = connection.dialect.loaded_dbapi
        error: Exception = driver.OperationalError("the connection was lost")
        if connection.dialect.name == "sqlite":
            error.sqlite_errorcode = 5  # type: ignore[attr-defined]
        raise OperationalError("COMMIT", None, error)

    event.listen(database.engine, "commit", lose)
    yield


def test_W6_it_had_happened(database: Database) -> None:
    leader = take(database)
    row = samples.run()
    with lost_answer(database, happened=True):
        leader.commit(samples.writes(row, samples.event("run-1", 1)))
    leader.commit(samples.changed(row, priority=4))
    with database.read() as connection:
        assert runs.get(connection, "run-1") == row
    assert samples.positions(database) == [1]
    assert leader.batch == 2


def test_W6_it_had_not_happened(database: Database) -> None:
    leader = take(database)
    writes = samples.writes(samples.run(), samples.event("run-1", 1))
    with lost_answer(database, happened=False), pytest.raises(StorageUnavailableError, match="the connection was lost"):
        leader.commit(writes)
    assert samples.positions(database) == []
    leader.commit(writes)
    assert samples.positions(database) == [1]
    assert leader.batch == 1


@lasting
def test_W6_it_happens_after_nobody_could_tell(place: Place) -> None:
    leader = take(place.open())
    row = samples.run()
    leader.commit(samples.writes(row))
    with place.open().transaction() as connection:  # a server process that commits what was given up
        connection.exec_driver_sql("UPDATE writer SET batch = batch + 1")
        runs.cancel_queued(connection, "run-1", now=1)
    with pytest.raises(StaleWriteError, match="after all"):
        leader.commit(samples.writes(samples.run("run-2")))
    leader.commit(samples.writes(samples.run("run-2")))
    assert leader.batch == 3


@pytest.mark.postgres
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_D4_a_lock_that_something_else_holds_is_not_waited_for_for_ever(place: Place) -> None:
    database = place.open()
    leader = take(database)
    with place.open().transaction() as connection:
        connection.exec_driver_sql("UPDATE writer SET holder = 'other'")
        began = time.monotonic()
        with pytest.raises(StorageUnavailableError, match="lock timeout"):
            leader.commit(samples.writes(samples.run()))
        assert time.monotonic() - began < 8
    leader.commit(samples.writes(samples.run()))


def test_W6_somebody_else_leads_meanwhile(database: Database) -> None:
    leader = take(database)
    take(database)
    with pytest.raises(DeposedError):
        leader.commit(samples.writes(samples.run()))


@pytest.mark.postgres
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_a_connection_that_the_server_ended_is_replaced(place: Place) -> None:
    database = place.open()
    leader = take(database)
    with place.open().transaction() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(StorageUnavailableError):
        leader.commit(samples.writes(samples.run()))
    leader.commit(samples.writes(samples.run()))
    with database.read() as connection:
        assert len(runs.page(connection)) == 1


def test_a_leader_needs_a_database_that_may_be_written(place: Place) -> None:
    if place.kind == "memory":
        return
    place.open()
    with pytest.raises(StorageError, match="for reading only"):
        take(place.open(read_only=True))
