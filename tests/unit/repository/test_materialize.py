"""`repo.materialize()` and `job.execute()`: results, records, events, failures."""

from __future__ import annotations

import json
import uuid

import obstore.store
import pydantic
import pytest

import rivers as rs
from rivers.exceptions import (
    AssetNotFoundError,
    ConfigurationError,
    ExecutionError,
    GraphValidationError,
    JobNotFoundError,
    NodeNotFoundError,
    PartitionValidationError,
)


@rs.Asset(tags=["t"], kinds="table", group="g", code_version="1")
def a() -> int:
    return 1


@rs.Asset
def b(a: int) -> int:
    return a + 1


@rs.Asset
def broken(a: int) -> int:
    raise ValueError("boom")


@rs.Asset
def after(broken: int) -> int:
    return broken


def types(events):
    return [(event.event_type, event.asset_key) for event in events]


def test_everything_is_made_in_topological_order(storage, repository):
    repo = repository(b, a, storage=storage)
    result = repo.materialize()
    assert result.success
    assert result.materialized_assets == ["a", "b"]
    assert result.failed_assets == []
    assert repr(result) == "RunResult(success=True, materialized=2, failed=0)"
    assert str(uuid.UUID(result.run_id)) == result.run_id
    assert (repo.load_node("a"), repo.load_node("b")) == (1, 2)
    assert repo.storage is storage


def test_a_run_leaves_a_record_and_events(storage, repository):
    repo = repository(a, b, storage=storage)
    result = repo.materialize(tags=[("k", "1"), ("k", "2"), ("rivers/priority", "7")])
    (record,) = storage.get_runs()
    assert record == storage.get_run(result.run_id)
    assert (record.run_id, record.job_name, record.status) == (result.run_id, None, "Success")
    assert record.tags == [("k", "1"), ("k", "2"), ("rivers/priority", "7")]
    assert (record.priority, record.node_names, record.partition_key) == (7, ["a", "b"], None)
    assert (record.launched_by, record.action, record.config, record.block_reason) == (
        rs.LaunchedBy.manual(),
        None,
        None,
        None,
    )
    assert 0 < record.start_time <= record.end_time
    events = storage.get_events_for_run(result.run_id)
    assert types(events) == [
        ("StepStart", "a"),
        ("Materialization", "a"),
        ("StepSuccess", "a"),
        ("StepStart", "b"),
        ("Materialization", "b"),
        ("StepSuccess", "b"),
    ]
    assert len({event.id for event in events}) == 6
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    metadata = dict(events[1].metadata)
    assert json.loads(metadata["storage"]) == {"Text": {"value": "memory"}}
    assert json.loads(metadata["size_bytes"])["Int"]["value"] > 0
    assert uuid.UUID(events[1].data_version)
    assert events[0].data_version is None
    assert storage.get_run_progress(result.run_id) == (2, 2)


def test_asset_records_follow_materializations(storage, repository):
    repo = repository(a, b, storage=storage)
    before = storage.get_asset_record("a")
    assert (before.tags, before.kinds, before.group, before.code_version) == (["t"], ["table"], "g", "1")
    assert (before.last_run_id, before.last_timestamp, before.last_data_version) == (None, None, None)
    result = repo.materialize()
    first, second = storage.get_asset_record("a"), storage.get_asset_record("b")
    latest = storage.get_latest_materialization("a")
    assert (first.last_run_id, first.last_materialization_code_version) == (result.run_id, "1")
    assert (first.last_event_id, first.last_timestamp) == (latest.id, latest.timestamp)
    assert first.last_data_version == latest.data_version
    assert second.last_input_data_versions == [("a", first.last_data_version)]
    assert [record.asset_key for record in storage.get_assets_by_tag("t")] == ["a"]
    assert [record.asset_key for record in storage.get_assets_by_kind("table")] == ["a"]
    assert [record.asset_key for record in storage.get_assets_by_group("g")] == ["a"]
    assert [record.asset_key for record in storage.get_asset_records()] == ["a", "b"]


