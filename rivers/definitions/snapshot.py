"""A repository's definitions as frozen data: what planning needs, and nothing that is code."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rivers.definitions.automation_snapshot import ScheduleDefinition, SensorDefinition
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.kinds import (
    BackendKind,
    BackoffKind,
    Delivery,
    ExecutorKind,
    HandlerKind,
    HookKind,
    StepKind,
    TriggerRule,
)
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.mapping import PartitionMapping


@dataclass(frozen=True, slots=True)
class ExecutorDefinition:
    """An executor with its settings. `kubernetes` holds the settings of that executor, as sorted pairs."""

    kind: ExecutorKind
    max_workers: int | None = None
    max_async_concurrent: int | None = None
    kubernetes: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class RetryDefinition:
    """When and how often a failed step is tried again. Times in seconds; `backoff=None` does not wait.

    `reasons` and `exception_types` filter what is tried again; both `None` means everything but cancellation.
    """

    max_retries: int
    backoff: BackoffKind | None = None
    delay: float = 0.0
    initial: float = 0.0
    factor: float = 2.0
    schedule: tuple[float, ...] = ()
    jitter: float = 0.0
    max_delay: float | None = None
    reasons: tuple[str, ...] | None = None
    exception_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PoolClaim:
    """Slots that a step claims of a pool while it runs."""

    pool: str
    slots: int = 1


def union(claims: Iterable[PoolClaim]) -> tuple[PoolClaim, ...]:
    """Claims of several outputs together: of those that share a pool the largest counts, for the function runs once."""
    slots: dict[str, int] = {}
    for claim in claims:
        slots[claim.pool] = max(claim.slots, slots.get(claim.pool, 0))
    return tuple(PoolClaim(pool, count) for pool, count in slots.items())


@dataclass(frozen=True, slots=True)
class OutputDefinition:
    """One output of a step: an addressable node. `is_mapped` says that some task is mapped over its elements."""

    name: str
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    group: str | None = None
    code_version: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    handler: HandlerKind = HandlerKind.DEFAULT
    handler_class: str = ""
    is_asset: bool = True
    type_name: str = ""
    pools: tuple[PoolClaim, ...] = ()
    is_mapped: bool = False
    partitions: PartitionsDefinition | None = None
    backfill_strategy: BackfillStrategy | None = None


@dataclass(frozen=True, slots=True)
class HookDefinition:
    """A hook of a step."""

    name: str
    kind: HookKind


@dataclass(frozen=True, slots=True)
class EdgeDefinition:
    """A dependency of a step on one output; `parameter=None` only orders.

    `outputs` names those of a step with several that depend on it; empty: all of them.
    """

    upstream: str
    parameter: str | None = None
    trigger: TriggerRule = TriggerRule.ON_SUCCESS
    delivery: Delivery = Delivery.VALUE
    mapping: PartitionMapping | None = None
    outputs: tuple[str, ...] = ()

    def is_of(self, output: str) -> bool:
        """Whether this output of the step depends on it."""
        return not self.outputs or output in self.outputs


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One step: what a function computes. Its key is the node, or the first output of a multi-asset.

    What is not `is_runnable` has no function: an external asset that nobody observes.
    `graph` is the graph asset that the step belongs to; `max_concurrency` bounds the instances of a mapped task, 0 does
    not.
    """

    key: str
    kind: StepKind
    outputs: tuple[OutputDefinition, ...]
    edges: tuple[EdgeDefinition, ...] = ()
    executor: ExecutorDefinition | None = None
    retry: RetryDefinition | None = None
    pools: tuple[PoolClaim, ...] = ()
    is_async: bool = False
    resources: tuple[str, ...] = ()
    graph: str = ""
    condition: str | None = None
    description: str = ""
    is_runnable: bool = True
    automation: ConditionDefinition | None = None
    hooks: tuple[HookDefinition, ...] = ()
    reads_itself: bool = False
    max_concurrency: int = 0

    def mapping_of(self, upstream: str) -> PartitionMapping | None:
        """Which partitions of an upstream the step reads; `None` for the same ones."""
        return next((edge.mapping for edge in self.edges if edge.upstream == upstream), None)

    def partitions_of(self, nodes: Collection[str]) -> PartitionsDefinition | None:
        """How the step is partitioned when these outputs are wanted of it; those without partitions follow others."""
        if len(self.outputs) == 1:  # which the instances of a mapped task have under other names
            return self.outputs[0].partitions
        for output in self.outputs:
            if output.partitions is not None and output.name in nodes:
                return output.partitions
        return None


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A named selection of steps, in topological order."""

    name: str
    steps: tuple[str, ...]
    executor: ExecutorDefinition | None = None
    retry: RetryDefinition | None = None
    allow_incomplete_deps: bool = False


@dataclass(frozen=True, slots=True)
class TagLimitDefinition:
    """A limit on runs in flight with a tag; without a value it counts all of the key, or each value for itself."""

    key: str
    limit: int
    value: str | None = None
    per_unique_value: bool = False


@dataclass(frozen=True, slots=True)
class RunQueueDefinition:
    """Settings of a repository's run queue. Times in seconds; -1 runs at once is no limit."""

    max_concurrent_runs: int = 10
    tag_limits: tuple[TagLimitDefinition, ...] = ()
    dequeue_interval: float = 0.25
    start_timeout: float = 180.0


