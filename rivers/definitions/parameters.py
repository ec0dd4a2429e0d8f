"""Where the arguments of a step's function come from."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from rivers.definitions.dependency import DepDef
from rivers.definitions.signature import EMPTY, Signature
from rivers.definitions.snapshot import EdgeDefinition
from rivers.definitions.suggestion import nearest
from rivers.errors import GraphValidationError

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


@dataclass(frozen=True, slots=True)
class Wiring:
    """A function's parameters, what they load and what else they need."""

    parameters: tuple[Parameter, ...]
    edges: tuple[EdgeDefinition, ...]
    resources: tuple[str, ...]
    inputs: Mapping[str, DepDef]
    config_class: Any


def wire(name: str, own: Sequence[str], signature: Signature, deps: Sequence[DepDef], scope: Scope) -> Wiring:
    """Resolves the parameters and declared edges of the step `name`, whose outputs are `own`."""
    inputs = {dep.name: dep for dep in deps if dep.is_input}
    parameters: list[Parameter] = []
    edges: dict[str, EdgeDefinition] = {}
    resources: list[str] = []
    config_class: Any = None
    for place, parameter in enumerate(signature.parameters):
        key = parameter.name
        annotation = signature.resolve(parameter.annotation)
        if is_context(annotation):
            source = ParameterSource.CONTEXT
            config_class = config_class_of(annotation) if place == 0 else config_class
        elif place == 0 and key == "context" and key not in scope.nodes:
            source = ParameterSource.CONTEXT
        elif key == "self":
            source = ParameterSource.SELF
        elif key in inputs or (parameter.default is EMPTY and key in scope.nodes):
            source = ParameterSource.NODE
            edges[key] = EdgeDefinition(key, key)
        elif key in scope.resources:
            source = ParameterSource.RESOURCE
            resources.append(key)
        elif parameter.default is not EMPTY:
            source = ParameterSource.DEFAULT
        else:
            raise _unresolved(name, key, scope)
        parameters.append(
            Parameter(
                key,
                source,
                EMPTY if isinstance(annotation, str) else annotation,
                parameter.kind is parameter.KEYWORD_ONLY,
                parameter.default,
            )
        )
    for dep in deps:
        if dep.name not in edges:
            edges[dep.name] = EdgeDefinition(dep.name)
    for upstream in edges:
        if upstream in own:
            raise GraphValidationError(
                f"Asset '{upstream}': depends on itself; "
                "use SelfDependency[T] to reference an asset's own previous output"
            )
        if upstream not in scope.nodes:
            raise _unresolved(name, upstream, scope)
    return Wiring(tuple(parameters), tuple(edges.values()), tuple(resources), inputs, config_class)


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


def _unresolved(name: str, parameter: str, scope: Scope) -> GraphValidationError:
    known = [*scope.nodes, *scope.resources] if isinstance(scope.nodes, Mapping) else [*scope.resources]
    return GraphValidationError(
        f"Asset '{name}': unresolved input '{parameter}'", remedy=nearest(parameter, known), asset=name
    )