def test_events_of_an_asset_are_newest_first(storage, repository):
    repo = repository(a, storage=storage)
    repo.materialize()
    second = repo.materialize()
    found = storage.get_events_for_asset("a", limit=2)
    assert types(found) == [("StepSuccess", "a"), ("Materialization", "a")]
    assert {event.run_id for event in found} == {second.run_id}
    assert len(storage.get_events_for_asset("a")) == 6
    assert [record.run_id for record in storage.get_runs(limit=1)] == [second.run_id]


def test_a_failure_stops_what_depends_on_it_and_nothing_else(storage, repository):
    repo = repository(a, broken, after, b, storage=storage)
    result = repo.materialize(raise_on_error=False)
    assert not result.success
    assert result.materialized_assets == ["a", "b"]
    assert result.failed_assets == [
        ("broken", "ValueError: boom"),
        ("after", "ExecutionError: Skipped: upstream dependency failed"),
    ]
    assert storage.get_run(result.run_id).status == "Failure"
    assert storage.get_run(result.run_id).end_time is not None
    (start, failure) = [event for event in storage.get_events_for_run(result.run_id) if event.asset_key == "broken"]
    assert (start.event_type, failure.event_type) == ("StepStart", "StepFailure")
    metadata = dict(failure.metadata)
    assert metadata["error"] == "ValueError: boom"
    assert metadata["rivers/failure_reason"] == "error"
    assert json.loads(metadata["rivers/exc_type"]) == [
        "builtins.ValueError",
        "builtins.Exception",
        "builtins.BaseException",
        "builtins.object",
    ]
    (skipped,) = [event for event in storage.get_events_for_run(result.run_id) if event.asset_key == "after"]
    assert skipped.event_type == "StepFailure"
    assert dict(skipped.metadata)["error"] == "ExecutionError: Skipped: upstream dependency failed"
    assert storage.get_asset_record("broken").last_run_id is None


def test_the_original_exception_is_raised(storage, repository):
    boom = ValueError("boom")

    @rs.Asset
    def raising():
        raise boom

    repo = repository(raising, storage=storage)
    with pytest.raises(ValueError, match="boom") as caught:
        repo.materialize()
    assert caught.value is boom
    assert [record.status for record in storage.get_runs()] == ["Failure"]


def test_the_first_failure_in_topological_order_is_raised(repository):
    @rs.Asset
    def first():
        raise KeyError("first")

    @rs.Asset
    def second():
        raise ValueError("second")

    with pytest.raises(KeyError, match="first"):
        repository(first, second).materialize()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_what_would_end_the_process_fails_the_step(repository, error):
    @rs.Asset
    def leaving():
        raise error

    result = repository(leaving, a).materialize(raise_on_error=False)
    assert [name for name, _ in result.failed_assets] == ["leaving"]
    assert result.failed_assets[0][1].startswith(type(error).__name__)
    assert result.materialized_assets == ["a"]


def test_coroutines_are_awaited(repository):
    @rs.Asset
    async def later(a: int) -> int:
        return a + 10

    repo = repository(a, later)
    assert repo.materialize().success
    assert repo.load_node("later") == 11


def test_a_selection_loads_the_rest_through_its_handlers(storage, repository):
    handler = rs.PickleIOHandler(store=obstore.store.MemoryStore())
    source = rs.Asset(name="source", io_handler=handler)(lambda: 5)
    user = rs.Asset(name="user")(lambda source: source + 1)
    repo = repository(source, user, storage=storage)
    with pytest.raises(FileNotFoundError):
        repo.materialize(["user"])
    assert repo.materialize(["source"]).materialized_assets == ["source"]
    assert repo.materialize(["user", "user"]).materialized_assets == ["user"]
    assert repo.load_node("user") == 6
    assert repo.io_handler_for_output("source") is handler
    assert isinstance(repo.io_handler_for_output("user"), rs.InMemoryIOHandler)


