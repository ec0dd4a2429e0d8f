"""Mapped tasks in runs of this process, on both executors (tasks and graphs, section 4)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import obstore.store
import pytest

import rivers as rs

SKIPPED = "ExecutionError: Skipped: upstream dependency failed"


@rs.Task
def dbl(x):
    return x * 2


@rs.Task
def total(xs):
    return xs


@rs.Task
def failing(x):
    if x == 2:
        raise ValueError("boom")
    return x


@rs.Task
def listed(xs):
    assert isinstance(xs, Iterator)
    return list(xs)


@rs.Task
def where(x):
    return os.getpid(), x


@rs.Task
def plus(x, src):
    return x + src


@rs.Task
def first_waits(x):
    """The first one ends when the last one has begun, for which the one between has to be over."""
    last = Path(os.environ["TEST_FAN_OUT_LAST"])
    if x == 2:
        last.touch()
    deadline = time.monotonic() + 30.0
    while x == 0 and not last.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return x


def source(value: Any) -> Any:
    def nums():
        return value() if callable(value) else value

    return rs.Task(nums)


@pytest.fixture(params=["in_process", "parallel"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A repository of one graph asset `g`, whose body is given. In parallel its values are files."""
    is_parallel = request.param == "parallel"
    files = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path)) if is_parallel else None

    def repository(body: Any, tasks: list[Any], assets: tuple[Any, ...] = ()) -> rs.CodeRepository:
        asset = rs.Asset.from_graph(body, "g", io_handler=files, node_io_handler=files)
        executor = rs.Executor.parallel(max_workers=2) if is_parallel else rs.Executor.in_process()
        return rs.CodeRepository(assets=[asset, *assets], tasks=tasks, default_executor=executor)

    repository.is_parallel = is_parallel
    return repository


def told(repository: rs.CodeRepository, run_id: str) -> list[tuple[str, str | None]]:
    return [(event.event_type, event.asset_key) for event in repository.storage.get_events_for_run(run_id)]


def test_a_task_is_mapped_over_a_list(make: Any) -> None:
    nums = source([1, 2])
    repository = make(lambda: total(nums().map(dbl).collect()), [nums, dbl, total])
    result = repository.materialize()
    assert result.materialized_assets == ["g/nums", "g/dbl", "g/dbl__collect", "g/total", "g"]
    assert result.failed_assets == []
    assert repository.load_node("g") == [2, 4]
    events = [one for one in told(repository, result.run_id) if one[1] is not None and one[1].startswith("g/dbl")]
    instances = [one for one in events if one[1] in ("g/dbl__0", "g/dbl__1")]
    assert events[0] == ("StepStart", "g/dbl")
    assert events[-3:] == [("StepSuccess", "g/dbl"), ("StepStart", "g/dbl__collect"), ("StepSuccess", "g/dbl__collect")]
    for node in ("g/dbl__0", "g/dbl__1"):
        assert [kind for kind, of in instances if of == node] == ["StepStart", "Materialization", "StepSuccess"]
    if not make.is_parallel:
        assert instances == sorted(instances, key=lambda one: str(one[1]))
    assert len(events) == 10
    record = repository.storage.get_run(result.run_id)
    assert record is not None
    assert record.node_names == ["g/nums", "g/dbl", "g/dbl__collect", "g/total", "g"]


@pytest.mark.parametrize(
    ("value", "results", "stored"),
    [
        ([1, 2, 3], [2, 4, 6], [1, 2, 3]),
        ((1, 2), [2, 4], (1, 2)),
        (lambda: (n for n in range(3)), [0, 2, 4], [0, 1, 2]),
        ({"a": 1, "b": 2}, ["aa", "bb"], {"a": 1, "b": 2}),
        ("xy", ["xx", "yy"], "xy"),
        (range(2), [0, 2], range(2)),
        ([], [], []),
        (lambda: [rs.DynamicOutput("alpha", 1), rs.DynamicOutput("beta", 2)], [2, 4], [1, 2]),
    ],
    ids=["list", "tuple", "generator", "dict", "text", "range", "empty", "dynamic"],
)
def test_what_can_be_mapped_over(make: Any, value: Any, results: Any, stored: Any) -> None:
    nums = source(value)
    repository = make(lambda: total(nums().map(dbl).collect()), [nums, dbl, total])
    assert repository.materialize().success
    assert repository.load_node("g") == results
    assert repository.load_node("g/nums") == stored


def test_keys_of_dynamic_outputs_name_instances(make: Any) -> None:
    nums = source(lambda: [rs.DynamicOutput("alpha", 1), rs.DynamicOutput("beta/x", 2)])
    repository = make(lambda: total(nums().map(dbl).collect()), [nums, dbl, total])
    result = repository.materialize()
    nodes = {node for kind, node in told(repository, result.run_id) if kind == "Materialization"}
    assert nodes == {"g/nums", "g/dbl__alpha", "g/dbl__beta/x", "g/total", "g"}


