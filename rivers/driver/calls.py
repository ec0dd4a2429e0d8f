"""The calls of a run's steps: what the kernel is handed for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rivers.definitions.binding import BoundRepository
from rivers.io_handlers.handler import BaseIOHandler
from rivers.kernel import InputReference, StepCall
from rivers.kernel.config import launched
from rivers.kernel.input_metadata import metadata_of_input
from rivers.kernel.partitions import partition_of
from rivers.lifecycle.progress import RunProgress
from rivers.planning.plan import PlannedEdge, RunPlan


class NodeHandlers:
    """Which handler stores a node and which one loads it: the one that its author named, else the one in memory."""

    __slots__ = ("_bound", "_inputs", "_memory", "_outputs")

    def __init__(self, bound: BoundRepository, memory: BaseIOHandler) -> None:
        self._bound = bound
        self._memory = memory
        self._outputs: dict[str, BaseIOHandler] = {}
        self._inputs: dict[tuple[str, str], BaseIOHandler] = {}

    def of_output(self, node: str) -> BaseIOHandler:
        """The handler that stores a node."""
        handler = self._outputs.get(node)
        if handler is None:
            handler = self._outputs[node] = self._bound.handler_for(node) or self._memory
        return handler

    def of_input(self, step: str, node: str) -> BaseIOHandler:
        """The handler by which a step loads a node."""
        handler = self._inputs.get((step, node))
        if handler is None:
            handler = self._bound.input_handler_for(step, node) or self._memory
            self._inputs[step, node] = handler
        return handler

    # -- as the kernel asks

    def for_output(self, call: StepCall, node: str) -> BaseIOHandler:
        return self.of_output(call.defined(node))

    def for_input(self, call: StepCall, reference: InputReference) -> BaseIOHandler:
        if reference.parameter == "self":
            return self.of_output(reference.node)
        return self.of_input(call.step.definition.key, reference.node)


class Calls:
    """Makes the calls of one run."""

    __slots__ = ("_bound", "_keys_of", "_plan", "_progress", "_run_id", "_tags", "handlers", "resources")

    def __init__(
        self,
        bound: BoundRepository,
        plan: RunPlan,
        progress: RunProgress,
        handlers: NodeHandlers,
        *,
        run_id: str,
        tags: tuple[tuple[str, str], ...],
        resources: Mapping[str, Any],
        keys_of: Callable[[str], Sequence[str]],
    ) -> None:
        self._keys_of = keys_of
        self._bound = bound
        self._plan = plan
        self._progress = progress
        self._run_id = run_id
        self._tags = tags
        self.handlers = handlers
        self.resources = resources

    def call(self, ordinal: int, attempt: int, token: int) -> StepCall:
        """The call of one attempt."""
        planned = self._progress.planned[ordinal]
        config, metadata = launched(self._plan.config, planned.step) if self._plan.config else (None, None)
        key, step = self._plan.partition_key, self._bound.steps[planned.step]
        outputs = tuple([output.node for output in planned.outputs])
        partition = partition_of(step.definition, outputs, key) if key is not None else None
        return StepCall(
            self._run_id,
            planned.key,
            attempt,
            token,
            step,
            outputs,
            tuple(
                [self._reference(ordinal, planned.step, edge) for edge in planned.edges if edge.parameter is not None]
            ),
            self.resources,
            config,
            self._tags,
            self.handlers,
            partition,
            metadata,
            planned.id.mapping_key,
            self._progress.fan_outs.place(ordinal),
            key,
            {name: self._keys_of(name) for name in planned.reads_keys} if planned.reads_keys else None,
        )

    def _reference(self, ordinal: int, step: str, edge: PlannedEdge) -> InputReference:
        producer = self._progress.fan_outs.producer(ordinal, edge)
        return InputReference(
            edge.node,
            edge.parameter,
            producer.token,
            self._run_id if producer.token else "",
            metadata_of_input(self._bound, step, edge.node, self._plan.config),
            self._bound.snapshot.output_by_node[edge.node].partitions,
            edge.delivery,
            producer.has_value,
            producer.results,
        )