def test_an_edge_may_load_through_a_handler_of_its_own(repository):
    class Told(rs.InMemoryIOHandler):
        def load_input(self, context):
            return context.asset_metadata, context.downstream_asset

    source = rs.Asset(name="source", metadata={"own": "1"})(lambda: 5)
    edge = rs.AssetDef.input("source", io_handler=Told(), metadata={"k": "v"})
    repo = repository(source, rs.Asset(name="user", deps=[edge])(lambda source: source))
    repo.materialize()
    assert repo.load_node("user") == ({"k": "v"}, "user")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda repo: repo.materialize(["aa"]), AssetNotFoundError, "Selection contains unknown asset: 'aa'"),
        (
            lambda repo: repo.materialize(["b"]),
            GraphValidationError,
            "Job '<materialize>': node 'b' depends on 'a' which is not in the job and has no io_handler",
        ),
        (
            lambda repo: repo.materialize(retry="often"),
            ConfigurationError,
            "unknown retry policy 'often' referenced by job '<materialize>'; registered: []",
        ),
        (
            lambda repo: repo.materialize(config={"assets": {"zz": {}}}),
            ConfigurationError,
            "config names 'zz', which this launch does not run",
        ),
        (lambda repo: repo.materialize("a"), TypeError, "selection must be a list of str, not str"),
        (
            lambda repo: repo.materialize(tags={"a": "b"}),
            TypeError,
            "tags must be a list of (str, str) pairs, not dict",
        ),
        (
            lambda repo: repo.materialize(tags=[("a", 1)]),
            TypeError,
            "tags must be a list of (str, str) pairs, got ('a', 1)",
        ),
        (
            lambda repo: repo.materialize(partition_key="k"),
            TypeError,
            "partition_key must be PartitionKey or None, not str",
        ),
        (lambda repo: repo.get_job("nope"), JobNotFoundError, "Job 'nope' not found"),
        (lambda repo: repo.load_node("zz"), NodeNotFoundError, "Node 'zz' not found in repository"),
        (lambda repo: repo.io_handler_for_output("zz"), NodeNotFoundError, "Node 'zz' not found in repository"),
        (
            lambda repo: repo.load_node("a", partition_key=rs.PartitionKey.single("k")),
            PartitionValidationError,
            "Node 'a' is not partitioned, but a partition_key was provided",
        ),
    ],
)
@pytest.mark.parametrize("raise_on_error", [True, False])
def test_what_cannot_be_run_is_refused_and_stores_nothing(repository, call, error, text, raise_on_error):
    repo = repository(a, b)
    with pytest.raises(error) as caught:
        call(repo)
    assert str(caught.value) == text
    assert repo.storage.get_runs() == []


def test_an_unknown_job_is_a_value_error_too(repository):
    with pytest.raises(ValueError, match="Job 'x' not found"):
        repository(a).get_job("x")


@pytest.mark.parametrize("assets", [[], [a]])
def test_an_empty_run_succeeds(repository, assets):
    repo = repository(*assets)
    result = repo.materialize([] if assets else None)
    assert (result.success, result.materialized_assets, result.failed_assets) == (True, [], [])


def test_include_upstream_adds_ancestors(repository):
    assert repository(a, b).materialize(["b"], include_upstream=True).materialized_assets == ["a", "b"]


def test_a_value_that_was_never_made_is_what_the_handler_says(repository):
    with pytest.raises(KeyError) as caught:
        repository(a).load_node("a")
    assert caught.value.args == ("a",)


def test_repositories_share_no_values(repository):
    one, other = repository(a), repository(a)
    one.materialize()
    with pytest.raises(KeyError):
        other.load_node("a")


def test_a_job_runs_its_selection(storage, repository):
    repo = repository(a, b, broken, jobs=[rs.Job("nightly", [b, a]), rs.Job("bad", [a, broken])], storage=storage)
    result = repo.get_job("nightly").execute(tags=[("x", "y")], config={"a": {"n": 1}})
    assert result.materialized_assets == ["a", "b"]
    record = storage.get_run(result.run_id)
    assert (record.job_name, record.tags) == ("nightly", [("x", "y")])
    assert record.config == {"assets": {"a": {"config": {"n": 1}}}}
    with pytest.raises(ValueError, match="boom"):
        repo.get_job("bad").execute()
    assert repo.get_job("bad").execute(raise_on_error=False).failed_assets == [("broken", "ValueError: boom")]


