"""A write set is one transaction, each row of it written once, and refused when somebody else was first."""

from __future__ import annotations

import pytest

from rivers.lifecycle.states import AttemptOutcome, AttemptState, EventType, RunState, StepState
from rivers.planning.plan import RunPlan
from rivers.storage import attempts, events, logs, runs
from rivers.storage.database import Database
from rivers.storage.faults import StaleWriteError
from rivers.storage.rows import RunRow, TokenBlock, WriteSet
from tests.storage import samples


def stored(database: Database, run_id: str = "run-1") -> RunRow:
    with database.read() as connection:
        found = runs.get(connection, run_id)
    assert found is not None
    return found


def test_a_run_that_is_new_and_changed_is_written_once_as_it_ended(database: Database) -> None:
    row = samples.run()
    writes = samples.writes(row, samples.event("run-1", 1), samples.event("run-1", 2, EventType.RUN_SUCCEEDED))
    writes.plans.append(("run-1", samples.PLAN))
    writes.changed_runs["run-1"] = row
    row.state, row.version = RunState.SUCCEEDED, 4
    writes.steps["run-1", 0] = samples.step(state=StepState.SUCCEEDED, produced=[7])
    writes.attempts[7] = samples.attempt(state=AttemptState.ENDED, outcome=AttemptOutcome.SUCCEEDED)
    database.write(writes)
    assert stored(database) == row
    assert row.stored_version == stored(database).stored_version == 4


def test_steps_and_attempts_keep_their_last_image(database: Database) -> None:
    first = samples.writes(samples.run(), samples.attempt())
    first.steps["run-1", 0] = samples.step()
    first.steps["run-1", 1] = samples.step(1)
    database.write(first)
    second = samples.writes(samples.attempt(state=AttemptState.ENDED, outcome=AttemptOutcome.LOST, ingested=4))
    second.steps["run-1", 0] = samples.step(attempt=2, token=9, failure=samples.FAILURE)
    database.write(second)
    with database.read() as connection:
        again, other = runs.steps(connection, "run-1")
        (attempt,) = attempts.of_run(connection, "run-1")
    assert (again.attempt, again.token, again.failure) == (2, 9, samples.FAILURE)
    assert other.token == 7
    assert (attempt.state, attempt.outcome, attempt.ingested) == (AttemptState.ENDED, AttemptOutcome.LOST, 4)


@pytest.mark.parametrize("count", [1, 2, 3, 127, 128, 129, 300])
def test_any_number_of_rows(database: Database, count: int) -> None:
    rows = [samples.run(f"run-{number:03}", submitted_at=number) for number in range(count)]
    database.write(samples.writes(*rows, *(samples.event(row.run_id, 1) for row in rows)))
    changes = WriteSet()
    for row in rows:
        changes.changed_runs |= samples.changed(
            row, state=RunState.STARTED, started_at=5 if row.submitted_at % 2 else None
        ).changed_runs
    database.write(changes)
    with database.read() as connection:
        assert runs.page(connection, limit=1_000) == rows[::-1]
    assert samples.positions(database) == list(range(1, count + 1))


def test_a_change_of_a_run_that_somebody_changed_is_refused_with_all_beside_it(database: Database) -> None:
    database.write(samples.writes(samples.run(), samples.run("run-2")))
    mine, other = stored(database), stored(database, "run-2")
    theirs = stored(database)
    database.write(samples.changed(theirs, priority=5))

    writes = samples.changed(other, priority=1)
    writes.changed_runs |= samples.changed(mine, priority=2).changed_runs
    mine.version += 3  # however often it was changed since
    writes.events.append(samples.event("run-2", 1))
    with pytest.raises(StaleWriteError, match="changed by somebody else"):
        database.write(writes)
    assert stored(database).priority == 5
    assert stored(database, "run-2").priority == 0
    assert samples.positions(database) == []

    fresh = stored(database)
    database.write(samples.changed(fresh, priority=2))
    assert stored(database).priority == 2


def test_a_row_can_be_changed_again_and_again(database: Database) -> None:
    row = samples.run()
    database.write(samples.writes(row))
    for priority in range(3):
        database.write(samples.changed(row, priority=priority))
    assert (stored(database).priority, stored(database).version) == (2, 3)