def test_keys_of_one_of_several_outputs_name_instances(make: Any) -> None:
    def both():
        return {"x": [rs.DynamicOutput("alpha", 1)], "y": 5}

    several = rs.Asset.from_multi(both, [rs.AssetDef("x"), rs.AssetDef("y")])
    repository = make(lambda x: total(x.map(dbl).collect()), [dbl, total], (several,))
    result = repository.materialize()
    nodes = {node for kind, node in told(repository, result.run_id) if kind == "Materialization"}
    assert nodes == {"x", "y", "g/dbl__alpha", "g/total", "g"}
    assert repository.load_node("x") == [1]


@pytest.mark.parametrize(
    ("value", "failed", "message"),
    [
        (5, "g/dbl", "ExecutionError: Fan-out source is not iterable: TypeError: 'int' object is not iterable"),
        (
            lambda: [rs.DynamicOutput("a", 1), 2],
            "g/nums",
            "TypeError: Cannot mix DynamicOutput and plain values in a fan-out source list. "
            "Either all items must be DynamicOutput or none.",
        ),
        (
            lambda: [rs.DynamicOutput("a", 1), rs.DynamicOutput("a", 2)],
            "g/nums",
            "ValueError: duplicate mapping key 'a': each DynamicOutput of a list needs its own",
        ),
        (
            lambda: [rs.DynamicOutput("a\0", 1)],
            "g/nums",
            "ValueError: mapping key 'a\\x00' cannot be part of a name",
        ),
    ],
)
def test_what_cannot_be_mapped_over(make: Any, value: Any, failed: str, message: str) -> None:
    nums = source(value)
    repository = make(lambda: total(nums().map(dbl).collect()), [nums, dbl, total])
    result = repository.materialize(raise_on_error=False)
    assert dict(result.failed_assets)[failed] == message
    nodes = ["g/nums", "g/dbl", "g/dbl__collect", "g/total", "g"]
    assert [node for node, _ in result.failed_assets] == nodes[nodes.index(failed) :]
    assert {text for node, text in result.failed_assets if node != failed} == {SKIPPED}


def test_a_failed_instance_stops_no_other_and_fails_what_follows(make: Any) -> None:
    nums = source([1, 2, 3])
    repository = make(lambda: total(nums().map(failing).collect()), [nums, failing, total])
    result = repository.materialize(raise_on_error=False)
    assert result.materialized_assets == ["g/nums", "g/failing__0", "g/failing__2"]
    assert result.failed_assets == [
        ("g/failing__1", "ValueError: boom"),
        ("g/failing__collect", SKIPPED),
        ("g/total", SKIPPED),
        ("g", SKIPPED),
    ]
    events = repository.storage.get_events_for_run(result.run_id)
    (parent,) = [one for one in events if one.asset_key == "g/failing" and one.event_type == "StepFailure"]
    assert dict(parent.metadata)["error"] == "One or more map instances failed"
    with pytest.raises(ValueError, match=r"^boom"):
        repository.materialize()


def test_a_failed_instance_fails_a_streaming_collect_too(make: Any) -> None:
    nums = source([1, 2])
    repository = make(lambda: listed(nums().map(failing).collect_stream()), [nums, failing, listed])
    result = repository.materialize(raise_on_error=False)
    assert [node for node, _ in result.failed_assets] == ["g/failing__1", "g/failing__collect", "g/listed", "g"]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_streaming_collect_hands_over_an_iterator(make: Any, ordered: bool) -> None:
    nums = source([3, 1, 2])
    body = lambda: listed(nums().map(dbl).collect_stream(ordered=ordered))  # noqa: E731
    repository = make(body, [nums, dbl, listed])
    assert repository.materialize().success
    made = repository.load_node("g")
    assert made == [6, 2, 4] if ordered or not make.is_parallel else sorted(made) == [2, 4, 6]


def test_results_in_the_order_in_which_they_were_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_FAN_OUT_LAST", str(tmp_path / "last"))
    files = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path))
    nums = source([0, 1, 2])

    @rs.Asset.from_graph(node_io_handler=files)
    def g():
        made = nums().map(first_waits)
        return listed(made.collect_stream()), total(made.collect())

    repository = rs.CodeRepository(
        assets=[g], tasks=[nums, first_waits, listed, total], default_executor=rs.Executor.parallel(max_workers=2)
    )
    assert repository.materialize().success
    made = repository.load_node("g/listed")
    assert made.index(1) < made.index(0)
    assert repository.load_node("g/total") == [0, 1, 2]


