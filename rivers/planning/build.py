"""Plans: which steps a run has, in which order, and where each may run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, cast

from rivers.definitions.kinds import ExecutorKind, HandlerKind, StepKind
from rivers.definitions.snapshot import (
    EdgeDefinition,
    ExecutorDefinition,
    PoolClaim,
    RetryDefinition,
    Snapshot,
    StepDefinition,
    union,
)
from rivers.definitions.suggestion import nearest_or_all
from rivers.errors import AssetNotFoundError, ExecutionError, GraphValidationError, JobNotFoundError
from rivers.partitions.key import PartitionKey
from rivers.planning.partitions import names_read
from rivers.planning.plan import Placement, PlannedEdge, PlannedOutput, PlannedStep, RunPlan, StepId

MATERIALIZE = "<materialize>"


def plan_job(
    snapshot: Snapshot,
    job_name: str,
    *,
    location: str = "",
    config: Mapping[str, Any] | None = None,
    partition_key: PartitionKey | None = None,
    executor: ExecutorDefinition | None = None,
) -> RunPlan:
    """The plan of a job. An executor given here takes the place of the job's own."""
    job = snapshot.job_by_name.get(job_name)
    if job is None:
        raise job_not_found(job_name, snapshot)
    executor = executor or job.executor or snapshot.default_executor
    key = ("job", job_name, location, executor)
    steps = cast("tuple[PlannedStep, ...] | None", snapshot.planned.get(key))
    if steps is None:  # frozen, so the runs of a job share them
        wanted = _whole(snapshot, job.steps)
        steps = _steps(snapshot, wanted, location, executor, job.retry or snapshot.default_retry)
        snapshot.planned[key] = steps
    return RunPlan(
        steps,
        location,
        snapshot.digest if location else "",
        job_name,
        executor,
        None if config is None else dict(config),
        partition_key,
    )


def plan_selection(
    snapshot: Snapshot,
    nodes: Sequence[str] | None,
    *,
    include_upstream: bool = False,
    location: str = "",
    config: Mapping[str, Any] | None = None,
    partition_key: PartitionKey | None = None,
    executor: ExecutorDefinition | None = None,
    retry: RetryDefinition | None = None,
    has_values: bool = False,
) -> RunPlan:
    """The plan of an ad-hoc run over nodes, `None` for all of them.

    What is not selected is loaded from where it is stored, so it needs a handler of its own, unless the run is executed
    where `has_values` says that those of the default one are at hand.
    """
    executor = executor or snapshot.default_executor
    wanted = _whole(snapshot, snapshot.step_by_key) if nodes is None else _selected(snapshot, nodes)
    if include_upstream:
        _add_upstreams(snapshot, wanted)
    if nodes is not None and not has_values:
        _check_loads(snapshot, wanted)
    return RunPlan(
        _steps(snapshot, wanted, location, executor, retry or snapshot.default_retry),
        location,
        snapshot.digest if location else "",
        None,
        executor,
        None if config is None else dict(config),
        partition_key,
    )


def job_not_found(name: str, snapshot: Snapshot) -> JobNotFoundError:
    """The error about a job that is not there."""
    return JobNotFoundError(
        f"Job '{name}' not found", remedy=nearest_or_all(name, snapshot.job_by_name, "jobs"), job=name
    )


#: For each wanted step its wanted outputs.
_Wanted = dict[str, set[str]]


def _whole(snapshot: Snapshot, keys: Iterable[str]) -> _Wanted:
    """Whole steps; what has no function to run is left out."""
    steps = [snapshot.step_by_key[key] for key in keys]
    return {step.key: {output.name for output in step.outputs} for step in steps if step.is_runnable}


def _selected(snapshot: Snapshot, nodes: Sequence[str]) -> _Wanted:
    wanted: _Wanted = {}
    for node in nodes:
        step = snapshot.step_by_node.get(node)
        if step is None:
            raise AssetNotFoundError(
                f"Selection contains unknown asset: '{node}'",
                remedy=nearest_or_all(node, snapshot.step_by_node, "assets"),
                asset=node,
            )
        if not step.is_runnable:
            raise ExecutionError(f"Cannot materialize external asset without observe function: '{node}'")
        wanted.setdefault(step.key, set()).add(node)
        if step.kind == StepKind.GRAPH_ASSET:
            wanted |= _whole(snapshot, [inner.key for inner in snapshot.steps_by_graph.get(step.key, ())])
    return wanted


