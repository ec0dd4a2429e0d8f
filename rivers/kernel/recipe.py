"""A step as the kernel runs it: what does not change from call to call, worked out once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

from rivers.definitions.binding import ParameterSource
from rivers.definitions.kinds import StepKind
from rivers.definitions.self_dependency import SelfDependency
from rivers.errors import ExecutionError
from rivers.kernel.contexts import TaskExecutionContext
from rivers.kernel.output_types import Check, check_of

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundStep, Parameter

_CACHED = "recipe"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of the function and where its value comes from."""

    source: ParameterSource
    name: str
    hint: Any


@dataclass(frozen=True, slots=True)
class OutputRecipe:
    """One output: what its handler is told, and the check of its value."""

    node: str
    metadata: dict[str, str] | None
    hint: Any
    check: Check | None
    is_mapped: bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to call a step's function and what to do with what it returns."""

    key: str
    kind: StepKind
    function: Callable[..., Any]
    positional: tuple[Argument, ...]
    keywords: tuple[Argument, ...]
    outputs: dict[str, OutputRecipe]
    context: ContextRecipe | None
    is_async: bool
    name: str
    keeps_values: bool


@dataclass(frozen=True, slots=True)
class ContextRecipe:
    """The context that the function asks for."""

    is_task: bool
    name: str
    tags: tuple[str, ...] | None
    kinds: tuple[str, ...]
    group: str | None
    code_version: str | None
    metadata: dict[str, str] | None
    is_multi: bool
    model: Any


def recipe_of(step: BoundStep) -> Recipe:
    """The step's recipe, made at its first call. A definition that cannot be called raises every time."""
    recipe = step.kept.get(_CACHED)
    if recipe is None:
        recipe = step.kept[_CACHED] = _make(step)
    return cast(Recipe, recipe)


def _make(step: BoundStep) -> Recipe:
    definition = step.definition
    if step.function is None:
        raise ExecutionError(f"'{definition.key}' has no function to run")
    positional: list[Argument] = []
    keywords: list[Argument] = []
    context = None
    by_keyword = False
    for place, parameter in enumerate(step.parameters):
        if parameter.source == ParameterSource.DEFAULT:
            by_keyword = True  # what follows is no longer where a position would put it
            continue
        if parameter.source == ParameterSource.CONTEXT:
            if place:
                raise ExecutionError(f"Context must be the first parameter of '{definition.key}'")
            context = _context(step, parameter)
        hint = _hint(parameter.annotation)
        if parameter.source == ParameterSource.SELF:
            hint = _self_hint(definition.key, parameter)
        argument = Argument(parameter.source, parameter.name, hint)
        (keywords if by_keyword or parameter.keyword_only else positional).append(argument)
    is_multi = definition.kind == StepKind.MULTI_ASSET
    return Recipe(
        key=definition.key,
        kind=definition.kind,
        function=step.function,
        positional=tuple(positional),
        keywords=tuple(keywords),
        outputs=_outputs(step, is_multi),
        context=context,
        is_async=definition.is_async
        or inspect.iscoroutinefunction(step.function)
        or (is_multi and inspect.isasyncgenfunction(step.function)),
        name=_name(step),
        keeps_values=bool(getattr(step.owner, "hooks", None)),
    )


def _outputs(step: BoundStep, is_multi: bool) -> dict[str, OutputRecipe]:
    outputs = {}
    hints = {one.name: one.type_hint for one in getattr(step.owner, "output_defs", ())} if is_multi else {}
    for output in step.definition.outputs:
        hint = hints.get(output.name) if is_multi else _hint(step.return_annotation)
        is_checked = not is_multi and step.definition.kind != StepKind.GRAPH_ASSET
        check = check_of(step.return_annotation) if is_checked else None
        metadata = dict(output.metadata) or None
        outputs[output.name] = OutputRecipe(output.name, metadata, hint, check, output.is_mapped)
    return outputs


def _context(step: BoundStep, parameter: Parameter) -> ContextRecipe:
    annotation = get_origin(parameter.annotation) or parameter.annotation
    is_task = isinstance(annotation, type) and issubclass(annotation, TaskExecutionContext)
    definition = step.definition
    if definition.kind == StepKind.MULTI_ASSET:
        group, version = getattr(step.owner, "group", None), getattr(step.owner, "code_version", None)
        return ContextRecipe(is_task, _name(step), None, (), group, version, None, True, step.config_class)
    output = definition.outputs[0]
    return ContextRecipe(
        is_task=is_task,
        name=definition.key,
        tags=output.tags or None,
        kinds=output.kinds,
        group=output.group,
        code_version=output.code_version,
        metadata=dict(output.metadata) or None,
        is_multi=False,
        model=step.config_class,
    )


def _name(step: BoundStep) -> str:
    """What messages call the step: a multi-asset by its own name, which is no node."""
    name = getattr(step.owner, "name", None) if step.definition.kind == StepKind.MULTI_ASSET else None
    return name or step.definition.key


def _hint(annotation: Any) -> Any:
    return None if annotation is inspect.Parameter.empty else annotation


def _self_hint(key: str, parameter: Parameter) -> Any:
    if parameter.annotation is SelfDependency:
        return None
    if get_origin(parameter.annotation) is SelfDependency:
        return get_args(parameter.annotation)[0]
    raise ExecutionError(f"Asset '{key}': `self` parameter requires a `SelfDependency[T]` annotation")
