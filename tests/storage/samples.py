"""Rows to store."""

from __future__ import annotations

from typing import Any

from rivers.definitions.kinds import BackoffKind, ExecutorKind, HandlerKind, TriggerRule
from rivers.definitions.snapshot import ExecutorDefinition, PoolClaim, RetryDefinition
from rivers.lifecycle.attempt import Attempt
from rivers.lifecycle.events import Event, Failure
from rivers.lifecycle.states import (
    AttemptState,
    EventType,
    FailureReason,
    LogStream,
    RunKind,
    StepState,
)
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import Placement, PlannedEdge, PlannedOutput, PlannedStep, RunPlan, StepId
from rivers.storage.database import Database
from rivers.storage.rows import EventRow, LogRow, MaterializationRow, RunRow, WriteSet

FAILURE = Failure(
    FailureReason.ERROR, "ValueError: ünlucky", ("builtins.ValueError", "builtins.Exception"), "Traceback ...", 9, 3
)
STEP = PlannedStep(StepId("a"), "a", (PlannedOutput("a"),), location="weather")
PLAN = RunPlan(
    (
        STEP,
        PlannedStep(
            StepId("b"),
            "b",
            (PlannedOutput("b", HandlerKind.IN_MEMORY, is_asset=False),),
            (PlannedEdge("a", 0, "a", TriggerRule.ON_DONE), PlannedEdge("outside", None, None)),
            location="weather",
            placement=Placement.HOME,
            retry=RetryDefinition(3, BackoffKind.EXPONENTIAL, delay=0.5),
            pools=(PoolClaim("db", 2),),
        ),
    ),
    location="weather",
    digest="d1",
    job="daily",
    executor=ExecutorDefinition(ExecutorKind.PARALLEL, 4),
    config={"a": {"rows": (1 << 53) + 1}},
)


def run(run_id: str = "run-1", **fields: Any) -> RunRow:
    """A queued run."""
    given: dict[str, Any] = {
        "kind": RunKind.JOB,
        "location": "weather",
        "job": "daily",
        "nodes": ("a", "b"),
        "tags": (),
        "submitted_at": 1_000,
        "total_steps": 2,
    }
    return RunRow(run_id, **(given | fields))


def event(run_id: str, seq: int, type: EventType = EventType.RUN_QUEUED, node: str = "", **fields: Any) -> EventRow:
    """An event; of a step when it has a node."""
    return EventRow(
        run_id, seq, 1_000 + seq, Event(type, 0 if node else -1, node=node, **fields), STEP if node else None
    )


def step(ordinal: int = 0, outputs: int = 1, **fields: Any) -> StepProgress:
    """A step; running under token 7 unless the fields say otherwise."""
    made = StepProgress(ordinal, outputs)
    for name, value in {"state": StepState.RUNNING, "attempt": 1, "token": 7, **fields}.items():
        setattr(made, name, value)
    return made


def attempt(token: int = 7, run_id: str = "run-1", **fields: Any) -> Attempt:
    """An attempt; running unless the fields say otherwise."""
    made = Attempt(
        token=token,
        run_id=run_id,
        ordinal=0,
        number=1,
        location="weather",
        home_id="home",
        boot=2,
        lease=900.5,
        is_home=True,
    )
    for name, value in {"state": AttemptState.RUNNING, **fields}.items():
        setattr(made, name, value)
    return made


def log(run_id: str, seq: int, text: str, step_key: str = "a") -> LogRow:
    """A chunk of standard output."""
    return LogRow(run_id, seq, 2_000 + seq, step_key, 1, LogStream.STDOUT, text)


def materialization(run_id: str, seq: int, asset_key: str = "a", **fields: Any) -> MaterializationRow:
    """A materialization."""
    return MaterializationRow(asset_key, run_id, seq, 1_000 + seq, fields.pop("data_version", f"v{seq}"), **fields)


def writes(*rows: Any) -> WriteSet:
    """A write set of new runs, events, logs and materializations."""
    made = WriteSet()
    for row in rows:
        match row:
            case RunRow():
                made.new_runs.append(row)
            case EventRow():
                made.events.append(row)
            case LogRow():
                made.logs.append(row)
            case MaterializationRow():
                made.materializations.append(row)
            case Attempt():
                made.attempts[row.token] = row
            case _:
                raise TypeError(f"not a row: {row!r}")
    return made


def changed(row: RunRow, **fields: Any) -> WriteSet:
    """A write set of one run with these fields and the next version."""
    for name, value in fields.items():
        setattr(row, name, value)
    row.version += 1
    made = WriteSet()
    made.changed_runs[row.run_id] = row
    return made


def content(row: object) -> dict[str, Any]:
    """The fields of a row that has slots."""
    return {name: getattr(row, name) for name in type(row).__slots__}  # type: ignore[attr-defined]


def positions(database: Database) -> list[int]:
    """The positions of all events, in their order."""
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT position FROM events ORDER BY position")
        return [position for (position,) in found]
