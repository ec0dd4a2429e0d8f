"""One step: its definition and the code behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rivers.definitions import handlers
from rivers.definitions.asset import Asset
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.dependency import AssetDef, DepDef
from rivers.definitions.external_asset import ExternalAsset
from rivers.definitions.graph_asset import GraphAsset
from rivers.definitions.hook import Hook
from rivers.definitions.kinds import ExecutorKind, StepKind
from rivers.definitions.multi_asset import MultiAsset
from rivers.definitions.parameters import Parameter, ParameterSource, Scope, wire
from rivers.definitions.partition_binding import with_mappings, with_partitions
from rivers.definitions.registry import NamedRetries
from rivers.definitions.signature import EMPTY
from rivers.definitions.snapshot import (
    EdgeDefinition,
    ExecutorDefinition,
    HookDefinition,
    OutputDefinition,
    PoolClaim,
    StepDefinition,
    union,
)
from rivers.definitions.suggestion import nearest
from rivers.definitions.task import Task
from rivers.errors import AssetDefinitionError, GraphValidationError

_EXECUTORS = {
    "in_process": ExecutorDefinition(ExecutorKind.IN_PROCESS),
    "parallel": ExecutorDefinition(ExecutorKind.PARALLEL),
}


@dataclass(frozen=True, slots=True)
class BoundStep:
    """A step definition together with the code behind it.

    `handlers` holds for each node what its author named: an instance, the key of a resource, or `None`. `inputs` holds
    the declared input edges by upstream node: they may override handler and metadata of a load. `kept` is what whoever
    runs the step works out once.
    """

    definition: StepDefinition
    function: Callable[..., Any] | None
    owner: Asset | Task
    parameters: tuple[Parameter, ...]
    return_annotation: Any
    handlers: Mapping[str, Any]
    config_class: Any
    inputs: Mapping[str, DepDef]
    kept: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)


def outputs_of(owner: Asset | Task) -> tuple[str, ...]:
    """The nodes that a declaration contributes."""
    if isinstance(owner, MultiAsset):
        return tuple(str(output.name) for output in owner.output_defs)
    if isinstance(owner, GraphAsset):
        return (*owner.composition.calls, *owner.composition.gathered, owner.name)
    return (str(owner.name),)


def bind_step(owner: Asset | Task, scope: Scope, retries: NamedRetries) -> BoundStep:
    """Resolves everything that a declaration refers to."""
    name = str(owner.name)
    nodes = outputs_of(owner)
    deps = [] if isinstance(owner, Task) else owner.deps
    if isinstance(owner, MultiAsset):
        deps = deps + [dep for output in owner.output_defs for dep in output.deps if dep.name not in nodes]
    returned = EMPTY if isinstance(owner, ExternalAsset) else owner.signature.resolve(owner.signature.return_annotation)
    wiring = wire(name, nodes, owner.signature, deps, scope)
    outputs, declared = _outputs(owner, returned, scope)
    outputs = with_partitions(owner, outputs, scope.partitions)
    for edge in wiring.inputs.values():
        _check_handler(name, edge.io_handler, scope)
    if isinstance(owner, ExternalAsset) and owner.observe_fn is None and owner.automation_condition is not None:
        raise AssetDefinitionError(
            f"Asset '{name}': an external asset with an automation_condition needs an observe function", asset=name
        )
    noun = "task" if isinstance(owner, Task) else "asset"
    definition = StepDefinition(
        key=nodes[0],
        kind=_kind(owner),
        outputs=outputs,
        edges=with_mappings(owner, deps, _by_output(owner, wiring.edges)),
        executor=_executor(output.metadata for output in outputs),
        retry=retries.resolve(owner.retry, f"referenced by {noun} '{name}'"),
        pools=union(claim for output in outputs for claim in output.pools),
        is_async=owner.is_async,
        resources=wiring.resources,
        description=first_paragraph(owner.__doc__) if owner.function is not None else "",
        is_runnable=owner.function is not None,
        automation=bind_condition(name, owner, scope),
        hooks=bind_hooks(owner),
        reads_itself=any(parameter.source == ParameterSource.SELF for parameter in wiring.parameters),
    )
    return BoundStep(
        definition,
        owner.function,
        owner,
        wiring.parameters,
        EMPTY if isinstance(returned, str) else returned,
        declared,
        wiring.config_class,
        wiring.inputs,
    )


def _by_output(owner: Asset | Task, edges: tuple[EdgeDefinition, ...]) -> tuple[EdgeDefinition, ...]:
    """The edges, saying which outputs of a multi-asset depend on them where only those declare them."""
    if not isinstance(owner, MultiAsset) or not any(output.deps for output in owner.output_defs):
        return edges
    of_all = {dep.name for dep in owner.deps}
    inputs = {dep.name for output in owner.output_defs for dep in output.deps if dep.is_input}
    found = []
    for edge in edges:
        names = [
            str(output.name) for output in owner.output_defs if any(dep.name == edge.upstream for dep in output.deps)
        ]
        is_of_all = edge.upstream in of_all or (edge.parameter is not None and edge.upstream not in inputs)
        if not is_of_all and len(names) < len(owner.output_defs):
            edge = replace(edge, outputs=tuple(names))
        found.append(edge)
    return tuple(found)


def bind_condition(name: str, owner: Asset | Task, scope: Scope) -> ConditionDefinition | None:
    """The condition of an asset; the assets that it selects have to exist."""
    if isinstance(owner, Task) or owner.automation_condition is None:
        return None
    condition: ConditionDefinition = owner.automation_condition.definition
    for node in condition.walk():
        for key in node.keys:
            if key not in scope.nodes:
                known = list(scope.nodes) if isinstance(scope.nodes, Mapping) else []
                raise GraphValidationError(
                    f"Asset '{name}': its automation condition names unknown asset '{key}'",
                    remedy=nearest(key, known),
                    asset=name,
                )
    return condition


def _kind(owner: Asset | Task) -> StepKind:
    if isinstance(owner, Task):
        return StepKind.TASK
    if owner.is_external:
        return StepKind.EXTERNAL_ASSET
    return StepKind.MULTI_ASSET if owner.is_multi else StepKind.ASSET


def _outputs(owner: Asset | Task, returned: Any, scope: Scope) -> tuple[tuple[OutputDefinition, ...], dict[str, Any]]:
    if isinstance(owner, MultiAsset):
        pairs = [_output_of_multi(owner, output, scope) for output in owner.output_defs]
    elif isinstance(owner, Task):
        pairs = [
            bind_output(str(owner.name), owner.tags, [], None, None, None, owner.io_handler, returned, scope, [], False)
        ]
    else:
        pairs = [
            bind_output(
                owner.name,
                owner.tags,
                owner.kinds,
                owner.group,
                owner.code_version,
                owner.metadata,
                owner.io_handler,
                returned,
                scope,
                owner.pool,
            )
        ]
    return tuple(output for output, _ in pairs), {output.name: handler for output, handler in pairs}


def _output_of_multi(asset: MultiAsset, output: AssetDef, scope: Scope) -> tuple[OutputDefinition, Any]:
    """What the multi-asset says holds for outputs that leave it unset."""
    return bind_output(
        str(output.name),
        output.tags if output.tags is not None else asset.tags,
        output.kinds or asset.kinds,
        output.group if output.group is not None else asset.group,
        output.code_version if output.code_version is not None else asset.code_version,
        output.metadata,
        output.io_handler if output.io_handler is not None else asset.io_handler,
        EMPTY if output.type_hint is None else output.type_hint,
        scope,
        output.pool,
    )


def bind_output(
    name: str,
    tags: Iterable[str] | None,
    kinds: Iterable[str],
    group: str | None,
    code_version: str | None,
    metadata: Mapping[str, str] | None,
    handler: Any,
    returned: Any,
    scope: Scope,
    pools: Iterable[tuple[str, int]],
    is_asset: bool = True,
) -> tuple[OutputDefinition, Any]:
    """One output, and the handler as its author named it."""
    _check_handler(name, handler, scope)
    instance = scope.resources[handler] if isinstance(handler, str) else handler
    definition = OutputDefinition(
        name=name,
        tags=tuple(tags or ()),
        kinds=tuple(kinds),
        group=group,
        code_version=code_version,
        metadata=tuple(sorted(metadata.items())) if metadata else (),
        handler=handlers.handler_kind(instance),
        handler_class=handlers.handler_class(instance),
        is_asset=is_asset,
        type_name=_type_name(returned),
        pools=union(PoolClaim(pool, slots) for pool, slots in pools),
    )
    return definition, handler


def _check_handler(name: str, handler: Any, scope: Scope) -> None:
    if not isinstance(handler, str):
        return
    story = f"Asset '{name}': io_handler references resource '{handler}' which"
    if handler not in scope.resources:
        raise AssetDefinitionError(f"{story} is not in resources")
    if not handlers.is_io_handler(scope.resources[handler]):
        raise AssetDefinitionError(f"{story} does not implement the IOHandler protocol (handle_output + load_input)")


def executor_named(name: str | None) -> ExecutorDefinition | None:
    """The executor of that name; one that is none fails the step when it runs."""
    return None if name is None else _EXECUTORS.get(name)


def _executor(metadata: Iterable[tuple[tuple[str, str], ...]]) -> ExecutorDefinition | None:
    """The executor that static metadata asks for."""
    for entries in metadata:
        for key, value in entries:
            if key == "rivers/executor":
                return executor_named(value)
    return None


def bind_hooks(owner: Asset | Task) -> tuple[HookDefinition, ...]:
    """The hooks of an asset; tasks have none."""
    hooks: list[Hook] = owner.hooks or [] if isinstance(owner, Asset) else []
    return tuple([HookDefinition(hook.name, hook.kind) for hook in hooks])


def _type_name(annotation: Any) -> str:
    if annotation is EMPTY:
        return ""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation).removeprefix("typing.")


def first_paragraph(doc: str | None) -> str:
    """What a snapshot tells of a function's documentation."""
    return " ".join(doc.strip().partition("\n\n")[0].split()) if doc else ""