def test_instances_run_in_workers_and_at_most_so_many_at_a_time(tmp_path: Path) -> None:
    files = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path))
    nums = source([1, 2, 3, 4])

    def pids(limit: int) -> set[int]:
        @rs.Asset.from_graph(node_io_handler=files)
        def g():
            return total(nums().map(where, max_concurrency=limit).collect())

        executor = rs.Executor.parallel(max_workers=2)
        repository = rs.CodeRepository(assets=[g], tasks=[nums, where, total], default_executor=executor)
        repository.materialize()
        return {pid for pid, _ in repository.load_node("g/total")}

    assert os.getpid() not in pids(2) | pids(0)


def test_in_process_instances_run_one_after_another() -> None:
    order: list[str] = []

    @rs.Task
    def noted(x):
        order.append(f"in {x}")
        order.append(f"out {x}")

    nums = source([1, 2])

    @rs.Asset.from_graph
    def g():
        return total(nums().map(noted).collect())

    rs.CodeRepository(assets=[g], tasks=[nums, noted, total], default_executor=rs.Executor.in_process()).materialize()
    assert order == ["in 1", "out 1", "in 2", "out 2"]


def test_an_outer_asset_is_mapped_over(make: Any) -> None:
    @rs.Asset
    def src():
        return [rs.DynamicOutput("a", 1), rs.DynamicOutput("b", 2)]

    repository = make(lambda src: total(src.map(dbl).collect()), [dbl, total], (src,))
    result = repository.materialize()
    assert repository.load_node("g") == [2, 4]
    assert ("StepSuccess", "g/dbl__b") in told(repository, result.run_id)


def test_an_outer_asset_of_an_earlier_run_is_mapped_over(tmp_path: Path) -> None:
    files = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path))

    @rs.Asset(io_handler=files)
    def src():
        return [1, 2]

    @rs.Asset.from_graph
    def g(src):
        return total(src.map(dbl).collect())

    repository = rs.CodeRepository(assets=[src, g], tasks=[dbl, total], default_executor=rs.Executor.in_process())
    repository.materialize(["src"])
    result = repository.materialize(["g"])
    assert result.materialized_assets == ["g/dbl", "g/dbl__collect", "g/total", "g"]
    assert repository.load_node("g") == [2, 4]


def test_other_parameters_come_from_around(make: Any) -> None:
    @rs.Asset
    def src():
        return 100

    nums = source([1, 2])
    repository = make(lambda: total(nums().map(plus).collect()), [nums, plus, total], (src,))
    assert repository.materialize().success
    assert repository.load_node("g") == [101, 102]


def test_a_gathering_is_mapped_over_again(make: Any) -> None:
    nums = source([1, 2, 3])
    again = rs.Task(dbl.function, name="again")
    body = lambda: total(nums().map(dbl).collect().map(again).collect())  # noqa: E731
    repository = make(body, [nums, dbl, again, total])
    assert repository.materialize().success
    assert repository.load_node("g") == [4, 8, 12]


def test_instances_are_retried_each_for_itself(make: Any) -> None:
    nums = source([1, 2, 3])
    retried = rs.Task(failing.function, name="retried", retry=rs.RetryPolicy(2))
    repository = make(lambda: total(nums().map(retried).collect()), [nums, retried, total])
    result = repository.materialize(raise_on_error=False)
    events = told(repository, result.run_id)
    assert events.count(("StepRetry", "g/retried__1")) == 2
    assert [event for event in events if event[0] == "StepRetry" and event[1] != "g/retried__1"] == []


def test_instances_are_no_nodes(make: Any) -> None:
    nums = source([1])
    repository = make(lambda: total(nums().map(dbl).collect()), [nums, dbl, total])
    repository.materialize()
    for name in ("g/dbl[0]", "g/dbl__0"):
        with pytest.raises(rs.exceptions.NodeNotFoundError):
            repository.load_node(name)
    if not make.is_parallel:
        with pytest.raises(KeyError):
            repository.load_node("g/dbl")


def test_what_handlers_are_told() -> None:
    heard: list[tuple[str, str]] = []

    class Recorder(rs.BaseIOHandler):
        _values: ClassVar[dict[str, Any]] = {}

        def handle_output(self, context: rs.OutputContext, obj: Any) -> None:
            heard.append(("out", context.asset_name))
            self._values[context.asset_name] = obj

        def load_input(self, context: rs.InputContext) -> Any:
            heard.append((context.downstream_asset, context.asset_name))
            return self._values[context.asset_name]

    nums = source([1, 2])

    @rs.Asset.from_graph(node_io_handler=Recorder())
    def g():
        return total(nums().map(dbl).collect())

    repository = rs.CodeRepository(assets=[g], tasks=[nums, dbl, total], default_executor=rs.Executor.in_process())
    repository.materialize()
    assert heard[0] == ("out", "g/nums")
    assert set(heard[1:-2]) == {
        ("fan_out", "g/nums"),
        ("out", "g/dbl__0"),
        ("out", "g/dbl__1"),
        ("fan_out", "g/dbl__0"),
        ("fan_out", "g/dbl__1"),
    }
    assert heard[-2:] == [("out", "g/total"), ("g", "g/total")]


