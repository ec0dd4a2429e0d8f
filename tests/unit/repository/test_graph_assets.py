"""Graph assets in runs of this process, on both executors (tasks and graphs, sections 1, 3 and 6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import obstore.store
import pytest
from pydantic import PrivateAttr

import rivers as rs

EXECUTORS = [rs.Executor.in_process(), rs.Executor.parallel(max_workers=2)]
SKIPPED = "ExecutionError: Skipped: upstream dependency failed"


@rs.Task
def num():
    return 3


@rs.Task
def dbl(x):
    return x * 2


@rs.Task
def boom(x):
    raise ValueError("no")


@rs.Asset
def src():
    return 5


class Recorder(rs.BaseIOHandler):
    """Tells what it is asked, and keeps values in memory."""

    _values: dict[str, Any] = PrivateAttr(default_factory=dict)
    _told: list[tuple[str, ...]] = PrivateAttr(default_factory=list)

    def handle_output(self, context: rs.OutputContext, obj: Any) -> None:
        self._told.append(("out", context.asset_name))
        self._values[context.asset_name] = obj

    def load_input(self, context: rs.InputContext) -> Any:
        self._told.append(("in", context.asset_name, context.downstream_asset))
        return self._values[context.asset_name]


@pytest.fixture(params=EXECUTORS, ids=["in_process", "parallel"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Makes a repository; with the parallel executor its values are in files, so that steps go to workers."""
    files = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path))

    def make(*assets: Any, tasks: Any = (), **settings: Any) -> rs.CodeRepository:
        return rs.CodeRepository(
            assets=list(assets),
            tasks=list(tasks),
            default_executor=request.param,
            resources={"files": files, **settings.pop("resources", {})},
            **settings,
        )

    return make


def told(repository: rs.CodeRepository, run_id: str) -> list[tuple[str, str | None]]:
    return [(event.event_type, event.asset_key) for event in repository.storage.get_events_for_run(run_id)]


def test_a_graph_runs_its_steps_and_then_itself(run: Any) -> None:
    @rs.Asset.from_graph(node_io_handler="files", io_handler="files")
    def g():
        return dbl(num())

    repository = run(g, tasks=[num, dbl])
    result = repository.materialize()
    assert result.materialized_assets == ["g/num", "g/dbl", "g"]
    assert result.failed_assets == []
    assert repository.load_node("g") == repository.load_node("g/dbl") == 6
    assert repository.load_node("g/num") == 3
    assert told(repository, result.run_id) == [
        ("StepStart", "g"),
        ("StepStart", "g/num"),
        ("Materialization", "g/num"),
        ("StepSuccess", "g/num"),
        ("StepStart", "g/dbl"),
        ("Materialization", "g/dbl"),
        ("StepSuccess", "g/dbl"),
        ("Materialization", "g"),
        ("StepSuccess", "g"),
    ]
    record = repository.storage.get_run(result.run_id)
    assert record is not None
    assert record.node_names == ["g/num", "g/dbl", "g"]
    assert repository.storage.get_asset_record("g") is not None
    assert repository.storage.get_asset_record("g/num") is None


def test_a_graph_over_an_asset(run: Any) -> None:
    @rs.Asset.from_graph
    def g(src):
        return dbl(src)

    repository = run(src, g, tasks=[dbl])
    result = repository.materialize(["g"], include_upstream=True)
    assert result.materialized_assets == ["src", "g/dbl", "g"]
    assert repository.load_node("g") == 10


def test_a_failed_step_fails_what_depends_on_it_and_the_graph(run: Any) -> None:
    @rs.Asset.from_graph
    def g():
        return dbl(boom(num()))

    repository = run(g, tasks=[num, dbl, boom])
    result = repository.materialize(raise_on_error=False)
    assert result.materialized_assets == ["g/num"]
    assert result.failed_assets == [("g/boom", "ValueError: no"), ("g/dbl", SKIPPED), ("g", SKIPPED)]
    with pytest.raises(ValueError, match=r"^no"):
        repository.materialize()


def test_a_side_node_that_fails_fails_the_graph(run: Any) -> None:
    @rs.Asset.from_graph
    def g():
        made = num()
        boom(made)
        return dbl(made)

    result = run(g, tasks=[num, dbl, boom]).materialize(raise_on_error=False)
    assert result.materialized_assets == ["g/num", "g/dbl"]
    assert result.failed_assets == [("g/boom", "ValueError: no"), ("g", SKIPPED)]


@rs.Task
def nums():
    return [1, 2]


