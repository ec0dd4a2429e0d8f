"""Pages of runs: filtered, newest first, continued after the last one seen."""

from __future__ import annotations

from itertools import product

import pytest

from rivers.lifecycle.states import RunState
from rivers.storage import runs
from rivers.storage.database import Database
from rivers.storage.rows import RunRow
from tests.storage import samples

STATES = [RunState.QUEUED, RunState.STARTED, RunState.SUCCEEDED, RunState.FAILED]


@pytest.fixture
def stored(database: Database) -> list[RunRow]:
    """Runs of two locations and two jobs, newest first; three at a time were submitted in the same nanosecond."""
    rows = [
        samples.run(f"run-{n:02}", location=location, job=job, state=state, submitted_at=1_000 + n // 3)
        for n, (location, job, state) in enumerate(product(["weather", "markets"], ["daily", None], STATES * 2))
    ]
    database.write(samples.writes(*rows))
    return rows[::-1]


@pytest.mark.parametrize("location", [None, "", "weather", "none"])
@pytest.mark.parametrize("job", [None, "", "daily"])
@pytest.mark.parametrize("states", [(), (RunState.FAILED,), (RunState.QUEUED, RunState.SUCCEEDED)])
def test_pages_together_are_what_passes_the_filters(
    database: Database, stored: list[RunRow], location: str | None, job: str | None, states: tuple[RunState, ...]
) -> None:
    expected = [
        row
        for row in stored
        if (not location or row.location == location)
        and (not job or row.job == job)
        and (not states or row.state in states)
    ]
    found: list[RunRow] = []
    before = None
    with database.read() as connection:
        while page := runs.page(connection, location=location, job=job, states=states, before=before, limit=3):
            assert len(page) <= 3
            found += page
            before = (page[-1].submitted_at, page[-1].run_id)
    assert found == expected


def test_queued_runs_are_oldest_first(database: Database, stored: list[RunRow]) -> None:
    with database.read() as connection:
        assert runs.queued(connection) == [row for row in stored[::-1] if row.state == RunState.QUEUED]


def test_progress(database: Database) -> None:
    database.write(samples.writes(samples.run(completed_steps=1, total_steps=3)))
    with database.read() as connection:
        assert runs.progress(connection, "run-1") == (1, 3)
        assert runs.progress(connection, "none") == (0, 0)


def test_a_queued_run_is_canceled_once(database: Database) -> None:
    database.write(samples.writes(samples.run(), samples.run("run-2", state=RunState.STARTED)))

    def cancel(run_id: str) -> bool:
        with database.transaction() as connection:
            return runs.cancel_queued(connection, run_id, now=77)

    assert [cancel(run_id) for run_id in ("run-1", "run-1", "run-2", "none")] == [True, False, False, False]
    with database.read() as connection:
        row = runs.get(connection, "run-1")
        assert row is not None
        assert (row.state, row.ended_at, row.version) == (RunState.CANCELED, 77, 1)
