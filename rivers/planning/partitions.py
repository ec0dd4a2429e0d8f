"""The partition key of a launch: whether everything that the plan runs has it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from rivers.definitions.declared import listed
from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import OutputDefinition, Snapshot, StepDefinition
from rivers.errors import ExecutionError, PartitionValidationError
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.dynamic import unregistered_key
from rivers.partitions.key import PartitionKey
from rivers.partitions.mapping_image import Dependency
from rivers.partitions.mapping_image import names_read as read_by
from rivers.planning.plan import RunPlan


def check_partition_key(
    snapshot: Snapshot, plan: RunPlan, now: datetime, registered: Mapping[str, Collection[str]] | None
) -> None:
    """Raises for a key that some partitioned output of the plan does not have, or for a key that is missing.

    A job may run without a key. `registered` holds, of the keys that `dynamic_keys` names, those that are registered;
    `None` takes them all. An output without partitions in a run with a key is no error here: its step fails.
    """
    key = plan.partition_key
    if key is None:
        if plan.job is None:
            _refuse_missing(snapshot, plan)
        return
    checked: set[int] = set()  # many outputs share a definition
    for output in _partitioned(snapshot, plan):
        assert output.partitions is not None
        if id(output.partitions) in checked:
            continue
        checked.add(id(output.partitions))
        name, grid = _name(snapshot, output), output.partitions.grid(now)
        if not grid.has(key):
            near = ", ".join(f"'{one}'" for one in grid.nearest(key))
            remedy = f"the nearest keys are {near}" if near else ""
            if plan.job is not None:
                raise PartitionValidationError(
                    f"Partition key {key} is not valid for node '{name}'", remedy=remedy, asset=name
                )
            raise ExecutionError(
                f"Invalid partition_key '{key}' for asset '{name}': not a member of its partition definition.",
                remedy=remedy,
                asset=name,
            )
        for namespace, value in _dynamic_values(output.partitions, key):
            if registered is not None and value not in registered.get(namespace, ()):
                raise unregistered_key(value, namespace, name)


def dynamic_keys(snapshot: Snapshot, plan: RunPlan) -> dict[str, list[str]]:
    """What has to be registered for a plan, by the name of the dynamic definition."""
    found: dict[str, dict[str, None]] = {}
    if plan.partition_key is not None:
        for output in _partitioned(snapshot, plan):
            assert output.partitions is not None
            for name, value in _dynamic_values(output.partitions, plan.partition_key):
                found.setdefault(name, {})[value] = None
    return {name: list(values) for name, values in found.items()}


def names_read(snapshot: Snapshot, step: StepDefinition) -> tuple[str, ...]:
    """The dynamic definitions of which a step has to be told every key, to know what it loads."""
    names: dict[str, None] = {}
    for edge in step.edges:
        if edge.mapping is not None:
            upstream = snapshot.output_by_node[edge.upstream].partitions
            own = step.partitions_of([output.name for output in step.outputs])
            names |= dict.fromkeys(read_by(Dependency(step.key, edge.upstream, own, upstream, edge.mapping)))
    return tuple(names)


def _dynamic_values(definition: PartitionsDefinition, key: PartitionKey) -> Iterator[tuple[str, str]]:
    """The values of a key that have to be registered, each with the name of its dynamic definition."""
    if isinstance(key, PartitionKey.Set):
        for member in key.keys:
            yield from _dynamic_values(definition, member)
    elif isinstance(definition, PartitionsDefinition.Dynamic):
        if isinstance(key, PartitionKey.Single):
            yield from ((definition.name, value) for value in key.key)
    elif isinstance(definition, PartitionsDefinition.Multi) and isinstance(key, PartitionKey.Multi):
        for name, dimension in definition.dimensions:
            if isinstance(dimension, PartitionsDefinition.Dynamic):
                yield from ((dimension.name, value) for value in key.keys.get(name, ()))


def _refuse_missing(snapshot: Snapshot, plan: RunPlan) -> None:
    names = dict.fromkeys(_name(snapshot, output) for output in _partitioned(snapshot, plan))
    if names:
        raise ExecutionError(
            f"Cannot materialize without partition_key: assets {listed(names)} have partition definitions. "
            "Provide a partition_key or exclude them from selection."
        )


def _name(snapshot: Snapshot, output: OutputDefinition) -> str:
    """What messages call an output: the tasks of a graph go by its name."""
    return snapshot.step_by_node[output.name].graph or output.name


def _partitioned(snapshot: Snapshot, plan: RunPlan) -> Iterator[OutputDefinition]:
    """What the plan makes that has partitions. External assets are observed as a whole."""
    for planned in plan.steps:
        if snapshot.step_by_key[planned.step].kind != StepKind.EXTERNAL_ASSET:
            for made in planned.outputs:
                output = snapshot.output_by_node[made.node]
                if output.partitions is not None:
                    yield output
