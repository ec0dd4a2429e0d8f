"""Reads and writes cost what they touch: none goes through a table that grows with history, none sorts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from rivers.lifecycle.states import RunState
from rivers.storage import assets, attempts, events, logs, partitions, recovery, runs
from rivers.storage.database import Database
from tests.storage import samples

READS: dict[str, Callable[[Connection], object]] = {
    "run": lambda connection: runs.get(connection, "run-1"),
    "request": lambda connection: runs.find_request(connection, "request-1"),
    "plan": lambda connection: runs.plan(connection, "run-1"),
    "steps": lambda connection: runs.steps(connection, "run-1"),
    "progress": lambda connection: runs.progress(connection, "run-1"),
    "queued runs": runs.queued,
    "page": lambda connection: runs.page(connection, before=(1, "run-1")),
    "page of states": lambda connection: runs.page(connection, states=[RunState.FAILED, RunState.CANCELED]),
    "page of a location": lambda connection: runs.page(connection, location="weather", before=(1, "run-1")),
    "page of a job": lambda connection: runs.page(connection, job="daily"),
    "attempts": lambda connection: attempts.of_run(connection, "run-1"),
    "events of a run": lambda connection: events.of_run(connection, "run-1", after_seq=3, limit=10),
    "events of an asset": lambda connection: events.of_asset(connection, "a"),
    "latest materialization": lambda connection: events.latest_materialization(connection, "a"),
    "latest of a partition": lambda connection: events.latest_materialization(connection, "a", "mon"),
    "latest of a task": lambda connection: events.latest_materialization(connection, "task"),
    "partitions of a task": lambda connection: events.partitions_made_by_step(connection, "task"),
    "logs": lambda connection: logs.of_run(connection, "run-1", step_key="a"),
    "asset": lambda connection: assets.get(connection, "a"),
    "some assets": lambda connection: assets.some(connection, ["a", "b"]),
    "partitions": lambda connection: partitions.materialized(connection, "a"),
    "recovery": recovery.load,
}
GROWING = ("runs", "plans", "run_nodes", "steps", "attempts", "events", "run_logs", "materialized_partitions")


def explained(database: Database, call: Callable[[], object]) -> list[str]:
    """The steps of every statement that the call executes."""
    statements: list[str] = []
    driver: Any = database.engine.raw_connection().driver_connection  # the only one of a database in memory
    driver.set_trace_callback(statements.append)
    call()
    driver.set_trace_callback(None)
    return [
        str(step)
        for text in statements
        if text.split()[0] in ("SELECT", "UPDATE", "INSERT", "DELETE")
        for *_, step in driver.execute(f"EXPLAIN QUERY PLAN {text}")
    ]


def check(steps: list[str]) -> None:
    assert steps
    for step in steps:
        assert "TEMP B-TREE" not in step, steps
        assert not any(step.startswith(f"SCAN {table}") for table in GROWING), steps


@pytest.mark.parametrize("name", READS)
def test_a_read(name: str) -> None:
    database = Database.memory()
    writes = samples.writes(samples.run())
    writes.plans.append(("run-1", samples.PLAN))
    database.write(writes)

    def call() -> None:
        with database.read() as connection:
            READS[name](connection)

    check(explained(database, call))


def test_changing_many_runs() -> None:
    database = Database.memory()
    rows = [samples.run(f"run-{number}") for number in range(128)]
    database.write(samples.writes(*rows))
    writes = samples.changed(rows[0], priority=1)
    for row in rows[1:]:
        writes.changed_runs |= samples.changed(row, priority=1).changed_runs
    check(explained(database, lambda: database.write(writes)))