def _add_upstreams(snapshot: Snapshot, wanted: _Wanted) -> None:
    waiting = list(wanted)
    while waiting:
        key = waiting.pop()
        for edge in _edges(snapshot.step_by_key[key], wanted[key]):
            upstream = snapshot.step_by_node[edge.upstream]
            if not upstream.is_runnable:
                continue
            outputs = wanted.setdefault(upstream.key, set())
            if edge.upstream not in outputs:  # another one of a step may depend on more
                outputs.add(edge.upstream)
                waiting.append(upstream.key)


def _check_loads(snapshot: Snapshot, wanted: _Wanted) -> None:
    for key in sorted(wanted, key=snapshot.place_by_key.__getitem__):
        for edge in snapshot.step_by_key[key].edges:
            upstream = snapshot.step_by_node[edge.upstream]
            if (
                edge.parameter is not None
                and edge.upstream not in wanted.get(upstream.key, ())
                and upstream.kind != StepKind.EXTERNAL_ASSET
                and snapshot.output_by_node[edge.upstream].handler == HandlerKind.DEFAULT
            ):
                raise GraphValidationError(
                    f"Job '{MATERIALIZE}': node '{key}' depends on '{edge.upstream}' "
                    "which is not in the job and has no io_handler",
                    remedy=f"select '{edge.upstream}' too, or pass include_upstream=True",
                )


def _steps(
    snapshot: Snapshot, wanted: _Wanted, location: str, executor: ExecutorDefinition, retry: RetryDefinition | None
) -> tuple[PlannedStep, ...]:
    ordinals: dict[str, int] = {}
    planned: list[PlannedStep] = []
    for key in sorted(wanted, key=snapshot.place_by_key.__getitem__):
        step = snapshot.step_by_key[key]
        outputs = tuple(
            PlannedOutput(output.name, output.handler, output.is_asset)
            for output in step.outputs
            if output.name in wanted[key]
        )
        edges = tuple(_edge(snapshot, edge, ordinals) for edge in _edges(step, wanted[key]))
        planned.append(
            PlannedStep(
                StepId(key),
                key,
                outputs,
                edges,
                location,
                _placement(step.executor or executor, outputs, edges),
                step.retry or retry,
                _claims(step, outputs) if step.pools else (),
                step.condition,
                step.kind,
                step.graph,
                step.max_concurrency,
                key,
                names_read(snapshot, step),
            )
        )
        for output in outputs:
            ordinals[output.node] = len(planned) - 1
    return tuple(planned)


def _edges(step: StepDefinition, wanted: Set[str]) -> Iterator[EdgeDefinition]:
    """What the step depends on for the outputs that are wanted of it; its function is called with all it reads."""
    for edge in step.edges:
        if edge.parameter is not None or not edge.outputs or not wanted.isdisjoint(edge.outputs):
            yield edge


def _claims(step: StepDefinition, outputs: Sequence[PlannedOutput]) -> tuple[PoolClaim, ...]:
    """What the step claims for the outputs that are wanted of it."""
    if len(outputs) == len(step.outputs):
        return step.pools
    wanted = {output.node for output in outputs}
    return union(claim for output in step.outputs if output.name in wanted for claim in output.pools)


def _edge(snapshot: Snapshot, edge: EdgeDefinition, ordinals: Mapping[str, int]) -> PlannedEdge:
    handler = snapshot.output_by_node[edge.upstream].handler
    producer = ordinals.get(edge.upstream)
    return PlannedEdge(edge.upstream, producer, edge.parameter, edge.trigger, handler, edge.delivery, edge.outputs)


def _placement(
    executor: ExecutorDefinition, outputs: Iterable[PlannedOutput], edges: Iterable[PlannedEdge]
) -> Placement:
    """Home for what must share a process with its producers or consumers."""
    if executor.kind == ExecutorKind.IN_PROCESS:
        return Placement.HOME
    if any(output.handler == HandlerKind.IN_MEMORY for output in outputs):
        return Placement.HOME
    if any(edge.parameter is not None and edge.handler == HandlerKind.IN_MEMORY for edge in edges):
        return Placement.HOME
    return Placement.ANY_WORKER