@pytest.mark.parametrize(
    ("body", "nodes"),
    [
        (lambda: dbl(num()) and None, ["g/num", "g/dbl", "g"]),
        (lambda: (num(), dbl(num())), ["g/num", "g/dbl", "g"]),
        (lambda: nums().map(dbl), ["g/nums", "g/dbl", "g"]),
        (lambda: nums().map(dbl).collect(), ["g/nums", "g/dbl", "g/dbl__collect", "g"]),
    ],
    ids=["nothing", "a tuple", "a mapped task", "a gathering"],
)
def test_a_graph_without_a_final_node_has_no_value(run: Any, body: Any, nodes: list[str]) -> None:
    asset = rs.Asset.from_graph(body, "g")
    repository = run(asset, tasks=[call.task for call in asset.composition.calls.values()])
    result = repository.materialize()
    assert result.materialized_assets == nodes
    assert ("Materialization", "g") in told(repository, result.run_id)
    with pytest.raises(KeyError):
        repository.load_node("g")


def test_a_body_that_returns_a_constant_is_recorded(run: Any) -> None:
    @rs.Asset.from_graph
    def g():
        return 5

    repository = run(g)
    result = repository.materialize()
    assert result.materialized_assets == ["g"]
    assert told(repository, result.run_id) == [("Materialization", "g"), ("StepSuccess", "g")]


def test_a_body_may_return_what_it_was_given(run: Any) -> None:
    @rs.Asset.from_graph
    def g(src):
        return src

    repository = run(src, g)
    assert repository.materialize().materialized_assets == ["src", "g"]
    assert repository.load_node("g") == 5


def test_an_output_is_unwrapped_and_a_materialization_leaves_no_value(run: Any) -> None:
    @rs.Task
    def wrapped():
        return rs.Output(4, metadata={"rows": 1})

    @rs.Task
    def nothing():
        return rs.Materialization(metadata={"rows": 1})

    @rs.Task
    def seen():
        return rs.Observation(metadata={"rows": 1})

    graphs = [rs.Asset.from_graph(lambda task=task: task(), task.name[0]) for task in (wrapped, nothing, seen)]
    repository = run(*graphs, tasks=[wrapped, nothing, seen])
    result = repository.materialize()
    assert result.success
    assert repository.load_node("w") == repository.load_node("w/wrapped") == 4
    for name in ("n", "s", "n/nothing"):
        with pytest.raises(KeyError):
            repository.load_node(name)


def test_selecting_a_graph_selects_its_steps_and_one_of_them_may_be_selected_alone(run: Any) -> None:
    @rs.Asset.from_graph(node_io_handler="files")
    def g():
        return dbl(num())

    repository = run(g, src, tasks=[num, dbl])
    assert repository.materialize(["g"]).materialized_assets == ["g/num", "g/dbl", "g"]
    assert repository.materialize(["g/num"]).materialized_assets == ["g/num"]
    assert repository.materialize(["g/dbl"]).materialized_assets == ["g/dbl"]
    with pytest.raises(rs.exceptions.AssetNotFoundError, match="Selection contains unknown asset: 'num'"):
        repository.materialize(["num"])


def test_a_job_with_a_graph(run: Any) -> None:
    @rs.Asset.from_graph
    def g():
        return dbl(num())

    repository = run(g, tasks=[num, dbl], jobs=[rs.Job("nightly", [g])])
    assert repository.get_job("nightly").execute().materialized_assets == ["g/num", "g/dbl", "g"]


def test_an_asset_reads_a_graph(run: Any) -> None:
    @rs.Asset.from_graph
    def g():
        return dbl(num())

    @rs.Asset
    def after(g):
        return g + 1

    repository = run(after, g, tasks=[num, dbl])
    assert repository.materialize().materialized_assets == ["g/num", "g/dbl", "g", "after"]
    assert repository.load_node("after") == 7


def test_handlers_of_a_graph() -> None:
    own, nodes, asset = Recorder(), Recorder(), Recorder()

    @rs.Task(io_handler="own")
    def first():
        return 1

    @rs.Task
    def last(x):
        return x

    @rs.Asset.from_graph(io_handler=asset, node_io_handler="nodes")
    def g():
        return last(first())

    repository = rs.CodeRepository(
        assets=[g],
        tasks=[first, last],
        resources={"own": own, "nodes": nodes},
        default_executor=rs.Executor.in_process(),
    )
    repository.materialize()
    assert own._told == [("out", "g/first"), ("in", "g/first", "g/last")]
    assert nodes._told == [("out", "g/last"), ("in", "g/last", "g")]
    assert asset._told == [("out", "g")]
    assert repository.io_handler_for_output("g/last") is nodes


