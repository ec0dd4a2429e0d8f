"""Where the arguments of a function come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import rivers as rs
from rivers.definitions.binding import ParameterSource, bind
from rivers.exceptions import ConfigurationError, GraphValidationError

if TYPE_CHECKING:
    from rivers import AssetExecutionContext

C, S, N, R, D = ParameterSource


@rs.Asset
def up() -> int: ...


def sources(function, resources=None, assets=(up,), **options):
    bound = bind([*assets, rs.Asset(name="down", **options)(function)], resources=resources)
    step = bound.steps["down"]
    return {parameter.name: parameter.source for parameter in step.parameters}, step


def test_an_upstream_beats_a_resource_and_tells_so():
    found, step = sources(lambda up: 1, {"up": object(), "db": object()})
    assert found == {"up": N}
    assert step.definition.resources == ()
    assert bind([up], resources={"up": 1, "db": 2}).shadowed_resources == ("up",)


def test_a_resource_is_found_by_name():
    found, step = sources(lambda up, db: 1, {"db": object()})
    assert found == {"up": N, "db": R}
    assert step.definition.resources == ("db",)


def test_a_default_never_makes_a_dependency():
    def down(up=3, db=None): ...

    found, step = sources(down, {"db": object()})
    assert found == {"up": D, "db": R}
    assert step.definition.edges == ()
    assert step.parameters[0].default == 3


def test_a_declared_input_counts_even_with_a_default():
    def down(up=3): ...

    found, step = sources(down, deps=[rs.AssetDef.input("up")])
    assert found == {"up": N}
    assert [edge.parameter for edge in step.definition.edges] == ["up"]


def test_the_context_comes_first_by_annotation_or_by_name():
    def annotated(ctx: rs.AssetExecutionContext, up): ...
    def task_like(ctx: rs.TaskExecutionContext[dict], up): ...
    def for_checkers(ctx: AssetExecutionContext, up): ...

    for function in (annotated, task_like, for_checkers, lambda context, up: 1):
        found, _ = sources(function)
        assert list(found.values()) == [C, N]


def test_the_model_of_the_configuration_is_found_within_a_function():
    class Settings: ...

    def down(ctx: rs.AssetExecutionContext[Settings]) -> list[Settings]: ...

    _, step = sources(down)
    assert step.config_class is Settings
    assert step.return_annotation == list[Settings]
    assert sources(lambda context: 1)[1].config_class is None


def test_an_asset_called_context_is_an_asset():
    context = rs.Asset(name="context")(lambda: 1)
    found, _ = sources(lambda context: 1, assets=[context])
    assert found == {"context": N}


def test_a_context_behind_the_first_place_is_left_to_the_step():
    def down(up, ctx: rs.AssetExecutionContext): ...

    assert list(sources(down)[0].values()) == [N, C]


def test_a_parameter_called_context_behind_the_first_place_is_ordinary():
    with pytest.raises(GraphValidationError) as caught:
        sources(lambda up, context: 1)
    assert str(caught.value) == "Asset 'down': unresolved input 'context'"


def test_self_adds_no_edge():
    def down(self: rs.SelfDependency[int]): ...

    found, step = sources(down)
    assert found == {"self": S}
    assert step.definition.edges == ()
    assert sources(lambda self: 1)[0] == {"self": S}


def test_keyword_only_and_variadic_parameters():
    def down(up, /, *args, db, **kwargs): ...

    _, step = sources(down, {"db": 1})
    assert [(one.name, one.keyword_only) for one in step.parameters] == [("up", False), ("db", True)]


def test_deps_order_without_loading():
    other = rs.Asset(name="other")(lambda: 1)
    _, step = sources(lambda up: 1, assets=[up, other], deps=[rs.AssetDef.dep("other"), rs.AssetDef.dep("up")])
    assert [(edge.upstream, edge.parameter) for edge in step.definition.edges] == [("up", "up"), ("other", None)]


@pytest.mark.parametrize("dep", [rs.AssetDef.dep("gone"), None])
def test_what_matches_nothing_is_refused(dep):
    function = (lambda: 1) if dep else (lambda gone: 1)
    with pytest.raises(GraphValidationError) as caught:
        sources(function, deps=[dep] if dep else None)
    assert str(caught.value) == "Asset 'down': unresolved input 'gone'"
    assert isinstance(caught.value, ConfigurationError), "a resource of that name would do"


def test_a_near_miss_is_named():
    with pytest.raises(GraphValidationError) as caught:
        sources(lambda upp: 1)
    assert caught.value.remedy == "did you mean 'up'?"
    assert caught.value.__notes__ == ["did you mean 'up'?"]
    assert caught.value.asset == "down"


@pytest.mark.parametrize("options", [{}, {"deps": [rs.AssetDef.dep("down")]}])
def test_a_dependency_on_itself_is_refused(options):
    function = (lambda: 1) if options else (lambda down: 1)
    with pytest.raises(GraphValidationError) as caught:
        sources(function, **options)
    assert str(caught.value) == (
        "Asset 'down': depends on itself; use SelfDependency[T] to reference an asset's own previous output"
    )


def test_annotations_are_resolved_from_their_text():
    def down(up: list[int]) -> dict[str, int]: ...

    _, step = sources(down)
    assert step.parameters[0].annotation == list[int]
    assert step.return_annotation == dict[str, int]


def test_annotations_that_are_quoted_in_a_module_where_all_are_text():
    class Settings: ...

    def down(ctx: "rs.AssetExecutionContext[Settings]", up) -> "list[int]": ...  # noqa: UP037

    _, step = sources(down)
    assert step.config_class is Settings
    assert step.return_annotation == list[int]
