"""The dynamic part of a run: instances of its mapped tasks, behind the steps of its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rivers.definitions.kinds import Delivery, StepKind
from rivers.lifecycle.fan_out import OUTSIDE, Expansion, FanOut, Producer, in_order_of_opening, instance_of, is_mapped
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import PlannedEdge, PlannedStep, RunPlan


class FanOuts:
    """Appends instances to a run's steps. `planned` and `steps` are the run's own lists, changed in place.

    `kept` holds, by the text of their keys, instances that an earlier execution of the run has made already.
    """

    __slots__ = ("_by_instance", "_by_parent", "_size", "kept", "planned", "steps")

    def __init__(self, plan: RunPlan, planned: list[PlannedStep], steps: list[StepProgress]) -> None:
        self.planned = planned
        self.steps = steps
        self.kept: Mapping[str, StepProgress] = {}
        self._size = len(plan.steps)
        self._by_parent: dict[int, FanOut] = {}
        self._by_instance: list[FanOut] = []

    def expand(self, parent: StepProgress) -> FanOut:
        """Makes the instances of a mapped task whose keys are known."""
        assert parent.expansion is not None
        keys, first = parent.expansion.keys, len(self.steps)
        parent.expansion = Expansion(parent.expansion.token, keys, first)
        planned = self.planned[parent.ordinal]
        fan_out = FanOut(parent.ordinal, first, len(keys), planned.max_concurrency)
        for key in keys:
            instance = instance_of(planned, key)
            step = StepProgress(len(self.steps), 1)
            if instance.key in self.kept:
                was = self.kept[instance.key]
                step.state, step.attempt, step.token = was.state, was.attempt, was.token
                step.produced = list(was.produced)
            self.planned.append(instance)
            self.steps.append(step)
            self._by_instance.append(fan_out)
        fan_out.take_over(self.steps[first:])
        self._by_parent[parent.ordinal] = fan_out
        return fan_out

    def restore(self, moved: Sequence[StepProgress]) -> None:
        """Makes the instances of every mapped task that was opened, and takes over those that have moved."""
        del self.planned[self._size :], self.steps[self._size :]
        self._by_parent.clear()
        self._by_instance.clear()
        for step in in_order_of_opening(self.steps):
            self.expand(step)
        for step in moved:
            if step.ordinal >= self._size:
                self.steps[step.ordinal] = step
        for fan_out in self._by_parent.values():
            fan_out.take_over(self.steps[fan_out.first : fan_out.first + fan_out.count])

    def of_instance(self, ordinal: int) -> FanOut | None:
        """The fan-out that a step is an instance of."""
        return self._by_instance[ordinal - self._size] if ordinal >= self._size else None

    def of_parent(self, ordinal: int) -> FanOut | None:
        """The instances that a mapped task was expanded into."""
        return self._by_parent.get(ordinal)

    def place(self, ordinal: int) -> int:
        """The place of an instance's element in the source."""
        fan_out = self.of_instance(ordinal)
        return ordinal - fan_out.first if fan_out is not None else 0

    def in_order(self) -> list[int]:
        """Every step: the plan's in their order, instances before the task that they are of."""
        ordered: list[int] = []
        for ordinal in range(self._size):
            fan_out = self._by_parent.get(ordinal)
            if fan_out is not None:
                ordered += range(fan_out.first, fan_out.first + fan_out.count)
            ordered.append(ordinal)
        return ordered

    def gathered(self, ordinal: int) -> FanOut | None:
        """The instances whose results a gathering step stands for."""
        source = next((edge.producer for edge in self.planned[ordinal].edges), None)
        return None if source is None else self._by_parent.get(source)

    def producer(self, ordinal: int, edge: PlannedEdge) -> Producer:
        """Where an input of a step comes from."""
        if edge.producer is None:
            return OUTSIDE
        planned = self.planned[edge.producer]
        if planned.kind == StepKind.COLLECT:
            fan_out = self.gathered(edge.producer)
            if fan_out is None or edge.parameter is None:
                return OUTSIDE
            match edge.delivery:
                case Delivery.ELEMENT:
                    chosen: Sequence[int] = (
                        [] if is_mapped(self.planned[ordinal]) else [fan_out.first + self.place(ordinal)]
                    )
                case Delivery.STREAMED_AS_MADE:
                    chosen = fan_out.made
                case _:
                    chosen = range(fan_out.first, fan_out.first + fan_out.count)
            return Producer(results=tuple([(self.planned[n].key, self.steps[n].produced[0]) for n in chosen]))
        token = self._mark(edge.producer, edge.node)
        return Producer(abs(token), token >= 0)

    def token(self, ordinal: int, node: str) -> int:
        """The token of the committed attempt that made an output; 0 when none has."""
        return abs(self._mark(ordinal, node))

    def _mark(self, ordinal: int, node: str) -> int:
        for place, output in enumerate(self.planned[ordinal].outputs):
            if output.node == node:
                return self.steps[ordinal].produced[place]
        return 0

    def find_keys(self, ordinal: int) -> bool:
        """Whether the keys of a mapped task are there without an attempt that looks at its source."""
        step, planned = self.steps[ordinal], self.planned[ordinal]
        if not is_mapped(planned):
            return False
        source = next((edge for edge in planned.edges if edge.delivery == Delivery.ELEMENT), None)
        if source is None or source.producer is None:
            return False
        if self.planned[source.producer].kind == StepKind.COLLECT:
            fan_out = self.gathered(source.producer)
            if fan_out is not None:  # the elements of a gathering are as many as what it gathers
                step.expansion = Expansion(0, tuple(map(str, range(fan_out.count))))
            return fan_out is not None
        token = self.token(source.producer, source.node)
        return step.expansion is not None and bool(token) and step.expansion.token == token
