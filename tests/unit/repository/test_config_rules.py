"""Configuration, resources and IO handlers, seen from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic_settings import BaseSettings

import rivers as rs
from rivers import exceptions
from rivers.exceptions import AssetDefinitionError, ConfigurationError, TaskDefinitionError


class Limits(BaseModel):
    size: int = 1
    word: str = "w"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 1


class Required(BaseModel):
    size: int


class FromEnvironment(BaseSettings):
    config_rules_level: int = 1


@rs.Asset
def a(context: rs.AssetExecutionContext[Limits]):
    return context.config.size, context.config.word


@rs.Asset
def plain():
    return 1


# -- config ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (None, (1, "w")),
        ({}, (1, "w")),
        ({"a": {"size": 2}}, (2, "w")),
        ({"a": {"size": "7", "word": "x"}}, (7, "x")),
        ({"a": {"unknown": 1}}, (1, "w")),
        ({"nobody": {"size": 2}}, (1, "w")),
        ({"plain": {"size": 2}}, (1, "w")),
        ({"assets": {"a": {"config": {"size": "3"}}}}, (3, "w")),
        ({"assets": {"a": {}}}, (1, "w")),
        ({"execution": {"executor": "in_process"}}, (1, "w")),
        ({"assets": {"a": {"config": {"size": 4}}}, "execution": {"executor": "parallel", "max_workers": 2}}, (4, "w")),
    ],
)
def test_both_shapes_of_configuration(repository, config, value):
    repo = repository(a, plain, jobs=[rs.Job("j", [a])])
    repo.materialize(config=config)
    assert repo.load_node("a") == value
    repo.get_job("j").execute(config=config)
    assert repo.load_node("a") == value


@pytest.mark.parametrize("model", [Limits, Strict, Required])
def test_a_value_that_does_not_fit_fails_its_step_alone(repository, model):
    def configured(context): ...

    configured.__annotations__["context"] = rs.AssetExecutionContext[model]
    config: dict[str, Any] = {Limits: {"size": "many"}, Strict: {"other": 1}, Required: {}}[model]
    repo = repository(rs.Asset(configured), plain)
    with pytest.raises(ValidationError):
        repo.materialize(config={"configured": config})
    result = repo.materialize(config={"configured": config}, raise_on_error=False)
    assert result.materialized_assets == ["plain"]
    ((name, message),) = result.failed_assets
    assert (name, message.partition(":")[0]) == ("configured", "ValidationError")


def test_settings_come_from_the_environment_under_what_the_launch_says(repository, monkeypatch):
    @rs.Task
    def task(context: rs.TaskExecutionContext[FromEnvironment]):
        return context.config.config_rules_level

    repo = repository(tasks=[task])
    monkeypatch.setenv("CONFIG_RULES_LEVEL", "4")
    repo.materialize()
    assert repo.load_node("task") == 4
    repo.materialize(config={"task": {"config_rules_level": 9}})
    assert repo.load_node("task") == 9


def test_a_type_argument_that_is_no_model_fails_the_step(repository):
    @rs.Asset
    def odd(context: rs.AssetExecutionContext[int]): ...

    with pytest.raises(ConfigurationError, match="Expected a Pydantic BaseModel/BaseSettings subclass, "):
        repository(odd).materialize()


@pytest.mark.parametrize(
    "config", [{"assets": {"nobody": {"config": {}}}}, {"assets": {"plain": {"config": {}}}}, {"resources": {"no": {}}}]
)
def test_a_document_names_only_what_is_launched(repository, config):
    repo = repository(a, plain)
    (name,) = config[next(iter(config))]
    with pytest.raises(ConfigurationError, match=f"config names '{name}', which this launch does not run"):
        repo.materialize(selection=["a"], config=config)
    assert repo.storage.get_runs() == []


def test_an_asset_called_like_a_section_makes_it_the_short_form(repository):
    @rs.Asset
    def assets(context: rs.AssetExecutionContext[Limits]):
        return context.config.size

    repo = repository(assets)
    repo.materialize(config={"assets": {"size": 3}})
    assert repo.load_node("assets") == 3


# -- handlers -------------------------------------------------------------------------------------------------------


class Told(rs.BaseIOHandler):
    """Remembers what it was told, in order."""

    answer: Any = 5
    _told: list = PrivateAttr(default_factory=list)

    def handle_output(self, context, obj):
        self._told.append(("out", context.asset_name, context.asset_metadata, context.type_hint, obj))
        self._told.append({name: value.raw_value() for name, value in (context.output_metadata or {}).items()})
        context.add_output_metadata({"key": "of the handler"})

    def load_input(self, context):
        where = (context.asset_name, context.downstream_asset, context.asset_metadata, context.type_hint)
        self._told.append(("in", *where, context.partition))
        return self.answer


def test_a_handler_is_told_everything_in_order(repository):
    told = Told()

    @rs.Asset(io_handler=told, metadata={"m": "1"})
    def up(context) -> int:
        context.add_output_metadata({"key": "of the asset", "more": 1})
        return rs.Output(1, metadata={"more": 2})

    @rs.Asset(deps=[rs.AssetDef.input("up", metadata={"other": "2"})])
    def down(up: int): ...

    @rs.Asset
    def after(up): ...

    repo = repository(up, down, after)
    result = repo.materialize(config={"assets": {"up": {"metadata": {"n": "3"}}}})
    assert told._told == [
        ("out", "up", {"m": "1", "n": "3"}, int, 1),
        {"key": "of the asset", "more": 2},
        ("in", "up", "down", {"other": "2"}, int, None),
        ("in", "up", "after", {"m": "1", "n": "3"}, None, None),
    ]
    made = next(e for e in repo.storage.get_events_for_run(result.run_id) if e.event_type == "Materialization")
    assert json.loads(dict(made.metadata)["key"]) == {"Text": {"value": "of the handler"}}
    told._told.clear()
    assert repo.load_node("up", type_hint=str) == 5
    assert told._told == [("in", "up", "__load_node__", {"m": "1"}, str, None)]


@pytest.mark.parametrize("value", [rs.Materialization(), rs.Observation()])
def test_a_handler_is_not_told_of_what_was_not_stored(repository, value):
    told = Told()
    repository(rs.Asset(name="a", io_handler=told)(lambda: value)).materialize()
    assert told._told == []


def test_a_resource_called_io_handler_is_not_picked_up(repository):
    told = Told()
    repository(plain, resources={"io_handler": told}).materialize()
    assert told._told == []


class LooksLikeOne:
    def handle_output(self, context, obj): ...

    def load_input(self, context): ...


@pytest.mark.parametrize("handler", [LooksLikeOne(), Told, 3])
@pytest.mark.parametrize(
    "declare",
    [
        lambda handler: rs.Asset(io_handler=handler),
        lambda handler: rs.Asset.from_multi(io_handler=handler)(dict),
        lambda handler: rs.Asset.external(name="x", io_handler=handler),
        lambda handler: rs.AssetDef("x", io_handler=handler),
        lambda handler: rs.AssetDef.input("x", io_handler=handler),
        lambda handler: rs.Task(io_handler=handler),
        lambda handler: rs.BashTask("x", "true", io_handler=handler),
    ],
)
def test_what_is_no_handler_is_refused_at_once(declare, handler):
    with pytest.raises((AssetDefinitionError, TaskDefinitionError)) as caught:
        declare(handler)
    assert str(caught.value) == "io_handler must be a BaseIOHandler subclass instance or a string resource reference"


def test_contexts_of_handlers_by_hand():
    out = rs.OutputContext("a")
    assert (out.asset_metadata, out.partition, out.type_hint, out.output_metadata) == (None, None, None, None)
    out.register_data_version("v")
    assert (out.drain_data_version(), out.drain_data_version()) == ("v", None)
    given = rs.InputContext("a", "b", {"k": "v"}, None, int)
    assert (given.asset_name, given.downstream_asset, given.asset_metadata, given.type_hint) == (
        "a",
        "b",
        {"k": "v"},
        int,
    )


# -- resources ------------------------------------------------------------------------------------------------------


class Settings(rs.Resource):
    config_rules_url: str
    retries: int = 3


def test_resources_are_settings(monkeypatch):
    monkeypatch.setenv("CONFIG_RULES_URL", "there")
    assert Settings().config_rules_url == "there"
    assert Settings(config_rules_url="here").config_rules_url == "here"
    monkeypatch.delenv("CONFIG_RULES_URL")
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("resource", [Settings(config_rules_url="x"), Limits(), FromEnvironment(), Told()])
def test_models_of_every_kind_are_injected_as_they_are(repository, resource):
    seen = []
    repository(rs.Asset(name="a")(lambda thing: seen.append(thing)), resources={"thing": resource}).materialize()
    assert seen[0] is resource


def test_anything_else_is_refused_when_it_is_injected(repository):
    repo = repository(rs.Asset(name="a")(lambda thing: 1), plain, resources={"thing": {"url": "x"}, "unused": 3})
    with pytest.raises(ConfigurationError) as caught:
        repo.materialize()
    assert str(caught.value) == (
        "Expected a Pydantic BaseModel/BaseSettings subclass, Resource instance or BaseIOHandler, got dict"
    )
    assert repo.load_node("plain") == 1


# -- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("AssetDefinitionError", "AssetNotFoundError", "AssetOutputValidationError", "ConfigurationError"),
        *("ExecutionError", "GraphValidationError", "InvalidMetadataError", "NodeNotFoundError"),
        *("PartitionDefinitionError", "PartitionValidationError", "ResultDefinitionError", "ScheduleDefinitionError"),
        *("SensorDefinitionError", "TaskDefinitionError", "StorageError", "SchemaMigrationNeededError"),
    ],
)
def test_errors_have_names(name):
    error = getattr(exceptions, name)
    assert issubclass(error, Exception)
    assert str(error("told")) == "told"


def test_a_database_behind_the_code_is_a_storage_error():
    assert issubclass(exceptions.SchemaMigrationNeededError, exceptions.StorageError)
