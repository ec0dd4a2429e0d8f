"""How steps are partitioned, and whether those that depend on each other fit together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from rivers.definitions.asset import Asset
from rivers.definitions.dependency import DepDef, mappings_of
from rivers.definitions.multi_asset import MultiAsset
from rivers.definitions.partitioning import NamedPartitions, by_name
from rivers.definitions.snapshot import EdgeDefinition, OutputDefinition, StepDefinition
from rivers.definitions.suggestion import nearest
from rivers.definitions.task import Task
from rivers.errors import PartitionValidationError
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.mapping_image import Dependency
from rivers.partitions.mapping_rules import check

#: So many keys are looked at to find one in common.
_COMPARED = 100_000


def with_partitions(
    owner: Asset | Task, outputs: tuple[OutputDefinition, ...], named: NamedPartitions
) -> tuple[OutputDefinition, ...]:
    """The outputs of a declaration, with their partitions. What a multi-asset says itself overrides its outputs."""
    own = named.resolve(owner.partitions_def, str(owner.name))
    definitions = [own] * len(outputs)
    if isinstance(owner, MultiAsset):
        declared = [named.resolve(one.partitions_def, str(one.name)) for one in owner.output_defs]
        definitions = declared if own is None else definitions
    strategy = None if isinstance(owner, Task) else owner.backfill_strategy
    if strategy is None and not any(definitions):
        return outputs
    return tuple(
        replace(output, partitions=definition, backfill_strategy=strategy)
        for output, definition in zip(outputs, definitions, strict=True)
    )


def with_mappings(
    owner: Asset | Task, deps: Iterable[DepDef], edges: tuple[EdgeDefinition, ...]
) -> tuple[EdgeDefinition, ...]:
    """The edges of a declaration, with their partition mappings; one of an edge comes before one in a dict."""
    mappings: dict[str, PartitionMapping] = {}
    if isinstance(owner, MultiAsset):
        for output in owner.output_defs:
            mappings |= by_name(output.partition_mapping)
    elif isinstance(owner, Task):
        mappings |= by_name(owner.partition_mapping)
    mappings |= {dep.name: dep.partition_mapping for dep in deps if dep.partition_mapping is not None}
    if not mappings:
        return edges
    for upstream in mappings:
        if isinstance(owner, MultiAsset) and all(edge.upstream != upstream for edge in edges):
            raise PartitionValidationError(
                f"Asset '{owner.name}': partition_mapping names '{upstream}', on which it does not depend",
                remedy=nearest(upstream, [edge.upstream for edge in edges]),
            )
    return tuple(replace(edge, mapping=mappings.get(edge.upstream)) for edge in edges)


def with_mappings_of_graph(graph: Asset, task: Task, edges: tuple[EdgeDefinition, ...]) -> tuple[EdgeDefinition, ...]:
    """The edges of a task of a graph, with their mappings: its own by parameter, then the graph's by upstream."""
    own, outer = by_name(task.partition_mapping), mappings_of(graph.deps) or {}
    if not own and not outer:
        return edges
    return tuple(
        replace(edge, mapping=outer.get(edge.upstream, own.get(edge.parameter or edge.upstream))) for edge in edges
    )


def check_partitions(steps: Sequence[StepDefinition], now: datetime | None) -> None:
    """Raises `PartitionValidationError` for a dependency whose partitions do not fit together, and `ValueError` for
    outputs of one function that cannot be made together. `now` is needed when there are partitions at all."""
    definitions = {output.name: output.partitions for step in steps for output in step.outputs}
    if all(one is None for one in definitions.values()):
        if all(edge.mapping is None for step in steps for edge in step.edges):
            return
        now = now or datetime.min
    if now is None:
        raise ValueError("definitions with partitions are compared as of a moment: give now")
    for step in steps:
        own = _distinct(step.outputs)
        _check_outputs(step.outputs, now)
        for edge in step.edges:
            upstream = definitions.get(edge.upstream)
            depending = own if not edge.outputs else _distinct(one for one in step.outputs if edge.is_of(one.name))
            for name, definition in depending:
                if definition is None and upstream is None and edge.mapping is None:
                    continue
                check(Dependency(name, edge.upstream, definition, upstream, edge.mapping), now)


def _distinct(outputs: Iterable[OutputDefinition]) -> list[tuple[str, PartitionsDefinition | None]]:
    """Outputs that differ in their partitions; of several, those without any go with the others."""
    found: list[tuple[str, PartitionsDefinition | None]] = []
    for output in outputs:
        if all(output.partitions != definition for _, definition in found):
            found.append((output.name, output.partitions))
    return [pair for pair in found if pair[1] is not None] or found


def _check_outputs(outputs: Sequence[OutputDefinition], now: datetime) -> None:
    """Outputs of one function have partitions of one kind, with a key in common."""
    partitioned = [(output.name, output.partitions) for output in outputs if output.partitions is not None]
    for (name, definition), (other, another) in pairwise(partitioned):
        if definition.kind != another.kind:
            raise ValueError(
                f"Multi-asset output '{name}' has {definition.kind} partitions but '{other}' has {another.kind} "
                "partitions. All outputs must use the same partition type."
            )
    for place, (other, another) in enumerate(partitioned):
        for name, definition in partitioned[:place]:
            if definition != another and not _overlap(definition, another, now):
                raise ValueError(
                    f"Multi-asset outputs '{name}' and '{other}' have no overlapping partition keys. "
                    "At least one common key is required."
                )


def _overlap(one: PartitionsDefinition, other: PartitionsDefinition, now: datetime) -> bool:
    if list(one.dynamic_names()) or list(other.dynamic_names()):
        return True  # which keys there are is known when a run starts
    small, large = sorted((one.grid(now), other.grid(now)), key=lambda grid: grid.count)
    return any(large.has(key) for key in small.keys(0, _COMPARED))
