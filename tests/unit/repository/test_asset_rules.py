"""Rules about assets, seen from outside: what a program declares, runs and reads back."""

from __future__ import annotations

import asyncio
import functools

import pytest
from pydantic import PrivateAttr

import rivers as rs
from rivers.exceptions import (
    AssetNotFoundError,
    ConfigurationError,
    ExecutionError,
    GraphValidationError,
    NodeNotFoundError,
    PartitionValidationError,
)


def valued(name, value, *parameters, **options):
    """An asset that returns what it is given, or a value."""
    namespace = {"value": value}
    exec(f"def function({', '.join(parameters)}): return value", namespace)
    return rs.Asset(name=name, **options)(namespace["function"])


def story(repo, result, node=None):
    """Types and nodes of a run's events about nodes."""
    events = repo.storage.get_events_for_run(result.run_id)
    return [(event.event_type, event.asset_key) for event in events if event.asset_key == node or node is None]


# -- functions ------------------------------------------------------------------------------------------------------


class Called:
    """Any callable will do, when it is given a name."""

    def __call__(self, up):
        return up + 1


@pytest.mark.parametrize("function", [Called(), functools.partial(lambda up, more: up + more, more=1)])
def test_a_callable_object_may_be_an_asset(repository, function):
    repo = repository(valued("up", 1), rs.Asset(name="down")(function))
    repo.materialize()
    assert repo.load_node("down") == 2


def test_generators_of_single_assets_are_values(repository):
    @rs.Asset
    def plain():
        yield 1

    @rs.Asset
    async def later():
        yield 2

    repo = repository(plain, later)
    assert repo.materialize().success
    assert list(repo.load_node("plain")) == [1]

    async def first():
        return [value async for value in repo.load_node("later")]

    assert asyncio.run(first()) == [2]


def test_an_asset_may_ask_for_the_context_of_a_task(repository):
    @rs.Asset(tags=["t"])
    def a(ctx: rs.TaskExecutionContext):
        return ctx.task_name, ctx.tags, ctx.log.name

    repo = repository(a)
    repo.materialize()
    assert repo.load_node("a") == ("a", ["t"], "rivers.tasks.a")


def test_assets_and_tasks_depend_on_each_other(repository):
    task = rs.Task(name="task")(lambda up: up + 1)
    repo = repository(valued("up", 1), rs.Asset(name="down")(lambda task: task + 1), tasks=[task])
    assert repo.materialize().materialized_assets == ["up", "task", "down"]
    assert repo.load_node("down") == 3


# -- results of single assets ---------------------------------------------------------------------------------------


def test_what_stored_nothing_cannot_be_loaded(repository):
    repo = repository(valued("up", rs.Materialization()), rs.Asset(name="down")(lambda up: up))
    result = repo.materialize(raise_on_error=False)
    assert (result.materialized_assets, result.failed_assets) == (["up"], [("down", "KeyError: 'up'")])


def test_an_observation_is_an_event_and_no_materialization(repository):
    repo = repository(valued("a", rs.Observation(metadata={"x": 1}, data_version="v")))
    result = repo.materialize()
    assert story(repo, result, "a") == [("StepStart", "a"), ("Observation", "a"), ("StepSuccess", "a")]
    assert repo.storage.get_asset_record("a").last_run_id is None


def test_dynamic_outputs_are_a_list_of_values(repository):
    repo = repository(valued("a", [rs.DynamicOutput("x", 1), rs.DynamicOutput("y", 2)]))
    result = repo.materialize()
    assert repo.load_node("a") == [1, 2]
    assert ("Materialization", "a") in story(repo, result)


# -- multi-assets ---------------------------------------------------------------------------------------------------

NAMES = ("x", "y", "z")


def multi(function, **options):
    """A multi-asset of three outputs."""
    return rs.Asset.from_multi(function, [rs.AssetDef(name) for name in NAMES], "multi", **options)


def two_of_three():
    return {"x": 1, "z": 3, "unknown": 4}


def a_list():
    return [1, 2, 3]


def nothing(): ...


def yields_one():
    yield rs.Output(1, output_name="y")


def yields_without_a_name():
    yield rs.Output(1, output_name="x")
    yield rs.Output(1)


def yields_a_tuple():
    yield ("x", 1)


def raises_midway():
    yield rs.Output(1, output_name="z")
    raise ValueError("midway")


def raises():
    raise ValueError("at once")


MUST_YIELD = "ExecutionError: Generator multi-asset must yield Output(...), Observation(...), or Materialization(...)"
NO_NAME = "ExecutionError: yield in multi-asset must include output_name"


