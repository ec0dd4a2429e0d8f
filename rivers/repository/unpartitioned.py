"""Steps without partitions in a run with a partition key: they fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rivers.definitions.binding import BoundRepository
from rivers.definitions.signature import EMPTY
from rivers.errors import PartitionValidationError
from rivers.planning.plan import RunPlan


def refusing(bound: BoundRepository, plan: RunPlan) -> BoundRepository:
    """The repository with steps that say, in place of running, that they have no partitions."""
    steps = dict(bound.steps)
    for planned in plan.steps:
        step = steps[planned.step]
        steps[planned.step] = replace(
            step,
            definition=replace(step.definition, is_async=False, resources=()),
            function=_refuse(planned.outputs[0].node),
            parameters=(),
            return_annotation=EMPTY,
        )
    return replace(bound, steps=steps)


def _refuse(node: str) -> Callable[[], Any]:
    def refuse() -> Any:
        raise PartitionValidationError(f"Node '{node}' is not partitioned, but a partition_key was provided")

    return refuse
