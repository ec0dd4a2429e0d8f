"""Assets that somebody else produces: declared, loaded, observed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping

import obstore.store
import pytest
from pydantic import PrivateAttr

import rivers as rs
from rivers.definitions.kinds import StepKind
from rivers.exceptions import AssetDefinitionError, ExecutionError


class Fixed(rs.BaseIOHandler):
    """Loads the same value always, and keeps what it was told."""

    value: int = 5
    _told: list = PrivateAttr(default_factory=list)

    def handle_output(self, context, obj):
        raise AssertionError("nothing is stored by an observation")

    def load_input(self, context):
        self._told.append(context)
        return self.value


def source(**options):
    return rs.Asset.external(name="src", io_handler=Fixed(), **options)


def watched(**options):
    @rs.Asset.external(io_handler=Fixed(), **options)
    def src(context: rs.AssetExecutionContext):
        return rs.Observation(metadata={"rows": 3}, data_version="v1")

    return src


@rs.Asset
def down(src):
    return src + 1


# -- declared -----------------------------------------------------------------------------------------------------


def test_it_is_an_asset_without_a_function():
    src = source(tags=["t"], kinds="table", group="g", metadata={"k": "v"})
    assert isinstance(src, rs.ExternalAsset)
    assert isinstance(src, rs.Asset)
    assert (src.is_external, src.is_single, src.is_multi, src.is_graph) == (True, False, False, False)
    assert (src.name, src.tags, src.kinds, src.group, src.metadata) == ("src", ["t"], ["table"], "g", {"k": "v"})
    assert (src.observe_fn, src.code_version, src.hooks, src.deps, src.pool) == (None, None, None, [], [])
    assert isinstance(src.io_handler, Fixed)
    assert src.is_async is False


def test_as_a_decorator_it_has_an_observe_function():
    def look(): ...

    async def later(): ...

    bare = rs.Asset.external(io_handler="store")
    assert bare(look).observe_fn is look
    assert bare(look).name == "look"
    assert rs.Asset.external(io_handler="store", name="src")(look).name == "src"
    assert rs.Asset.external(look, io_handler="store").observe_fn is look
    assert bare(later).is_async is True
    assert isinstance(bare(look), rs.ExternalAsset)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.Asset.external(name="a"), AssetDefinitionError, "External assets require an io_handler"),
        (
            lambda: rs.Asset.external(name="a", io_handler=None),
            AssetDefinitionError,
            "External assets require an io_handler",
        ),
        (
            lambda: rs.Asset.external(name="a", io_handler=3),
            AssetDefinitionError,
            "io_handler must be a BaseIOHandler subclass instance or a string resource reference",
        ),
        (lambda: rs.Asset.external(3, io_handler="s"), AssetDefinitionError, "Asset wraps a function, not int"),
        (lambda: rs.Asset.external(io_handler="s", nope=1), TypeError, "nope"),
        (lambda: rs.Asset.external(io_handler="s", metadata={"a": 1}), TypeError, "metadata must be a dict[str, str]"),
        (lambda: rs.Asset.external(None, "name", io_handler="s"), TypeError, "positional"),
        (
            watched(),
            AssetDefinitionError,
            "asset 'src' already wraps a function; call it only inside an Asset.from_graph body",
        ),
    ],
)
def test_wrong_declarations_are_refused_at_once(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


def test_without_a_name_it_is_refused_when_the_repository_resolves(repository):
    repo = repository(rs.Asset.external(io_handler=Fixed()))
    with pytest.raises(AssetDefinitionError, match="an external asset has no name"):
        repo.validate()


def test_a_handler_may_be_a_resource(repository):
    repo = repository(rs.Asset.external(name="src", io_handler="store"), down, resources={"store": Fixed(value=8)})
    repo.materialize()
    assert repo.load_node("down") == 9
    with pytest.raises(AssetDefinitionError, match="Asset 'src': io_handler references resource 'gone' which"):
        repository(rs.Asset.external(name="src", io_handler="gone")).validate()


def test_the_snapshot_says_what_can_be_observed(repository):
    steps = repository(source()).bound.snapshot.steps + repository(watched()).bound.snapshot.steps
    assert [(step.kind, step.is_runnable) for step in steps] == [
        (StepKind.EXTERNAL_ASSET, False),
        (StepKind.EXTERNAL_ASSET, True),
    ]


# -- in runs --------------------------------------------------------------------------------------------------------


def test_downstream_loads_it_without_a_prior_run(repository):
    src = source(metadata={"k": "v"})
    repo = repository(src, down)
    result = repo.materialize()
    assert result.materialized_assets == ["down"]
    assert repo.load_node("down") == 6
    told = src.io_handler._told[0]
    assert (told.asset_name, told.downstream_asset, told.asset_metadata) == ("src", "down", {"k": "v"})
    assert repo.load_node("src") == 5
    assert set(repo.assets) == {"src", "down"}


def test_what_nobody_observes_is_left_out_unless_it_is_named(repository):
    repo = repository(source(), down)
    assert repo.materialize(selection=["down"]).materialized_assets == ["down"]
    assert repo.materialize(selection=["down"], include_upstream=True).materialized_assets == ["down"]
    with pytest.raises(ExecutionError) as caught:
        repo.materialize(selection=["src", "down"], raise_on_error=False)
    assert str(caught.value) == "Cannot materialize external asset without observe function: 'src'"
    assert len(repo.storage.get_runs()) == 2, "no run was recorded for the refused one"
    assert repository(source()).materialize().materialized_assets == []


@pytest.mark.parametrize("selection", [None, ["src"], ["src", "down"]])
def test_what_is_observed_is_part_of_the_run(storage, repository, selection):
    repo = repository(watched(), down, storage=storage)
    result = repo.materialize(selection=selection)
    assert result.materialized_assets == ["src", "down"][: 1 if selection == ["src"] else 2]
    story = [event for event in repo.storage.get_events_for_run(result.run_id) if event.asset_key == "src"]
    assert [event.event_type for event in story] == ["StepStart", "Observation", "StepSuccess"]
    assert story[1].data_version == "v1"
    assert [(name, json.loads(value)) for name, value in story[1].metadata] == [("rows", {"Int": {"value": 3}})]


def test_include_upstream_observes(repository):
    repo = repository(watched(), down)
    assert repo.materialize(selection=["down"], include_upstream=True).materialized_assets == ["src", "down"]


def test_a_job_need_not_list_it(repository):
    src = watched()
    repo = repository(src, down, jobs=[rs.Job("short", [down]), rs.Job("whole", [src, down])])
    assert repo.get_job("short").execute().materialized_assets == ["down"]
    assert repo.get_job("whole").execute().materialized_assets == ["src", "down"]


def test_a_job_may_list_what_nobody_observes(repository):
    src = source()
    repo = repository(src, down, jobs=[rs.Job("j", [src, down])])
    assert repo.get_job("j").execute().materialized_assets == ["down"]


def test_an_observation_that_fails_skips_what_depends_on_it(repository):
    @rs.Asset.external(io_handler=Fixed())
    def src():
        raise ValueError("gone")

    result = repository(src, down).materialize(raise_on_error=False)
    assert result.failed_assets == [
        ("src", "ValueError: gone"),
        ("down", "ExecutionError: Skipped: upstream dependency failed"),
    ]


# -- observed -------------------------------------------------------------------------------------------------------


def test_observe_is_a_run_and_a_mapping(storage, repository):
    repo = repository(watched(), down, storage=storage)
    result = repo.observe()
    assert isinstance(result, rs.RunResult)
    assert (result.success, result.materialized_assets, result.failed_assets) == (True, ["src"], [])
    assert isinstance(result, Mapping)
    assert (list(result), len(result), "src" in result, "down" in result) == (["src"], 1, True, False)
    assert result["src"]["rows"].raw_value() == 3
    assert dict(result) == {"src": {"rows": rs.MetadataValue.int(3)}}
    assert [*result.keys()], [*result.items()] == (["src"], [("src", result["src"])])
    assert result.get("nope") is None
    with pytest.raises(KeyError):
        _ = result["nope"]
    (run,) = repo.storage.get_runs()
    assert (run.run_id, run.node_names, run.job_name) == (result.run_id, ["src"], None)
    events = [event.event_type for event in repo.storage.get_events_for_run(result.run_id) if event.asset_key]
    assert events == ["StepStart", "Observation", "StepSuccess"]


@pytest.mark.parametrize("names", [["nope"], ["down"], ["plain"], []])
def test_what_cannot_be_observed_is_passed_over(repository, names):
    plain = rs.Asset.external(name="plain", io_handler=Fixed())
    repo = repository(watched(), plain, down)
    result = repo.observe(names)
    assert (result.success, result.run_id, dict(result)) == (True, "", {})
    assert repo.storage.get_runs() == []
    assert list(repo.observe([*names, "src"])) == ["src"]


def test_observing_a_repository_without_external_assets(repository):
    result = repository(rs.Asset(name="a")(lambda: 1)).observe()
    assert (result.success, result.run_id, len(result)) == (True, "", 0)


def test_names_must_be_a_list(repository):
    with pytest.raises(TypeError, match="asset_names must be a list of str, not str"):
        repository(watched()).observe("src")


def test_the_returned_observation_wins_over_the_context(repository):
    @rs.Asset.external(io_handler=Fixed())
    def src(context):
        context.add_output_metadata({"rows": 1, "kept": "yes"})
        context.register_data_version("of the context")
        return rs.Observation(metadata={"rows": 2}, data_version="returned")

    repo = repository(src)
    result = repo.observe()
    assert {name: value.raw_value() for name, value in result["src"].items()} == {"rows": 2, "kept": "yes"}
    assert [e.data_version for e in repo.storage.get_events_for_asset("src") if e.event_type == "Observation"] == [
        "returned"
    ]


@pytest.mark.parametrize("answer", [None, 7, rs.Output(1, metadata={"x": 1}), rs.Materialization(metadata={"x": 1})])
def test_any_other_answer_is_ignored(repository, answer):
    @rs.Asset.external(io_handler=Fixed())
    def src(context: rs.AssetExecutionContext):
        assert (context.asset_name, context.is_multi_asset) == ("src", False)
        context.add_output_metadata({"rows": 1})
        context.register_data_version("v7")
        return answer

    repo = repository(src)
    assert repo.observe()["src"] == {"rows": rs.MetadataValue.int(1)}
    (event,) = [e for e in repo.storage.get_events_for_asset("src") if e.event_type == "Observation"]
    assert event.data_version == "v7"


def test_an_observation_without_metadata_is_none(repository):
    repo = repository(rs.Asset.external(lambda: None, io_handler=Fixed(), name="src"))
    assert repo.observe()["src"] is None


def test_an_observe_function_gets_resources_and_may_be_a_coroutine(repository):
    class Db(rs.Resource):
        url: str = "here"

    @rs.Asset.external(io_handler=Fixed())
    async def src(db: Db):
        await asyncio.sleep(0)
        return rs.Observation(metadata={"url": db.url})

    assert repository(src, resources={"db": Db()}).observe()["src"]["url"].raw_value() == "here"


def test_what_an_observe_function_raises_is_raised(repository, caplog):
    @rs.Asset.external(io_handler=Fixed())
    def src():
        raise LookupError("gone")

    repo = repository(src, rs.Asset.external(lambda: None, io_handler=Fixed(), name="other"))
    with caplog.at_level(logging.ERROR), pytest.raises(LookupError, match="gone"):
        repo.observe()
    assert "observe failed for asset 'src': LookupError: gone" in caplog.text
    assert [e.event_type for e in repo.storage.get_events_for_asset("other")] == [
        "StepSuccess",
        "Observation",
        "StepStart",
    ]


def test_observations_in_worker_processes(tmp_path):
    handler = rs.PickleIOHandler(store=obstore.store.LocalStore(str(tmp_path)))

    def one():
        return rs.Observation(metadata={"n": 1}, data_version="1")

    def two(context: rs.AssetExecutionContext):
        context.add_output_metadata({"n": 2})

    assets = [rs.Asset.external(function, io_handler=handler) for function in (one, two)]
    repo = rs.CodeRepository(assets=assets, default_executor=rs.Executor.parallel(max_workers=2))
    result = repo.observe()
    assert {name: seen["n"].raw_value() for name, seen in result.items()} == {"one": 1, "two": 2}


# -- versions -------------------------------------------------------------------------------------------------------


def test_an_observed_version_makes_downstream_stale(storage, repository):
    versions = iter(["v1", "v1", "v2"])

    @rs.Asset.external(io_handler=Fixed())
    def src():
        return rs.Observation(data_version=next(versions))

    repo = repository(src, down, storage=storage)
    repo.materialize()
    record = repo.storage.get_asset_record("down")
    assert record.last_input_data_versions == [("src", "v1")]
    assert repo.storage.get_asset_record("src").last_data_version == "v1"
    assert repo.storage.get_asset_record("src").last_run_id is None
    assert repo.storage.compute_staleness()["down"][0] == "UpToDate"
    repo.observe()
    assert repo.storage.compute_staleness()["down"][0] == "UpToDate"
    repo.observe()
    status, (cause,) = repo.storage.compute_staleness()["down"]
    assert status == "Stale"
    assert (cause.category, cause.reason, cause.dependency) == ("Data", "upstream 'src' has new data version", "src")
    repo.materialize(selection=["down"])
    assert repo.storage.get_asset_record("down").last_input_data_versions == [("src", "v2")]


def test_an_observation_of_an_asset_of_ones_own_is_no_materialization(repository):
    seen = rs.Asset(name="seen")(lambda: rs.Observation(data_version="v"))
    repo = repository(seen)
    repo.materialize()
    record = repo.storage.get_asset_record("seen")
    assert (record.last_run_id, record.last_data_version) == (None, None)
