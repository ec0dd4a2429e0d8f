"""Where the arguments of a step's function come from."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from rivers.definitions.dependency import DepDef
from rivers.definitions.partitioning import NamedPartitions
from rivers.definitions.signature import EMPTY, Signature
from rivers.definitions.snapshot import EdgeDefinition
from rivers.definitions.suggestion import nearest
from rivers.errors import GraphValidationError, UnresolvedInputError

_NO_NAMES = NamedPartitions({})
CONTEXTS = ("AssetExecutionContext", "TaskExecutionContext")


class ParameterSource(Enum):
    """What a parameter receives."""

    CONTEXT = "context"
    SELF = "self"
    NODE = "node"
    RESOURCE = "resource"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `annotation` and `default` are `inspect.Parameter.empty` when there is none.

    A context behind the first place and a `self` without `SelfDependency` bind as CONTEXT and SELF all the same: the
    step fails when it runs.
    """

    name: str
    source: ParameterSource
    annotation: Any
    keyword_only: bool
    default: Any = EMPTY


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for in a repository."""

    nodes: Container[str]
    resources: Mapping[str, Any]
    partitions: NamedPartitions = _NO_NAMES


@dataclass(frozen=True, slots=True)
class Wiring:
    """A function's parameters, what they load and what else they need."""

    parameters: tuple[Parameter, ...]
    edges: tuple[EdgeDefinition, ...]
    resources: tuple[str, ...]
    inputs: Mapping[str, DepDef]
    config_class: Any


@dataclass(frozen=True, slots=True)
class Given:
    """What the body of a graph asset says of a task's inputs.

    `links` are the edges of the parameters that it feeds, `after` the nodes that the task only waits for; `constants`
    are parameters that it gave something which is no node.
    """

    links: Mapping[str, EdgeDefinition]
    after: Sequence[str]
    constants: Container[str]


_NOTHING = Given({}, (), ())


def wire(
    name: str,
    own: Sequence[str],
    signature: Signature,
    deps: Sequence[DepDef],
    scope: Scope,
    given: Given = _NOTHING,
) -> Wiring:
    """Resolves the parameters and declared edges of the step `name`, whose outputs are `own`."""
    inputs = {dep.name: dep for dep in deps if dep.is_input}
    parameters: list[Parameter] = []
    edges: list[EdgeDefinition] = []
    resources: list[str] = []
    config_class: Any = None
    for place, parameter in enumerate(signature.parameters):
        key = parameter.name
        annotation = signature.resolve(parameter.annotation)
        if key in given.constants:
            raise unresolved(name, key, scope, "a graph body can pass nodes to a task, not values")
        if key in given.links:
            source = ParameterSource.NODE
            edges.append(given.links[key])
        elif is_context(annotation):
            source = ParameterSource.CONTEXT
            config_class = config_class_of(annotation) if place == 0 else config_class
        elif place == 0 and key == "context" and key not in scope.nodes:
            source = ParameterSource.CONTEXT
        elif key == "self":
            source = ParameterSource.SELF
        elif key in inputs or (parameter.default is EMPTY and key in scope.nodes):
            source = ParameterSource.NODE
            edges.append(EdgeDefinition(key, key))
        elif key in scope.resources:
            source = ParameterSource.RESOURCE
            resources.append(key)
        elif parameter.default is not EMPTY:
            source = ParameterSource.DEFAULT
        else:
            raise unresolved(name, key, scope)
        parameters.append(
            Parameter(
                key,
                source,
                EMPTY if isinstance(annotation, str) else annotation,
                parameter.kind is parameter.KEYWORD_ONLY,
                parameter.default,
            )
        )
    upstreams = {edge.upstream for edge in edges}
    for upstream in (*given.after, *(dep.name for dep in deps)):
        if upstream not in upstreams:
            upstreams.add(upstream)
            edges.append(EdgeDefinition(upstream))
    for upstream in [edge.upstream for edge in edges]:
        if upstream in own and given is _NOTHING:
            raise depends_on_itself(upstream)
        if upstream not in scope.nodes:
            raise unresolved(name, upstream, scope)
    return Wiring(tuple(parameters), tuple(edges), tuple(resources), inputs, config_class)


def is_context(annotation: Any, names: Container[str] = CONTEXTS) -> bool:
    """Whether the annotation is one of these contexts; text counts, when its name is for type checkers only."""
    if isinstance(annotation, str):
        return annotation.partition("[")[0].rpartition(".")[2].strip() in names
    origin = getattr(annotation, "__origin__", annotation)
    return isinstance(origin, type) and any(
        cls.__qualname__ in names and cls.__module__.startswith("rivers.") for cls in origin.__mro__
    )


def config_class_of(annotation: Any) -> Any:
    """The model that the annotation of a context names; `None` when it names none."""
    arguments = getattr(annotation, "__args__", ())
    return arguments[0] if arguments and not isinstance(arguments[0], TypeVar) and arguments[0] is not Any else None


def unresolved(name: str, parameter: str, scope: Scope, remedy: str = "") -> GraphValidationError:
    """The error of a parameter that nothing in the repository is called like."""
    known = [*scope.nodes, *scope.resources] if isinstance(scope.nodes, Mapping) else [*scope.resources]
    return UnresolvedInputError(
        f"Asset '{name}': unresolved input '{parameter}'", remedy=remedy or nearest(parameter, known), asset=name
    )


def depends_on_itself(name: str) -> GraphValidationError:
    """The error of a step that reads what it makes."""
    return GraphValidationError(
        f"Asset '{name}': depends on itself; use SelfDependency[T] to reference an asset's own previous output"
    )
