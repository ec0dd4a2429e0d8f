"""Global positions: dense, and in the order of commits, whoever writes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from rivers.storage import events
from rivers.storage.database import Database
from rivers.storage.leadership import Leadership
from tests.storage import samples
from tests.storage.place import Place, lasting


def fill(database: Database, name: str, count: int) -> None:
    """Writes so many runs with two events each."""
    for number in range(count):
        run_id = f"{name}-{number}"
        database.write(samples.writes(samples.run(run_id), samples.event(run_id, 1), samples.event(run_id, 2)))


def check(database: Database, writers: int, count: int) -> None:
    """Every transaction's events are together, and each writer's in its own order."""
    assert samples.positions(database) == list(range(1, writers * count * 2 + 1))
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT run_id, seq FROM events ORDER BY position").all()
    assert all(first[0] == second[0] for first, second in zip(found[::2], found[1::2], strict=True))
    for name in {run_id.split("-")[0] for run_id, _ in found}:
        numbers = [int(run_id.split("-")[1]) for run_id, _ in found[::2] if run_id.startswith(f"{name}-")]
        assert numbers == list(range(count))


def test_W8_threads_of_one_process(database: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: fill(database, name, 10), "abcd"))
    check(database, 4, 10)


@lasting
def test_several_databases_on_one_place(place: Place) -> None:
    databases = [place.open() for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(fill, databases, "abc", [10] * 3))
    check(databases[0], 3, 10)


PROGRAM = """
import sys
from rivers.storage.database import Database
from tests.storage.test_positions import fill
where, name = sys.argv[1:]
fill(Database.connect(where) if "://" in where else Database.embedded(where), name, 10)
"""


@lasting
def test_several_processes(place: Place) -> None:
    place.open()
    where = place.url or str(place.directory)
    programs = [subprocess.Popen([sys.executable, "-c", PROGRAM, where, name]) for name in "ab"]
    assert [program.wait(30) for program in programs] == [0, 0]
    check(place.open(), 2, 10)


def test_W8_a_leader_beside_a_program_that_runs_in_process(database: Database) -> None:
    leader = Leadership.take(database, holder="leader", address="")
    for number in range(3):
        leader.commit(samples.writes(samples.event(f"l-{number}", 1), samples.event(f"l-{number}", 2)))
        database.write(samples.writes(samples.event(f"p-{number}", 1), samples.event(f"p-{number}", 2)))
    check(database, 2, 3)
    with database.read() as connection:
        assert [event.position for event in events.of_run(connection, "p-1")] == [7, 8]