def test_tasks_run_too(repository):
    double = rs.Task(name="double")(lambda a: a * 2)
    repo = repository(
        a, rs.Asset(name="more")(lambda double: double + 1), tasks=[double], jobs=[rs.Job("t", [a, double])]
    )
    assert repo.materialize().materialized_assets == ["a", "double", "more"]
    assert repo.get_job("t").execute().materialized_assets == ["a", "double"]
    assert repo.load_node("double") == 2
    assert set(repo.assets) == {"a", "more"}
    assert [record.asset_key for record in repo.storage.get_asset_records()] == ["a", "more"]


def test_configuration_reaches_the_step(repository):
    class Settings(pydantic.BaseModel):
        rows: int = 1

    @rs.Asset
    def configured(context: rs.AssetExecutionContext[Settings]) -> int:
        return context.config.rows

    repo = repository(configured, a)
    repo.materialize()
    assert repo.load_node("configured") == 1
    repo.materialize(config={"configured": {"rows": "7"}, "unknown": {}})
    assert repo.load_node("configured") == 7
    repo.materialize(config={"assets": {"configured": {"config": {"rows": 9}}}})
    assert repo.load_node("configured") == 9
    result = repo.materialize(config={"configured": {"rows": "many"}}, raise_on_error=False)
    assert [name for name, _ in result.failed_assets] == ["configured"]
    assert result.materialized_assets == ["a"]
    with pytest.raises(pydantic.ValidationError):
        repo.materialize(config={"configured": {"rows": "many"}})


def test_resources_of_a_launch_replace_those_of_the_repository(repository):
    class Db(rs.Resource):
        url: str = "default"

    user = rs.Asset(name="user")(lambda db: db.url)
    repo = repository(user, resources={"db": Db()})
    repo.materialize(config={"resources": {"db": {"url": "other"}}})
    assert repo.load_node("user") == "other"
    repo.materialize()
    assert repo.load_node("user") == "default"
    with pytest.raises(ConfigurationError, match="config names 'dc', which this launch does not run"):
        repo.materialize(config={"resources": {"dc": {}}})


def test_an_executor_of_a_launch(repository):
    repo = repository(a, default_executor=None)
    assert repo.materialize(config={"execution": {"executor": "in_process"}}).success
    with pytest.raises(ConfigurationError, match="Unknown executor in config: 'dask'"):
        repo.materialize(config={"execution": {"executor": "dask"}})


def test_a_run_may_be_named(storage, repository):
    repo = repository(a, storage=storage)
    assert repo.materialize(run_id_override="mine").run_id == "mine"
    assert repo.materialize(run_id_override="mine").run_id == "mine"
    assert len(storage.get_runs()) == 1
    assert [event.event_type for event in storage.get_events_for_run("mine")].count("StepStart") == 2


def test_resuming_repeats_only_what_had_not_succeeded(storage, repository):
    calls: list[str] = []
    fail = [True]

    @rs.Asset
    def one():
        calls.append("one")
        return 1

    @rs.Asset
    def two(one):
        calls.append("two")
        if fail:
            raise ValueError("not yet")
        return one + 1

    @rs.Asset
    def three(two):
        calls.append("three")
        return two + 1

    repo = repository(one, two, three, storage=storage)
    first = repo.materialize(run_id_override="r", raise_on_error=False)
    assert first.materialized_assets == ["one"]
    fail.clear()
    second = repo.materialize(run_id_override="r", resume=True)
    assert second.success
    assert calls == ["one", "two", "two", "three"]
    assert repo.load_node("three") == 3
    assert storage.get_run("r").status == "Success"
    assert len(storage.get_runs()) == 1
    assert repo.materialize(resume=True).success
    assert repo.materialize(run_id_override="fresh", resume=True).materialized_assets == ["one", "two", "three"]


