"""Plans ↔ `rivers.v1`. A plan can have 10,000 steps, so messages are filled in place rather than copied."""

from __future__ import annotations

from typing import cast

from rivers.definitions.kinds import Delivery, HandlerKind, StepKind, TriggerRule
from rivers.planning.plan import Placement, PlannedEdge, PlannedOutput, PlannedStep, RunPlan
from rivers.v1 import definitions_pb2, plan_pb2
from rivers.wire.definitions import decode_executor, decode_pools, decode_retry, encode_executor, encode_retry
from rivers.wire.identity import decode_partition_key, decode_step_id, fill_partition_key, fill_step_id
from rivers.wire.values import decode_map, encode_map


def encode_plan(plan: RunPlan) -> plan_pb2.RunPlan:
    """A plan."""
    target = plan_pb2.RunPlan(
        job=plan.job,
        location=plan.location,
        digest=plan.digest,
        executor=encode_executor(plan.executor) if plan.executor is not None else None,
        config=encode_map(plan.config) if plan.config is not None else None,
    )
    if plan.partition_key is not None:
        fill_partition_key(target.partition_key, plan.partition_key)
    add = target.steps.add
    for step in plan.steps:
        _fill_step(add(), step)
    return target


def decode_plan(plan: plan_pb2.RunPlan) -> RunPlan:
    """A plan."""
    return RunPlan(
        steps=tuple([decode_planned_step(step) for step in plan.steps]),
        location=plan.location,
        digest=plan.digest,
        job=plan.job if plan.HasField("job") else None,
        executor=decode_executor(plan.executor) if plan.HasField("executor") else None,
        config=decode_map(plan.config) if plan.HasField("config") else None,
        partition_key=decode_partition_key(plan.partition_key) if plan.HasField("partition_key") else None,
    )


def encode_planned_step(step: PlannedStep) -> plan_pb2.PlannedStep:
    """One planned step."""
    target = plan_pb2.PlannedStep()
    _fill_step(target, step)
    return target


def decode_planned_step(step: plan_pb2.PlannedStep) -> PlannedStep:
    """One planned step."""
    return PlannedStep(
        id=decode_step_id(step.id),
        step=step.step,
        outputs=tuple(
            [
                PlannedOutput(output.node, HandlerKind(output.handler or HandlerKind.DEFAULT), output.is_asset)
                for output in step.outputs
            ]
        ),
        edges=tuple([_decode_edge(edge) for edge in step.edges]),
        location=step.location,
        placement=Placement(step.placement or Placement.ANY_WORKER),
        retry=decode_retry(step.retry) if step.HasField("retry") else None,
        pools=decode_pools(step.pools) if step.pools else (),
        condition=step.condition if step.HasField("condition") else None,
        kind=StepKind(step.kind or StepKind.ASSET),
        graph=step.graph,
        max_concurrency=step.max_concurrency,
        reads_keys=tuple(step.reads_keys),
    )


def _fill_step(target: plan_pb2.PlannedStep, step: PlannedStep) -> None:
    target.step = step.step
    target.location = step.location
    target.placement = cast("plan_pb2.Placement.ValueType", step.placement)
    target.kind = cast("definitions_pb2.StepKind.ValueType", step.kind)
    if step.graph:
        target.graph = step.graph
    if step.max_concurrency:
        target.max_concurrency = step.max_concurrency
    if step.reads_keys:
        target.reads_keys.extend(step.reads_keys)
    fill_step_id(target.id, step.id)
    for output in step.outputs:
        target.outputs.add(
            node=output.node,
            handler=cast("definitions_pb2.HandlerKind.ValueType", output.handler),
            is_asset=output.is_asset,
        )
    for edge in step.edges:
        target.edges.add(
            node=edge.node,
            producer=edge.producer,
            parameter=edge.parameter,
            trigger=cast("definitions_pb2.TriggerRule.ValueType", edge.trigger),
            handler=cast("definitions_pb2.HandlerKind.ValueType", edge.handler),
            delivery=cast("definitions_pb2.Delivery.ValueType", edge.delivery),
            outputs=edge.outputs,
        )
    if step.retry is not None:
        target.retry.CopyFrom(encode_retry(step.retry))
    for claim in step.pools:
        target.pools.add(pool=claim.pool, slots=claim.slots)
    if step.condition is not None:
        target.condition = step.condition


def _decode_edge(edge: plan_pb2.PlannedEdge) -> PlannedEdge:
    return PlannedEdge(
        edge.node,
        edge.producer if edge.HasField("producer") else None,
        edge.parameter if edge.HasField("parameter") else None,
        TriggerRule(edge.trigger or TriggerRule.ON_SUCCESS),
        HandlerKind(edge.handler or HandlerKind.DEFAULT),
        Delivery(edge.delivery or Delivery.VALUE),
        tuple(edge.outputs),
    )