@pytest.mark.parametrize(("annotation", "hint"), [(str, str), (rs.InvokedNodeOutput, None), (None, None)])
def test_handlers_are_told_the_annotation_of_the_body(annotation: Any, hint: Any) -> None:
    told: list[tuple[str, str, Any]] = []

    class Hinted(Recorder):
        def handle_output(self, context: rs.OutputContext, obj: Any) -> None:
            super().handle_output(context, obj)
            told.append(("out", context.asset_name, context.type_hint))

        def load_input(self, context: rs.InputContext) -> Any:
            told.append(("in", context.asset_name, context.type_hint))
            return super().load_input(context)

    def body():
        return num()

    if annotation is not None:
        body.__annotations__["return"] = annotation
    handler = Hinted()
    g = rs.Asset.from_graph(body, "g", io_handler=handler, node_io_handler=handler)
    repository = rs.CodeRepository(assets=[g], tasks=[num], default_executor=rs.Executor.in_process())
    assert repository.materialize().success, "the value is no str, which the body's annotation does not check"
    assert told[1:] == [("in", "g/num", hint), ("out", "g", hint)]


def test_contexts_name_the_node(run: Any) -> None:
    @rs.Task(tags=["cheap"])
    def named(context: rs.TaskExecutionContext):
        return context.task_name, context.tags, context.log.name

    @rs.Task
    def plain(context):
        return type(context).__name__, context.asset_name

    @rs.Task
    def annotated(ctx: rs.AssetExecutionContext):
        return ctx.asset_name

    @rs.Asset.from_graph
    def g():
        named(), plain(), annotated()

    repository = run(g, tasks=[named, plain, annotated])
    assert repository.materialize().success
    assert repository.load_node("g/named") == ("g/named", ["cheap"], "rivers.tasks.g/named")
    assert repository.load_node("g/plain") == ("AssetExecutionContext", "g/plain")
    assert repository.load_node("g/annotated") == "g/annotated"


def test_a_task_is_configured_by_its_node() -> None:
    from pydantic import BaseModel

    class Settings(BaseModel):
        n: int = 1

    @rs.Task
    def sized(context: rs.TaskExecutionContext[Settings]):
        return context.config.n

    one, two = (rs.Asset.from_graph(lambda: sized(), name) for name in ("one", "two"))
    repository = rs.CodeRepository(assets=[one, two], tasks=[sized], default_executor=rs.Executor.in_process())
    assert repository.materialize(config={"two/sized": {"n": 5}}).success
    assert (repository.load_node("one"), repository.load_node("two")) == (1, 5)


def test_retries_of_a_task_and_of_the_graph_itself() -> None:
    calls: list[str] = []

    class Flaky(rs.BaseIOHandler):
        def handle_output(self, context: rs.OutputContext, obj: Any) -> None:
            calls.append(context.asset_name)
            if len(calls) == 3:
                raise OSError("full")

        def load_input(self, context: rs.InputContext) -> Any:
            return None

    @rs.Task(retry=rs.RetryPolicy(1))
    def shaky():
        calls.append("shaky")
        if len(calls) == 1:
            raise ValueError("again")
        return 1

    @rs.Asset.from_graph(retry=rs.RetryPolicy(1), io_handler=Flaky())
    def g():
        return shaky()

    repository = rs.CodeRepository(assets=[g], tasks=[shaky], default_executor=rs.Executor.in_process())
    result = repository.materialize()
    assert calls == ["shaky", "shaky", "g", "g"]
    assert told(repository, result.run_id) == [
        ("StepStart", "g"),
        ("StepStart", "g/shaky"),
        ("StepRetry", "g/shaky"),
        ("StepStart", "g/shaky"),
        ("Materialization", "g/shaky"),
        ("StepSuccess", "g/shaky"),
        ("StepRetry", "g"),
        ("StepStart", "g"),
        ("Materialization", "g"),
        ("StepSuccess", "g"),
    ]


def test_the_retry_of_a_graph_is_not_that_of_its_tasks() -> None:
    @rs.Asset.from_graph(retry=rs.RetryPolicy(3))
    def g():
        return boom(num())

    repository = rs.CodeRepository(assets=[g], tasks=[num, boom], default_executor=rs.Executor.in_process())
    result = repository.materialize(raise_on_error=False)
    assert "StepRetry" not in [kind for kind, _ in told(repository, result.run_id)]


