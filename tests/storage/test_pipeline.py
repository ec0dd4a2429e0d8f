"""What reaches a PostgreSQL server in one go, counted on the wire, and what is left when something in it fails."""

from __future__ import annotations

import enum
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from rivers.errors import StorageError, StorageUnavailableError
from rivers.storage import events, kv, runs
from rivers.storage.database import Database
from rivers.storage.faults import StaleWriteError
from rivers.storage.leadership import Leadership
from rivers.storage.rows import WriteSet
from rivers.storage.sending import sending
from tests.postgresql import Cluster
from tests.server_proxy import ServerProxy
from tests.storage import samples

pytestmark = pytest.mark.postgres


class CountingProxy(ServerProxy):
    """Counts how often a client speaks after it was answered."""

    def __init__(self, server: str) -> None:
        super().__init__(server)
        self.trips = 0
        self._has_spoken: set[socket.socket] = set()

    def passes(self, client: socket.socket, data: bytes, *, is_up: bool) -> bool:
        if not is_up:
            self._has_spoken.discard(client)
        elif client not in self._has_spoken:
            self._has_spoken.add(client)
            self.trips += 1
        return True

    def taken(self) -> int:
        """How many trips there were since this was asked last."""
        trips, self.trips = self.trips, 0
        return trips


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[CountingProxy]:
    with CountingProxy(cluster.folder) as proxy:
        yield proxy


@pytest.fixture
def database(cluster: Cluster, proxy: CountingProxy) -> Iterator[Database]:
    database = Database.connect(cluster.new_schema().replace(cluster.folder, proxy.folder))
    yield database
    database.close()


@pytest.fixture
def leader(database: Database, proxy: CountingProxy) -> Leadership:
    leader = Leadership.take(database, holder="leader", address="127.0.0.1:1")
    leader.commit(WriteSet())
    proxy.taken()
    return leader


def batch(number: int, *, rows: int = 1) -> WriteSet:
    """A batch of every kind of row that a step leaves."""
    made = WriteSet()
    for place in range(rows):
        run_id = f"run-{number}-{place}"
        made.new_runs.append(samples.run(run_id))
        made.plans.append((run_id, samples.PLAN))
        made.steps[run_id, 0] = samples.step(0)
        made.events += [samples.event(run_id, 1), samples.event(run_id, 2)]
        made.logs.append(samples.log(run_id, 1, "text"))
    return made


def test_a_batch_is_two_trips_its_statements_and_its_commit(leader: Leadership, proxy: CountingProxy) -> None:
    for number in range(3):  # statements that are prepared with it make no difference
        leader.commit(batch(number))
        assert proxy.taken() == 2
    leader.commit(WriteSet())
    assert proxy.taken() == 2


def test_the_fence_is_waited_for_when_somebody_else_has_written(
    leader: Leadership, database: Database, proxy: CountingProxy
) -> None:
    database.write(samples.writes(samples.event("p", 1)))
    proxy.taken()
    leader.commit(batch(1))
    assert proxy.taken() == 5  # in vain, ROLLBACK, fence, statements, COMMIT
    leader.commit(batch(2))
    assert proxy.taken() == 2
    assert samples.positions(database) == [1, 2, 3, 4, 5]


def test_a_question_is_one_trip(leader: Leadership, database: Database, proxy: CountingProxy) -> None:
    leader.commit(samples.writes(samples.run(request_id="request")))
    proxy.taken()
    assert database.ask(runs.FIND_REQUEST, {"request_id": "request"}) == [("run-1",)]
    assert database.ask(runs.FIND_REQUEST, {"request_id": "another"}) == []
    assert proxy.taken() == 2


def test_a_read_is_its_statements_and_both_ends(database: Database, proxy: CountingProxy) -> None:
    for _ in range(8):  # one of them prepares the statement
        with database.read() as connection:
            assert kv.get(connection, "key") is None
    proxy.taken()
    with database.read() as connection:
        assert kv.get(connection, "key") is None
    assert proxy.taken() == 3


