"""An id that is used again: the run that had it before, and what of it still counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rivers.driver.owner import is_alive
from rivers.errors import ConflictError
from rivers.lifecycle.fan_out import is_mapped, with_instances
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import RunOwner, StepState
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import PlannedStep, RunPlan
from rivers.storage import cancellation, runs
from rivers.storage.database import Database
from rivers.storage.rows import RunRow


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run as it was left, its steps by key."""

    row: RunRow
    steps: dict[str, tuple[PlannedStep, StepProgress]]
    was_canceled: bool

    @classmethod
    def find(cls, database: Database, run_id: str, now: int) -> Earlier | None:
        """The run of this id. `ConflictError` while somebody executes it."""
        with database.read() as connection:
            row = runs.get(connection, run_id)
            if row is None:
                return None
            _check_free(row, now)
            moved = runs.steps(connection, run_id)
            planned = with_instances(runs.plan(connection, run_id).steps, moved)
            steps = {planned[step.ordinal].key: (planned[step.ordinal], step) for step in moved}
            return cls(row, steps, cancellation.is_requested(connection, run_id))

    def carry_over(self, plan: RunPlan, progress: RunProgress, *, resume: bool) -> frozenset[str]:
        """Attempts go on counting where they stopped. With `resume`, steps that succeeded stay so: their nodes.

        Instances of a mapped task stay with it, or are taken over when it is expanded again over the same source.
        """
        kept: set[str] = set()
        steps = []
        instances: dict[str, StepProgress] = {}
        for ordinal, planned in enumerate(plan.steps):
            if planned.key not in self.steps:
                continue
            before, was = self.steps[planned.key]
            step = StepProgress(ordinal, len(planned.outputs))
            step.attempt = was.attempt
            tokens = {output.node: token for output, token in zip(before.outputs, was.produced, strict=True)}
            nodes = [output.node for output in planned.outputs]
            if resume and was.state == StepState.SUCCEEDED and all(node in tokens for node in nodes):
                step.state, step.token = was.state, was.token
                step.produced = [tokens[node] for node in nodes]
                kept.update(nodes)
                step.expansion = was.expansion if is_mapped(planned) else None
            if resume and is_mapped(planned) and was.expansion is not None and _is_fed_by(planned, kept):
                step.expansion = step.expansion or replace(was.expansion, first=0)
                instances |= self._made(planned)
            steps.append(step)
        progress.fan_outs.kept = instances
        progress.restore(steps)
        progress.touched.update(range(len(plan.steps), len(progress.steps)))
        progress.touched.update(step.ordinal for step in progress.steps if step.expansion is not None)
        return frozenset(kept)

    def _made(self, mapped: PlannedStep) -> dict[str, StepProgress]:
        """The instances of a mapped task that succeeded."""
        return {
            key: step
            for key, (planned, step) in self.steps.items()
            if planned.id.mapping_key is not None and planned.step == mapped.step and step.state == StepState.SUCCEEDED
        }


def _is_fed_by(planned: PlannedStep, kept: set[str]) -> bool:
    return all(edge.producer is None or edge.node in kept for edge in planned.edges)


def _check_free(row: RunRow, now: int) -> None:
    if row.owner == RunOwner.SCHEDULER:
        raise ConflictError(
            f"run '{row.run_id}' belongs to the scheduler: use another id, or submit it there", run_id=row.run_id
        )
    if not row.state.is_terminal and is_alive(row.owner_id, row.owner_expires_at, now):
        raise ConflictError(f"run '{row.run_id}' is being executed by {row.owner_id}", run_id=row.run_id)
