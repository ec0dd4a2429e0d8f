"""The partitions of a step and of what it loads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import StepDefinition
from rivers.errors import PartitionValidationError
from rivers.kernel.call import InputReference, StepCall
from rivers.partitions.context import PartitionContext
from rivers.partitions.key import PartitionKey
from rivers.partitions.mapping_image import Dependency, image


def partition_of(step: StepDefinition, outputs: Collection[str], key: PartitionKey | None) -> PartitionContext | None:
    """What a step that makes these outputs is told of the run's key: one concrete key for each partition."""
    if key is None:
        return None
    definition = step.partitions_of(outputs)
    return None if definition is None else PartitionContext(list(dict.fromkeys(key.expand())), definition)


def refuse_unpartitioned(call: StepCall) -> None:
    """A run with a key cannot make what has no partitions: whose value would it be?"""
    if call.partition is None and call.step.definition.kind != StepKind.EXTERNAL_ASSET:
        raise PartitionValidationError(f"Node '{call.outputs[0]}' is not partitioned, but a partition_key was provided")


def loaded_partition(call: StepCall, reference: InputReference) -> tuple[bool, PartitionContext | None]:
    """Whether an input is loaded at all, and which of its partitions; `None` is the whole."""
    own = call.partition
    found = image(
        Dependency(
            call.outputs[0],
            reference.node,
            None if own is None else own.definition,
            reference.partitions,
            call.step.definition.mapping_of(reference.node),
        ),
        () if own is None else own.keys,
        datetime.now().astimezone(),
        call.registered,
    )
    if found.keys is None or reference.partitions is None:
        return not found.is_nothing, None
    return True, PartitionContext(found.keys, reference.partitions)
