"""A repository's definitions together with the code behind them, validated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from rivers.definitions.asset import Asset
from rivers.definitions.automation_binding import BoundSchedule, BoundSensor, bind_schedules, bind_sensors
from rivers.definitions.composition import NodeCall
from rivers.definitions.dependency import DepDef
from rivers.definitions.executor import Executor
from rivers.definitions.graph_asset import GraphAsset
from rivers.definitions.graph_binding import bind_graph
from rivers.definitions.job import Job
from rivers.definitions.job_binding import bind_jobs
from rivers.definitions.kinds import Delivery, ExecutorKind
from rivers.definitions.order import topological
from rivers.definitions.parameters import Parameter, ParameterSource, Scope
from rivers.definitions.partition_binding import check_partitions
from rivers.definitions.partitioning import NamedPartitions
from rivers.definitions.pool_limits import check_claims
from rivers.definitions.registry import NamedRetries
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.run_backend import RunBackendConfig
from rivers.definitions.run_queue import RunQueueConfig
from rivers.definitions.schedule import Schedule
from rivers.definitions.sensor import Sensor
from rivers.definitions.snapshot import ExecutorDefinition, Snapshot
from rivers.definitions.step_binding import BoundStep, bind_step, outputs_of
from rivers.definitions.task import Task
from rivers.errors import AssetDefinitionError
from rivers.partitions.definition import PartitionsDefinition

__all__ = ["BoundRepository", "BoundStep", "Parameter", "ParameterSource", "bind"]


@dataclass(frozen=True)
class BoundRepository:
    """The snapshot, and for each of its steps what runs. Steps are keyed as in the snapshot."""

    snapshot: Snapshot
    steps: Mapping[str, BoundStep]
    resources: Mapping[str, Any]
    retries: NamedRetries
    shadowed_resources: tuple[str, ...] = ()
    schedules: tuple[BoundSchedule, ...] = ()
    sensors: tuple[BoundSensor, ...] = ()

    def step_of(self, node: str) -> BoundStep:
        """The step that produces the node."""
        return self.steps[self.snapshot.step_by_node[node].key]

    def handler_for(self, node: str) -> Any:
        """The handler that was named for a node, references resolved; `None` for the default one."""
        return self._resolve(self.step_of(node).handlers[node])

    def input_handler_for(self, step_key: str, node: str) -> Any:
        """The handler that a step loads a node with: the override of its edge, else the node's own."""
        edge = self.input_edge(step_key, node)
        return self.handler_for(node) if edge is None or edge.io_handler is None else self._resolve(edge.io_handler)

    def input_edge(self, step_key: str, node: str) -> DepDef | None:
        """The declared edge by which a step loads a node, when its author declared one."""
        return self.steps[step_key].inputs.get(node)

    def _resolve(self, handler: Any) -> Any:
        return self.resources[handler] if isinstance(handler, str) else handler

    @cached_property
    def asset_by_name(self) -> Mapping[str, Asset]:
        """Asset objects by node; tasks are not among them."""
        return {
            output.name: step.owner
            for step in self.steps.values()
            if isinstance(step.owner, Asset)
            for output in step.definition.outputs
        }