def test_an_aborted_change_can_be_repeated(database: Database) -> None:
    row = samples.run()
    database.write(samples.writes(row, samples.event("run-1", 1)))
    writes = samples.changed(row, priority=1)
    writes.events.append(samples.event("run-1", 1))
    with pytest.raises(StaleWriteError):
        database.write(writes)
    assert stored(database).priority == 0
    writes.events.clear()
    database.write(writes)
    assert stored(database).priority == 1


@pytest.mark.parametrize(
    "second", [samples.run(), samples.run("run-2", request_id="request-1")], ids=["same id", "same request"]
)
def test_a_second_run_of_the_same_name_is_refused(database: Database, second: RunRow) -> None:
    database.write(samples.writes(samples.run(request_id="request-1")))
    with pytest.raises(StaleWriteError, match="is there already"):
        database.write(samples.writes(samples.run("run-3"), second))
    with database.read() as connection:
        assert runs.find_request(connection, "request-1") == "run-1"
        assert runs.find_request(connection, "request-2") is None
        assert len(runs.page(connection)) == 1


@pytest.mark.parametrize("kind", ["step", "attempt", "plan"])
def test_what_belongs_to_no_run_is_refused(database: Database, kind: str) -> None:
    writes = samples.writes(samples.event("run-1", 1))
    match kind:
        case "step":
            writes.steps["run-1", 0] = samples.step()
        case "attempt":
            writes.attempts[7] = samples.attempt()
        case _:
            writes.plans.append(("run-1", samples.PLAN))
    with pytest.raises(StaleWriteError):
        database.write(writes)
    assert samples.positions(database) == []


def test_what_a_run_had_goes_with_it_except_events_and_logs(database: Database) -> None:
    writes = samples.writes(samples.run(), samples.event("run-1", 1), samples.log("run-1", 1, "x"), samples.attempt())
    writes.plans.append(("run-1", samples.PLAN))
    writes.steps["run-1", 0] = samples.step()
    database.write(writes)
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM runs")
    with database.read() as connection:
        assert (runs.steps(connection, "run-1"), attempts.of_run(connection, "run-1")) == ([], [])
        assert len(events.of_run(connection, "run-1")) == len(logs.of_run(connection, "run-1")) == 1


@pytest.mark.parametrize("many", [2, 500])
def test_a_waiting_run_is_planned_anew(database: Database, many: int) -> None:
    row = samples.run()
    writes = samples.writes(row)
    writes.plans.append(("run-1", samples.PLAN))
    database.write(writes)
    anew = RunPlan((samples.STEP,) * many, "weather", "d2", "daily")
    row.digest, row.nodes, row.total_steps = "d2", anew.nodes, many
    writes = samples.changed(row, state=RunState.STARTED)
    writes.replanned.append((row, anew))
    database.write(writes)
    assert stored(database) == row
    with database.read() as connection:
        assert runs.plan(connection, "run-1") == anew


def test_a_run_that_is_planned_anew_before_it_was_stored(database: Database) -> None:
    row = samples.run()
    writes = samples.writes(row)
    writes.plans.append(("run-1", samples.PLAN))
    anew = RunPlan((samples.STEP,), "weather", "d2", "daily")
    row.digest, row.nodes, row.total_steps = "d2", anew.nodes, 1
    writes.replanned.append((row, anew))
    database.write(writes)
    assert stored(database) == row
    with database.read() as connection:
        assert runs.plan(connection, "run-1") == anew


def test_a_transaction_that_raises_writes_nothing(database: Database) -> None:
    def write() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE writer SET next_token = 50")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert database.take_tokens(1) == 1


def test_a_write_within_a_write_is_a_mistake(database: Database) -> None:
    with database.transaction(), pytest.raises(RuntimeError), database.transaction():
        pass
    assert database.take_tokens(1) == 1


def test_tokens_are_taken_with_the_rows_that_ask_for_them_or_not_at_all(database: Database) -> None:
    taken = []
    for number, count in enumerate((2, 3)):
        writes = samples.writes(samples.run(f"run-{number}"), samples.event(f"run-{number}", 1))
        writes.tokens = TokenBlock(count)
        database.write(writes)
        taken.append(writes.tokens.first)
    without_events = samples.changed(stored(database, "run-0"), started_at=5)
    without_events.tokens = TokenBlock(1)
    database.write(without_events)
    refused = samples.writes(samples.run("run-0"))
    refused.tokens = TokenBlock(10)
    with pytest.raises(StaleWriteError):
        database.write(refused)
    assert [*taken, without_events.tokens.first, refused.tokens.first, database.take_tokens(1)] == [1, 3, 6, 0, 7]
