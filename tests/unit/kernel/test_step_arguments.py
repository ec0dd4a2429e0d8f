"""Where a function's arguments come from."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings

from rivers.definitions.asset import Asset
from rivers.definitions.dependency import AssetDef
from rivers.definitions.self_dependency import SelfDependency
from rivers.definitions.task import Task
from rivers.io_handlers import BaseIOHandler
from rivers.kernel.contexts import AssetExecutionContext, TaskExecutionContext
from rivers.lifecycle.states import AttemptOutcome

SUCCEEDED = AttemptOutcome.SUCCEEDED


class Told(BaseIOHandler):
    """Returns the context that it was asked with."""

    def handle_output(self, context: Any, obj: Any) -> None: ...

    def load_input(self, context: Any) -> Any:
        return context


def test_inputs_resources_and_defaults(bench):
    @Asset
    def a():
        return 1

    class Settings(BaseModel):
        x: int = 5

    @Asset
    def b(a, settings, unused=9, *, other: int = 3, again=None):
        return a, settings.x, unused, other, again

    bench.bind(a, b, resources={"settings": Settings(), "again": Settings(x=6)})
    bench.run("a")
    assert bench.run("b").outcome == SUCCEEDED
    assert bench.stored("b")[:4] == (1, 5, 9, 3)
    assert bench.stored("b")[4].x == 6


@pytest.mark.parametrize("resource", [{"url": "x"}, object(), 3])
def test_a_resource_that_is_no_model_fails_the_step(bench, resource):
    @Asset
    def a(db): ...

    bench.bind(a, resources={"db": resource})
    assert bench.run("a").failure.message == (
        "ConfigurationError: Expected a Pydantic BaseModel/BaseSettings subclass, Resource instance or BaseIOHandler, "
        f"got {type(resource).__name__}"
    )


def test_a_handler_may_be_injected(bench):
    @Asset
    def a(store):
        return store.model_fields_set

    bench.bind(a, resources={"store": Told()})
    assert bench.run("a").outcome == SUCCEEDED


def test_keyword_only_and_positional_only_parameters(bench):
    @Asset
    def a():
        return 1

    @Asset
    def b(a, /):
        return a

    @Asset
    def c(*args, b, **kwargs):
        return b, args, kwargs

    bench.bind(a, b, c)
    for key in "abc":
        assert bench.run(key).outcome == SUCCEEDED
    assert bench.stored("c") == (1, (), {})


def test_a_handler_is_told_who_loads_what(bench):
    @Asset(io_handler=Told(), metadata={"k": "v"})
    def a():
        return 1

    @Asset
    def b(a: list[int]):
        return a

    bench.bind(a, b)
    assert bench.run("b").outcome == SUCCEEDED
    told = bench.stored("b")
    assert (told.asset_name, told.downstream_asset, told.type_hint, told.partition) == ("a", "b", list[int], None)


def test_a_missing_input_is_the_handlers_error(bench):
    @Asset
    def a():
        return 1

    @Asset
    def b(a):
        return a

    bench.bind(a, b)
    end = bench.run("b")
    assert end.failure.message == "KeyError: 'a'"
    assert bench.heard.events == [("started", "")]


def test_lineage_only_edges_load_nothing(bench):
    @Asset(io_handler=Told())
    def a():
        return 1

    @Asset(deps=[AssetDef.dep("a")])
    def b():
        return 2

    bench.bind(a, b)
    assert bench.run("b").outcome == SUCCEEDED


def test_the_context_of_an_asset(bench):
    @Asset(tags=["t"], kinds="table", group="g", code_version="3", metadata={"m": "1"})
    def a(ctx: AssetExecutionContext):
        return (
            ctx.asset_name,
            ctx.tags,
            ctx.kinds,
            ctx.group,
            ctx.code_version,
            ctx.asset_metadata,
            ctx.is_multi_asset,
            ctx.output_selection,
            ctx.run_id,
            ctx.attempt_token,
            ctx.config,
            ctx.has_partition_key,
            ctx.partition_time_window,
            ctx.output_metadata,
            ctx.log.name,
        )

    bench.bind(a)
    assert bench.run("a").outcome == SUCCEEDED
    assert bench.stored("a") == (
        *("a", ["t"], ["table"], "g", "3", {"m": "1"}, False, []),
        *("run", 7, None, False, None, None, "rivers.assets.a"),
    )


def test_contexts_of_tasks(bench):
    @Task(tags=["cheap"])
    def typed(context: TaskExecutionContext):
        return context.task_name, context.tags, context.log.name, context.config

    @Task
    def untyped(context):
        return type(context), context.asset_name

    bench.bind(tasks=[typed, untyped])
    bench.run("typed")
    bench.run("untyped")
    assert bench.stored("typed") == ("typed", ["cheap"], "rivers.tasks.typed", None)
    assert bench.stored("untyped") == (AssetExecutionContext, "untyped")


def test_a_context_elsewhere_than_first_fails_the_step(bench):
    @Asset
    def a():
        return 1

    @Asset
    def b(a, ctx: AssetExecutionContext):
        return 1

    bench.bind(a, b)
    bench.run("a")
    assert bench.run("b").failure.message == "ExecutionError: Context must be the first parameter of 'b'"


def test_self_dependency(bench):
    @Asset
    def counter(self: SelfDependency[int]) -> int:
        return (self.get_inner() or 0) + 1

    bench.bind(counter)
    for _ in range(3):
        assert bench.run("counter").outcome == SUCCEEDED
    assert bench.stored("counter") == 3


def test_self_without_its_annotation_fails_the_step(bench):
    @Asset
    def a(self):
        return 1

    bench.bind(a)
    assert bench.run("a").failure.message == (
        "ExecutionError: Asset 'a': `self` parameter requires a `SelfDependency[T]` annotation"
    )


class Limits(BaseModel):
    size: int = 3
    name: str = "x"


class FromEnvironment(BaseSettings):
    kernel_test_level: int = 1


def test_config_is_built_from_defaults_and_overrides(bench):
    @Asset
    def a(context: AssetExecutionContext[Limits]):
        return context.config.size, context.config.name

    bench.bind(a)
    bench.run("a")
    assert bench.stored("a") == (3, "x")
    bench.run("a", config={"size": "7", "unknown": 1})
    assert bench.stored("a") == (7, "x")
    end = bench.run("a", config={"size": "many"})
    assert isinstance(end.exception, ValidationError)


def test_config_from_the_environment(bench, monkeypatch):
    @Asset
    def a(context: AssetExecutionContext[FromEnvironment]):
        return context.config.kernel_test_level

    monkeypatch.setenv("KERNEL_TEST_LEVEL", "4")
    bench.bind(a)
    bench.run("a")
    assert bench.stored("a") == 4
    bench.run("a", config={"kernel_test_level": 9})
    assert bench.stored("a") == 9


def test_a_config_that_is_no_model_fails_the_step(bench):
    @Asset
    def a(context: AssetExecutionContext[int]):
        return 1

    bench.bind(a)
    assert bench.run("a").failure.message == (
        "ConfigurationError: Expected a Pydantic BaseModel/BaseSettings subclass, got int"
    )


def test_contexts_made_by_hand():
    context = AssetExecutionContext("a")
    assert (context.tags, context.kinds, context.output_selection, context.run_id) == (None, [], [], None)
    assert context.output_metadata is None
    context.add_output_metadata({"x": 1})
    context.add_output_metadata({"x": 2.0, "y": None})
    assert {name: value.raw_value() for name, value in context.output_metadata.items()} == {"x": 2.0, "y": None}
    with pytest.raises(TypeError, match="Cannot coerce list to MetadataValue"):
        context.add_output_metadata({"z": []})
    for wrong in (3, None, [("x", 1)], {1: 2}):
        with pytest.raises(TypeError, match="metadata"):
            context.add_output_metadata(wrong)
    with pytest.raises(OverflowError):
        context.add_output_metadata({"z": 1 << 63})
    context.register_data_version("v")
    assert (context.drain_data_version(), context.drain_data_version()) == ("v", None)
    assert isinstance(context.log, logging.Logger)