def bind(
    assets: Sequence[Asset],
    *,
    tasks: Sequence[Task] = (),
    jobs: Sequence[Job] = (),
    schedules: Sequence[Schedule] = (),
    sensors: Sequence[Sensor] = (),
    resources: Mapping[str, Any] | None = None,
    retries: Mapping[str, RetryPolicy] | None = None,
    default_executor: Executor | None = None,
    default_retry_policy: RetryPolicy | str | None = None,
    pool_limits: Mapping[str, int] | None = None,
    run_queue: RunQueueConfig | None = None,
    run_backend: RunBackendConfig | None = None,
    partition_defs: Mapping[str, PartitionsDefinition] | None = None,
    now: datetime | None = None,
    module: str = "",
    repository: str = "",
) -> BoundRepository:
    """Validates everything that a repository defines and freezes it; calls nothing of the user's.

    `now` (aware, on the local wall clock) is needed where something is partitioned.
    """
    resources = dict(resources or {})
    named = NamedRetries(retries or {})
    owners = _owners(assets, tasks)
    scope = Scope(
        {output: owner for owner in owners for output in outputs_of(owner)},
        resources,
        NamedPartitions(partition_defs or {}),
    )
    names = {str(task.name) for task in tasks}
    unordered: list[BoundStep] = []
    for owner in owners:
        unordered += (
            bind_graph(owner, scope, named, names)
            if isinstance(owner, GraphAsset)
            else [bind_step(owner, scope, named)]
        )
    unordered = _marked(unordered)
    producers = {output.name: place for place, step in enumerate(unordered) for output in step.definition.outputs}
    order = topological(
        [step.definition.key for step in unordered],
        [[producers[edge.upstream] for edge in step.definition.edges] for step in unordered],
    )
    steps = {unordered[place].definition.key: unordered[place] for place in order}
    definitions = tuple(step.definition for step in steps.values())
    check_claims(definitions, pool_limits or {})
    check_partitions(definitions, now)
    bound_jobs = bind_jobs(jobs, definitions, named)
    job_names = {job.name: None for job in bound_jobs}
    assets_by_name = {output.name: None for step in definitions for output in step.outputs if output.is_asset}
    bound_schedules = bind_schedules(schedules, job_names, resources)
    bound_sensors = bind_sensors(sensors, job_names, assets_by_name, resources)
    snapshot = Snapshot(
        definitions,
        bound_jobs,
        ExecutorDefinition(ExecutorKind.PARALLEL) if default_executor is None else default_executor.definition,
        named.resolve(default_retry_policy, "in default_retry_policy"),
        tuple(sorted((pool_limits or {}).items())),
        None if run_queue is None else run_queue.definition,
        None if run_backend is None else run_backend.definition,
        tuple(schedule.definition for schedule in bound_schedules),
        tuple(sensor.definition for sensor in bound_sensors),
        module,
        repository,
    )
    return BoundRepository(
        snapshot,
        steps,
        resources,
        named,
        tuple(key for key in resources if key in producers),
        bound_schedules,
        bound_sensors,
    )


def _marked(steps: list[BoundStep]) -> list[BoundStep]:
    """The steps; outputs over whose elements some task is mapped say so."""
    mapped = {edge.upstream for step in steps for edge in step.definition.edges if edge.delivery == Delivery.ELEMENT}
    if not mapped:
        return steps
    return [
        replace(
            step,
            definition=replace(
                step.definition,
                outputs=tuple(replace(output, is_mapped=output.name in mapped) for output in step.definition.outputs),
            ),
        )
        for step in steps
    ]


def _owners(assets: Sequence[Asset], tasks: Sequence[Task]) -> list[Asset | Task]:
    """The declarations that become steps. Of tasks with a taken name the one that came first stays; those that a graph
    asset uses are steps of that."""
    owners: list[Asset | Task] = []
    taken: set[str] = set()
    for asset in assets:
        if asset.name is None:
            raise AssetDefinitionError(
                "an external asset has no name", remedy="give it a name=, or decorate its observe function"
            )
        nodes = outputs_of(asset)
        for node in nodes:
            if node in taken:
                raise AssetDefinitionError(
                    f"duplicate asset name '{node}': two definitions register under it", asset=node
                )
            taken.add(node)
        if nodes:
            owners.append(asset)
    used = {call.task.name for asset in assets if isinstance(asset, GraphAsset) for call in _calls(asset)}
    for task in tasks:
        if task.name not in taken and task.name not in used:
            taken.add(str(task.name))
            owners.append(task)
    return owners


def _calls(asset: GraphAsset) -> Iterable[NodeCall]:
    return asset.composition.calls.values()
