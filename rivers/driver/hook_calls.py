"""The hooks of one run: due when a step has ended for good, called on the thread that coordinates the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rivers.definitions.binding import BoundRepository
from rivers.definitions.hook import Hook
from rivers.definitions.kinds import HookKind
from rivers.kernel import StepEnd
from rivers.kernel.config import launched
from rivers.kernel.hooks import call_hooks
from rivers.lifecycle.states import StepState
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import PlannedStep, RunPlan


class HookCalls:
    """Noted under the run's lock, called outside of it."""

    __slots__ = ("_bound", "_due", "_plan", "_planned", "_run_id")

    def __init__(self, bound: BoundRepository, plan: RunPlan, planned: Sequence[PlannedStep], run_id: str) -> None:
        self._bound = bound
        self._plan = plan
        self._planned = planned
        self._run_id = run_id
        self._due: deque[Callable[[], None]] = deque()

    def note(self, step: StepProgress, end: StepEnd) -> None:
        """A step has ended for good: its hooks are due."""
        planned = self._planned[step.ordinal]
        hooks = getattr(self._bound.steps[planned.step].owner, "hooks", None)
        if not hooks:
            return
        values = dict(end.values)
        is_over = step.state == StepState.SUCCEEDED
        for output, token in zip(planned.outputs, step.produced, strict=True):
            if token and (is_over or len(planned.outputs) > 1):
                self._add(planned, hooks, HookKind.SUCCESS, output.node, output=values.get(output.node))
        if step.state == StepState.FAILED and step.failure is not None:
            self._add(planned, hooks, HookKind.FAILURE, planned.outputs[0].node, error=step.failure.message)

    @property
    def is_due(self) -> bool:
        """Whether any hook is to be called."""
        return bool(self._due)

    def call_due(self) -> None:
        """Calls what is due."""
        while self._due:
            self._due.popleft()()

    def _add(self, planned: PlannedStep, hooks: list[Hook], kind: HookKind, node: str, **facts: Any) -> None:
        config, metadata = launched(self._plan.config, planned.step) if self._plan.config else (None, None)
        output = self._bound.snapshot.output_by_node[node]
        self._due.append(
            partial(
                call_hooks,
                hooks,
                kind,
                node=node,
                run_id=self._run_id,
                metadata={**dict(output.metadata), **(metadata or {})},
                config=config,
                **facts,
            )
        )
