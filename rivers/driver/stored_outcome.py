"""What a run came to, as its rows say: for whoever did not execute it."""

from __future__ import annotations

from sqlalchemy import Connection

from rivers.driver.outcome import RunOutcome
from rivers.lifecycle.states import StepState
from rivers.storage import plans, steps
from rivers.storage.rows import RunRow


def stored_outcome(connection: Connection, row: RunRow) -> RunOutcome:
    """The outcome of a run, without the exceptions: these were never stored."""
    plan = plans.get(connection, row.run_id)
    made: list[str] = []
    failed: list[tuple[str, str]] = []
    for step in steps.of_run(connection, row.run_id) if plan is not None else ():
        assert plan is not None
        for output, token in zip(plan.steps[step.ordinal].outputs, step.produced, strict=True):
            if step.state == StepState.SUCCEEDED or (token and step.state == StepState.FAILED):
                made.append(output.node)
            elif step.state in (StepState.FAILED, StepState.SKIPPED) and step.failure is not None:
                failed.append((output.node, step.failure.message))
    return RunOutcome(row.run_id, row.state, tuple(made), tuple(failed))
