"""Where each step of a run executes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from rivers.definitions.binding import BoundRepository
from rivers.definitions.executor_override import Override, override_of, refusal
from rivers.definitions.handlers import handler_kind
from rivers.definitions.kinds import ExecutorKind, HandlerKind, StepKind
from rivers.driver.calls import NodeHandlers
from rivers.errors import ConfigurationError
from rivers.kernel.recipe import recipe_of
from rivers.planning.availability import check_available
from rivers.planning.plan import PlannedStep, RunPlan


class Lane(Enum):
    """How a step executes."""

    INLINE = "in the calling thread, one after another"
    BOUND = "as INLINE, because its values never leave this process"
    COROUTINE = "as a task of an event loop"
    WORKER = "in a worker process"
    REFUSED = "not at all: its metadata names an executor that there is not"


class Lanes:
    """The lane of each step."""

    __slots__ = ("_bound", "_handlers", "_is_parallel", "_kept", "_planned")

    def __init__(
        self, bound: BoundRepository, plan: RunPlan, handlers: NodeHandlers, planned: Sequence[PlannedStep]
    ) -> None:
        executor = plan.executor or bound.snapshot.default_executor
        check_available(executor)
        self._bound = bound
        self._planned = planned
        self._handlers = handlers
        self._is_parallel = executor.kind == ExecutorKind.PARALLEL
        self._kept: dict[int, Lane] = {}

    def of(self, ordinal: int) -> Lane:
        """The lane of a step."""
        lane = self._kept.get(ordinal)
        if lane is None:
            lane = self._kept[ordinal] = self._find(self._planned[ordinal])
        return lane

    def keep_inline(self, ordinal: int) -> None:
        """The step turned out not to be able to leave this process."""
        self._kept[ordinal] = Lane.INLINE

    def bound_steps(self) -> list[str]:
        """The keys of the steps whose values never leave this process though their executor would let them."""
        return [
            step.key
            for n, step in enumerate(self._planned)
            if step.kind != StepKind.COLLECT and step.id.mapping_key is None and self.of(n) is Lane.BOUND
        ]

    def refusal(self, ordinal: int) -> ConfigurationError | None:
        """The error of a step whose metadata names an executor that there is not."""
        return refusal(self._override(self._planned[ordinal]))

    def _override(self, planned: PlannedStep) -> Override | None:
        return override_of(self._bound.snapshot, planned.step, planned.graph)

    def _find(self, planned: PlannedStep) -> Lane:
        asked = self._override(planned)
        if refusal(asked) is not None:
            return Lane.REFUSED
        override = None if asked is None else asked[1]
        step = self._bound.steps[planned.step]
        try:
            if recipe_of(step).is_async:
                return Lane.COROUTINE
        except Exception:  # cannot be called at all, which its attempt will say
            return Lane.INLINE
        if override == "in_process" or (override is None and not self._is_parallel):
            return Lane.INLINE
        nodes = [output.node for output in planned.outputs] if planned.id.mapping_key is None else [planned.step]
        handlers = [self._handlers.of_output(node) for node in nodes]
        handlers += [
            self._handlers.of_input(planned.step, edge.node) for edge in planned.edges if edge.parameter is not None
        ]
        return Lane.BOUND if any(handler_kind(one) == HandlerKind.IN_MEMORY for one in handlers) else Lane.WORKER
