"""The steps of a graph asset: one for each task, one for each gathering, and the asset's own, which comes last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rivers.definitions.composition import InvokedNodeOutput, MappedOutput, NodeCall
from rivers.definitions.dependency import DepDef, mappings_of
from rivers.definitions.executor_override import EXECUTOR, NODE_EXECUTOR
from rivers.definitions.graph_asset import GraphAsset
from rivers.definitions.kinds import StepKind
from rivers.definitions.parameters import Given, Parameter, ParameterSource, Scope, depends_on_itself, unresolved, wire
from rivers.definitions.partition_binding import with_mappings_of_graph, with_partitions
from rivers.definitions.registry import NamedRetries
from rivers.definitions.results import Materialization
from rivers.definitions.signature import EMPTY
from rivers.definitions.snapshot import EdgeDefinition, StepDefinition
from rivers.definitions.step_binding import (
    BoundStep,
    bind_condition,
    bind_hooks,
    bind_output,
    executor_named,
    first_paragraph,
)

#: The parameter by which the asset's own step receives the value of the final node.
_VALUE = "value"


def bind_graph(asset: GraphAsset, scope: Scope, retries: NamedRetries, tasks: Collection[str]) -> list[BoundStep]:
    """The steps of a graph asset. `tasks` are the names of the tasks that are registered."""
    composition = asset.composition
    for key, call in composition.calls.items():
        if call.task.name not in tasks:
            raise unresolved(asset.name, key, scope, "register the task with CodeRepository(tasks=[...])")
    for parameter in composition.parameters:
        if parameter not in scope.nodes:
            raise unresolved(asset.name, parameter, scope)
        if parameter == asset.name:
            raise depends_on_itself(asset.name)
    steps: list[BoundStep] = []
    for key, call in composition.calls.items():
        step = _task(asset, key, call, scope, retries)
        steps.append(step)
        steps += [_gathering(step, node) for node, mapped in composition.gathered.items() if mapped == key]
    steps.append(_own(asset, [step.definition for step in steps], scope, retries))
    return steps


def _task(asset: GraphAsset, key: str, call: NodeCall, scope: Scope, retries: NamedRetries) -> BoundStep:
    task = call.task
    links = {name: EdgeDefinition(link.node, name, delivery=link.delivery) for name, link in call.links.items()}
    given = Given(links, [*call.after, *_orders(asset)], call.constants)
    wiring = wire(key, (key,), task.signature, (), scope, given)
    returned = task.signature.resolve(task.signature.return_annotation)
    handler = task.io_handler if task.io_handler is not None else asset.node_io_handler
    output, handler = bind_output(key, task.tags, (), None, None, None, handler, returned, scope, (), False)
    scope.partitions.resolve(task.partitions_def, str(task.name))  # partitioned as the graph is, but it has to be one
    (output,) = with_partitions(asset, (output,), scope.partitions)
    definition = StepDefinition(
        key=key,
        kind=StepKind.MAPPED_TASK if call.is_mapped else StepKind.TASK,
        outputs=(output,),
        edges=with_mappings_of_graph(asset, task, wiring.edges),
        executor=executor_named(_executor_name(asset.metadata)),
        retry=retries.resolve(task.retry, f"referenced by task '{task.name}'"),
        is_async=task.is_async,
        resources=wiring.resources,
        graph=asset.name,
        description=first_paragraph(task.__doc__),
        max_concurrency=call.max_concurrency,
    )
    return BoundStep(
        definition,
        task.function,
        task,
        wiring.parameters,
        EMPTY if isinstance(returned, str) else returned,
        {key: handler},
        wiring.config_class,
        _inputs(asset, wiring.edges),
    )


def _gathering(mapped: BoundStep, node: str) -> BoundStep:
    """It has no body: whoever depends on it loads the results of the instances, by their handler."""
    task = mapped.definition
    output, handler = mapped.definition.outputs[0], mapped.handlers[task.key]
    definition = StepDefinition(
        key=node,
        kind=StepKind.COLLECT,
        outputs=(
            type(output)(
                node,
                handler=output.handler,
                handler_class=output.handler_class,
                is_asset=False,
                partitions=output.partitions,
            ),
        ),
        edges=(EdgeDefinition(task.key),),
        executor=task.executor,
        graph=task.graph,
    )
    return BoundStep(definition, None, mapped.owner, (), EMPTY, {node: handler}, None, {})


def _own(asset: GraphAsset, inner: list[StepDefinition], scope: Scope, retries: NamedRetries) -> BoundStep:
    """Takes over the value of the final node; depends on all of the graph, and on what the graph depends on."""
    composition = asset.composition
    final = composition.final
    nodes = dict.fromkeys(step.key for step in inner)
    outer = [edge.upstream for step in inner for edge in step.edges if edge.upstream not in nodes]
    waits = dict.fromkeys([*outer, *composition.parameters, *(dep.name for dep in asset.deps), *nodes])
    mapped = {edge.upstream: edge.mapping for step in inner for edge in step.edges if edge.mapping is not None}
    mapped |= mappings_of(asset.deps) or {}
    edges = [EdgeDefinition(upstream, mapping=mapped.get(upstream)) for upstream in waits if upstream != final]
    if final is not None:
        edges.append(EdgeDefinition(final, _VALUE))
    for edge in edges:
        if edge.upstream not in scope.nodes:
            raise unresolved(asset.name, edge.upstream, scope)
    hint = _type_of_value(asset)
    output, handler = bind_output(
        asset.name,
        asset.tags,
        asset.kinds,
        asset.group,
        asset.code_version,
        asset.metadata,
        asset.io_handler,
        EMPTY,
        scope,
        (),
    )
    (output,) = with_partitions(asset, (output,), scope.partitions)
    definition = StepDefinition(
        key=asset.name,
        kind=StepKind.GRAPH_ASSET,
        outputs=(output,),
        edges=tuple(edges),
        executor=executor_named((asset.metadata or {}).get(EXECUTOR)),
        retry=retries.resolve(asset.retry, f"referenced by asset '{asset.name}'"),
        description=first_paragraph(asset.__doc__),
        automation=bind_condition(asset.name, asset, scope),
        hooks=bind_hooks(asset),
    )
    value = Parameter(_VALUE, ParameterSource.NODE, hint, False)
    return BoundStep(
        definition,
        record if final is None else take_over,
        asset,
        () if final is None else (value,),
        hint,
        {asset.name: handler},
        None,
        _inputs(asset, edges),
    )


def take_over(value: Any) -> Any:
    """The body of a graph asset's own step."""
    return value


