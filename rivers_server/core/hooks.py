"""Hooks: when a step has ended for good, its location is told, once that is committed.

A hook is a notification: it is called at most once, by the location that ran the step, if that is connected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivers.definitions.kinds import HookKind
from rivers.lifecycle.states import StepState
from rivers_server.core.commands import CallHooks
from rivers_server.core.live import LiveRun
from rivers_server.core.replica import Replica

if TYPE_CHECKING:
    from rivers_server.core.core import Batch


def call(batch: Batch, replica: Replica, run: LiveRun, ordinal: int) -> None:
    """Tells the location which hooks of a step are due, if any are."""
    step, planned = run.progress.steps[ordinal], run.progress.planned[ordinal]
    if step.state not in (StepState.SUCCEEDED, StepState.FAILED):
        return
    kinds = _kinds(replica, planned.step)
    is_over = step.state == StepState.SUCCEEDED
    nodes: tuple[str, ...] = ()
    if HookKind.SUCCESS in kinds and (is_over or len(planned.outputs) > 1):
        nodes = tuple(one.node for one, token in zip(planned.outputs, step.produced, strict=True) if token)
    error = None
    if HookKind.FAILURE in kinds and not is_over and step.failure is not None:
        error = step.failure.message
    if nodes or error is not None:
        command = CallHooks(run.row.run_id, planned.step, nodes, error, run.plan.config)
        batch.outbox.send(replica.name, replica.session, command)


def _kinds(replica: Replica, step: str) -> frozenset[HookKind]:
    """What the location calls hooks of this step for; as long as nothing is known of its definitions, anything."""
    if replica.snapshot is None:
        return frozenset(HookKind)
    definition = replica.snapshot.step_by_key.get(step)
    return frozenset() if definition is None else frozenset([hook.kind for hook in definition.hooks])