@pytest.mark.parametrize(
    ("function", "made", "failed"),
    [
        (two_of_three, ["x", "z"], {"y": "KeyError: 'y'"}),
        (a_list, [], dict.fromkeys(NAMES, "TypeError: ")),
        (nothing, [], dict.fromkeys(NAMES, "TypeError: ")),
        (
            yields_one,
            ["y"],
            {name: f"ExecutionError: Generator multi-asset did not yield output '{name}'" for name in ("x", "z")},
        ),
        (yields_without_a_name, ["x"], dict.fromkeys(("y", "z"), NO_NAME)),
        (yields_a_tuple, [], dict.fromkeys(NAMES, MUST_YIELD)),
        (raises_midway, ["z"], dict.fromkeys(("x", "y"), "ValueError: midway")),
        (raises, [], dict.fromkeys(NAMES, "ValueError: at once")),
    ],
)
def test_a_multi_asset_fails_by_output(repository, function, made, failed):
    repo = repository(multi(function))
    result = repo.materialize(raise_on_error=False)
    assert result.success is False
    assert result.materialized_assets == made
    assert [name for name, _ in result.failed_assets] == list(failed)
    for name, message in result.failed_assets:
        assert message.startswith(failed[name])
    with pytest.raises(Exception, match=r".") as caught:
        repo.materialize()
    assert f"{type(caught.value).__name__}: " in next(iter(failed.values()))


def test_downstream_follows_the_outputs_that_were_made(repository):
    repo = repository(multi(raises_midway), rs.Asset(name="of_z")(lambda z: z), rs.Asset(name="of_x")(lambda x: x))
    result = repo.materialize(raise_on_error=False)
    assert result.materialized_assets == ["z", "of_z"]
    assert dict(result.failed_assets)["of_x"] == "ExecutionError: Skipped: upstream dependency failed"


def test_outputs_of_every_kind(repository):
    @multi
    def mixed():
        yield rs.Observation(output_name="x", metadata={"seen": 1})
        yield rs.Materialization(output_name="y", data_version="v")
        yield rs.Output(1, output_name="z")
        yield rs.Output(2, output_name="z", metadata={"again": True})

    repo = repository(mixed)
    result = repo.materialize()
    told = [(kind, node) for kind, node in story(repo, result) if kind in ("Observation", "Materialization")]
    assert told == [("Observation", "x"), ("Materialization", "y"), ("Materialization", "z"), ("Materialization", "z")]
    assert repo.load_node("z") == 2
    assert repo.storage.get_asset_record("y").last_data_version == "v"
    with pytest.raises(KeyError):
        repo.load_node("y")


def test_a_multi_asset_is_narrowed_by_selecting_outputs(repository):
    calls = []

    @rs.Asset.from_multi(output_defs=[rs.AssetDef(name) for name in NAMES], tags=["t"], kinds="k", name="multi")
    def several(context: rs.AssetExecutionContext):
        calls.append((context.asset_name, context.output_selection, context.is_multi_asset, context.tags))
        return {name: name for name in NAMES}

    repo = repository(several)
    result = repo.materialize(selection=["z", "x"])
    assert result.materialized_assets == ["x", "z"]
    assert {node for _, node in story(repo, result)} == {"x", "z"}
    repo.materialize()
    assert calls == [("multi", ["x", "z"], True, None), ("multi", list(NAMES), True, None)]
    with pytest.raises(AssetNotFoundError, match="Selection contains unknown asset: 'multi'"):
        repo.materialize(selection=["multi"])


@pytest.mark.parametrize(("function", "count"), [(raises, 3), (raises_midway, 1)])
def test_only_what_returns_is_tried_again(repository, function, count):
    attempts = []

    def returns():
        attempts.append(1)
        return function()

    def yields():
        attempts.append(1)
        yield from function()

    body = returns if function is raises else yields
    repository(multi(body, retry=rs.RetryPolicy(2))).materialize(raise_on_error=False)
    assert len(attempts) == count


# -- self dependency ------------------------------------------------------------------------------------------------


class Forgetful(rs.BaseIOHandler):
    """Raises whenever it is asked, and remembers how it was asked."""

    error: type[BaseException]
    _asked: list = PrivateAttr(default_factory=list)

    def handle_output(self, context, obj): ...

    def load_input(self, context):
        self._asked.append((context.asset_name, context.downstream_asset, context.type_hint))
        raise self.error("nothing")


@pytest.mark.parametrize("error", [KeyError, FileNotFoundError, SystemError, ZeroDivisionError])
def test_whatever_a_handler_raises_means_that_there_is_no_previous_value(repository, error):
    seen = []

    @rs.Asset(io_handler=Forgetful(error=error))
    def counter(self: rs.SelfDependency[dict]):
        seen.append(self.get_inner())

    assert repository(counter).materialize().success
    assert seen == [None]
    assert counter.io_handler._asked == [("counter", "counter", dict)]


def test_values_are_remembered_from_run_to_run(repository):
    @rs.Asset
    def counter(self: rs.SelfDependency[int]) -> int:
        return (self.get_inner() or 0) + 1

    repo = repository(counter, rs.Asset(name="after")(lambda counter: counter))
    for _ in range(3):
        repo.materialize()
    assert repo.load_node("after") == 3


# -- what a repository refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["validate", "resolve", "materialize"])
def test_definitions_are_checked_by_whatever_comes_first(verb):
    repo = rs.CodeRepository(assets=[rs.Asset(name="a")(lambda b: 1)])
    with pytest.raises(GraphValidationError, match="Asset 'a': unresolved input 'b'") as caught:
        getattr(repo, verb)()
    assert isinstance(caught.value, ConfigurationError)