def test_retries_of_a_launch(storage, repository):
    failures = [ValueError("1"), ValueError("2")]

    @rs.Asset
    def flaky():
        if failures:
            raise failures.pop()
        return 1

    repo = repository(flaky, storage=storage, retries={"often": rs.RetryPolicy(5)})
    result = repo.materialize(retry="often")
    assert result.success
    assert [event.event_type for event in storage.get_events_for_run(result.run_id)] == [
        "StepStart",
        "StepRetry",
        "StepStart",
        "StepRetry",
        "StepStart",
        "Materialization",
        "StepSuccess",
    ]
    retry = dict(storage.get_events_for_run(result.run_id)[1].metadata)
    assert retry == {"rivers/attempt": "1", "rivers/failure_reason": "error", "rivers/next_delay_ms": "0"}


def test_a_cancelled_run_starts_nothing_more(storage, repository):
    @rs.Asset
    def stopping():
        storage.request_cancellation("run")
        return 1

    @rs.Asset
    def never(stopping):
        return 2

    result = repository(stopping, never, storage=storage).materialize(run_id_override="run")
    assert (result.success, result.materialized_assets, result.failed_assets) == (False, ["stopping"], [])
    assert storage.get_run("run").status == "Canceled"
    assert storage.is_cancelled("run")
    assert {event.asset_key for event in storage.get_events_for_run("run")} == {"stopping"}


def test_results_may_carry_metadata_and_versions(storage, repository):
    @rs.Asset
    def noted(context: rs.AssetExecutionContext):
        context.add_output_metadata({"rows": 1, "both": "context"})
        return rs.Output(5, metadata={"both": "output", "ok": True}, data_version="v1")

    @rs.Asset
    def written():
        return rs.Materialization(metadata={"path": rs.MetadataValue.path("/x")})

    @rs.Asset
    def seen():
        return rs.Observation(metadata={"n": None})

    repo = repository(noted, written, seen, storage=storage)
    result = repo.materialize()
    assert repo.load_node("noted") == 5
    event = storage.get_latest_materialization("noted")
    metadata = dict(event.metadata)
    assert metadata["rows"] == '{"Int":{"value":1}}'
    assert metadata["both"] == '{"Text":{"value":"output"}}'
    assert metadata["ok"] == '{"Bool":{"value":true}}'
    assert event.data_version == "v1"
    assert storage.get_latest_materialization("written").metadata == [("path", '{"Path":{"value":"/x"}}')]
    assert storage.get_latest_materialization("seen") is None
    (observed,) = [e for e in storage.get_events_for_run(result.run_id) if e.event_type == "Observation"]
    assert (observed.asset_key, observed.metadata) == ("seen", [("n", '{"Null":{}}')])


def test_staleness(storage, repository):
    versions = iter(["v1", "v1", "v2"])

    @rs.Asset
    def source():
        return rs.Output(1, data_version=next(versions))

    @rs.Asset
    def middle(source): ...

    end = rs.Asset(name="end", deps=[rs.AssetDef.dep("middle")])(lambda: 1)
    repo = repository(source, middle, end, storage=storage)
    assert storage.compute_staleness() == {name: ("Missing", []) for name in ("source", "middle", "end")}
    repo.materialize()
    repo.materialize(["source"])
    assert {status for status, _ in storage.compute_staleness().values()} == {"UpToDate"}
    repo.materialize(["source"])
    found = storage.compute_staleness()
    assert found["source"] == ("UpToDate", [])
    assert [(c.category, c.reason, c.dependency) for c in found["middle"][1]] == [
        ("Data", "upstream 'source' has new data version", "source")
    ]
    assert [(c.asset_key, c.category, c.reason) for c in found["end"][1]] == [
        ("end", "Data", "upstream 'middle' is stale")
    ]