def end_connections(cluster: Cluster) -> None:
    """Ends all of the databases' connections, and waits until their server processes are gone."""
    cluster.run("SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE application_name = 'rivers'")


def test_a_question_after_the_server_has_ended_the_connection(cluster: Cluster) -> None:
    database = Database.connect(cluster.new_schema())
    leader = Leadership.take(database, holder="leader", address="127.0.0.1:1")
    end_connections(cluster)
    with pytest.raises(StorageUnavailableError):
        database.ask(runs.FIND_REQUEST, {"request_id": "request"})
    assert database.ask(runs.FIND_REQUEST, {"request_id": "request"}) == []
    leader.commit(batch(1))
    database.close()


def test_a_read_after_the_server_has_ended_the_connection(cluster: Cluster) -> None:
    database = Database.connect(cluster.new_schema())
    for _ in range(2):
        with database.read() as connection:
            assert runs.page(connection) == []
        end_connections(cluster)
    database.close()


def test_what_was_prepared_in_vain_is_prepared_again(leader: Leadership, database: Database) -> None:
    leader.commit(samples.writes(samples.run()))
    with pytest.raises(StaleWriteError):  # the event's statement comes behind one that fails
        leader.commit(samples.writes(samples.run(), samples.event("run-1", 1), samples.event("run-1", 1)))
    for number in range(2):
        leader.commit(batch(number, rows=150))
    with database.read() as connection:
        assert len(runs.page(connection, limit=1_000)) == 301
        assert [event.seq for event in events.of_run(connection, "run-1-7")] == [1, 2]


def test_a_large_batch(leader: Leadership, database: Database) -> None:
    made = samples.writes(samples.run())
    made.logs = [samples.log("run-1", seq, "x" * 50_000) for seq in range(1, 101)]  # more than sockets hold
    leader.commit(made)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT sum(length(text)) FROM run_logs").scalar_one() == 5_000_000


class Number(enum.IntEnum):
    SEVEN = 7


@pytest.mark.parametrize(
    ("value", "type"),
    [
        (0, "BIGINT"),
        (-(1 << 62), "BIGINT"),
        (Number.SEVEN, "SMALLINT"),
        (True, "BOOLEAN"),
        (False, "BOOLEAN"),
        (0.1, "FLOAT"),
        (float("inf"), "FLOAT"),
        ("", "TEXT"),
        ("ünï \U0001f600 %s", "TEXT"),
        (b"", "BYTEA"),
        (b"\x00\xff", "BYTEA"),
        (None, "TEXT"),
    ],
)
def test_values_come_back_as_they_were(database: Database, value: Any, type: str) -> None:
    with database.transaction() as connection:
        for text, values in ((f"SELECT CAST(%s AS {type})", (value,)), (f"SELECT %(a)s::{type}", {"a": value})):
            with sending(connection) as send:
                sent = send(text, values)
            assert sent.fetchall() == [(value,)]


def test_a_value_that_no_column_takes_is_said(leader: Leadership, database: Database) -> None:
    with pytest.raises(StorageError, match="invalid byte sequence"):
        leader.commit(samples.writes(samples.run(job="a\x00b")))
    with pytest.raises(StorageError, match="out of range"):
        leader.commit(samples.writes(samples.run(priority=1 << 40)))
    leader.commit(samples.writes(samples.run()))
    with database.read() as connection:
        assert [row.run_id for row in runs.page(connection)] == ["run-1"]


def test_an_error_raised_between_statements_is_the_one_that_is_seen(database: Database) -> None:
    def write() -> None:
        with database.transaction() as connection, sending(connection) as send:
            send("SELECT 1 / %s", (0,))
            raise LookupError("of the caller")

    with pytest.raises(LookupError, match="of the caller"):
        write()
    database.write(samples.writes(samples.run()))
