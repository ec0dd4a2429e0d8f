"""Every kind of row comes back as it was written."""

from __future__ import annotations

from typing import Any

import pytest

from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import (
    AttemptOutcome,
    AttemptState,
    EventType,
    FailureReason,
    LaunchCause,
    RunKind,
    RunOwner,
    RunState,
    StepState,
)
from rivers.partitions.key import PartitionKey
from rivers.storage import attempts, events, locations, logs, runs
from rivers.storage.database import Database
from rivers.storage.rows import LocationRow, RunRow, WriteSet
from rivers.wire.events import encode_event
from tests.storage import samples

FULL_RUN: dict[str, Any] = {
    "kind": RunKind.BACKFILL_UNIT,
    "job": None,
    "tags": (("team", "ü"), ("team", "again")),
    "owner": RunOwner.PROCESS,
    "cause": LaunchCause.SENSOR,
    "cause_name": "new_files",
    "root_run_id": "run-0",
    "parent_run_id": "run-0",
    "request_id": "request-1",
    "digest": "d1",
    "partition_key": PartitionKey.multi({"date": "d", "region": ["us", "eu"]}),
    "queue_number": 1 << 40,
    "owner_id": "host:1",
    "state": RunState.FAILED,
    "priority": -10,
    "queued_at": 1 << 60,
    "started_at": 5,
    "ended_at": 6,
    "failure": samples.FAILURE,
    "last_seq": 7,
    "last_log_seq": 8,
    "completed_steps": 1,
    "owner_expires_at": 9,
    "version": 3,
}


@pytest.mark.parametrize("fields", [{}, FULL_RUN], ids=["least", "full"])
def test_a_run(database: Database, fields: dict[str, Any]) -> None:
    row = samples.run(**fields)
    database.write(samples.writes(row))
    with database.read() as connection:
        assert runs.get(connection, "run-1") == row
        assert runs.get(connection, "none") is None


def test_every_field_of_a_run_is_stored() -> None:
    assert set(FULL_RUN) | {"run_id", "location", "nodes", "submitted_at", "total_steps", "stored_version"} == set(
        RunRow.__slots__
    )


def test_a_run_with_many_nodes(database: Database) -> None:
    nodes = tuple(f"node_{number}" for number in range(10_000))
    row = samples.run(nodes=nodes)
    database.write(samples.writes(row))
    database.write(samples.changed(row, state=RunState.STARTED))
    with database.read() as connection:
        assert runs.get(connection, "run-1") == row
        assert runs.page(connection)[0].nodes == nodes


def test_a_plan(database: Database) -> None:
    writes = samples.writes(samples.run())
    writes.plans.append(("run-1", samples.PLAN))
    database.write(writes)
    with database.read() as connection:
        assert runs.plan(connection, "run-1") == samples.PLAN


def test_a_plan_that_is_not_there(database: Database) -> None:
    with database.read() as connection, pytest.raises(Exception, match="Run 'none' not found"):
        runs.plan(connection, "none")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"outputs": 3, "produced": [1 << 40, 0, 7], "failures": 1, "lost": 2, "returns": 3, "failure": samples.FAILURE},
        {"outputs": 0, "state": StepState.SUCCEEDED},
    ],
    ids=["least", "full", "without outputs"],
)
def test_a_step(database: Database, fields: dict[str, Any]) -> None:
    step = samples.step(4, **fields)
    writes = samples.writes(samples.run())
    writes.steps["run-1", 4] = step
    database.write(writes)
    with database.read() as connection:
        (found,) = runs.steps(connection, "run-1")
        assert samples.content(found) == samples.content(step)


@pytest.mark.parametrize(
    "fields",
    [{}, {"state": AttemptState.ENDED, "outcome": AttemptOutcome.CRASHED, "ingested": 12, "is_home": False}],
    ids=["live", "ended"],
)
def test_an_attempt(database: Database, fields: dict[str, Any]) -> None:
    attempt = samples.attempt(1 << 40, **fields)
    database.write(samples.writes(samples.run(), attempt))
    with database.read() as connection:
        (found,) = attempts.of_run(connection, "run-1")
        assert samples.content(found) == samples.content(attempt)


