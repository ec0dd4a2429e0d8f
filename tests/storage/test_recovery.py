"""What a scheduler finds when it comes back."""

from __future__ import annotations

from rivers.lifecycle.states import AttemptOutcome, AttemptState, RunOwner, RunState, StepState
from rivers.storage import recovery
from rivers.storage.database import Database
from rivers.storage.rows import LocationRow, WriteSet
from tests.storage import samples


def test_an_empty_database(database: Database) -> None:
    with database.read() as connection:
        assert recovery.load(connection) == recovery.Recovered([], {}, {}, [], [])


def test_all_that_is_unfinished_and_nothing_else(database: Database) -> None:
    lost = {"state": AttemptState.ENDED, "outcome": AttemptOutcome.LOST}
    ended = {"state": AttemptState.ENDED, "outcome": AttemptOutcome.SUCCEEDED}
    rows = {
        "queued": samples.run("queued", queue_number=3),
        "started": samples.run("started", state=RunState.STARTED, version=2),
        "canceling": samples.run("canceling", state=RunState.CANCELING),
        "over": samples.run("over", state=RunState.SUCCEEDED),
        "foreign": samples.run("foreign", state=RunState.STARTED, owner=RunOwner.PROCESS),
    }
    writes = samples.writes(
        *rows.values(),
        samples.attempt(1, "started", **ended),
        samples.attempt(2, "started", **lost),
        samples.attempt(3, "started", **lost),
        samples.attempt(4, "started", state=AttemptState.ASSIGNED),
        samples.attempt(5, "canceling"),
        samples.attempt(6, "over", **lost),
        samples.attempt(7, "foreign"),
    )
    writes.plans += [(run_id, samples.PLAN) for run_id in rows]
    writes.steps = {
        ("started", 1): samples.step(1, token=4, attempt=2),  # superseded 2
        ("started", 0): samples.step(0, token=3, state=StepState.WAITING),  # lost, not superseded
        ("canceling", 0): samples.step(token=5),
        ("over", 0): samples.step(token=6, state=StepState.FAILED),
        ("foreign", 0): samples.step(token=7),
    }
    writes.locations.append(LocationRow("weather", "127.0.0.1:1", "home", 2))
    database.write(writes)

    with database.read() as connection:
        found = recovery.load(connection)
    assert sorted(found.runs, key=lambda row: row.run_id) == [rows["canceling"], rows["queued"], rows["started"]]
    assert found.plans == {"started": samples.PLAN, "canceling": samples.PLAN}
    assert {run_id: sorted(step.token for step in steps) for run_id, steps in found.steps.items()} == {
        "started": [3, 4],
        "canceling": [5],
    }
    assert sorted(attempt.token for attempt in found.attempts) == [3, 4, 5]
    assert found.locations == writes.locations
    assert all(row.stored_version == row.version for row in found.runs)


def test_what_was_recovered_can_be_changed(database: Database) -> None:
    database.write(samples.writes(samples.run(version=4)))
    with database.read() as connection:
        (row,) = recovery.load(connection).runs
    database.write(samples.changed(row, state=RunState.STARTED))
    with database.read() as connection:
        assert recovery.load(connection).runs == [row]
    assert row.version == row.stored_version == 5


def test_ten_thousand_queued_runs(database: Database) -> None:
    writes = WriteSet(new_runs=[samples.run(f"run-{number:05}") for number in range(10_000)])
    database.write(writes)
    with database.read() as connection:
        assert len(recovery.load(connection).runs) == 10_000
