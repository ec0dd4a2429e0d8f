"""Readers beside a writer: each sees one state, none waits for the other for long, nothing is left open."""

from __future__ import annotations

import threading
from pathlib import Path

from rivers.lifecycle.states import RunState
from rivers.storage import runs
from rivers.storage.database import Database
from tests.storage import samples


def test_readers_see_whole_transactions(database: Database) -> None:
    row = samples.run()
    database.write(samples.writes(row))
    over = threading.Event()
    torn: list[tuple[int, int]] = []
    read = [0, 0]

    def look(number: int) -> None:
        while not over.is_set() or not read[number]:
            with database.read() as connection:
                found = runs.get(connection, "run-1")
                assert found is not None
                count = connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one()
            read[number] += 1
            if found.last_seq != count:
                torn.append((found.last_seq, count))

    readers = [threading.Thread(target=look, args=(number,)) for number in range(2)]
    for reader in readers:
        reader.start()
    for seq in range(1, 101):
        writes = samples.changed(row, last_seq=seq)
        writes.events.append(samples.event("run-1", seq))
        database.write(writes)
    over.set()
    for reader in readers:
        reader.join(30)
    assert torn == []
    assert all(read)


def test_a_reader_sees_what_was_committed_before_it(database: Database) -> None:
    row = samples.run()
    database.write(samples.writes(row))
    for state in (RunState.STARTED, RunState.SUCCEEDED):
        database.write(samples.changed(row, state=state))
        with database.read() as connection:
            found = runs.get(connection, "run-1")
            assert found is not None
            assert found.state == state


def test_a_long_reader_keeps_its_state(tmp_path: Path) -> None:
    database = Database.embedded(tmp_path)
    database.write(samples.writes(samples.run()))
    with database.read() as connection:
        before = runs.page(connection)
        database.write(samples.writes(samples.run("run-2")))
        assert runs.page(connection) == before
    with database.read() as connection:
        assert len(runs.page(connection)) == 2
    database.close()


def test_D1_a_checkpoint_empties_the_log(tmp_path: Path) -> None:
    database = Database.embedded(tmp_path)
    log = tmp_path / "rivers.db-wal"
    for number in range(50):
        database.write(samples.writes(samples.run(f"run-{number}")))
        samples.positions(database)
    size = log.stat().st_size
    assert size > 50 * 4096
    database.checkpoint()
    for number in range(50, 60):  # the log is written from its beginning again
        database.write(samples.writes(samples.run(f"run-{number}")))
    assert log.stat().st_size == size
    database.close()


def test_a_read_within_a_read(database: Database) -> None:
    database.write(samples.writes(samples.run(), samples.event("run-1", 1)))
    with database.read() as connection:
        assert samples.positions(database) == [1]
        assert len(runs.page(connection)) == 1


def test_a_reader_that_raises_leaves_nothing_behind(database: Database) -> None:
    def read() -> None:
        with database.read():
            raise ZeroDivisionError

    for _ in range(40):  # more often than there are connections
        try:
            read()
        except ZeroDivisionError:
            continue
    database.write(samples.writes(samples.run()))
