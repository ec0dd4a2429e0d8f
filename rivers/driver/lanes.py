"""Where each step of a run executes."""

from __future__ import annotations

from enum import Enum

from rivers.definitions.binding import BoundRepository
from rivers.definitions.kinds import ExecutorKind
from rivers.driver.calls import NodeHandlers
from rivers.errors import ConfigurationError
from rivers.io_handlers.memory import InMemoryIOHandler
from rivers.kernel.recipe import recipe_of
from rivers.planning.plan import PlannedStep, RunPlan

OVERRIDE = "rivers/executor"


class Lane(Enum):
    """How a step executes."""

    INLINE = "in the calling thread, one after another"
    BOUND = "as INLINE, because its values never leave this process"
    COROUTINE = "as a task of an event loop"
    WORKER = "in a worker process"
    REFUSED = "not at all: its metadata names an executor that there is not"


class Lanes:
    """The lane of each step."""

    __slots__ = ("_bound", "_handlers", "_is_parallel", "_kept", "_plan")

    def __init__(self, bound: BoundRepository, plan: RunPlan, handlers: NodeHandlers) -> None:
        executor = plan.executor or bound.snapshot.default_executor
        if executor.kind == ExecutorKind.KUBERNETES:
            raise ConfigurationError(
                "Executor.kubernetes() runs under a scheduler only; in process use Executor.parallel() or in_process()"
            )
        self._bound = bound
        self._plan = plan
        self._handlers = handlers
        self._is_parallel = executor.kind == ExecutorKind.PARALLEL
        self._kept: dict[int, Lane] = {}

    def of(self, ordinal: int) -> Lane:
        """The lane of a step."""
        lane = self._kept.get(ordinal)
        if lane is None:
            lane = self._kept[ordinal] = self._find(self._plan.steps[ordinal])
        return lane

    def keep_inline(self, ordinal: int) -> None:
        """The step turned out not to be able to leave this process."""
        self._kept[ordinal] = Lane.INLINE

    def bound_steps(self) -> list[str]:
        """The keys of the steps whose values never leave this process though their executor would let them."""
        return [step.key for n, step in enumerate(self._plan.steps) if self.of(n) is Lane.BOUND]

    def override(self, planned: PlannedStep) -> str | None:
        """The executor that a step's static metadata asks for."""
        for output in self._bound.steps[planned.step].definition.outputs:
            for key, value in output.metadata:
                if key == OVERRIDE:
                    return value
        return None

    def _find(self, planned: PlannedStep) -> Lane:
        override = self.override(planned)
        if override not in (None, "in_process", "parallel"):
            return Lane.REFUSED
        step = self._bound.steps[planned.step]
        try:
            if recipe_of(step).is_async:
                return Lane.COROUTINE
        except Exception:  # cannot be called at all, which its attempt will say
            return Lane.INLINE
        if override == "in_process" or (override is None and not self._is_parallel):
            return Lane.INLINE
        handlers = [self._handlers.of_output(output.node) for output in planned.outputs]
        handlers += [
            self._handlers.of_input(planned.step, edge.node) for edge in planned.edges if edge.parameter is not None
        ]
        return Lane.BOUND if any(isinstance(one, InMemoryIOHandler) for one in handlers) else Lane.WORKER


def unknown_executor(name: str | None) -> ConfigurationError:
    """The error of a step whose metadata names an executor that there is not."""
    return ConfigurationError(
        f"Unknown executor in rivers/executor metadata: '{name}'. Valid values: 'in_process', 'parallel'"
    )
