"""A mapped task: what it was expanded into, and how far its instances have come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rivers.definitions.kinds import StepKind
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import FailureReason, StepState
from rivers.planning.plan import PlannedStep, StepId

if TYPE_CHECKING:
    from rivers.lifecycle.step import StepProgress

INSTANCES_FAILED = Failure(FailureReason.UPSTREAM_FAILED, "One or more map instances failed")
NOT_EXPANDED = Failure(FailureReason.INFRASTRUCTURE, "the attempt ended without saying what it is to be mapped over")


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a step is made of beside its own attempts.

    Of a mapped task: the mapping keys of its instances in the order of the source, and the token of the attempt that
    told them. `first` is the ordinal of the first instance, 0 while there are none yet. Of a graph asset: empty, and it
    says that its start was logged before its own attempt.
    """

    token: int = 0
    keys: tuple[str, ...] = ()
    first: int = 0


@dataclass(frozen=True, slots=True)
class Producer:
    """Where an input comes from: the committed attempt that made it, token 0 for what is loaded from outside the run.

    `results` are the instances to gather, node and token of each, when it comes from a gathering.
    """

    token: int = 0
    has_value: bool = True
    results: tuple[tuple[str, int], ...] = ()


OUTSIDE = Producer()


class FanOut:
    """The instances of one mapped task: ordinals from `first`, at most `limit` of them begun at a time (0: no bound).

    `made` holds those that succeeded in the order in which they did; it is a hint, and follows the source after a
    restart.
    """

    __slots__ = ("_next", "active", "count", "first", "has_failed", "left", "limit", "made", "parent")

    def __init__(self, parent: int, first: int, count: int, limit: int) -> None:
        self.parent = parent
        self.first = first
        self.count = count
        self.limit = limit
        self.active = 0
        self.left = count
        self.has_failed = False
        self.made: list[int] = []
        self._next = 0

    def take_over(self, instances: Sequence[StepProgress]) -> None:
        """Counts instances as they are."""
        self.left = sum(not step.state.is_terminal for step in instances)
        self.active = self.left - sum(step.state == StepState.PENDING for step in instances)
        self.has_failed = any(step.state == StepState.FAILED for step in instances)
        self.made = [step.ordinal for step in instances if step.state == StepState.SUCCEEDED]

    def begin(self, steps: Sequence[StepProgress]) -> Iterator[StepProgress]:
        """Instances that may begin now."""
        while self._next < self.count and not (self.limit and self.active >= self.limit):
            step = steps[self.first + self._next]
            self._next += 1
            if step.state == StepState.PENDING:
                self.active += 1
                yield step

    def note(self, step: StepProgress) -> None:
        """An instance is over."""
        self.left -= 1
        self.active -= 1
        if step.state == StepState.SUCCEEDED:
            self.made.append(step.ordinal)
        else:
            self.has_failed = True


def is_mapped(planned: PlannedStep) -> bool:
    """Whether the step is a mapped task itself, rather than an instance of one."""
    return planned.kind == StepKind.MAPPED_TASK and planned.id.mapping_key is None


def instance_of(planned: PlannedStep, key: str) -> PlannedStep:
    """The instance of a mapped task for one element."""
    id = StepId(planned.id.node, key, planned.id.matrix_cell, planned.id.partition_keys)
    text = str(id)
    return PlannedStep(
        id,
        planned.step,
        tuple([replace(output, node=text) for output in planned.outputs]),
        planned.edges,
        planned.location,
        planned.placement,
        planned.retry,
        planned.pools,
        planned.condition,
        planned.kind,
        planned.graph,
        0,
        text,
        planned.reads_keys,
    )


def with_instances(steps: Sequence[PlannedStep], moved: Sequence[StepProgress]) -> list[PlannedStep]:
    """A plan's steps, and behind them every instance that the steps that have moved were expanded into."""
    planned = list(steps)
    for step in in_order_of_opening(moved):
        assert step.expansion is not None
        planned += [instance_of(steps[step.ordinal], key) for key in step.expansion.keys]
    return planned


def in_order_of_opening(steps: Iterable[StepProgress]) -> list[StepProgress]:
    """The mapped tasks that were opened, in the order in which they were; one without instances moved nobody on."""
    opened = [(step.expansion.first, bool(step.expansion.keys), step) for step in steps if step.expansion is not None]
    return [step for first, _, step in sorted(opened, key=lambda one: one[:2]) if first]
