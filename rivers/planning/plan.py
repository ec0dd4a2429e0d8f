"""The immutable plan of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from rivers.definitions.kinds import Delivery, HandlerKind, StepKind, TriggerRule
from rivers.definitions.snapshot import ExecutorDefinition, PoolClaim, RetryDefinition
from rivers.partitions.key import PartitionKey


class Placement(IntEnum):
    """Where a step may run."""

    ANY_WORKER = 1
    HOME = 2


@dataclass(frozen=True, slots=True)
class StepId:
    """The identity of a step within a run. `str()` is for people only."""

    node: str
    mapping_key: str | None = None
    matrix_cell: tuple[tuple[str, str], ...] = ()
    partition_keys: tuple[PartitionKey, ...] = ()

    def __str__(self) -> str:
        return self.node if self.mapping_key is None else f"{self.node}__{self.mapping_key}"


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """One output that the run wants of a step."""

    node: str
    handler: HandlerKind = HandlerKind.DEFAULT
    is_asset: bool = True


@dataclass(frozen=True, slots=True)
class PlannedEdge:
    """One dependency; `producer` is the ordinal of the step that makes it, `None` for what is loaded from outside.

    `outputs` names those of the step that depend on it; empty: all of them.
    """

    node: str
    producer: int | None
    parameter: str | None
    trigger: TriggerRule = TriggerRule.ON_SUCCESS
    handler: HandlerKind = HandlerKind.DEFAULT
    delivery: Delivery = Delivery.VALUE
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One planned step; `step` is its definition's key, `key` its text form.

    `graph` is the graph asset that it belongs to. Of a mapped task the plan holds one step; its instances, at most
    `max_concurrency` at a time if that is not 0, follow when the elements are known. `reads_keys` names the dynamic
    definitions of which it has to be told every key.
    """

    id: StepId
    step: str
    outputs: tuple[PlannedOutput, ...]
    edges: tuple[PlannedEdge, ...] = ()
    location: str = ""
    placement: Placement = Placement.ANY_WORKER
    retry: RetryDefinition | None = None
    pools: tuple[PoolClaim, ...] = ()
    condition: str | None = None
    kind: StepKind = StepKind.ASSET
    graph: str = ""
    max_concurrency: int = 0
    key: str = field(default="", compare=False)
    reads_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", str(self.id))

    @property
    def lineage(self) -> list[str]:
        """The nodes that it depends on; of a graph asset those from outside of it."""
        return self._lineage(self.edges)

    def lineage_of(self, output: str) -> list[str]:
        """Those of them that one of its outputs depends on."""
        return self._lineage(edge for edge in self.edges if not edge.outputs or output in edge.outputs)

    def _lineage(self, edges: Iterable[PlannedEdge]) -> list[str]:
        nodes = [edge.node for edge in edges]
        if self.kind != StepKind.GRAPH_ASSET:
            return nodes
        return [node for node in nodes if not node.startswith(f"{self.step}/")]


@dataclass(frozen=True)
class RunPlan:
    """Steps in topological order; a step's ordinal is its index. `config` is the launch document, plain data."""

    steps: tuple[PlannedStep, ...]
    location: str = ""
    digest: str = ""
    job: str | None = None
    executor: ExecutorDefinition | None = None
    config: dict[str, object] | None = None
    partition_key: PartitionKey | None = None

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that the run produces, in topological order."""
        return tuple(output.node for step in self.steps for output in step.outputs)
