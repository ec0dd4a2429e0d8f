"""What a run that was executed here came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rivers.lifecycle.events import Failure
from rivers.lifecycle.fan_out import INSTANCES_FAILED
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import RunState, StepState
from rivers.partitions.key import PartitionKey


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """Nodes that were made, nodes that were not with "<Type>: <message>", both in topological order.

    `exceptions` holds, by step key in the same order, what the last attempt of each failed step raised, the object
    itself; a step that was skipped raised nothing. `marked` are the partitions that steps marked as failed.
    """

    run_id: str
    state: RunState
    materialized: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    exceptions: Mapping[str, BaseException] = field(default_factory=dict)
    marked: tuple[PartitionKey, ...] = ()

    @property
    def success(self) -> bool:
        """Whether every step succeeded."""
        return self.state == RunState.SUCCEEDED

    @property
    def error(self) -> BaseException | None:
        """The exception of the first failed step; `None` for a run that succeeded or was canceled."""
        return next(iter(self.exceptions.values()), None) if self.state == RunState.FAILED else None


def nodes_of(
    progress: RunProgress, failures: Mapping[int, Mapping[str, Failure]]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Nodes that were made, and nodes that were not with why; `failures` are those of single outputs by ordinal.

    A mapped task stands for its instances, unless some of them failed: then each is told by itself.
    """
    made: list[str] = []
    failed: list[tuple[str, str]] = []
    for ordinal in progress.fan_outs.in_order():
        planned, step = progress.planned[ordinal], progress.steps[ordinal]
        fan_out = progress.fan_outs.of_instance(ordinal)
        if step.state == StepState.SUCCEEDED:
            if fan_out is None or progress.steps[fan_out.parent].state != StepState.SUCCEEDED:
                made += [output.node for output in planned.outputs]
        elif step.state in (StepState.FAILED, StepState.SKIPPED) and step.failure is not None:
            if step.failure == INSTANCES_FAILED:
                continue
            own = failures.get(ordinal, {})
            for output, token in zip(planned.outputs, step.produced, strict=True):
                if token > 0:
                    made.append(output.node)
                else:
                    failed.append((output.node, own.get(output.node, step.failure).message))
    return tuple(made), tuple(failed)