def record() -> Materialization:
    """The body of the own step of a graph asset without a final node: there is no value to store."""
    return Materialization()


def _type_of_value(asset: GraphAsset) -> Any:
    """What the body's annotation says of the asset's value: nothing, when it names what a call of a task returns."""
    returned = asset.signature.resolve(asset.signature.return_annotation)
    is_placeholder = isinstance(returned, type) and issubclass(returned, (InvokedNodeOutput, MappedOutput))
    return EMPTY if isinstance(returned, str) or is_placeholder else returned


def _orders(asset: GraphAsset) -> list[str]:
    """What the graph only comes after: none of its tasks starts before."""
    return [dep.name for dep in asset.deps if not dep.is_input]


def _inputs(asset: GraphAsset, edges: Iterable[EdgeDefinition]) -> dict[str, DepDef]:
    """What the graph's author declared of the nodes that a task loads."""
    loaded = {edge.upstream for edge in edges if edge.parameter is not None}
    return {dep.name: dep for dep in asset.deps if dep.is_input and dep.name in loaded}


def _executor_name(metadata: Mapping[str, str] | None) -> str | None:
    """The executor that a graph asset names for its tasks."""
    metadata = metadata or {}
    return metadata.get(NODE_EXECUTOR, metadata.get(EXECUTOR))