def test_a_changed_code_version_is_stale(storage, repository):
    repository(rs.Asset(name="x", code_version="1")(lambda: 1), storage=storage).materialize()
    repository(rs.Asset(name="x", code_version="2")(lambda: 1), storage=storage)
    status, (cause,) = storage.compute_staleness()["x"]
    assert (status, cause.category, cause.reason, cause.dependency) == ("Stale", "Code", "code version changed", None)


def test_captured_output(storage, repository, capsys):
    @rs.Asset
    def talking(context: rs.AssetExecutionContext):
        print("hello")
        context.log.warning("careful")

    @rs.Asset
    def silent(): ...

    @rs.Asset
    def raising():
        raise ValueError("boom")

    run = repository(talking, silent, raising, storage=storage).materialize(raise_on_error=False)
    logs = storage.get_run_logs(run.run_id)
    assert [log.step_key for log in logs] == ["talking", "raising"]
    assert (logs[0].stdout, logs[0].stderr, logs[0].traceback) == ("hello\n", None, None)
    assert "careful" in logs[0].logs
    assert (logs[1].stdout, logs[1].logs) == (None, None)
    assert "hello\n" in capsys.readouterr().out
    trace = json.loads(logs[1].traceback)
    assert trace["text"].endswith("ValueError: boom\n")
    (exception,) = trace["exceptions"]
    assert exception["frames"]


def test_multi_assets_are_recorded_by_output(storage, repository):
    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y")])
    def both(context: rs.AssetExecutionContext):
        return {"x": 1, "y": 2, "selection": context.output_selection}

    repo = repository(both, storage=storage)
    result = repo.materialize()
    assert result.materialized_assets == ["x", "y"]
    assert (repo.load_node("x"), repo.load_node("y")) == (1, 2)
    for name in ("x", "y"):
        assert types(storage.get_events_for_asset(name)) == [
            ("StepSuccess", name),
            ("Materialization", name),
            ("StepStart", name),
        ]
    second = repo.materialize(["y"])
    assert second.materialized_assets == ["y"]
    assert types(storage.get_events_for_run(second.run_id)) == [
        ("StepStart", "y"),
        ("Materialization", "y"),
        ("StepSuccess", "y"),
    ]
    assert len(storage.get_events_for_asset("x")) == 3
    assert len(storage.get_events_for_asset("y")) == 6


def test_a_multi_asset_may_fail_in_part(storage, repository):
    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y")])
    def both():
        return {"x": 1}

    result = repository(both, storage=storage).materialize(raise_on_error=False)
    assert result.materialized_assets == ["x"]
    assert result.failed_assets == [("y", "KeyError: 'y'")]
    found = types(storage.get_events_for_run(result.run_id))
    assert found == [
        ("StepStart", "x"),
        ("StepStart", "y"),
        ("Materialization", "x"),
        ("StepSuccess", "x"),
        ("StepFailure", "y"),
    ]


def test_an_unpartitioned_node_fails_in_a_run_with_a_key(storage, repository):
    repo = repository(a, b, jobs=[rs.Job("j", [a])], storage=storage)
    key = rs.PartitionKey.single("k")
    result = repo.materialize(partition_key=key, raise_on_error=False)
    text = "Node 'a' is not partitioned, but a partition_key was provided"
    assert result.failed_assets == [
        ("a", f"PartitionValidationError: {text}"),
        ("b", "ExecutionError: Skipped: upstream dependency failed"),
    ]
    assert storage.get_run(result.run_id).partition_key == key
    for call in (lambda: repo.materialize(partition_key=key), lambda: repo.get_job("j").execute(key)):
        with pytest.raises(PartitionValidationError) as caught:
            call()
        assert str(caught.value) == text
    assert repo.materialize().success


def test_kubernetes_is_accepted_and_cannot_run_yet(repository):
    with pytest.raises(ConfigurationError, match="pods is not available"):
        repository(a, default_executor=rs.Executor.kubernetes()).materialize()


def test_an_unregistered_job_cannot_be_executed():
    with pytest.raises(ExecutionError, match="has not been validated"):
        rs.Job("j", [a]).execute()