def test_an_instance_that_is_tried_again_gets_its_element_as_it_was_stored(tmp_path: Path) -> None:
    files = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path))
    nums = source([[1], [2]])
    seen: list[list[int]] = []

    @rs.Task(retry=rs.RetryPolicy(1))
    def spoiling(x):
        seen.append(list(x))
        x.append(0)
        if len(seen) == 1:
            raise ValueError("again")

    @rs.Asset.from_graph(node_io_handler=files)
    def g():
        return total(nums().map(spoiling).collect())

    repository = rs.CodeRepository(assets=[g], tasks=[nums, spoiling, total], default_executor=rs.Executor.in_process())
    assert repository.materialize().success
    assert sorted(seen) == [[1], [1], [2]]


def test_tasks_that_load_one_source_by_handlers_of_their_own(tmp_path: Path) -> None:
    here = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path / "here", mkdir=True))
    there = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path / "there", mkdir=True))
    there.handle_output(rs.OutputContext("src"), [10, 20])

    @rs.Task
    async def same(x):  # one of each graph at a time, in turn
        return x

    @rs.Asset(io_handler=here)
    def src():
        return [1, 2]

    @rs.Asset.from_graph(node_io_handler=here)
    def own(src):
        return total(src.map(same, max_concurrency=1).collect())

    @rs.Asset.from_graph(node_io_handler=here, deps=[rs.AssetDef.input("src", io_handler=there)])
    def other(src):
        return total(src.map(same, max_concurrency=1).collect())

    repository = rs.CodeRepository(
        assets=[src, own, other], tasks=[same, total], default_executor=rs.Executor.in_process()
    )
    assert repository.materialize().success
    assert (repository.load_node("own"), repository.load_node("other")) == ([1, 2], [10, 20])


def test_coroutines_are_mapped() -> None:
    import asyncio

    together: list[int] = []

    @rs.Task
    async def waiting(x):
        together.append(x)
        await asyncio.sleep(0.01)
        return x + len(together)

    nums = source([0, 0, 0])

    @rs.Asset.from_graph
    def g():
        return total(nums().map(waiting).collect())

    repository = rs.CodeRepository(assets=[g], tasks=[nums, waiting, total], default_executor=rs.Executor.in_process())
    assert repository.materialize().success
    assert repository.load_node("g") == [3, 3, 3], "coroutines of one level overlap"


def test_resume_takes_over_instances_that_were_made() -> None:
    broken, calls = [True], []

    @rs.Task
    def nums():
        calls.append("nums")
        return [1, 2, 3]

    @rs.Task
    def shaky(x):
        calls.append(f"shaky {x}")
        if broken and x == 2:
            raise ValueError("not yet")
        return x * 10

    @rs.Task
    def gathered(xs):
        calls.append("gathered")
        if len(broken) == 1:
            raise ValueError("not yet either")
        return xs

    @rs.Asset.from_graph
    def g():
        return gathered(nums().map(shaky).collect())

    repository = rs.CodeRepository(assets=[g], tasks=[nums, shaky, gathered], default_executor=rs.Executor.in_process())
    repository.materialize(run_id_override="r", raise_on_error=False)
    assert calls == ["nums", "shaky 1", "shaky 2", "shaky 3"]
    broken[:] = []
    calls.clear()
    result = repository.materialize(run_id_override="r", resume=True)
    assert calls == ["shaky 2", "gathered"]
    assert result.success
    assert repository.load_node("g") == [10, 20, 30]
    calls.clear()
    assert repository.materialize(run_id_override="r", resume=True).success
    assert calls == []
    record = repository.storage.get_run("r")
    assert record is not None
    assert record.status == "Success"


def test_a_canceled_fan_out_starts_no_more_instances() -> None:
    started: list[int] = []
    repository: rs.CodeRepository

    @rs.Task
    def cancelling(x):
        started.append(x)
        repository.storage.request_cancellation("r")
        return x

    nums = source(list(range(50)))

    @rs.Asset.from_graph
    def g():
        return total(nums().map(cancelling).collect())

    repository = rs.CodeRepository(
        assets=[g], tasks=[nums, cancelling, total], default_executor=rs.Executor.in_process()
    )
    result = repository.materialize(run_id_override="r")
    assert not result.success
    assert result.failed_assets == []
    assert len(started) < 50
    assert result.materialized_assets == ["g/nums", *(f"g/cancelling__{n}" for n in started)]