def test_events(database: Database) -> None:
    rows = [
        samples.event("run-1", 1),
        samples.event(
            "run-1",
            2,
            EventType.MATERIALIZED,
            "a",
            attempt=2,
            metadata=(("rows", 4, 1461),),
            facts=(("priority", "3"),),
            data_version="v1",
            partition_key=PartitionKey.single("mon"),
        ),
        samples.event("run-1", 3, EventType.STEP_RETRIED, "a", failure=samples.FAILURE, delay=0.25),
    ]
    database.write(samples.writes(samples.run(), *rows))
    with database.read() as connection:
        found = events.of_run(connection, "run-1", after_seq=0, limit=10)
        assert found == [encode_event(row, position) for position, row in enumerate(rows, 1)]
        assert events.of_run(connection, "run-1", after_seq=1, limit=1) == found[1:2]
        assert events.of_run(connection, "none") == []


def test_events_of_an_asset_are_newest_first(database: Database) -> None:
    for number in (1, 2):
        run_id = f"run-{number}"
        started = samples.event(run_id, 2, EventType.STEP_STARTED, "a")
        stored = samples.event(run_id, 3, EventType.MATERIALIZED, "a", data_version="v")
        ended = samples.event(run_id, 4, EventType.STEP_SUCCEEDED, "a")
        database.write(samples.writes(samples.run(run_id), samples.event(run_id, 1), started, stored, ended))
    with database.read() as connection:
        found = events.of_asset(connection, "a", limit=2)
        assert [(event.run_id, event.seq) for event in found] == [("run-2", 4), ("run-2", 3)]
        assert len(events.of_asset(connection, "a")) == 6
        assert events.of_asset(connection, "none") == []


def test_logs(database: Database) -> None:
    rows = [
        samples.log("run-1", 1, "plain\n"),
        samples.log("run-1", 2, "of another step", "b"),
        samples.log("run-1", 3, "zero \x00 and ünicode \U0001f600"),
        samples.log("run-1", 4, ""),
    ]
    database.write(samples.writes(samples.run(), *rows))
    with database.read() as connection:
        assert logs.of_run(connection, "run-1") == rows
        assert logs.of_run(connection, "run-1", after_seq=1, limit=2) == rows[1:3]
        assert logs.of_run(connection, "run-1", after_seq=1, step_key="a", limit=5) == rows[2:]
        assert logs.of_run(connection, "none") == []


def test_text_that_has_no_encoding_is_escaped(database: Database) -> None:
    failure = Failure(FailureReason.ERROR, "ValueError: \udc80")
    row = samples.run(failure=failure)
    database.write(samples.writes(row, samples.log("run-1", 1, "\udc80")))
    with database.read() as connection:
        assert logs.of_run(connection, "run-1")[0].text == "\\udc80"
        found = runs.get(connection, "run-1")
        assert found is not None
        assert found.failure is not None
        assert found.failure.message == "ValueError: \\udc80"


def test_locations(database: Database) -> None:
    markets = LocationRow("markets", "127.0.0.1:1", "home", 3, "d1", "examples.markets", 5, 6)
    weather = LocationRow("weather", "127.0.0.1:2", "home2", 1)
    database.write(WriteSet(locations=[weather, markets]))
    moved = LocationRow("markets", "127.0.0.1:9", "home", 4, "d2", "examples.markets", 5, 7)
    database.write(WriteSet(locations=[markets, moved]))
    with database.read() as connection:
        assert locations.all(connection) == [moved, weather]
    database.write(WriteSet(forgotten_locations=["weather", "none"]))
    with database.read() as connection:
        assert locations.all(connection) == [moved]