@rs.Task
def whereabouts():
    import os

    return os.getpid()


@pytest.mark.parametrize(
    ("metadata", "is_here"),
    [
        ({"rivers/node/executor": "in_process"}, True),
        ({"rivers/executor": "in_process"}, True),
        ({"rivers/node/executor": "parallel", "rivers/executor": "in_process"}, False),
        ({}, False),
    ],
)
def test_where_the_steps_of_a_graph_run(tmp_path: Path, metadata: dict[str, str], is_here: bool) -> None:
    import os

    files = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path))
    other = rs.Task(whereabouts.function, name="other")

    @rs.Asset.from_graph(metadata=metadata, node_io_handler=files, io_handler=files)
    def g():
        return whereabouts(), other()

    repository = rs.CodeRepository(assets=[g], tasks=[whereabouts, other])
    assert repository.materialize().success
    pids = {repository.load_node("g/whereabouts"), repository.load_node("g/other")}
    assert (pids == {os.getpid()}) is is_here


def test_an_executor_that_is_none_fails_the_steps() -> None:
    @rs.Asset.from_graph(metadata={"rivers/node/executor": "gpu"})
    def g():
        return num()

    repository = rs.CodeRepository(assets=[g], tasks=[num])
    result = repository.materialize(raise_on_error=False)
    assert result.failed_assets == [
        (
            "g/num",
            "ConfigurationError: Unknown executor in rivers/node/executor metadata: 'gpu'. "
            "Valid values: 'in_process', 'parallel'",
        ),
        ("g", SKIPPED),
    ]


def test_the_overrides_of_an_input_are_those_of_the_task_that_reads_it() -> None:
    shared, override = Recorder(), Recorder()
    override._values["src"] = 100

    @rs.Asset(io_handler=shared)
    def src():
        return 5

    @rs.Asset.from_graph(deps=[rs.AssetDef.input("src", io_handler=override)])
    def g(src):
        return dbl(src)

    repository = rs.CodeRepository(assets=[src, g], tasks=[dbl], default_executor=rs.Executor.in_process())
    repository.materialize()
    assert repository.load_node("g") == 200
    assert override._told == [("in", "src", "g/dbl")]


def test_a_graph_is_stale_when_what_it_reads_is_new() -> None:
    @rs.Asset.from_graph
    def g(src):
        return dbl(src)

    @rs.Asset(io_handler=rs.InMemoryIOHandler())
    def src():
        return 5

    repository = rs.CodeRepository(assets=[src, g], tasks=[dbl], default_executor=rs.Executor.in_process())
    repository.materialize()
    assert repository.storage.compute_staleness()["g"][0] == "UpToDate"
    record = repository.storage.get_asset_record("g")
    assert record is not None
    assert [node for node, _ in record.last_input_data_versions] == ["src"]
    repository.materialize(["src"])
    status, causes = repository.storage.compute_staleness()["g"]
    assert (status, [cause.dependency for cause in causes]) == ("Stale", ["src"])


def test_a_task_by_itself_and_a_task_in_a_graph() -> None:
    @rs.Task
    def alone(src):
        return src + 1

    @rs.Asset
    def reads(alone):
        return alone * 10

    @rs.Asset.from_graph
    def g():
        return num()

    repository = rs.CodeRepository(
        assets=[src, reads, g], tasks=[alone, num], default_executor=rs.Executor.in_process()
    )
    assert sorted(repository.materialize().materialized_assets) == ["alone", "g", "g/num", "reads", "src"]
    assert repository.load_node("reads") == 60


def test_the_last_materializations_of_what_is_no_asset() -> None:
    made = [1]

    @rs.Task(partitions_def=DAYS)
    def alone():
        return rs.Output(1, metadata={"run": len(made)}, data_version=f"v{len(made)}")

    @rs.Asset.from_graph(partitions_def=DAYS)
    def g():
        return num()

    repository = rs.CodeRepository(assets=[g], tasks=[alone, num], default_executor=rs.Executor.in_process())
    storage = repository.storage
    monday, tuesday = rs.PartitionKey.single("mon"), rs.PartitionKey.single("tue")
    assert storage.get_latest_materialization("alone") is None
    assert storage.get_materialized_partitions("g/num") == []
    repository.materialize(partition_key=tuesday)
    made.append(2)
    run_id = repository.materialize(partition_key=monday).run_id
    for node in ("alone", "g/num", "g"):
        latest = storage.get_latest_materialization(node)
        assert latest is not None
        assert (latest.asset_key, latest.run_id, latest.partition_key) == (node, run_id, monday)
        earlier = storage.get_latest_materialization(node, "tue")
        assert earlier is not None
        assert (earlier.asset_key, earlier.partition_key) == (node, tuesday)
        assert storage.get_materialized_partitions(node) == [monday, tuesday]
        assert storage.count_materialized_partitions(node) == 2
    latest = storage.get_latest_materialization("alone")
    assert latest is not None
    assert (latest.data_version, dict(latest.metadata)["run"]) == ("v2", '{"Int":{"value":2}}')
    assert storage.get_latest_materialization("alone", "wed") is None
    assert storage.get_asset_record("alone") is None