def test_messages_say_asset_for_tasks_too(repository):
    with pytest.raises(GraphValidationError, match="Asset 'lonely': unresolved input 'x'"):
        repository(tasks=[rs.Task(name="lonely")(lambda x: x)]).validate()


def test_a_job_with_a_task_that_is_not_registered(repository):
    task = rs.Task(name="t")(lambda: 1)
    with pytest.raises(NodeNotFoundError, match="Job 'j': node 't' not found in repository"):
        repository(jobs=[rs.Job("j", [task])]).validate()


# -- contexts by hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context", "noun"), [(rs.AssetExecutionContext("a"), "asset"), (rs.TaskExecutionContext("a"), "task")]
)
def test_a_context_without_a_partition(context, noun):
    assert (context.has_partition_key, context.partition, context.partition_time_window) == (False, None, None)
    with pytest.raises(PartitionValidationError) as caught:
        _ = context.partition_key
    assert str(caught.value) == f"No partition key available — {noun} is not partitioned"


def test_a_partition_that_is_not_ones_own_cannot_fail():
    with pytest.raises(ExecutionError, match="is not in this context's partition keys"):
        rs.AssetExecutionContext("a").mark_partition_failed(rs.PartitionKey.single("x"), "no")


# -- staleness ------------------------------------------------------------------------------------------------------


def status(repo):
    return {name: found[0] for name, found in repo.storage.compute_staleness().items()}


def test_equal_versions_make_nothing_stale(storage, repository):
    up, down = valued("up", rs.Output(1, data_version="1")), valued("down", 2, "up")
    repo = repository(up, down, storage=storage)
    assert status(repo) == {"up": "Missing", "down": "Missing"}
    repo.materialize()
    repo.materialize(selection=["up"])
    assert status(repo) == {"up": "UpToDate", "down": "UpToDate"}


def test_lineage_counts_and_staleness_goes_on_downwards(storage, repository):
    versions = iter("123")
    up = rs.Asset(name="up")(lambda: rs.Output(1, data_version=next(versions)))
    middle = valued("middle", rs.Output(1, data_version="m"), deps=[rs.AssetDef.dep("up")])
    repo = repository(up, middle, valued("last", 1, "middle"), storage=storage)
    repo.materialize()
    repo.materialize(selection=["up"])
    found = repo.storage.compute_staleness()
    assert {name: [(c.category, c.reason, c.dependency) for c in causes] for name, (_, causes) in found.items()} == {
        "up": [],
        "middle": [("Data", "upstream 'up' has new data version", "up")],
        "last": [("Data", "upstream 'middle' is stale", "middle")],
    }
    assert status(repo) == {"up": "UpToDate", "middle": "Stale", "last": "Stale"}


@pytest.mark.parametrize(
    ("deps", "x_read", "y_read"),
    [
        ({}, ["read"], ["read"]),
        ({"y": [rs.AssetDef.dep("after")]}, ["read"], ["read", "after"]),
        ({"y": [rs.AssetDef.input("read")]}, [], ["read"]),
        ({"y": [rs.AssetDef.dep("read")]}, ["read"], ["read"]),
        ({"x": [rs.AssetDef.dep("after")], "y": [rs.AssetDef.input("read")]}, ["after"], ["read"]),
        ({"x": [rs.AssetDef.dep("after")], "y": [rs.AssetDef.dep("after")]}, ["read", "after"], ["read", "after"]),
    ],
)
def test_edges_of_one_output_are_its_own(storage, repository, deps, x_read, y_read):
    both = rs.Asset.from_multi(
        lambda read: {"x": read, "y": read}, [rs.AssetDef(name, deps=deps.get(name, [])) for name in "xy"], name="both"
    )
    upstreams = [rs.Asset(name=name)(lambda: 1) for name in ("read", "after")]
    repo = repository(*upstreams, both, storage=storage)
    assert repo.materialize().success
    for node, upstreams_of_it in (("x", x_read), ("y", y_read)):
        record = repo.storage.get_asset_record(node)
        assert [name for name, _ in record.last_input_data_versions] == upstreams_of_it
    repo.materialize(selection=["after"])
    stale = [name for name in "xy" if status(repo)[name] == "Stale"]
    assert stale == [name for name, read in (("x", x_read), ("y", y_read)) if "after" in read]


def test_edges_of_a_multi_asset_are_those_of_all_its_outputs(storage, repository):
    outputs = [rs.AssetDef("x"), rs.AssetDef("y", deps=[rs.AssetDef.dep("after")])]
    both = rs.Asset.from_multi(lambda: {"x": 1, "y": 2}, outputs, name="both", deps=[rs.AssetDef.dep("after")])
    repo = repository(valued("after", 1), both, storage=storage)
    repo.materialize()
    for node in "xy":
        assert [name for name, _ in repo.storage.get_asset_record(node).last_input_data_versions] == ["after"]


def test_assets_that_are_gone_are_still_judged(storage, repository):
    repository(valued("old", 1), storage=storage).materialize()
    repo = repository(valued("new", 1), storage=storage)
    assert status(repo) == {"old": "UpToDate", "new": "Missing"}
