"""Steps: the last image of each step that has moved."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from rivers.lifecycle.states import StepState
from rivers.lifecycle.step import StepProgress
from rivers.storage.images import expansion_of, expansion_text, failure_bytes, failure_of, token_bytes, tokens_of
from rivers.storage.multirow import Insert, Values
from rivers.storage.schema import runs
from rivers.storage.schema import steps as table

_CHANGING = ["state", "attempt", "token", "failures", "lost", "returns", "failure", "produced", "expansion"]

UPSERT = Insert(table, ["run_id", "ordinal", *_CHANGING], update=_CHANGING)

_COLUMNS = [table.c[name] for name in ["ordinal", *_CHANGING]]
_OF_RUN = select(*_COLUMNS).where(table.c.run_id == bindparam("run_id")).order_by(table.c.ordinal)
_OF_RUNS = (
    select(*_COLUMNS, table.c.run_id)
    .join(runs, runs.c.run_id == table.c.run_id)
    .where(runs.c.state.in_(bindparam("states", expanding=True)), runs.c.owner == bindparam("owner"))
)


def image(run_id: str, step: StepProgress) -> Values:
    """A step's row."""
    return (
        run_id,
        step.ordinal,
        int(step.state),
        step.attempt,
        step.token,
        step.failures,
        step.lost,
        step.returns,
        failure_bytes(step.failure),
        token_bytes(step.produced),
        expansion_text(step.expansion),
    )


def _step(row: Row[*tuple[Any, ...]]) -> StepProgress:
    produced = tokens_of(row[8])
    step = StepProgress(row[0], len(produced))
    step.state = StepState(row[1])
    step.attempt, step.token, step.failures, step.lost, step.returns = row[2:7]
    step.failure = failure_of(row[7])
    step.produced = produced
    step.expansion = expansion_of(row[9])
    return step


def of_run(connection: Connection, run_id: str) -> list[StepProgress]:
    """The steps of a run that have moved, in plan order."""
    return [_step(row) for row in connection.execute(_OF_RUN, {"run_id": run_id})]


def of_runs(connection: Connection, *, states: list[int], owner: int) -> dict[str, list[StepProgress]]:
    """The steps that have moved of every run in one of these states that this owner executes, by run."""
    found: dict[str, list[StepProgress]] = {}
    for row in connection.execute(_OF_RUNS, {"states": states, "owner": owner}):
        found.setdefault(row[10], []).append(_step(row))
    return found