@dataclass(frozen=True, slots=True)
class RunBackendDefinition:
    """Where runs are launched; the settings are those of a Kubernetes job."""

    kind: BackendKind
    image: str | None = None
    namespace: str | None = None
    service_account: str = ""
    run_cpu: str = ""
    run_memory: str = ""
    worker_cpu: str = ""
    worker_memory: str = ""


@dataclass(frozen=True)
class Snapshot:
    """Everything that a repository defines; steps in topological order."""

    steps: tuple[StepDefinition, ...]
    jobs: tuple[JobDefinition, ...] = ()
    default_executor: ExecutorDefinition = ExecutorDefinition(ExecutorKind.PARALLEL)
    default_retry: RetryDefinition | None = None
    pool_limits: tuple[tuple[str, int], ...] = ()
    run_queue: RunQueueDefinition | None = None
    run_backend: RunBackendDefinition | None = None
    schedules: tuple[ScheduleDefinition, ...] = ()
    sensors: tuple[SensorDefinition, ...] = ()
    module: str = field(default="", compare=False)
    repository: str = field(default="", compare=False)

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the definitions, the same for equal definitions in any process."""
        content = (
            self.steps,
            self.jobs,
            self.default_executor,
            self.default_retry,
            self.pool_limits,
            self.run_queue,
            self.run_backend,
            self.schedules,
            self.sensors,
        )
        return hashlib.sha256(repr(content).encode()).hexdigest()

    @cached_property
    def step_by_key(self) -> Mapping[str, StepDefinition]:
        """Steps by key."""
        return {step.key: step for step in self.steps}

    @cached_property
    def step_by_node(self) -> Mapping[str, StepDefinition]:
        """The step that produces each node."""
        return {output.name: step for step in self.steps for output in step.outputs}

    @cached_property
    def output_by_node(self) -> Mapping[str, OutputDefinition]:
        """Outputs by node."""
        return {output.name: output for step in self.steps for output in step.outputs}

    @cached_property
    def steps_by_graph(self) -> Mapping[str, tuple[StepDefinition, ...]]:
        """The steps within each graph asset, without the asset's own."""
        found: dict[str, list[StepDefinition]] = {}
        for step in self.steps:
            if step.graph:
                found.setdefault(step.graph, []).append(step)
        return {graph: tuple(steps) for graph, steps in found.items()}

    @cached_property
    def job_by_name(self) -> Mapping[str, JobDefinition]:
        """Jobs by name."""
        return {job.name: job for job in self.jobs}

    @cached_property
    def place_by_key(self) -> Mapping[str, int]:
        """The place of each step in the topological order."""
        return {step.key: place for place, step in enumerate(self.steps)}

    @cached_property
    def planned(self) -> dict[object, object]:
        """What planning keeps from one plan of these definitions to the next."""
        return {}