def test_resume_runs_only_what_had_not_succeeded() -> None:
    broken = [True]
    calls: list[str] = []

    @rs.Task
    def first():
        calls.append("first")
        return 1

    @rs.Task
    def second(x):
        calls.append("second")
        if broken:
            raise ValueError("not yet")
        return x

    @rs.Asset.from_graph
    def g():
        return second(first())

    repository = rs.CodeRepository(assets=[g], tasks=[first, second], default_executor=rs.Executor.in_process())
    repository.materialize(run_id_override="r", raise_on_error=False)
    broken.clear()
    result = repository.materialize(run_id_override="r", resume=True)
    assert calls == ["first", "second", "second"]
    assert result.materialized_assets == ["g/first", "g/second", "g"]


def test_commands_in_a_graph(run: Any, tmp_path: Path) -> None:
    made = tmp_path / "made"
    make = rs.BashTask("make", ["touch", str(made)])
    look = rs.BashTask("look", f"ls {made}")

    @rs.Asset.from_graph
    def g():
        return look(make())

    repository = run(g, tasks=[make, look])
    assert repository.materialize().materialized_assets == ["g/make", "g/look", "g"]
    assert repository.load_node("g") == str(made)


DAYS = rs.PartitionsDefinition.static_(["mon", "tue"])


@rs.Task
def dated(context: rs.TaskExecutionContext, xs):
    return [f"{context.partition_key} {x}" for x in xs]


@rs.Task
def both(x, ys):
    return f"{x} of {len(ys)}"


def test_the_partition_of_a_run_is_that_of_every_step(run: Any) -> None:
    @rs.Asset(partitions_def=DAYS)
    def src(context: rs.AssetExecutionContext):
        return [context.partition_key]

    @rs.Asset.from_graph(partitions_def=DAYS, node_io_handler="files")
    def g(src):
        return dated(src)

    repository = run(src, g, tasks=[dated])
    key = rs.PartitionKey.single("tue")
    assert repository.materialize(partition_key=key).materialized_assets == ["src", "g/dated", "g"]
    assert repository.load_node("g", partition_key=key) == ["tue tue"]
    assert repository.load_node("g/dated", partition_key=key) == ["tue tue"]
    assert repository.storage.get_materialized_partitions("g") == [key]


def test_a_mapping_of_the_graph_is_applied_to_the_task_that_reads(run: Any) -> None:
    @rs.Asset(partitions_def=DAYS)
    def src(context: rs.AssetExecutionContext):
        return [context.partition_key]

    other = rs.PartitionMapping.static_({"mon": "tue", "tue": "mon"})

    @rs.Asset.from_graph(partitions_def=DAYS, deps=[rs.AssetDef.input("src", partition_mapping=other)])
    def g(src):
        return dated(src)

    repository = run(src, g, tasks=[dated], jobs=[rs.Job("all", [src, g])])
    monday, tuesday = rs.PartitionKey.single("mon"), rs.PartitionKey.single("tue")
    repository.materialize(["src"], partition_key=tuesday)
    repository.get_job("all").execute(partition_key=monday)
    assert repository.load_node("g", partition_key=monday) == ["mon tue"]


def test_a_fan_out_over_a_partition(run: Any) -> None:
    @rs.Asset(partitions_def=DAYS)
    def src(context: rs.AssetExecutionContext):
        return [context.partition_key, "x"]

    @rs.Asset.from_graph(partitions_def=DAYS)
    def g(src):
        return both(src, src.map(dbl).collect())

    repository = run(src, g, tasks=[dbl, both])
    key = rs.PartitionKey.single("mon")
    repository.materialize(partition_key=key)
    assert repository.load_node("g", partition_key=key) == "['mon', 'x'] of 2"
    batched = repository.materialize(partition_key=rs.PartitionKey.single(["mon", "tue"]), raise_on_error=False)
    assert not batched.success, "a batched key is ambiguous, which its first step says"
